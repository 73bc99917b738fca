//! The messages between a compiled state machine and the functions it calls.
//!
//! The compiler writes them as Task `Arguments`, the functions read them. Durations are whole seconds (`_s`),
//! because Step Functions counts in those.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::timing::lease_s;

/// What a machine knows of itself and hands to `begin`, with whatever started it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginTask {
    /// The part of the definition that decides whether an execution may start.
    pub gate: Gate,
    /// Every step in declared order.
    pub steps: Vec<StepRef>,
    /// The machine's own input, untouched: an envelope, or a trigger's event.
    pub start: Value,
    /// ARN of the Step Functions execution that asks; it becomes the owner.
    pub owner: String,
    /// ARN of the state machine (with its version where it has one): where the compiled steps can be read again.
    pub machine: String,
    /// When Step Functions started the execution, RFC 3339.
    pub started_at: String,
}

/// What a definition demands of a start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Workflow id, such as `WF-DELAY-VENDOR-PAYMENTS-ACME`.
    pub workflow: String,
    /// The definition's version, raised by its author.
    pub version: u32,
    /// `sha256:` and the hex digest of the definition's canonical JSON.
    pub definition_digest: String,
    /// Tenants that may start it; empty means every tenant.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// JSON Schema 2020-12 of the input.
    pub input_schema: Value,
    /// Assertions that must hold before any effect.
    #[serde(default)]
    pub guardrails: Vec<Guardrail>,
    /// Events and schedules that may start it.
    #[serde(default)]
    pub triggers: Vec<TriggerMap>,
    /// Longest duration of an execution.
    pub timeout_s: u64,
}

/// One assertion over `$input` and `$execution`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// Its name, unique in the definition.
    pub name: String,
    /// A JSONata expression without its `{% %}` (so that Step Functions leaves it to `begin`); must yield `true`.
    pub assert: String,
    /// Said to the person whose start is rejected.
    pub message: String,
}

/// How an event or a schedule becomes a start. Strings are literals or, marked `expression`, JSONata over
/// `$event` and `$scheduled_time`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerMap {
    /// The name by which the event rule or schedule calls it.
    pub name: String,
    /// Who the execution belongs to.
    pub tenant: Template,
    /// What makes a repeated event the same start.
    pub idempotency_key: Template,
    /// The execution's input.
    pub input: Template,
}

/// A JSON value in which some strings are expressions: those are written `{"$jsonata": "…"}`, which Step Functions
/// does not evaluate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Value);

/// A step as the receipt lists it, reached or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRef {
    /// The step's name, unique in the definition.
    pub name: String,
    /// The action it performs.
    pub action: String,
    /// The `for_each` container it stands in, if any: it then has one record per item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<String>,
}

/// What `begin` answers: the machine keeps both parts as variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeginResult {
    /// Handed to every later task.
    pub execution: ExecutionRef,
    /// The input as steps see it (`$input`).
    pub input: Value,
}

/// Which execution a task belongs to, and in which phase of its life it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionRef {
    /// Derived from tenant, workflow and idempotency key.
    pub id: String,
    /// The tenant it belongs to.
    pub tenant: String,
    /// Workflow id.
    pub workflow: String,
    /// The definition's version.
    pub version: u32,
    /// Who may act: a task of an older epoch can claim nothing.
    pub epoch: u64,
    /// Rises with a redrive and with a later rollback.
    pub generation: u32,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
}

/// One attempt at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTask {
    /// The execution it belongs to.
    pub execution: ExecutionRef,
    /// The step's compiled policy.
    pub step: StepPolicy,
    /// Which item of a `for_each` this is: its `item_key`, evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_key: Option<Value>,
    /// The value of `when`; the step is skipped unless it is `true`. Absent: always run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Value>,
    /// The action's input, evaluated.
    #[serde(default)]
    pub input: Value,
    /// The undo's own input, evaluated before the step runs. Absent where the action undoes by its forward input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_input: Option<Value>,
}

/// What the definition says about one step, as literals in the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPolicy {
    /// The step's name.
    pub name: String,
    /// Its place in declared order, from 1.
    pub number: u32,
    /// The action that performs it.
    pub action: String,
    /// Longest duration of one attempt.
    pub timeout_s: u64,
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Whether the target can take the same call twice.
    pub idempotent: bool,
    /// How it is undone; `None` where it is irreversible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoPolicy>,
    /// An output larger than this many bytes of JSON is stored, and the machine gets a reference instead.
    pub inline_output_bytes: usize,
}

/// What the definition says about undoing one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoPolicy {
    /// Longest duration of one undo attempt.
    pub timeout_s: u64,
    /// Undo attempts in all.
    pub max_attempts: u32,
    /// Whether the target, once told to undo, refuses the effect's key from then on, so that a delayed call cannot
    /// take effect after its undo.
    #[serde(default)]
    pub fences: bool,
}

