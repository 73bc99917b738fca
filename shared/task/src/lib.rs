//! The messages between a compiled state machine and the functions it calls.
//!
//! The compiler writes them as Task `Arguments`, and the functions read them. Durations are whole
//! seconds (`_s`), because Step Functions counts in seconds.

mod admission;
mod ask;
mod bulk;
mod error_name;
mod output;
pub mod payload;
mod rules;
pub mod timing;
mod unwind;

pub use admission::{
    AdmissionSpec, FieldExpression, Guardrail, ShownFields, Template, Tier, TriggerMap,
};
pub use ask::{Approvers, Ask, AskCall, AskResult, AskTask, ExpireTask, QuestionKind};
pub use bulk::{BULK, BulkTask};
pub use error_name::ErrorName;
pub use output::{EvaluatedOutput, MAX_OUTPUT_BYTES};
pub use rules::{Budget, Day, Freeze, Hours, Period, StartConditions};
pub use unwind::{
    Failure, GiveUpTask, PlanCall, PlanResult, PlanTask, RECOVERY, RecoveryInput, UndoItem,
    UndoResult, UndoTask,
};

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::timing::lease_s;
use holdfast_ids::trace::TraceId;

/// The task of `begin`: the constants of a state machine and the input of its Step Functions
/// execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginTask {
    /// The part of the definition that admission applies.
    pub gate: AdmissionSpec,
    /// Every step in declared order.
    pub steps: Vec<StepRef>,
    /// The input of the Step Functions execution: an envelope, or a trigger's event.
    pub start: Value,
    /// ARN of the Step Functions execution; it becomes the owner.
    pub owner: String,
    /// ARN of the state machine, with its version if it has one, from which the compiled steps can
    /// be read.
    pub machine: String,
    /// The time at which Step Functions started it, RFC 3339.
    pub started_at: String,
    /// The trace of the invocation. The function sets it, no state machine does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
}

/// A step as the receipt lists it, reached or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRef {
    /// The step's name, unique in the definition.
    pub name: String,
    /// The action that performs it.
    pub action: String,
    /// The `for_each` that contains it, if any: it then has one record per item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<String>,
    /// True for the last steps. Every step was reached once each of them is done, for every item in
    /// a `for_each`, and the approvals at the end are given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// The approvals with which the definition ends. Only the step that is declared last has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    /// True if the definition declares an output. Only the step that is declared last says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output: bool,
    /// The branches that lead to the step, outermost first: that of each `choose` around it, and
    /// that of each `stop` before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchRef>,
}

/// A branch that an execution can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchRef {
    /// The name of the `choose` or `stop` at which the branch begins.
    pub step: String,
    /// The branch: the number of its `when` from 1, or [`OTHERWISE`]; at a `stop`, [`STOP`] or
    /// [`CONTINUE`].
    pub branch: String,
}

/// The branch of a `choose` if no `when` yields true, whether or not it has steps.
pub const OTHERWISE: &str = "otherwise";
/// The branch of a `stop` that ends the execution.
pub const STOP: &str = "stop";
/// The branch of a `stop` that leads to the next step.
pub const CONTINUE: &str = "continue";

/// The branches that an execution takes, by the name of each `choose` or `stop`.
pub type Choices = BTreeMap<String, String>;

/// The answer of `begin`. The state machine keeps both parts as variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeginResult {
    /// The execution, for every later task.
    pub execution: ExecutionRef,
    /// The input as steps see it (`$input`).
    pub input: Value,
    /// The branches that a redrive takes again, because a step of each has or may have an effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: Choices,
}

/// The execution that a task belongs to, with the epoch in which it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionRef {
    /// The execution id, derived from tenant, workflow and idempotency key.
    pub id: String,
    /// The tenant.
    pub tenant: String,
    /// Workflow id.
    pub workflow: String,
    /// The definition's version.
    pub version: u32,
    /// The epoch. A task of an older epoch can claim nothing.
    pub epoch: u64,
    /// The execution generation. It rises with a redrive and with a later rollback.
    pub generation: u32,
    /// The time of the start, RFC 3339.
    pub started_at: String,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The trace of everything that the execution does.
    pub trace: TraceId,
}

/// One attempt at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The step's compiled policy.
    pub step: StepPolicy,
    /// The evaluated `item_key` of the item, in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_key: Option<Value>,
    /// The number of items, at a last step in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Value>,
    /// The value of `when`. The step is skipped unless it is `true` or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Value>,
    /// The action's input, evaluated.
    #[serde(default)]
    pub input: Value,
    /// The undo's own input, evaluated before the step. It is absent if the undo takes the forward
    /// input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_input: Option<Value>,
}

