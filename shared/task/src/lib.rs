//! The messages between a compiled state machine and the functions it calls.
//!
//! The compiler writes them as Task `Arguments`, the functions read them. Durations are whole seconds (`_s`),
//! because Step Functions counts in those.

mod ask;
mod error_name;
pub mod payload;
mod rules;
pub mod timing;
mod unwind;

pub use ask::{Ask, AskCall, AskResult, AskTask, ExpireTask, QuestionKind};
pub use error_name::ErrorName;
pub use rules::{Budget, Day, Freeze, Hours, Period, StartConditions};
pub use unwind::{
    Failure, GiveUpTask, PlanCall, PlanResult, PlanTask, RECOVERY, RecoveryInput, UndoItem,
    UndoResult, UndoTask,
};

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::timing::lease_s;
use holdfast_ids::trace::TraceId;

/// What a machine knows of itself and hands to `begin`, with whatever started it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginTask {
    /// The part of the definition that decides whether an execution may start.
    pub gate: AdmissionSpec,
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
    /// The trace that the function itself was called in: no machine fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
}

/// What a definition demands of a start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionSpec {
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
    /// What else it demands of a start.
    #[serde(default, skip_serializing_if = "StartConditions::is_default")]
    pub rules: StartConditions,
    /// Events and schedules that may start it.
    #[serde(default)]
    pub triggers: Vec<TriggerMap>,
    /// Longest duration of an execution.
    pub timeout_s: u64,
}

/// One assertion over a start.
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
    /// The person who asks for the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Template>,
    /// Another person's agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Template>,
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
    /// The trace that everything it does belongs to.
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
    /// Whether the workflow goes on, with the output null, if it fails for good and certainly nothing happened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
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

/// How a step that has no undo is asked about, where its outcome is unknown.
pub const VERIFY_POLICY: UndoPolicy = UndoPolicy {
    timeout_s: 30,
    max_attempts: 3,
    fences: false,
};

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
    /// Which attempt succeeded, from 1; none if there was none now. For the log, not for the machine.
    #[serde(skip)]
    pub attempt: Option<u32>,
}

/// How a step task ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The effect stands.
    Succeeded,
    /// `when` was not true.
    Skipped,
    /// It failed for good, nothing happened, and the workflow goes on without it.
    Failed,
}

/// What the function of an action is asked to do.
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

/// The end of an execution, whatever led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishTask {
    /// The execution that ends.
    pub execution: ExecutionRef,
    /// Every step in declared order, so that the receipt can name those that left no record.
    pub steps: Vec<StepRef>,
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
    /// The incident that this execution is a case of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
}
