//! Messages of a state that waits for a decision: the question and its timeout.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{ExecutionRef, Failure};
use holdfast_receipt::Decision;

/// A question to people. The state waits until its task token receives a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The question, as the definition declares it.
    pub ask: Ask,
    /// False if the step is skipped: the `when` of an approval yielded false.
    #[serde(default = "asks", skip_serializing_if = "is_true")]
    pub when: bool,
    /// The message for people; an escalation takes it from the failure.
    #[serde(default)]
    pub message: Value,
    /// The failure that led to an escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The task token.
    pub token: String,
    /// The time at which the state was entered, RFC 3339.
    pub entered: String,
    /// The retry count of the state since.
    #[serde(default)]
    pub retry: u32,
}

/// The declaration of a question, as literals in the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The step that waits.
    pub step: String,
    /// The kind, which says what can be decided.
    pub kind: QuestionKind,
    /// The time for a decision, in seconds. Without one the execution is rolled back.
    pub within_s: u64,
    /// The people who may approve, and how many must. Without it, one platform admin decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Approvers>,
    /// The rule under which people are asked, as the definition writes it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// The people who may approve a step, and how many of them must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// The groups whose members may approve. Without any, platform admins approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The number of distinct people who must approve.
    pub count: u32,
    /// True if each of them must approve for another group.
    #[serde(default, skip_serializing_if = "is_false")]
    pub distinct_groups: bool,
    /// The time between two reminders, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_every_s: Option<u64>,
}

fn asks() -> bool {
    true
}

fn is_true(flag: &bool) -> bool {
    *flag
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The timeout of a question. The answer is a decision that came in time, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The step that waited.
    pub expired: String,
}

/// The result of a decision, for the state machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskResult {
    /// Null for a skipped step; `by`, `at` and `reason` of an approval.
    pub output: Value,
}

/// A call of the function for questions.
#[derive(Debug, Clone, PartialEq)]
pub enum AskCall {
    /// Record a question.
    Ask(Box<AskTask>),
    /// Close a question.
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

/// The kind of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// A step failed permanently: retry it, skip it, or roll back.
    Escalation,
    /// The workflow continues if a person approves.
    Approval,
}

impl QuestionKind {
    /// The decisions that a question of this kind takes.
    pub fn decisions(self) -> &'static [Decision] {
        match self {
            Self::Escalation => &[Decision::Retry, Decision::Skip, Decision::Rollback],
            Self::Approval => &[Decision::Approve, Decision::Reject],
        }
    }
}
