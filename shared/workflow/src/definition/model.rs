//! The typed definition: defaults filled in, as the compiler reads it and as its digest covers it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::text::{Expression, Text};
use holdfast_ids::digest::{CanonicalError, value_sha256_hex};
use holdfast_task::{Approvers, StartConditions, Tier};

/// A workflow. Texts may hold expressions (`{% … %}`) and parameters (`${Name}`), as written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Definition {
    /// Id, such as `WF-DELAY-VENDOR-PAYMENTS-ACME`.
    pub workflow: String,
    /// Version, from 1. The author raises it.
    pub version: u32,
    /// Description in one line, for people.
    pub description: Option<String>,
    /// Tenants that may start it. Empty means every tenant.
    pub tenants: Vec<String>,
    /// JSON Schema 2020-12 of the input.
    pub input: Value,
    /// Triggers: what starts it besides the API.
    pub triggers: Vec<Trigger>,
    /// Assertions that must hold before any effect.
    pub guardrails: Vec<Guardrail>,
    /// Other guardrails: hours, freezes, budgets, limits, approval, pause. Left out of the digest
    /// if there are none.
    #[serde(skip_serializing_if = "StartConditions::is_default")]
    pub rules: StartConditions,
    /// Subject: what people call the case of an execution. Left out of the digest if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Expression>,
    /// Fields that its receipts show to people, each with its label, in declared order. Left out of
    /// the digest if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub show: Vec<(String, Expression)>,
    /// Kind of its state machine. Left out of the digest if it is the default one.
    #[serde(skip_serializing_if = "Tier::is_standard")]
    pub tier: Tier,
    /// Bounds of an execution.
    pub limits: Limits,
    /// Steps in declared order.
    pub steps: Vec<Step>,
    /// Output of an execution, by name. Left out of the digest if there is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<String, Expression>,
}

impl Definition {
    /// Returns `sha256:` and the hex digest of the definition's canonical JSON.
    pub fn digest(&self) -> Result<String, CanonicalError> {
        let value = serde_json::to_value(self)
            .map_err(|error| CanonicalError::NotJson(error.to_string()))?;
        Ok(format!("sha256:{}", value_sha256_hex(&value)?))
    }

    /// Returns every action step in declared order, each with the `for_each` around it. Steps
    /// inside containers are included.
    pub fn action_steps(&self) -> Vec<(&Step, &ActionStep, Option<&str>)> {
        let mut found = Vec::new();
        collect(&self.steps, None, &mut found);
        found
    }
}

fn collect<'a>(
    steps: &'a [Step],
    for_each: Option<&'a str>,
    found: &mut Vec<(&'a Step, &'a ActionStep, Option<&'a str>)>,
) {
    for step in steps {
        match &step.kind {
            StepKind::Action(action) => found.push((step, action, for_each)),
            StepKind::Wait(_) | StepKind::Approve(_) | StepKind::Stop(_) => {}
            StepKind::Parallel(branches) => branches
                .iter()
                .for_each(|branch| collect(&branch.steps, for_each, found)),
            StepKind::Choose(choose) => choose
                .rows()
                .for_each(|(_, row)| collect(row, for_each, found)),
            StepKind::ForEach(each) => collect(&each.steps, Some(&step.name), found),
        }
    }
}

/// A trigger: an event or a schedule, and how it becomes a start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trigger {
    /// Name, unique among the triggers.
    pub name: String,
    /// Event or schedule.
    #[serde(flatten)]
    pub source: TriggerSource,
    /// Tenant: a literal or an expression.
    pub tenant: Text,
    /// Idempotency key: repeated events with the same key are one start.
    pub idempotency_key: Text,
    /// Input of the execution.
    pub input: Value,
    /// Person who requests the start: an expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Text>,
    /// Agreement of another person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Value>,
}

/// The source of a trigger.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerSource {
    /// An EventBridge event that matches this pattern.
    Event(Value),
    /// A time.
    #[serde(untagged)]
    Schedule {
        /// `cron(…)` or `rate(…)`.
        schedule: String,
        /// IANA name of the time zone. UTC if absent.
        timezone: Option<String>,
    },
}

/// An assertion over a start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guardrail {
    /// Name, unique among the guardrails.
    pub name: String,
    /// Expression that must yield true.
    pub assert: Expression,
    /// Reason given to the caller whose start is rejected.
    pub message: String,
}

/// Bounds of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Longest duration, in seconds.
    pub timeout_s: u64,
}

