//! Answers about what holds a running execution up: a question or a pause.

use holdfast_ledger::PauseBehavior;
use holdfast_task::QuestionKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time;

/// The open question of an execution that waits for people, the first to expire if it has several.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct OpenQuestion {
    pub(crate) step: String,
    #[schemars(with = "String")]
    pub(crate) kind: QuestionKind,
    /// When the question expires.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// The groups whose members decide; empty if platform admins decide.
    pub(crate) by: Vec<String>,
    /// The number of people who must approve.
    pub(crate) count: u32,
    /// The number of people who have approved.
    pub(crate) votes: usize,
    /// The path of the incident that takes the decision.
    pub(crate) incident: String,
}

/// The control that pauses an execution.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Pause {
    /// `platform`, `tenant/NAME` or `workflow/WF-ID`.
    pub(crate) scope: String,
    /// The behaviour of the execution during the pause.
    pub(crate) running_executions: PauseBehavior,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) since: Timestamp,
    /// The subject of the token that set the control.
    pub(crate) by: String,
}
