//! Messages of a rollback: plan, undo, give up, recover.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{ErrorName, ExecutionRef, StepRef};

/// The name of the state machine that ends executions which lost their own Step Functions
/// execution.
pub const RECOVERY: &str = "recovery";

/// A rollback to plan: the execution, its new owner and the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTask {
    /// The execution, in the epoch in which it was last read.
    pub execution: ExecutionRef,
    /// ARN of the Step Functions execution that plans; it becomes the owner.
    pub owner: String,
    /// The reason.
    pub failure: Failure,
    /// The function that performs each action.
    pub functions: BTreeMap<String, String>,
    /// Every step in declared order, by which an execution that reached its end is finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRef>,
}

/// The answer of `plan`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanResult {
    /// The execution in its new epoch, for every later task.
    pub execution: ExecutionRef,
    /// The effects to undo, in order.
    pub undo: Vec<UndoItem>,
}

/// One effect to undo or to verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoItem {
    /// The step's name.
    pub step: String,
    /// The item's name in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The function that performs its action; empty if the deployment no longer has one.
    pub function: String,
}

/// One attempt at the undo of one step. The step's record has everything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The step.
    pub undo: UndoItem,
}

/// The answer of an undo: the state of the step's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoResult {
    /// `UNDONE`, `UNDO_FAILED`, or the verified state of a step that has no undo.
    pub status: String,
    /// The number of attempts at the undo, for the log only.
    #[serde(skip)]
    pub attempts: u32,
}

/// The reason for a rollback: the error that a state machine caught, or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The state at which it was caught: a step, a container, or `Begin`; empty for a request.
    #[serde(default)]
    pub state: String,
    /// Step Functions' error name, or one of [`ErrorName`].
    pub error: String,
    /// Step Functions' cause, as text; for a request, its reason.
    #[serde(default)]
    pub cause: String,
    /// The requester, for a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Failure {
    /// The failure of a start that admission rejected.
    pub fn rejected() -> Self {
        Self {
            state: "Begin".to_owned(),
            error: ErrorName::Rejected.to_string(),
            cause: String::new(),
            by: None,
        }
    }

    /// The failure of an execution whose owner is gone, and left no error.
    pub fn lost_owner() -> Self {
        Self {
            state: String::new(),
            error: ErrorName::Lost.to_string(),
            cause: "its Step Functions execution ended without an error".to_owned(),
            by: None,
        }
    }

    /// The message of the error, if a function of ours raised it. Any other cause may quote
    /// payloads.
    pub fn message(&self) -> Option<String> {
        let name = self.error.parse::<ErrorName>().ok()?;
        if name != ErrorName::Transient && !ErrorName::FINAL.contains(&name) {
            return None;
        }
        let cause = serde_json::from_str::<Value>(&self.cause).ok()?;
        Some(cause.get("errorMessage")?.as_str()?.to_owned())
    }
}

/// A call of the function of `Plan`.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanCall {
    /// Plan a rollback.
    Plan(Box<PlanTask>),
    /// Record that an undo never answered.
    GiveUp(Box<GiveUpTask>),
}

impl<'de> Deserialize<'de> for PlanCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let call = Value::deserialize(deserializer)?;
        if call.get("undo").is_some() {
            GiveUpTask::deserialize(call).map(|task| Self::GiveUp(Box::new(task)))
        } else {
            PlanTask::deserialize(call).map(|task| Self::Plan(Box::new(task)))
        }
        .map_err(D::Error::custom)
    }
}

/// The input of the recovery state machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryInput {
    /// The execution, in the epoch in which it was read.
    pub execution: ExecutionRef,
    /// The reason; one that is recorded already is kept.
    pub failure: Failure,
    /// Every step in declared order.
    pub steps: Vec<StepRef>,
}

/// An undo whose function did not answer in any attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveUpTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The step.
    pub undo: UndoItem,
    /// The name of the error that the state machine caught.
    pub error: String,
}