impl UndoPolicy {
    /// How long an attempt to undo may hold its claim.
    pub fn lease(self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(lease_s(self.timeout_s)).unwrap_or(900))
    }
}

/// What a step answers its machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// Whether it ran.
    pub status: StepStatus,
    /// The action's output, a reference to it (`{"$stored": {…}}`), or null for a skipped step.
    pub output: Value,
}

/// How a step task ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The effect stands.
    Succeeded,
    /// `when` was not true.
    Skipped,
}

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
    pub undo: Vec<ToUndo>,
}

/// One effect to undo, or to ask about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToUndo {
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
    pub undo: ToUndo,
}

/// What an undo answers: how the step's record stands then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoResult {
    /// `UNDONE`, `UNDO_FAILED`, or of a step that has no undo, what its target says of it.
    pub status: String,
}

/// What the function of an action is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum StepCall {
    /// An attempt at a step.
    Step(Box<StepTask>),
    /// An attempt at undoing one.
    Undo(UndoTask),
}

impl<'de> Deserialize<'de> for StepCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let call = Value::deserialize(deserializer)?;
        // Not `untagged`: its errors do not say what is wrong.
        if call.get("undo").is_some() {
            UndoTask::deserialize(call).map(Self::Undo)
        } else {
            StepTask::deserialize(call).map(|task| Self::Step(Box::new(task)))
        }
        .map_err(D::Error::custom)
    }
}

/// What the function of `Plan` is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanCall {
    /// To plan a rollback.
    Plan(Box<PlanTask>),
    /// To record an undo that never answered.
    GiveUp(GiveUpTask),
}

impl<'de> Deserialize<'de> for PlanCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let call = Value::deserialize(deserializer)?;
        if call.get("undo").is_some() {
            GiveUpTask::deserialize(call).map(Self::GiveUp)
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
    pub undo: ToUndo,
    /// The name of the error that its machine caught.
    pub error: String,
}

/// The end of an execution, whatever led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishTask {
    /// The execution that ends.
    pub execution: ExecutionRef,
    /// Every step in declared order, so that the receipt can name those that left no record.
    pub steps: Vec<StepRef>,
}

/// Why an execution goes no further: the error that a machine caught, or what somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The state it was caught at: a step, a container, or `Begin`; empty if it came from outside.
    #[serde(default)]
    pub state: String,
    /// Step Functions' error name, or one of [`error_name`].
    pub error: String,
    /// Step Functions' cause, as text; of a request, its reason.
    #[serde(default)]
    pub cause: String,
    /// Who asked for it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What `finish` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishResult {
    /// The execution's final status, such as `EXECUTED`.
    pub status: String,
    /// S3 key of its receipt.
    pub receipt: String,
    /// Hex SHA-256 of the receipt's bytes.
    pub receipt_sha256: String,
}

/// The error names our functions raise; a machine's Retry and Catch match these and no others of ours.
pub mod error_name {
    /// Nothing happened; trying again may help.
    pub const TRANSIENT: &str = "Transient";
    /// It may have happened: timed out, dropped, crashed.
    pub const UNKNOWN: &str = "Unknown";
    /// Nothing happened; the target named a time to wait that is too long to wait inside a function.
    pub const RETRY_AFTER: &str = "RetryAfter";
    /// Another attempt holds the lease.
    pub const CONFLICT: &str = "Conflict";
    /// Failed for good, and cleanly.
    pub const PERMANENT: &str = "Permanent";
    /// It may have happened and must not be tried again: a person decides.
    pub const ESCALATE: &str = "Escalate";
    /// The execution is no longer in the phase this task was sent in.
    pub const HALTED: &str = "Halted";
    /// The gate said no; a receipt says why.
    pub const REJECTED: &str = "Rejected";
    /// The same start, already owned by another execution.
    pub const DUPLICATE: &str = "Duplicate";
    /// The idempotency key belongs to a start with another input.
    pub const KEY_REUSED: &str = "KeyReused";
    /// The start is not one: no tenant, no key, no known trigger.
    pub const MALFORMED: &str = "Malformed";

    /// A step was claimed after the plan was made: plan again.
    pub const OPEN: &str = "Open";
    /// Somebody asked to stop it.
    pub const CANCELLED: &str = "Cancelled";
    /// Somebody asked to undo it after it had ended.
    pub const WITHDRAWN: &str = "Withdrawn";
    /// Its machine was stopped.
    pub const ABORTED: &str = "Aborted";
    /// Its machine ended without a word, or is gone.
    pub const LOST: &str = "Lost";

    /// Never retried by a machine: trying again cannot help, or another path handles it.
    pub const FINAL: [&str; 9] = [
        RETRY_AFTER,
        PERMANENT,
        ESCALATE,
        HALTED,
        REJECTED,
        DUPLICATE,
        KEY_REUSED,
        MALFORMED,
        OPEN,
    ];
}
