//! What a step can do: the `Action` trait and the outcomes it reports.

mod check;
mod registry;

pub use check::{Check, Checks};
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

/// The environment variable with the names of the secrets that definitions name, for an action's
/// function.
pub const SECRETS_VARIABLE: &str = "HOLDFAST_SECRETS";

/// A boxed future, for the places where a trait must be usable as an object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One kind of effect on one target system, with its way back.
///
/// The engine calls it only while it holds the step's claim, and always with the same `Call::key`
/// for the same step, so a target that honours idempotency keys sees one effect however often it is
/// asked.
pub trait Action: Send + Sync + Sized + 'static {
    /// What workflows call it, such as `vendor-hold`.
    const NAME: &'static str;
    /// One line for people.
    const SUMMARY: &'static str;
    /// Whether and how its effect can be undone.
    const UNDO: Undo = Undo::None;
    /// Whether its undo makes the target refuse the effect's key from then on. Where it does not, a
    /// call that was delayed may take effect after its undo, and receipts say so.
    const UNDO_FENCES: bool = false;
    /// The deployment settings it reads, as environment variables.
    const SETTINGS: &'static [Setting] = &[];
    /// What `input` must look like; unknown fields should be refused (`deny_unknown_fields`).
    type Input: Serialize + DeserializeOwned + JsonSchema + Send + Sync;
    /// What later steps and the receipt can use.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + Sync;

    /// Builds it once per process. An error says which setting is wrong and what would be right.
    fn new(settings: &Settings) -> Result<Self, String>;

    /// Causes the effect.
    fn run(
        &self,
        call: &Call,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, StepError>> + Send;

    /// Takes the effect back; must succeed where the effect never happened.
    fn undo(
        &self,
        _call: &Call,
        _done: Done<Self::Input, Self::Output>,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        ready(Err(StepError::permanent(format!(
            "action {} has no undo",
            Self::NAME
        ))))
    }

    /// Asks the target whether the effect of `Call::key` stands.
    fn verify(
        &self,
        _call: &Call,
        _input: Self::Input,
    ) -> impl Future<Output = Result<Verdict<Self::Output>, StepError>> + Send {
        ready(Ok(Verdict::CannotTell))
    }

    /// Tries, without any effect, what it depends on: whether its target answers, whether its
    /// secrets can be read. For `holdfast doctor`.
    fn check(&self) -> impl Future<Output = Vec<Check>> + Send {
        ready(Vec::new())
    }
}

/// How an action's effect is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// It cannot be.
    None,
    /// By the forward input and key: `rollback: {}` in a definition.
    Own,
    /// By an input of its own, of the action's `Input` type: `rollback: { input: … }` in a
    /// definition.
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

/// What an action may know of the call it is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tenant on whose behalf it acts.
    pub tenant: String,
    /// The execution.
    pub execution: String,
    /// The step, with its item key in a `for_each`.
    pub step: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The idempotency key of this effect: the same for every attempt. An undo has its own.
    pub key: String,
    /// The forward effect's key: what an undo looks for at the target. Equal to `key` when running
    /// forward.
    pub forward_key: String,
    /// The header `traceparent` (W3C Trace Context) of this attempt: in the execution's trace, a
    /// span of its own.
    pub traceparent: String,
    /// How long the call may take; the engine drops it after that.
    pub time_left: Duration,
}

/// What an undo is told of the effect it takes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Done<I, O> {
    /// The forward input, as claimed.
    pub input: I,
    /// The forward output, unless the answer was lost.
    pub output: Option<O>,
    /// The undo's own input (`Undo::OwnInput`).
    pub undo_input: Option<I>,
}

/// What a target says of an effect whose answer was lost.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<O> {
    /// It happened, and this is its output.
    Happened(O),
    /// It did not happen.
    DidNotHappen,
    /// The target cannot say.
    CannotTell,
}

/// How an attempt went wrong: what is known of the effect, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// What is known.
    pub kind: StepErrorKind,
    /// For people and the receipt: what failed and where; never a payload or a secret.
    pub message: String,
}

/// What is known of the effect of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepErrorKind {
    /// Nothing happened; another attempt may succeed, not before `retry_after` if the target named
    /// a time.
    Transient {
        /// How long the target asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// It may have happened.
    Unknown,
    /// Nothing happened, and no attempt will ever succeed.
    Permanent,
}

impl StepError {
    /// Nothing happened; try again.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Transient { retry_after: None },
            message: message.into(),
        }
    }

    /// Nothing happened; try again after `wait`.
    pub fn retry_after(wait: Duration, message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Transient {
                retry_after: Some(wait),
            },
            message: message.into(),
        }
    }

    /// It may have happened.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Unknown,
            message: message.into(),
        }
    }

    /// Nothing happened, and trying again cannot help.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            kind: StepErrorKind::Permanent,
            message: message.into(),
        }
    }
}

/// Where actions get their settings and credentials from.
#[derive(Clone, Default)]
pub struct Settings {
    variables: BTreeMap<String, String>,
    secrets: Option<Arc<dyn Secrets>>,
}

/// A store of named credentials.
pub trait Secrets: Send + Sync {
    /// The secret's text. A name that does not exist is permanent, an unreachable store transient.
    fn get<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<String, StepError>>;
    /// Whether the secret can be read now: nothing that is remembered counts.
    fn check<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<(), StepError>> {
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

    /// The same with a store of credentials.
    #[must_use]
    pub fn with_secrets(self, secrets: Arc<dyn Secrets>) -> Self {
        Self {
            secrets: Some(secrets),
            ..self
        }
    }

    /// A variable that must be set and not be empty.
    pub fn require(&self, name: &str) -> Result<&str, String> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("environment variable {name} is not set"))
    }

    /// The store of credentials, where the deployment has one.
    pub fn secrets(&self) -> Option<Arc<dyn Secrets>> {
        self.secrets.clone()
    }
}

/// The JSON value of a serializable `value`; an action's types are plain data, so this fails only
/// on a broken one.
fn to_value<T: Serialize>(value: &T) -> Result<Value, StepError> {
    serde_json::to_value(value)
        .map_err(|error| StepError::unknown(format!("the output is not JSON: {error}")))
}
