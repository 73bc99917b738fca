//! The `Action` trait, which performs a step, and the outcomes that it reports.

mod answer;
mod check;
mod judgement;
mod registry;

pub use answer::TargetAnswer;
pub use check::{Check, Checks};
pub use judgement::{Effect, Judgement, judge};
pub use registry::{ActionInfo, AnyAction, Registry};

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The environment variable that lists the secrets that definitions name, for an action's function.
pub const SECRETS_VARIABLE: &str = "HOLDFAST_SECRETS";

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One kind of effect on one target system, and its undo.
///
/// The engine calls an action only while it holds the step's claim, and with the same `Call::key`
/// at every attempt. So a target that honours idempotency keys applies one effect, however many
/// requests it receives.
pub trait Action: Send + Sync + Sized + 'static {
    /// The name in definitions, such as `vendor-hold`.
    const NAME: &'static str;
    /// A summary for people, on one line.
    const SUMMARY: &'static str;
    /// The way in which the effect can be undone, if it can.
    const UNDO: Undo = Undo::None;
    /// True if the undo makes the target refuse the forward key from then on. Otherwise a delayed
    /// call may take effect after its undo, and the receipt names a possible residual effect.
    const UNDO_FENCES: bool = false;
    /// The deployment settings that the action reads, as environment variables.
    const SETTINGS: &'static [Setting] = &[];
    /// The type of `input`; it should refuse unknown fields (`deny_unknown_fields`).
    type Input: Serialize + DeserializeOwned + JsonSchema + Send + Sync;
    /// The type of the output, which later steps and the receipt can use.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + Sync;

    /// Returns true if a step with this input only reads, unless its definition says otherwise
    /// (`reads`). Of the input, only what the definition writes out is known.
    fn only_reads(_input: &Value) -> bool {
        false
    }

    /// Builds the action, once per process. The error names the wrong setting and the fix.
    fn new(settings: &Settings) -> Result<Self, String>;

    /// Causes the effect.
    fn run(
        &self,
        call: &Call,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, StepError>> + Send;

    /// Undoes the effect; must succeed where the effect never happened.
    fn undo(
        &self,
        _call: &Call,
        _done: AppliedEffect<Self::Input, Self::Output>,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        ready(Err(StepError::permanent(format!(
            "action {} has no undo",
            Self::NAME
        ))))
    }

    /// Asks the target whether the effect of `Call::key` happened.
    fn verify(
        &self,
        _call: &Call,
        _input: Self::Input,
    ) -> impl Future<Output = Result<Verdict<Self::Output>, StepError>> + Send {
        ready(Ok(Verdict::CannotTell))
    }

    /// Tests the dependencies of the action without any effect, for `holdfast doctor`: that the
    /// target answers, and that the secrets can be read.
    fn check(&self) -> impl Future<Output = Vec<Check>> + Send {
        ready(Vec::new())
    }
}

/// The input of an action's undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// The effect cannot be undone.
    None,
    /// The undo uses the forward input and key: `rollback: {}` in a definition.
    Own,
    /// The undo has an input of its own, of the action's `Input` type: `rollback: { input: … }` in
    /// a definition.
    OwnInput,
}

/// A deployment setting of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable the action reads.
    pub variable: &'static str,
    /// The parameter in `template.yaml` that fills it.
    pub parameter: &'static str,
}

/// The context of one call of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tenant that owns the execution.
    pub tenant: String,
    /// The execution id.
    pub execution: String,
    /// The step's name, with the item's name in a `for_each`.
    pub step: String,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The idempotency key that the target receives, the same at every attempt. An undo has its
    /// own.
    pub key: String,
    /// The forward key: names the effect that an undo takes away. Equal to `key` in a forward call.
    pub forward_key: String,
    /// True if the step only reads (`reads` in its definition), so that no effect is in doubt.
    pub reads: bool,
    /// The header `traceparent` (W3C Trace Context): the execution's trace, and a span of this
    /// attempt's own.
    pub traceparent: String,
    /// The longest duration of the call; the engine drops the call after that.
    pub time_left: Duration,
}

/// The recorded effect that an undo takes away.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedEffect<I, O> {
    /// The forward input, as claimed.
    pub input: I,
    /// The forward output, unless the answer was lost.
    pub output: Option<O>,
    /// The undo's own input (`Undo::OwnInput`).
    pub undo_input: Option<I>,
}

