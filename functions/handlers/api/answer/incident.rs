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
#[schemars(rename = "LinkedExecution")]
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
    /// `OPEN`, `DECIDED`, `EXPIRED`, `CLOSED` if the execution stopped waiting first, or `SKIPPED`
    /// if the rule of the approval asked no person.
    pub(crate) status: &'static str,
    /// When the question expires, so that its default decision takes effect.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// Decisions that the question allows.
    pub(crate) decisions: Vec<&'static str>,
    /// The decision, once it is recorded.
    pub(crate) decision: Option<DecisionView>,
    /// The groups whose members decide an approval; empty if platform admins do.
    pub(crate) by: Vec<String>,
    /// The number of people who must approve.
    pub(crate) count: u32,
    /// True if each of them must approve for another group.
    pub(crate) distinct_groups: bool,
    /// The votes on an approval, oldest first.
    pub(crate) votes: Vec<VoteView>,
    /// The people who must still approve, while the question is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) needed: Option<NeededApprovals>,
    /// The path of the incident that takes the decision.
    pub(crate) incident: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The digest of what the question shows, which a decision can name so that it counts for no
    /// other question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown_sha256: Option<String>,
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

/// One person's vote on an approval.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VoteView {
    pub(crate) decision: &'static str,
    pub(crate) by: String,
    /// The group for which the person voted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// The member of the group for whom the person stood in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acting_for: Option<String>,
    /// True if the person is a platform admin who voted in the place of a group.
    pub(crate) in_place_of_group: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// The people who must still approve.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NeededApprovals {
    /// The number of people.
    pub(crate) people: u32,
    /// The groups of which they are members; empty if platform admins decide. Where each person
    /// must approve for another group, the groups without a vote.
    pub(crate) groups: Vec<String>,
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
    /// True if the question is decided; an approval may need more people.
    pub(crate) decided: bool,
    /// The votes on an approval, oldest first.
    pub(crate) votes: Vec<VoteView>,
    /// The people who must still approve, while the question is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) needed: Option<NeededApprovals>,
    pub(crate) links: ExecutionLinks,
}