/// One entry of `steps`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Name, unique in the definition.
    pub name: String,
    /// Kind of the step.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// The kind of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every step is an action, and a definition has few steps"
)]
pub enum StepKind {
    /// Lets time pass.
    Wait(Wait),
    /// Lets a person decide.
    Approve(Approve),
    /// Runs branches side by side.
    Parallel(Vec<Branch>),
    /// Runs steps for every item of a list.
    ForEach(ForEach),
    /// Runs the steps of one branch.
    Choose(Choose),
    /// Ends the execution with success, if a condition is true.
    Stop(Stop),
    /// Performs an action.
    #[serde(untagged)]
    Action(ActionStep),
}

/// A step that performs an action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActionStep {
    /// Name of the action.
    pub action: String,
    /// Expression. The step is skipped unless it yields true.
    pub when: Option<Expression>,
    /// Input of the action.
    pub input: Value,
    /// Longest duration of an attempt, in seconds.
    pub timeout_s: u64,
    /// Policy of retries.
    pub retry: Retry,
    /// True if the step only reads: it has no effect, and so no undo.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// Condition under which a step that only reads is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// Undo of the step. Absent if the step is irreversible or only reads.
    pub rollback: Option<Rollback>,
    /// True if the target handles a repeated call as one.
    pub idempotent: bool,
    /// Consequence of a permanent failure. The default is left out of the digest, so that older
    /// definitions keep theirs.
    #[serde(skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
}

/// The polling of a step that only reads. Its attempts are bounded by the policy of retries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Poll {
    /// Expression over `$result` that yields true once the step is done.
    pub until: Expression,
    /// Delay before the next attempt, in seconds, if it yields false.
    pub every_s: u64,
}

/// The consequence of a step's permanent failure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The execution is rolled back.
    #[default]
    Rollback,
    /// A person decides.
    Escalate {
        /// Longest time for the decision, in seconds.
        within_s: u64,
    },
    /// The execution continues if the step certainly had no effect. The step's output is then null.
    Continue,
    /// The execution continues if the step certainly had no effect and failed with one of these
    /// codes. The step's output then names the code.
    ContinueOn(Vec<String>),
}

impl OnFailure {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The policy of retries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retry {
    /// Most attempts, the first included.
    pub max_attempts: u32,
    /// Delay before the second attempt, in seconds.
    pub interval_s: u64,
    /// Factor from each delay to the next.
    pub backoff: f64,
    /// Longest delay, in seconds.
    pub max_delay_s: u64,
    /// Randomness of the delays.
    pub jitter: Jitter,
}

/// The randomness of delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// A random part of the delay.
    Full,
    /// The whole delay.
    None,
}

/// The undo of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rollback {
    /// Input of the undo, if the action takes one.
    pub input: Option<Value>,
    /// Longest duration of an attempt at the undo, in seconds.
    pub timeout_s: u64,
    /// Policy of retries.
    pub retry: Retry,
    /// True if the action's undo fences: the target then refuses a late call of the step.
    pub fences: bool,
    /// True if the answer "no such effect" (404, 410) says that the effect is gone, even after the
    /// target confirmed it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing_is_undone: bool,
}

/// The duration or the end of a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Number of seconds.
    Seconds(u64),
    /// Expression that yields an RFC 3339 timestamp.
    Until(Expression),
}

/// A step that continues when people approve. Its output:
/// `{ "by": …, "at": …, "reason": …, "votes": [ … ] }`, or null if it is skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approve {
    /// Question to the person: a literal or an expression.
    pub message: Text,
    /// Condition of the question: the step is skipped if it yields false, and asks in any other
    /// case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// People who may approve, and how many must. Without it, one platform admin decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Approvers>,
    /// Longest time for the decision, in seconds.
    pub within_s: u64,
}

/// One branch of a `parallel`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Branch {
    /// Steps in declared order.
    pub steps: Vec<Step>,
}

/// Steps for every item of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForEach {
    /// Expression that yields the list.
    pub items: Expression,
    /// Expression over `$item` that names the item: a text or a number.
    pub item_key: Expression,
    /// Most items that run at the same time.
    pub max_concurrency: u32,
    /// Expression: what one item contributes to the step's output.
    pub collect: Option<Expression>,
    /// Steps in declared order, without a `for_each` among them.
    pub steps: Vec<Step>,
}

/// Steps of which one branch runs: the first whose `when` yields true.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choose {
    /// Branches with a condition, in the order in which the conditions are tried.
    pub branches: Vec<ChooseBranch>,
    /// Steps that run if no `when` yields true.
    pub otherwise: Vec<Step>,
}

/// One branch of a `choose`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChooseBranch {
    /// Expression. The branch is taken if it yields true.
    pub when: Expression,
    /// Steps in declared order.
    pub steps: Vec<Step>,
}

/// An early end with success.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stop {
    /// Expression. The execution ends if it yields true.
    pub when: Expression,
    /// Reason, as the receipt states it.
    pub reason: String,
}
