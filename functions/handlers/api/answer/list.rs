//! Answers that list executions, receipts, digests and workflows.

use holdfast_task::Tier;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    outline::OutlineNode,
    progress::{OpenQuestion, Pause},
};
use crate::api::schema::{tier, time, time_or_null};

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
    pub(crate) tenant: String,
    pub(crate) workflow_id: String,
    pub(crate) workflow_version: u32,
    /// The subject, if the definition names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<OpenQuestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<Pause>,
    pub(crate) trigger: String,
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    /// The path that returns a link to the receipt.
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
    /// The subject, if the definition names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) status: String,
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    /// Hex SHA-256 of the receipt's bytes.
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

/// The digest of an hour or of several, and a link to it that works without credentials until it
/// expires.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedDigest {
    /// Start of the first hour.
    #[schemars(schema_with = "time")]
    pub(crate) from: Timestamp,
    /// End of the last hour.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// Hex SHA-256 of the file's bytes at the time of the request.
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
    #[serde(flatten)]
    pub(crate) definition: DefinitionSummary,
    pub(crate) href: String,
}

/// A definition, without its content.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DefinitionSummary {
    /// The version that the definition names.
    pub(crate) version: u32,
    /// The kind of its state machine: `standard` or `express`.
    #[schemars(schema_with = "tier")]
    pub(crate) tier: Tier,
    /// The description in one line, if the definition has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) definition_digest: String,
}

/// The versions of a workflow that Step Functions keeps, newest first. A deployed version that is
/// not among them precedes them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowVersions {
    pub(crate) versions: Vec<WorkflowVersion>,
    /// True if there are older ones.
    pub(crate) more: bool,
}

/// A version of a workflow. A deployment that changes the state machine publishes one, so that a
/// version of the definition can be published several times.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowVersion {
    #[serde(flatten)]
    pub(crate) definition: DefinitionSummary,
    /// The time at which a deployment published it. It is null where deployments publish no
    /// versions, and for a deployed version that is older than those listed.
    #[schemars(schema_with = "time_or_null")]
    pub(crate) published_at: Option<Timestamp>,
    /// True if a start runs it now.
    pub(crate) deployed: bool,
}

/// A workflow with its definition.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowInFull {
    #[serde(flatten)]
    pub(crate) workflow: Workflow,
    pub(crate) definition: Definition,
    /// A Mermaid flowchart of the state machine, without the transitions to the rollback.
    pub(crate) graph: String,
    /// The states of an execution without errors, from which a graph can be drawn.
    pub(crate) outline: Vec<OutlineNode>,
}

/// The conditions of a start, and the steps.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Definition {
    /// JSON Schema 2020-12 of the input.
    pub(crate) input: Value,
    /// Assertions that must yield true before any effect.
    pub(crate) guardrails: Vec<Value>,
    /// Other guardrails: hours, freezes, approval, budgets, limits. An amount is an expression
    /// without `{% %}`.
    pub(crate) demands: Map<String, Value>,
    /// Names of the triggers, events and schedules.
    pub(crate) triggers: Vec<String>,
    /// Deadline of an execution, in seconds after its start.
    pub(crate) timeout_s: u64,
    /// The steps, in declared order. Each has its action, the longest attempt in seconds
    /// (`timeout_s`), the number of attempts, the undo (`undo`, absent if it is irreversible), and
    /// the retriers in the Amazon States Language (`retry`).
    pub(crate) steps: Vec<Value>,
}
