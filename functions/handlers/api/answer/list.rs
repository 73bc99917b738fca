//! Lists as the API answers them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::schema::{time, time_or_null};

/// A page of executions, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Executions {
    pub(crate) executions: Vec<ListedExecution>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// An execution in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedExecution {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) workflow_version: u32,
    pub(crate) status: String,
    pub(crate) trigger: String,
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    /// Where its receipt's link is asked for.
    pub(crate) receipt: Option<String>,
    pub(crate) href: String,
}

/// A page of receipts, by the start of their executions, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Receipts {
    pub(crate) receipts: Vec<ListedReceipt>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// A receipt in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedReceipt {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) status: String,
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    /// Hex SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// The object's key in the bucket of receipts.
    pub(crate) object: String,
    pub(crate) href: String,
}

/// A page of digests, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Digests {
    pub(crate) digests: Vec<ListedDigest>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// The digest of an hour, and a link to it that works without credentials until it expires.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedDigest {
    /// When its hour begins.
    #[schemars(schema_with = "time")]
    pub(crate) from: Timestamp,
    /// When its hour is over.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// Hex SHA-256 of its bytes, as they are now.
    pub(crate) sha256: String,
    /// The object's key in the bucket of receipts.
    pub(crate) object: String,
    pub(crate) url: String,
    #[schemars(schema_with = "time")]
    pub(crate) expires_at: Timestamp,
}

/// The workflows that are open to a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Workflows {
    pub(crate) workflows: Vec<Workflow>,
}

/// A workflow in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Workflow {
    pub(crate) workflow_id: String,
    pub(crate) version: u32,
    pub(crate) definition_digest: String,
    pub(crate) href: String,
}

/// A workflow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowInFull {
    #[serde(flatten)]
    pub(crate) workflow: Workflow,
    pub(crate) definition: Definition,
    /// A Mermaid flowchart of its machine, without the way to the rollback.
    pub(crate) graph: String,
}

/// What a workflow demands of a start, and what it does.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Definition {
    /// JSON Schema 2020-12 of its input.
    pub(crate) input: Value,
    /// Assertions that must hold before any effect.
    pub(crate) guardrails: Vec<Value>,
    /// What else it demands of a start: hours, freezes, an approval, budgets, limits. An amount is an expression without `{% %}`.
    pub(crate) demands: Map<String, Value>,
    /// Events and schedules that start it, by name.
    pub(crate) triggers: Vec<String>,
    /// Longest duration of an execution, in seconds.
    pub(crate) timeout_s: u64,
    /// Its steps, in declared order: the action, the longest attempt in seconds (`timeout_s`), the attempts in all, how it is
    /// undone (`undo`, absent where it cannot be), and its retriers in the Amazon States Language (`retry`).
    pub(crate) steps: Vec<Value>,
}
