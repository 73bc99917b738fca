//! The model of Amazon States Language: the states and fields that the compiler writes, and no
//! others. Reading refuses any other field, so that the drill runs exactly what was compiled.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// A JSON object that keeps the order in which its members were written.
pub type Object = serde_json::Map<String, Value>;

/// Returns an object with one member.
pub fn member(name: &str, value: impl Into<Value>) -> Object {
    Object::from_iter([(name.to_owned(), value.into())])
}

/// States by name, in the order in which an execution without errors enters them.
pub type States = IndexMap<String, State>;

/// A state machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Machine {
    /// Origin of the state machine, for people.
    pub comment: String,
    /// Language of every expression.
    pub query_language: QueryLanguage,
    /// Name of the first state.
    pub start_at: String,
    /// Longest duration of a Step Functions execution, in seconds.
    pub timeout_seconds: u64,
    /// States of the top level.
    #[serde(with = "states")]
    pub states: States,
}

/// The language of a state machine's expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryLanguage {
    /// <https://docs.jsonata.org>
    #[serde(rename = "JSONata")]
    Jsonata,
}

/// The states inside a Parallel or a Map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Inner {
    /// Mode of a Map. A Parallel has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_config: Option<ProcessorConfig>,
    /// Name of the first state.
    pub start_at: String,
    /// States of this level.
    #[serde(with = "states")]
    pub states: States,
}

/// The configuration of a Map's processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProcessorConfig {
    /// Place where the items run.
    pub mode: ProcessorMode,
}

/// The place where a Map's items run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProcessorMode {
    /// Inside the same Step Functions execution.
    Inline,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "Type", deny_unknown_fields)]
pub enum State {
    /// Calls a function.
    Task(Task),
    /// Assigns variables.
    Pass(Pass),
    /// Lets time pass.
    Wait(Wait),
    /// Runs branches side by side.
    Parallel(Parallel),
    /// Runs states for every item of a list.
    Map(Map),
    /// Leads to one of several states.
    Choice(Choice),
    /// Ends the state machine with success.
    Succeed {},
    /// Ends the state machine with an error, or raises it in the container.
    #[serde(rename_all = "PascalCase")]
    Fail {
        /// Name of the error, or an expression.
        error: String,
        /// Cause of the error, or an expression.
        cause: String,
    },
}

/// The way out of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// Name of the next state.
    Next(String),
    /// The end of the state machine, branch or item.
    End(bool),
}

/// A state that calls a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Task {
    /// ARN of the function or of a service integration.
    pub resource: String,
    /// Longest duration of one call, in seconds.
    pub timeout_seconds: u64,
    /// Message to the function, in which texts may be expressions.
    pub arguments: Value,
    /// Variables that later states see, made from the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Object>,
    /// Output of the state. The result, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Retriers. The first one that matches the error decides.
    #[serde(default)]
    pub retry: Vec<Retrier>,
    /// Catchers. The first one that matches the error decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Catcher>,
    /// Way out.
    #[serde(flatten)]
    pub exit: Exit,
}

/// A state that assigns variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Pass {
    /// Variables that later states see.
    pub assign: Object,
    /// Way out.
    #[serde(flatten)]
    pub exit: Exit,
}

/// A state that lets time pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Wait {
    /// Duration or end of the wait.
    #[serde(flatten)]
    pub until: Until,
    /// Variables that later states see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Object>,
    /// Output of the state. Its input, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Way out.
    #[serde(flatten)]
    pub exit: Exit,
}

/// The duration or the end of a wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Until {
    /// Number of seconds, or an expression that yields one.
    Seconds(Value),
    /// RFC 3339 timestamp, or an expression that yields one.
    Timestamp(String),
}

/// A state that runs branches side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Parallel {
    /// Branches, each with states of its own.
    pub branches: Vec<Inner>,
    /// Variables that later states see, made from the branches' outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Object>,
    /// Output of the state. The list of the branches' outputs, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Catchers. The first one that matches the error decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Catcher>,
    /// Way out.
    #[serde(flatten)]
    pub exit: Exit,
}

/// Items of a Map that runs nothing. Such a Map only assigns variables, and can catch errors.
pub const NO_ITEMS: &str = "{% [] %}";

/// A state that runs states for every item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Map {
    /// Expression that yields the list.
    pub items: String,
    /// Most items that run at the same time. 0 means no limit.
    pub max_concurrency: u32,
    /// States that run for each item.
    pub item_processor: Inner,
    /// Variables that later states see, made from the items' outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Object>,
    /// Output of the state. The list of the items' outputs, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Catchers. The first one that matches the error decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Catcher>,
    /// Way out.
    #[serde(flatten)]
    pub exit: Exit,
}

/// A state that leads to one of several states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Choice {
    /// Rules. The first one whose condition is true decides.
    pub choices: Vec<ChoiceRule>,
    /// Name of the next state if no condition is true.
    pub default: String,
}

/// A rule of a Choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ChoiceRule {
    /// Expression that must yield true or false.
    pub condition: String,
    /// Name of the next state if the condition is true.
    pub next: String,
}

/// The retries after some errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Retrier {
    /// Names of the errors.
    pub error_equals: Vec<String>,
    /// Delay before the first retry, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u64>,
    /// Most retries. 0 forbids any.
    pub max_attempts: u32,
    /// Factor from each delay to the next.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "short_number"
    )]
    pub backoff_rate: Option<f64>,
    /// Longest delay, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_seconds: Option<u64>,
    /// Randomness of the delays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_strategy: Option<JitterStrategy>,
}

/// Writes a whole number as `2`, not as `2.0`.
fn short_number<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) if number.fract() == 0.0 => serializer.serialize_u64(*number as u64),
        Some(number) => serializer.serialize_f64(*number),
        None => serializer.serialize_none(),
    }
}

/// The randomness of delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JitterStrategy {
    /// A random part of the delay.
    Full,
    /// The whole delay.
    None,
}

/// The way out after some errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Catcher {
    /// Names of the errors.
    pub error_equals: Vec<String>,
    /// Variables that later states see, made from the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Object>,
    /// Input of the next state. The error, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Name of the next state.
    pub next: String,
}

/// Writes and reads states in their order.
mod states {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Object, States};

    pub(super) fn serialize<S: Serializer>(
        states: &States,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(states)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<States, D::Error> {
        let members = Object::deserialize(deserializer)?;
        let states = members.into_iter().map(|(name, state)| {
            let state = serde_json::from_value(state);
            let state = state.map_err(|error| D::Error::custom(format!("{name}: {error}")))?;
            Ok((name, state))
        });
        states.collect()
    }
}
