//! The members of the API's answers that tables show. A test compares them with the OpenAPI
//! document, so that both stay one contract.

pub(super) mod bulk;
pub(super) mod outlook;
pub(super) mod workflow;

use jiff::Timestamp;
#[cfg(test)]
use schemars::JsonSchema;
use serde::Deserialize;

/// An execution in a list.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct ListedExecution {
    pub(super) execution_id: String,
    pub(super) workflow_id: String,
    #[serde(default)]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) subject: Option<String>,
    pub(super) status: String,
    pub(super) trigger: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) started_at: Timestamp,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) ended_at: Option<Timestamp>,
}

/// A receipt in a list.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct ListedReceipt {
    pub(super) execution_id: String,
    pub(super) workflow_id: String,
    #[serde(default)]
    pub(super) subject: Option<String>,
    pub(super) status: String,
    pub(super) generation: u32,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) started_at: Timestamp,
    pub(super) sha256: String,
}

/// An execution in full, without the payloads.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Execution {
    pub(super) execution_id: String,
    pub(super) workflow_id: String,
    pub(super) workflow_version: u32,
    /// Absent in answers of earlier releases.
    #[serde(default)]
    pub(super) tier: Option<String>,
    pub(super) tenant: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) shown: Option<Vec<ShownField>>,
    pub(super) trigger: String,
    #[serde(default)]
    pub(super) requested_by: Option<String>,
    pub(super) generation: u32,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) started_at: Timestamp,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) ended_at: Option<Timestamp>,
    pub(super) guardrails: Vec<Guardrail>,
    pub(super) failure: Option<Failure>,
    /// Absent before the end, without payloads, and in answers of earlier releases.
    pub(super) residual_effects: Option<Vec<Residual>>,
    /// Absent in answers of earlier releases.
    pub(super) redriven: Option<Redrive>,
    /// Paths; absent in answers of earlier releases.
    #[serde(default)]
    pub(super) incidents: Vec<String>,
    pub(super) questions: Vec<Question>,
    pub(super) steps: Vec<Step>,
}

/// A field that the definition shows to people.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct ShownField {
    pub(super) label: String,
    pub(super) value: String,
}

/// A start that no record shows yet.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct StartResult {
    pub(super) execution_id: String,
    pub(super) replayed: bool,
    #[serde(default)]
    pub(super) status: Option<String>,
    /// The execution, if it ended while the start waited.
    #[serde(default)]
    pub(super) execution: Option<Execution>,
}

/// The outcome of a guardrail.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Guardrail {
    pub(super) name: String,
    pub(super) held: bool,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// The failure that stopped an execution.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Failure {
    pub(super) state: String,
    pub(super) error: String,
    pub(super) requested_by: Option<String>,
    /// Absent without payloads, and in answers of earlier releases.
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// The last redrive of an execution.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Redrive {
    pub(super) by: String,
    pub(super) reason: Option<String>,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) at: Timestamp,
}

/// An effect that remains, or may remain.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Residual {
    pub(super) step: String,
    pub(super) action: String,
    pub(super) certain: bool,
}

/// A question to people, as an execution shows it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Question {
    pub(super) step: String,
    pub(super) status: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) until: Timestamp,
    pub(super) decisions: Vec<String>,
    pub(super) decision: Option<RecordedDecision>,
    /// Absent in answers of earlier releases.
    #[serde(default)]
    pub(super) votes: Vec<Vote>,
    pub(super) incident: String,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) shown_sha256: Option<String>,
}

/// A vote on an approval.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Vote {
    #[serde(flatten)]
    pub(super) decision: RecordedDecision,
    pub(super) group: Option<String>,
    pub(super) acting_for: Option<String>,
    #[serde(default)]
    pub(super) in_place_of_group: bool,
}

