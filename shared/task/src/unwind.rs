//! The messages of an execution that goes no further: plan, undo, give up, recover.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{ExecutionRef, StepRef};

/// The machine that ends executions which their own machine left behind.
pub const RECOVERY: &str = "recovery";

/// An execution that goes no further: who takes it over, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTask {
    /// The execution, in the epoch in which it was last seen.
    pub execution: ExecutionRef,
    /// ARN of the Step Functions execution that asks; it becomes the owner.
    pub owner: String,
    /// Why.
    pub failure: Failure,
    /// The function that performs each action.
    pub functions: BTreeMap<String, String>,
}

/// What `plan` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanResult {
    /// The execution in its new epoch: handed to every later task.
    pub execution: ExecutionRef,
    /// What to undo, in order.
    pub undo: Vec<UndoItem>,
}

/// One effect to undo, or to ask about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoItem {
    /// The step's name.
    pub step: String,
    /// The item's name in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The function that performs its action; empty where the deployment has none any more.
    pub function: String,
}

/// One attempt at undoing one step. Everything else stands in the step's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// Which step.
    pub undo: UndoItem,
}

/// What an undo answers: how the step's record stands then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoResult {
    /// `UNDONE`, `UNDO_FAILED`, or of a step that has no undo, what its target says of it.
    pub status: String,
    /// How many attempts to undo it there were. For the log, not for the machine.
    #[serde(skip)]
    pub attempts: u32,
}

/// Why an execution goes no further: the error that a machine caught, or what somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The state it was caught at: a step, a container, or `Begin`; empty if it came from outside.
    #[serde(default)]
    pub state: String,
    /// Step Functions' error name, or one of [`ErrorName`](super::ErrorName).
    pub error: String,
    /// Step Functions' cause, as text; of a request, its reason.
    #[serde(default)]
    pub cause: String,
    /// Who asked for it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Failure {
    /// The gate said no.
    pub fn rejected() -> Self {
        Self {
            state: "Begin".to_owned(),
            error: super::ErrorName::Rejected.to_string(),
            cause: String::new(),
            by: None,
        }
    }
}

/// What the function of `Plan` is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanCall {
    /// To plan a rollback.
    Plan(Box<PlanTask>),
    /// To record an undo that never answered.
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

/// The input of the recovery machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryInput {
    /// The execution, in the epoch in which it was seen.
    pub execution: ExecutionRef,
    /// Why it goes no further; a cause that is recorded already is kept.
    pub failure: Failure,
    /// Every step in declared order.
    pub steps: Vec<StepRef>,
}

/// An undo whose function did not answer, however often it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveUpTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// Which step.
    pub undo: UndoItem,
    /// The name of the error that its machine caught.
    pub error: String,
}
