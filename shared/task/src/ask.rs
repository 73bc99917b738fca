//! The messages of a state that waits for a person: the question, and the end of its time.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{ExecutionRef, Failure};
use holdfast_receipt::Decision;

/// A question to people; the machine waits until its token is told of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// What is asked.
    pub ask: Ask,
    /// What people read; of an escalation the failure says it.
    #[serde(default)]
    pub message: Value,
    /// What led to an escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Step Functions' name for the task that waits.
    pub token: String,
    /// When the machine entered the state, RFC 3339.
    pub entered: String,
    /// How often that state was tried again since.
    #[serde(default)]
    pub retry: u32,
}

/// What the definition says about a question, as literals in the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The step that waits.
    pub step: String,
    /// What can be decided.
    pub kind: QuestionKind,
    /// Silence for this long rolls back.
    pub within_s: u64,
}

/// The time for a decision is over: what rules?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The step that waited.
    pub expired: String,
}

/// What a decision answers the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskResult {
    /// Null for a skipped step; of an approval `by`, `at` and `reason`.
    pub output: Value,
}

/// What the function of questions is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum AskCall {
    /// To ask.
    Ask(Box<AskTask>),
    /// To say what rules.
    Expire(Box<ExpireTask>),
}

impl<'de> Deserialize<'de> for AskCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let call = Value::deserialize(deserializer)?;
        if call.get("expired").is_some() {
            ExpireTask::deserialize(call).map(|task| Self::Expire(Box::new(task)))
        } else {
            AskTask::deserialize(call).map(|task| Self::Ask(Box::new(task)))
        }
        .map_err(D::Error::custom)
    }
}

/// What people are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// A step failed for good: try it again, skip it, or roll back.
    Escalation,
    /// The workflow goes on if somebody agrees.
    Approval,
}

impl QuestionKind {
    /// What can be decided.
    pub fn decisions(self) -> &'static [Decision] {
        match self {
            Self::Escalation => &[Decision::Retry, Decision::Skip, Decision::Rollback],
            Self::Approval => &[Decision::Approve, Decision::Reject],
        }
    }
}
