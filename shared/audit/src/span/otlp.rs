//! The request of OTLP/HTTP with JSON that exports spans.
//!
//! The form is that of opentelemetry.io/docs/specs/otlp, section *JSON Protobuf Encoding*: ids are
//! hex, enums are numbers, 64-bit integers are texts, names are in lowerCamelCase.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Attribute, Span, SpanKind};

/// The deployment that exports spans: the resource of OpenTelemetry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanResource {
    /// The stack's name.
    pub stack: String,
    /// The region.
    pub region: String,
}

/// The body of a `POST` to `/v1/traces`.
pub fn export_request(resource: &SpanResource, spans: &[Span]) -> Value {
    let described = [
        ("service.name", "holdfast".into()),
        ("service.namespace", resource.stack.as_str().into()),
        ("service.version", env!("CARGO_PKG_VERSION").into()),
        ("cloud.provider", "aws".into()),
        ("cloud.region", resource.region.as_str().into()),
    ];
    let spans: Vec<_> = spans.iter().map(as_json).collect();
    json!({
        "resourceSpans": [{
            "resource": { "attributes": attributes(&described) },
            "scopeSpans": [{
                "scope": { "name": "holdfast", "version": env!("CARGO_PKG_VERSION") },
                "spans": spans,
            }],
        }],
    })
}

fn as_json(span: &Span) -> Value {
    // SpanKind and StatusCode of opentelemetry/proto/trace/v1/trace.proto.
    let kind = match span.kind {
        SpanKind::Internal => 1,
        SpanKind::Client => 3,
    };
    const STATUS_ERROR: u8 = 2;
    let mut all = span.attributes.clone();
    let error = span
        .error
        .as_deref()
        .map(|error| ("error.type", error.into()));
    all.extend(error);
    let mut json = json!({
        "traceId": span.trace,
        "spanId": span.id.to_string(),
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": nanos(span.start),
        "endTimeUnixNano": nanos(span.end),
        "attributes": attributes(&all),
    });
    if let Some(parent) = &span.parent {
        json["parentSpanId"] = parent.to_string().into();
    }
    // A status of a span without an error stays unset: `Ok` is for the author of an application
    // (opentelemetry.io/docs/specs/otel/trace/api, section *Set Status*).
    if let Some(error) = &span.error {
        json["status"] = json!({ "code": STATUS_ERROR, "message": error });
    }
    json
}

fn attributes(attributes: &[(&'static str, Attribute)]) -> Vec<Value> {
    let value = |attribute: &Attribute| match attribute {
        Attribute::Text(text) => json!({ "stringValue": text }),
        Attribute::Number(number) => json!({ "intValue": number.to_string() }),
    };
    let attributes = attributes.iter();
    attributes
        .map(|(key, attribute)| json!({ "key": key, "value": value(attribute) }))
        .collect()
}

fn nanos(at: Timestamp) -> String {
    at.as_nanosecond().to_string()
}
