//! Amazon States Language, as much of it as we write: typed, so that an enum or a field cannot be misspelt.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// A map that keeps the order it was written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Ordered<T> {
    /// A map of one member.
    pub fn one(name: &str, value: T) -> Self {
        Self(vec![(name.to_owned(), value)])
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A state machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Machine {
    /// For people.
    pub comment: String,
    /// The only language we write.
    pub query_language: QueryLanguage,
    /// The first state.
    pub start_at: String,
    /// Longest duration of an execution.
    pub timeout_seconds: u64,
    /// In the order a happy run enters them.
    pub states: Ordered<State>,
}

impl Machine {
    /// The machine as readable JSON with a final newline: the bytes that are checked in.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// The language of a machine's expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum QueryLanguage {
    /// <https://docs.jsonata.org>
    #[serde(rename = "JSONata")]
    Jsonata,
}

/// States inside a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inner {
    /// How a Map runs them; absent in a Parallel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_config: Option<ProcessorConfig>,
    /// The first state.
    pub start_at: String,
    /// In the order a happy run enters them.
    pub states: Ordered<State>,
}

/// How a Map runs its states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessorConfig {
    /// Inside the same execution.
    pub mode: ProcessorMode,
}

/// Where a Map's items run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProcessorMode {
    /// Inside the same execution.
    Inline,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "Type")]
pub enum State {
    /// Calls a function.
    Task(Task),
    /// Does nothing but remember.
    Pass(Pass),
    /// Lets time pass.
    Wait(Wait),
    /// Runs branches side by side.
    Parallel(Parallel),
    /// Runs states for every item of a list.
    Map(Map),
    /// Ends well.
    Succeed {},
    /// Ends badly.
    #[serde(rename_all = "PascalCase")]
    Fail {
        /// The error's name, or an expression.
        error: String,
        /// What led to it, or an expression.
        cause: String,
    },
}

/// Where a state leads: to the next, or to the end of its machine or branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Exit {
    /// To this state.
    Next(String),
    /// To the end.
    End(bool),
}

/// Calls a function.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Task {
    /// The function's ARN.
    pub resource: String,
    /// Longest wait for an answer.
    pub timeout_seconds: u64,
    /// What it is told.
    pub arguments: Ordered<Value>,
    /// What of its answer later states see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Ordered<String>>,
    /// What it contributes to its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// When to try again; the first that matches decides.
    pub retry: Vec<Retrier>,
    /// Where errors lead; the first that matches decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Catcher>,
    /// Where it leads.
    #[serde(flatten)]
    pub exit: Exit,
}

/// Does nothing but remember.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Pass {
    /// What later states see.
    pub assign: Ordered<Value>,
    /// Where it leads.
    #[serde(flatten)]
    pub exit: Exit,
}

/// Lets time pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Wait {
    /// How long, or until when.
    #[serde(flatten)]
    pub until: Until,
    /// What it contributes to its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Where it leads.
    #[serde(flatten)]
    pub exit: Exit,
}

/// How long, or until when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Until {
    /// A number, or an expression that yields one.
    Seconds(Value),
    /// An RFC 3339 timestamp, or an expression that yields one.
    Timestamp(String),
}

/// Runs branches side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parallel {
    /// Each with states of its own.
    pub branches: Vec<Inner>,
    /// What of their outputs later states see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Ordered<String>>,
    /// What it contributes to its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Where errors lead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Catcher>,
    /// Where it leads.
    #[serde(flatten)]
    pub exit: Exit,
}

/// Runs states for every item of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Map {
    /// An expression that yields the list.
    pub items: String,
    /// Items at once.
    pub max_concurrency: u32,
    /// The states.
    pub item_processor: Inner,
    /// What of their outputs later states see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Ordered<String>>,
    /// What it contributes to its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Where errors lead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Catcher>,
    /// Where it leads.
    #[serde(flatten)]
    pub exit: Exit,
}

/// When to try again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Retrier {
    /// After which errors.
    pub error_equals: Vec<String>,
    /// Delay before the first repetition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u64>,
    /// Repetitions; 0 forbids any.
    pub max_attempts: u32,
    /// What each further delay is multiplied by.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "short_number"
    )]
    pub backoff_rate: Option<f64>,
    /// Longest delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_seconds: Option<u64>,
    /// How delays are scattered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_strategy: Option<JitterStrategy>,
}

/// `2`, not `2.0`, where a number is whole.
fn short_number<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) if number.fract() == 0.0 => serializer.serialize_u64(*number as u64),
        Some(number) => serializer.serialize_f64(*number),
        None => serializer.serialize_none(),
    }
}

/// How delays are scattered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JitterStrategy {
    /// Anything between nothing and the delay.
    Full,
    /// Not at all.
    None,
}

/// Where errors lead.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Catcher {
    /// Which errors.
    pub error_equals: Vec<String>,
    /// What later states see of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign: Option<Ordered<Value>>,
    /// The next state's input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The state it leads to.
    pub next: String,
}
