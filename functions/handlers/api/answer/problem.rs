//! The answer to a request that failed.

use schemars::JsonSchema;
use serde::Serialize;

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProblemDocument {
    /// The kind of problem, `urn:holdfast:problem:` and a stable name.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The kind of problem, for people.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The field or the part at fault, its limit, and the fix.
    pub(crate) detail: String,
    /// True if the same request may succeed a little later.
    pub(crate) retryable: bool,
    /// The first ten errors, if the request has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<String>,
}