/// A recorded decision.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct RecordedDecision {
    pub(super) decision: String,
    pub(super) by: String,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// A step, or one item of a `for_each`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Step {
    pub(super) name: String,
    #[serde(default)]
    pub(super) item: Option<String>,
    pub(super) action: String,
    pub(super) status: String,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) started_at: Option<Timestamp>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) undo_attempts: Vec<Attempt>,
}

/// One attempt at a step or at its undo.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(crate) struct Attempt {
    #[serde(default)]
    pub(super) outcome: Option<String>,
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) answer: Option<TargetAnswer>,
}

/// The answer of a target that did not succeed.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(crate) struct TargetAnswer {
    pub(crate) path: String,
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) cut: bool,
}

/// A question in the inbox.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct InboxQuestion {
    pub(super) execution_id: String,
    pub(super) workflow_id: String,
    pub(super) tenant: String,
    pub(super) step: String,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) subject: Option<String>,
    pub(super) incident_id: String,
    #[serde(default)]
    pub(super) count: Option<u32>,
    #[serde(default)]
    pub(super) votes: Option<u32>,
    #[serde(default)]
    pub(super) decisions: Vec<String>,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) until: Timestamp,
}

/// An incident in a list.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Incident {
    pub(super) incident_id: String,
    pub(super) workflow_id: String,
    pub(super) tenant: String,
    pub(super) state: String,
    pub(super) error: String,
    pub(super) status: String,
    pub(super) standing: bool,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) opened_at: Timestamp,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// An incident with its executions.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct IncidentInFull {
    #[serde(flatten)]
    pub(super) incident: Incident,
    pub(super) executions: Vec<IncidentExecution>,
    pub(super) executions_total: usize,
}

/// An execution that met an incident.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct IncidentExecution {
    pub(super) execution_id: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) at: Timestamp,
    pub(super) status: String,
    #[serde(default)]
    pub(super) stands: Option<Vec<String>>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// An execution after a request to cancel, roll back or redrive it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct RequestResult {
    pub(super) execution_id: String,
    pub(super) status: String,
    pub(super) note: Option<String>,
}

/// A recorded decision, or a repeat of it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct DecisionResult {
    pub(super) execution_id: String,
    pub(super) step: String,
    pub(super) decision: String,
    pub(super) replayed: bool,
}

/// A control after a request to set it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct ControlChange {
    pub(super) scope: String,
    pub(super) state: String,
    pub(super) replayed: bool,
    #[serde(default)]
    pub(super) scope_check: String,
    #[serde(default)]
    pub(super) open_executions: Option<u64>,
    #[serde(default)]
    pub(super) open_executions_more: bool,
}

/// A control in the list of controls.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Control {
    pub(super) scope: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) running_executions: Option<String>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) by: Option<String>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) at: Option<Timestamp>,
}

/// The budgets and limits of a tenant.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Allowances {
    pub(super) budgets: Vec<Allowance>,
    pub(super) limits: Vec<Allowance>,
}

/// A budget or a limit. A role that sees no payloads sees no sums of a budget.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Allowance {
    pub(super) workflow_id: String,
    pub(super) name: String,
    pub(super) limit: String,
    #[serde(default)]
    pub(super) used: Option<String>,
    #[serde(default)]
    pub(super) left: Option<String>,
    pub(super) period: Option<String>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) resets_at: Option<Timestamp>,
}

/// A member of a group, and the stand-in who decides for the group.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Delegation {
    pub(super) group: String,
    pub(super) by: String,
    pub(super) to: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) from: Timestamp,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) until: Timestamp,
    pub(super) reason: String,
    pub(super) in_force: bool,
}

/// A delegation after a request to set or remove it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct DelegationChange {
    #[serde(flatten)]
    pub(super) delegation: Delegation,
    pub(super) removed: bool,
    pub(super) replayed: bool,
}

/// The registration of a tenant.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Tenant {
    pub(super) tenant: String,
    pub(super) state: String,
    pub(super) by: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) at: Timestamp,
    /// Set after a request to change it.
    #[serde(default)]
    pub(super) replayed: bool,
}
