//! A definition as it was written, defaults filled in: what the compiler reads and what the definition's digest covers.

use serde::Serialize;
use serde_json::Value;

use holdfast_ids::digest::{CanonicalError, value_sha256_hex};
use holdfast_task::StartConditions;

/// A workflow. Texts may hold expressions (`{% … %}`) and parameters (`${Name}`), as written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Definition {
    /// Such as `WF-DELAY-VENDOR-PAYMENTS-ACME`.
    pub workflow: String,
    /// Raised by its author, from 1.
    pub version: u32,
    /// One line for people.
    pub description: Option<String>,
    /// Who may start it; empty: every tenant.
    pub tenants: Vec<String>,
    /// JSON Schema 2020-12 of the input.
    pub input: Value,
    /// What starts it beside the API.
    pub triggers: Vec<Trigger>,
    /// What must hold before any effect.
    pub guardrails: Vec<Guardrail>,
    /// What else a start must keep to. Left out of the digest where there is nothing.
    #[serde(skip_serializing_if = "StartConditions::is_default")]
    pub rules: StartConditions,
    /// Bounds of an execution.
    pub limits: Limits,
    /// In declared order.
    pub steps: Vec<Step>,
}

impl Definition {
    /// `sha256:` and the hex digest of the definition's canonical JSON.
    pub fn digest(&self) -> Result<String, CanonicalError> {
        let value = serde_json::to_value(self)
            .map_err(|error| CanonicalError::NotJson(error.to_string()))?;
        Ok(format!("sha256:{}", value_sha256_hex(&value)?))
    }

    /// Every action step in declared order, those inside containers included, with the `for_each` it stands in.
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
            StepKind::Wait(_) | StepKind::Approve(_) => {}
            StepKind::Parallel(branches) => branches
                .iter()
                .for_each(|branch| collect(&branch.steps, for_each, found)),
            StepKind::ForEach(each) => collect(&each.steps, Some(&step.name), found),
        }
    }
}

/// What starts a workflow beside the API, and how it becomes a start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trigger {
    /// Unique among the triggers.
    pub name: String,
    /// An event or a schedule.
    #[serde(flatten)]
    pub source: TriggerSource,
    /// A literal or an expression.
    pub tenant: String,
    /// What makes a repeated event the same start.
    pub idempotency_key: String,
    /// The execution's input.
    pub input: Value,
    /// The person who asks for it: an expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Another person's agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Value>,
}

/// Where a trigger comes from.
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
        /// IANA name; UTC where absent.
        timezone: Option<String>,
    },
}

/// An assertion over a start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guardrail {
    /// Unique among the guardrails.
    pub name: String,
    /// An expression that must yield true.
    pub assert: String,
    /// Said to the person whose start is rejected.
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
    /// Unique in the definition.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Lets time pass.
    Wait(Wait),
    /// Lets a person decide.
    Approve(Approve),
    /// Runs branches side by side.
    Parallel(Vec<Branch>),
    /// Runs steps for every item of a list.
    ForEach(ForEach),
    /// Performs an action.
    #[serde(untagged)]
    Action(ActionStep),
}

/// A step that performs an action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActionStep {
    /// Which one.
    pub action: String,
    /// An expression; the step is skipped unless it yields true.
    pub when: Option<String>,
    /// The action's input.
    pub input: Value,
    /// Longest duration of an attempt, in seconds.
    pub timeout_s: u64,
    /// When to try again.
    pub retry: Retry,
    /// How it is undone; absent where it is irreversible.
    pub rollback: Option<Rollback>,
    /// Whether the target can take the same call twice.
    pub idempotent: bool,
    /// What follows when it fails for good. The default is left out of the digest, so that definitions from before
    /// this field keep theirs.
    #[serde(skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
}

/// What follows when a step fails for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Everything done so far is undone.
    #[default]
    Rollback,
    /// A person decides.
    Escalate {
        /// Longest time for the decision, in seconds.
        within_s: u64,
    },
    /// If it certainly had no effect, the workflow goes on, and the step's output is null.
    Continue,
}

impl OnFailure {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// When to try again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Delay before the second attempt, in seconds.
    pub interval_s: u64,
    /// What each further delay is multiplied by.
    pub backoff: f64,
    /// Longest delay, in seconds.
    pub max_delay_s: u64,
    /// How delays are scattered.
    pub jitter: Jitter,
}

/// How delays are scattered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Anything between nothing and the delay.
    Full,
    /// Not at all.
    None,
}

/// How a step is undone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rollback {
    /// The undo's own input, where the action wants one.
    pub input: Option<Value>,
    /// Longest duration of an undo attempt, in seconds.
    pub timeout_s: u64,
    /// When to try again.
    pub retry: Retry,
    /// Whether the action's undo keeps a delayed call from taking effect.
    pub fences: bool,
}

/// How long to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// So many seconds.
    Seconds(u64),
    /// Until the RFC 3339 timestamp that this expression yields.
    Until(String),
}

/// A step that goes on when a person agrees. Its output: `{ "by": …, "at": …, "reason": … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approve {
    /// What the person is asked: a literal or an expression.
    pub message: String,
    /// Longest time for the decision, in seconds.
    pub within_s: u64,
}

/// One branch of a `parallel`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Branch {
    /// In declared order.
    pub steps: Vec<Step>,
}

/// Steps for every item of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForEach {
    /// An expression that yields the list.
    pub items: String,
    /// An expression over `$item` that names it: a text or a number.
    pub item_key: String,
    /// How many items at once.
    pub max_concurrency: u32,
    /// An expression: what one item contributes to the step's output.
    pub collect: Option<String>,
    /// In declared order; no `for_each` among them.
    pub steps: Vec<Step>,
}
