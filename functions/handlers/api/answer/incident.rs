//! Incidents and questions as the API shows them. What targets and people said is left out for observers.

use holdfast_ledger::IncidentStatus;
use holdfast_task::QuestionKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::request::ExecutionLinks;
use crate::schema::time;

/// A page of incidents, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Incidents {
    pub(crate) incidents: Vec<Incident>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// One cause, however many executions it met.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Incident {
    pub(crate) incident_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// The state that failed or asks; empty where it came from outside.
    pub(crate) state: String,
    pub(crate) error: String,
    #[schemars(with = "String")]
    pub(crate) status: IncidentStatus,
    #[schemars(schema_with = "time")]
    pub(crate) opened_at: Timestamp,
    /// What people did about it, oldest first.
    pub(crate) handled: Vec<IncidentActionView>,
    pub(crate) href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// What a person did about an incident.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IncidentActionView {
    #[schemars(with = "String")]
    pub(crate) status: IncidentStatus,
    pub(crate) by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// An incident and the executions that it met.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IncidentInFull {
    #[serde(flatten)]
    pub(crate) incident: Incident,
    /// Those that wait first, then the newest: 500 at most.
    pub(crate) executions: Vec<Link>,
    /// How many it met, each generation of an execution for itself.
    pub(crate) executions_total: usize,
}

/// An execution that an incident met.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Link {
    pub(crate) execution_id: String,
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
    /// `WAITING` for a decision, or how it ended.
    pub(crate) status: String,
    pub(crate) href: String,
    /// Effects that stand, or may stand: the first 20. The receipt names them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stands: Option<Vec<String>>,
    /// How many stand, or may.
    pub(crate) stands_total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<Question>,
}

/// What people are asked about an execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Question {
    pub(crate) step: String,
    #[schemars(with = "String")]
    pub(crate) kind: QuestionKind,
    /// `OPEN`, `DECIDED` or `EXPIRED`.
    pub(crate) status: &'static str,
    /// Silence decides then.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// What can be decided.
    pub(crate) decisions: Vec<&'static str>,
    /// What was.
    pub(crate) decision: Option<DecisionView>,
    /// The incident that takes the answer.
    pub(crate) incident: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// A decision that was taken.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionView {
    pub(crate) decision: &'static str,
    pub(crate) by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// What came of a decision.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionResult {
    pub(crate) incident_id: String,
    pub(crate) execution_id: String,
    pub(crate) step: String,
    pub(crate) decision: &'static str,
    /// Whether it had been decided so before.
    pub(crate) replayed: bool,
    pub(crate) links: ExecutionLinks,
}
