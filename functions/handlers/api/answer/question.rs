//! Answers that list the open questions of executions.

use holdfast_task::QuestionKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time;

/// A page of open questions, by the start of their executions, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Questions {
    pub(crate) questions: Vec<ListedQuestion>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// An open question in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedQuestion {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    pub(crate) step: String,
    #[schemars(with = "String")]
    pub(crate) kind: QuestionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The subject of the execution, if its definition names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The incident that takes the decision.
    pub(crate) incident_id: String,
    /// The groups whose members decide; empty if platform admins decide.
    pub(crate) by: Vec<String>,
    /// The number of people who must approve.
    pub(crate) count: u32,
    /// The number of people who have approved.
    pub(crate) votes: usize,
    /// Decisions that the question allows.
    pub(crate) decisions: Vec<&'static str>,
    #[schemars(schema_with = "time")]
    pub(crate) opened_at: Timestamp,
    /// When the question expires.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    pub(crate) links: QuestionLinks,
}

/// The paths that belong to a question.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuestionLinks {
    pub(crate) execution: String,
    pub(crate) incident: String,
    pub(crate) decision: String,
}