/// The answer of a verification: whether an effect happened whose answer was lost.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<O> {
    /// The effect happened, with this output.
    Happened(O),
    /// The effect did not happen.
    DidNotHappen,
    /// The target cannot tell.
    CannotTell,
}

/// The failure of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// The state of the effect, as far as it is known.
    pub kind: StepErrorKind,
    /// A message for people and the receipt that names the failure and its place; never a payload
    /// or a secret.
    pub message: String,
    /// The code of the failure, by which a definition can continue (`on_failure`): the status of an
    /// HTTP answer, or a name of the action's own.
    pub code: Option<String>,
    /// The answer of the target, for people who may see outputs.
    pub answer: Option<Box<TargetAnswer>>,
}

/// The state of the effect after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepErrorKind {
    /// No effect was applied, and another attempt may succeed, though not before `retry_after` has
    /// passed.
    Transient {
        /// The wait that the target requested, if any.
        retry_after: Option<Duration>,
    },
    /// The effect may have happened. Another attempt, if one may follow, is not made before
    /// `retry_after` has passed.
    Unknown {
        /// The wait that the target requested, if any.
        retry_after: Option<Duration>,
    },
    /// No effect was applied, and another attempt cannot succeed.
    Permanent,
    /// The target answers that it has nothing of the kind. From an undo, that may mean that the
    /// effect is gone, or that the undo went to the wrong place: the engine decides by what it has
    /// recorded. From a step, it is `Permanent`.
    Missing,
}

impl StepError {
    /// The error with a code, by which a definition can continue after it.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }

    /// The error with the answer of the target, without any credential of the request.
    #[must_use]
    pub fn with_answer(self, answer: TargetAnswer) -> Self {
        Self {
            answer: Some(Box::new(answer)),
            ..self
        }
    }

    /// An error after which another attempt may succeed; no effect was applied.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Transient { retry_after: None },
            message: message.into(),
            code: None,
            answer: None,
        }
    }

    /// An error after which another attempt may succeed once `wait` has passed; no effect was
    /// applied.
    pub fn retry_after(wait: Duration, message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Transient {
                retry_after: Some(wait),
            },
            message: message.into(),
            code: None,
            answer: None,
        }
    }

    /// An error after which the effect may have happened.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Unknown { retry_after: None },
            message: message.into(),
            code: None,
            answer: None,
        }
    }

    /// An error after which the effect may have happened; no attempt follows before `wait` has
    /// passed.
    pub fn unknown_until(wait: Duration, message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Unknown {
                retry_after: Some(wait),
            },
            message: message.into(),
            code: None,
            answer: None,
        }
    }

    /// The error of an undo whose target has no such effect.
    pub fn missing(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Missing,
            message: message.into(),
            code: None,
            answer: None,
        }
    }

    /// An error after which another attempt cannot succeed; no effect was applied.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Permanent,
            message: message.into(),
            code: None,
            answer: None,
        }
    }
}

/// The settings and credentials of a deployment, for its actions.
#[derive(Clone, Default)]
pub struct Settings {
    variables: BTreeMap<String, String>,
    secrets: Option<Arc<dyn Secrets>>,
}

/// A store of named credentials.
pub trait Secrets: Send + Sync {
    /// Reads the secret's text. An unknown name is a permanent error, an unreachable store a
    /// transient one.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, StepError>>;
    /// Tests that the secret can be read now, without any cache.
    fn check<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move { self.get(name).await.map(drop) })
    }
}

impl Settings {
    /// Settings from variables alone.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            secrets: None,
        }
    }

    /// Adds a store of credentials.
    #[must_use]
    pub fn with_secrets(self, secrets: Arc<dyn Secrets>) -> Self {
        Self {
            secrets: Some(secrets),
            ..self
        }
    }

    /// Reads a variable, which must be set and not empty.
    pub fn require(&self, name: &str) -> Result<&str, String> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("environment variable {name} is not set"))
    }

    /// The store of credentials, if the deployment has one.
    pub fn secrets(&self) -> Option<Arc<dyn Secrets>> {
        self.secrets.clone()
    }
}

/// Converts an output into JSON. An action's types are plain data, so that this fails only for a
/// broken type.
fn to_value<T: Serialize>(value: &T) -> Result<Value, StepError> {
    serde_json::to_value(value)
        .map_err(|error| StepError::unknown(format!("the output is not JSON: {error}")))
}
