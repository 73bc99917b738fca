//! Spans of OpenTelemetry: the parts of an execution that took time, derived from committed changes
//! of its records. They have no payloads, no names of people and no reasons.
//!
//! A span is derived when it has ended. Its id comes from the execution and from what the span is
//! about, so that a change that is read twice yields the same span.

mod derive;
mod otlp;

use holdfast_ids::trace::{SpanId, TraceId};
use jiff::Timestamp;

pub use derive::spans;
pub use otlp::{SpanResource, export_request};

/// One span, which has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace of the execution.
    pub trace: TraceId,
    /// The id.
    pub id: SpanId,
    /// The span of which it is a part. The first span of an execution has none.
    pub parent: Option<SpanId>,
    /// The name, which has no part of an input.
    pub name: String,
    /// The kind.
    pub kind: SpanKind,
    /// The start.
    pub start: Timestamp,
    /// The end, never before the start.
    pub end: Timestamp,
    /// The attributes.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// The name of the error, if the span did not succeed.
    pub error: Option<String>,
}

/// The kind of a span. OpenTelemetry has others, which no span here is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// It stays within the deployment.
    Internal,
    /// It calls a target.
    Client,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u32> for Attribute {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}
