//! What the API answers, type by type: the handlers write these, and the OpenAPI document is made of them.

mod control;
mod execution;
mod incident;
mod list;

pub(crate) use control::{Control, ControlChange, Controls};
pub(crate) use execution::{
    Attempt, Execution, ExecutionFailure, ExecutionView, ReceiptLink, Redrive, Starting, Step,
    StepPayloads, Story,
};
pub(crate) use incident::{
    DecisionResult, DecisionView, Incident, IncidentActionView, IncidentInFull, Incidents, Link,
    Question,
};
pub(crate) use list::{
    Definition, Digests, Executions, ListedDigest, ListedExecution, ListedReceipt, Receipts,
    Workflow, WorkflowInFull, Workflows,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProblemDocument {
    /// `urn:holdfast:problem:` and the kind of problem: stable.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The kind, for people.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What was wrong, where, and what would be right.
    pub(crate) detail: String,
    /// Whether the same request may be answered otherwise a little later.
    pub(crate) retryable: bool,
    /// Every place, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<String>,
}

/// A start: the execution that it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StartResult {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// Whether an earlier start with this key began it.
    pub(crate) replayed: bool,
    pub(crate) links: StartLinks,
}

/// Where to look at a start.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StartLinks {
    pub(crate) execution: String,
    pub(crate) receipt: String,
}

/// What came of a request about an execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RequestResult {
    pub(crate) execution_id: String,
    pub(crate) status: String,
    pub(crate) generation: u32,
    /// Whether it was asked before, or happens anyway.
    pub(crate) replayed: bool,
    /// Then, which of the two.
    pub(crate) note: Option<String>,
    pub(crate) links: ExecutionLinks,
}

/// Where to look at an execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExecutionLinks {
    pub(crate) execution: String,
}

/// A link to a receipt that works without credentials until it expires.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FetchLink {
    pub(crate) execution_id: String,
    pub(crate) url: String,
    #[schemars(schema_with = "time")]
    pub(crate) expires_at: jiff::Timestamp,
    /// Hex SHA-256 of what the link gives.
    pub(crate) sha256: String,
    /// The object's key in the bucket of receipts.
    pub(crate) object: String,
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeySet {
    /// Public keys.
    pub(crate) keys: Vec<serde_json::Value>,
}

/// A time, RFC 3339.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// A time, or null.
pub(crate) fn time_or_null(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}