/// The declaration of one step, as literals in the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPolicy {
    /// The step's name.
    pub name: String,
    /// The place in declared order, from 1.
    pub number: u32,
    /// The action that performs it.
    pub action: String,
    /// The longest duration of one attempt, in seconds.
    pub timeout_s: u64,
    /// The maximum number of attempts, the first included.
    pub max_attempts: u32,
    /// True if the target can take the same call twice.
    pub idempotent: bool,
    /// True if the step only reads: it has no effect, and so no undo.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// The policy of its undo; `None` if the step is irreversible or only reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoPolicy>,
    /// True if the workflow continues, with the output null, if the step fails without an effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The codes of failures without an effect after which the workflow continues. The output then
    /// names the failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continues_on: Vec<String>,
    /// The condition under which the step is done, if it polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<PollPolicy>,
    /// True if the step is one of the last and has a `when`: it leaves a record if it is skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// The maximum size of an output, in bytes of JSON. The state machine gets a reference to a
    /// larger one.
    pub inline_output_bytes: usize,
}

/// The polling of a step that only reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollPolicy {
    /// A JSONata expression over `$result` and `$attempt` that yields `true` once the step is done.
    /// It has no `{% %}`, so that Step Functions does not evaluate it.
    pub until: String,
    /// The delay before the next attempt, in seconds.
    pub every_s: u64,
}

/// The policy of the undo of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoPolicy {
    /// The longest duration of one attempt at the undo, in seconds.
    pub timeout_s: u64,
    /// The maximum number of attempts at the undo.
    pub max_attempts: u32,
    /// True if the target refuses the effect key after an undo, so that a delayed call cannot take
    /// effect later.
    #[serde(default)]
    pub fences: bool,
    /// True if "no such effect" as the answer to an undo says that the effect is gone, even after
    /// the target confirmed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing_is_undone: bool,
}

/// The policy of the verification of a step with an unknown outcome and without an undo.
pub const VERIFY_POLICY: UndoPolicy = UndoPolicy {
    timeout_s: 30,
    max_attempts: 3,
    fences: false,
    missing_is_undone: false,
};

impl UndoPolicy {
    /// The lease of an attempt at the undo.
    pub fn lease(self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(lease_s(self.timeout_s)).unwrap_or(900))
    }
}

/// The answer of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// The status.
    pub status: StepStatus,
    /// The action's output, a reference to it (`{"$stored": {…}}`), or null for a skipped step.
    pub output: Value,
    /// The number of the attempt that succeeded, from 1, for the log only; `None` if this call made
    /// no attempt.
    #[serde(skip)]
    pub attempt: Option<u32>,
}

/// The status of a step task that did not raise an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The effect happened.
    Succeeded,
    /// `when` was not true.
    Skipped,
    /// The step failed without an effect, and the workflow continues without it.
    Failed,
}

/// A call of the function of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum StepCall {
    /// An attempt at a step.
    Step(Box<StepTask>),
    /// An attempt at undoing one.
    Undo(Box<UndoTask>),
}

impl<'de> Deserialize<'de> for StepCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let call = Value::deserialize(deserializer)?;
        // Not `untagged`: its errors do not say what is wrong.
        if call.get("undo").is_some() {
            UndoTask::deserialize(call).map(|task| Self::Undo(Box::new(task)))
        } else {
            StepTask::deserialize(call).map(|task| Self::Step(Box::new(task)))
        }
        .map_err(D::Error::custom)
    }
}

/// The task of `finish`, which ends an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishTask {
    /// The execution that ends.
    pub execution: ExecutionRef,
    /// Every step in declared order, so that the receipt can name those that left no record.
    pub steps: Vec<StepRef>,
    /// The output, if the definition declares one and the state machine evaluates it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<EvaluatedOutput>,
    /// The branches that the execution took; none if a recovery ends it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: Choices,
    /// The reason of each `stop`, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stops: BTreeMap<String, String>,
}

/// The answer of `finish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishResult {
    /// The execution's final status, such as `EXECUTED`.
    pub status: String,
    /// S3 key of its receipt.
    pub receipt: String,
    /// Hex SHA-256 of the receipt's bytes.
    pub receipt_sha256: String,
    /// The id of the incident that the execution met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
}
