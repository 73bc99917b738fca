//! Reads a compiled state machine: exactly the states and fields that the compiler writes, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map as Object, Value};

/// A state machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Machine {
    #[serde(rename = "Comment")]
    _comment: String,
    #[serde(rename = "QueryLanguage")]
    _language: Jsonata,
    pub(crate) timeout_seconds: u64,
    start_at: String,
    states: BTreeMap<String, State>,
}

#[derive(Debug, Deserialize)]
enum Jsonata {
    #[serde(rename = "JSONata")]
    Jsonata,
}

/// States and where they begin.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct States {
    #[serde(rename = "ProcessorConfig")]
    _processor: Option<Processor>,
    pub(crate) start_at: String,
    pub(crate) states: BTreeMap<String, State>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Processor {
    #[serde(rename = "Mode")]
    _mode: Inline,
}

#[derive(Debug, Deserialize)]
enum Inline {
    #[serde(rename = "INLINE")]
    Inline,
}

/// A state: what it does, and where it leads.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Object<String, Value>")]
pub(crate) enum State {
    Task(Task),
    Pass(Pass),
    Wait(Wait),
    Parallel(Parallel),
    Map(Map),
    Succeed,
    Fail(Fail),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Task {
    pub(crate) resource: String,
    pub(crate) timeout_seconds: u64,
    pub(crate) arguments: Value,
    pub(crate) assign: Option<Value>,
    pub(crate) output: Option<Value>,
    #[serde(default)]
    pub(crate) retry: Vec<Retrier>,
    #[serde(default)]
    pub(crate) catch: Vec<Catcher>,
    pub(crate) next: Option<String>,
    #[serde(default, rename = "End")]
    _end: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Pass {
    pub(crate) assign: Value,
    pub(crate) next: Option<String>,
    #[serde(default, rename = "End")]
    _end: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Wait {
    pub(crate) seconds: Option<Value>,
    pub(crate) timestamp: Option<Value>,
    pub(crate) output: Option<Value>,
    pub(crate) next: Option<String>,
    #[serde(default, rename = "End")]
    _end: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Parallel {
    pub(crate) branches: Vec<States>,
    pub(crate) assign: Option<Value>,
    pub(crate) output: Option<Value>,
    #[serde(default)]
    pub(crate) catch: Vec<Catcher>,
    pub(crate) next: Option<String>,
    #[serde(default, rename = "End")]
    _end: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Map {
    pub(crate) items: Value,
    pub(crate) max_concurrency: usize,
    pub(crate) item_processor: States,
    pub(crate) assign: Option<Value>,
    pub(crate) output: Option<Value>,
    #[serde(default)]
    pub(crate) catch: Vec<Catcher>,
    pub(crate) next: Option<String>,
    #[serde(default, rename = "End")]
    _end: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Fail {
    pub(crate) error: Value,
    pub(crate) cause: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// When to try again; what is missing is as Step Functions has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Retrier {
    pub(crate) error_equals: Vec<String>,
    #[serde(default = "one")]
    pub(crate) interval_seconds: f64,
    #[serde(default = "three")]
    pub(crate) max_attempts: u32,
    #[serde(default = "two")]
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<f64>,
    #[serde(default)]
    pub(crate) jitter_strategy: Jitter,
}

fn one() -> f64 {
    1.0
}

fn two() -> f64 {
    2.0
}

fn three() -> u32 {
    3
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Jitter {
    Full,
    #[default]
    None,
}

/// Where errors lead.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Catcher {
    pub(crate) error_equals: Vec<String>,
    pub(crate) assign: Option<Value>,
    pub(crate) output: Option<Value>,
    pub(crate) next: String,
}

impl TryFrom<Object<String, Value>> for State {
    type Error = String;

    fn try_from(mut state: Object<String, Value>) -> Result<Self, String> {
        let of_type = state.remove("Type").unwrap_or_default();
        let rest = Value::Object(state);
        match of_type.as_str().unwrap_or_default() {
            "Task" => part(rest).map(Self::Task),
            "Pass" => part(rest).map(Self::Pass),
            "Wait" => part(rest).map(Self::Wait),
            "Parallel" => part(rest).map(Self::Parallel),
            "Map" => part(rest).map(Self::Map),
            "Succeed" => part::<Nothing>(rest).map(|_| Self::Succeed),
            "Fail" => part(rest).map(Self::Fail),
            _ => Err(format!(
                "a state of type {of_type} is none that is compiled"
            )),
        }
    }
}

fn part<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

impl State {
    fn targets(&self) -> Vec<&str> {
        let (next, catch): (&Option<String>, &[Catcher]) = match self {
            Self::Task(state) => (&state.next, &state.catch),
            Self::Pass(state) => (&state.next, &[]),
            Self::Wait(state) => (&state.next, &[]),
            Self::Parallel(state) => (&state.next, &state.catch),
            Self::Map(state) => (&state.next, &state.catch),
            Self::Succeed | Self::Fail(_) => (&None, &[]),
        };
        let caught = catch.iter().map(|catcher| catcher.next.as_str());
        next.as_deref().into_iter().chain(caught).collect()
    }

    fn inner(&self) -> &[States] {
        match self {
            Self::Parallel(state) => &state.branches,
            Self::Map(state) => std::slice::from_ref(&state.item_processor),
            _ => &[],
        }
    }
}

impl Machine {
    /// Reads a machine's text; the error says which part is none that the compiler writes.
    pub(crate) fn read(text: &str) -> Result<(Self, States), String> {
        let mut machine: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let states = States {
            _processor: None,
            start_at: std::mem::take(&mut machine.start_at),
            states: std::mem::take(&mut machine.states),
        };
        states.check()?;
        Ok((machine, states))
    }
}

impl States {
    /// Every state that is led to is there.
    fn check(&self) -> Result<(), String> {
        let known: BTreeSet<&str> = self.states.keys().map(String::as_str).collect();
        let led = self.states.values().flat_map(State::targets);
        for target in led.chain([self.start_at.as_str()]) {
            if !known.contains(target) {
                return Err(format!("there is no state {target}"));
            }
        }
        let mut inner = self.states.values().flat_map(State::inner);
        inner.try_for_each(Self::check)
    }

    /// Every state's name, inner ones too.
    pub(crate) fn names(&self) -> Vec<&str> {
        let own = self.states.keys().map(String::as_str);
        let inner = self.states.values().flat_map(State::inner);
        own.chain(inner.flat_map(Self::names)).collect()
    }
}
