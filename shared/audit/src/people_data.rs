//! The `data` of audit events that a person may act on: questions, incidents and approvals.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::notice::Notice;
use holdfast_receipt::{ApprovalOutcome, Decision};
use holdfast_task::QuestionKind;

/// A question that an execution waits on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaitingData {
    /// The step's name.
    pub step: String,
    /// `escalation` or `approval`.
    #[schemars(with = "String")]
    pub kind: QuestionKind,
    /// The time at which the question expires, RFC 3339 UTC.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// The incident's id.
    pub incident: String,
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}

/// An incident that is open, or open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenedData {
    /// The incident's id, which is `subject` too. Events of earlier versions do not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// True if an effect remains or may remain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<bool>,
    /// The id of the execution that opened it.
    pub execution_id: String,
    /// The state at which that execution failed.
    pub state: String,
    /// The error's name.
    pub error: String,
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}

/// The effects that remain, or may remain, after the end of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StandingData {
    /// The execution generation that ended.
    pub generation: u32,
    /// The status in which it ended.
    pub status: String,
    /// The incident's id.
    pub incident: String,
    /// The names of the effects' steps, the first 20; an item of a `for_each` as a digest.
    pub stands: Vec<String>,
    /// The number of effects.
    pub stands_total: usize,
    /// The number of effects that are known to remain. The others may remain.
    pub certain: usize,
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}

/// A person's answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecidedData {
    /// The step's name.
    pub step: String,
    /// The decision's name.
    #[schemars(with = "String")]
    pub decision: Decision,
    /// The incident's id.
    pub incident: String,
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}

/// An incident that a person handled, or the engine resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HandledData {
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}

/// An approval that an execution asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApprovalRequestData {
    /// The step's name.
    pub step: String,
    /// The question, in the words of the definition. Left out for roles that see no payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The groups whose members may decide. Without any, platform admins decide.
    pub by: Vec<String>,
    /// The number of people who must approve.
    pub count: u32,
    /// The time at which the question expires, RFC 3339 UTC.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// The incident's id.
    pub incident: String,
    /// The number of the reminder, from 1. A request has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder: Option<u32>,
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}

/// A person's decision on an approval, or its end without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApprovalDecidedData {
    /// The step's name.
    pub step: String,
    /// The decision of this person. An end without a decision has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub decision: Option<Decision>,
    /// The number of people who have approved so far.
    pub approvals: u32,
    /// The number of people who must approve.
    pub count: u32,
    /// The outcome of the approval. It has none while more people must decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub outcome: Option<ApprovalOutcome>,
    /// The incident's id.
    pub incident: String,
    /// The notice and the link.
    #[serde(flatten)]
    pub about: Notice,
}
