//! Answers about incidents and questions. Observers see no messages of targets and no reasons of
//! people.

use holdfast_ledger::IncidentStatus;
use holdfast_task::QuestionKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::request::ExecutionLinks;
use crate::api::schema::time;

/// A page of incidents, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Incidents {
    pub(crate) incidents: Vec<Incident>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// One cause of failures or questions, with every execution that met it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Incident {
    pub(crate) incident_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// The subject of the execution that opened it, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The state that failed or asks; empty if the cause is outside the state machine.
    pub(crate) state: String,
    pub(crate) error: String,
    #[schemars(with = "String")]
    pub(crate) status: IncidentStatus,
    /// True if an effect of its executions remains or may remain.
    pub(crate) standing: bool,
    #[schemars(schema_with = "time")]
    pub(crate) opened_at: Timestamp,
    /// Acknowledgements and resolutions, oldest first.
    pub(crate) handled: Vec<IncidentActionView>,
    pub(crate) href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// An acknowledgement or a resolution.
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

/// An incident and the executions that met it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IncidentInFull {
    #[serde(flatten)]
    pub(crate) incident: Incident,
    /// Waiting executions first, then the newest: 500 at most.
    pub(crate) executions: Vec<Link>,
    /// Number of executions that met it, each execution generation counted separately.
    pub(crate) executions_total: usize,
}

/// An execution that met the incident.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Link {
    pub(crate) execution_id: String,
    /// The subject of the execution, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
    /// `WAITING` for a decision, or the status in which the execution ended.
    pub(crate) status: String,
    pub(crate) href: String,
    /// Effects that remain, or may remain: the first 20. The receipt lists them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stands: Option<Vec<String>>,
    /// Number of effects that remain, or may remain.
    pub(crate) stands_total: usize,
    /// The reason of this execution, 500 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<Question>,
}

/// A question that an execution puts to people.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Question {
    pub(crate) step: String,
    #[schemars(with = "String")]
    pub(crate) kind: QuestionKind,
    /// `OPEN`, `DECIDED`, `EXPIRED`, or `SKIPPED` if the rule of the approval asked no person.
    pub(crate) status: &'static str,
    /// When the question expires, so that its default decision takes effect.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// Decisions that the question allows.
    pub(crate) decisions: Vec<&'static str>,
    /// The decision, once it is recorded.
    pub(crate) decision: Option<DecisionView>,
    /// The path of the incident that takes the decision.
    pub(crate) incident: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// A recorded decision.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionView {
    pub(crate) decision: &'static str,
    pub(crate) by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// The execution and the step that a decision is for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionResult {
    pub(crate) incident_id: String,
    pub(crate) execution_id: String,
    pub(crate) step: String,
    pub(crate) decision: &'static str,
    /// True if the same decision was recorded before.
    pub(crate) replayed: bool,
    pub(crate) links: ExecutionLinks,
}
