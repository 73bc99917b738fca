//! Reads the call of a task: the function, its message, and the place at which faults strike it.

use serde_json::{Value, json};

use crate::{
    functions::Invocation,
    machine::{RaisedError, TaskCall},
    plan::DrilledWorkflow,
};

/// The way in which a state calls a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Integration {
    /// The resource is the function.
    Function,
    /// The arguments name the function.
    Invoke,
    /// The function receives a token, and the state waits for its answer.
    WaitsForToken,
    /// The arguments are a message for the queue from which `recover` reads.
    Sends,
    /// A resource that no state machine of ours has.
    Unknown(String),
}

impl Integration {
    fn of(resource: &str) -> Self {
        match resource.strip_prefix("arn:aws:states:::lambda:invoke") {
            None if resource == "arn:aws:states:::sqs:sendMessage" => Self::Sends,
            None => Self::Function,
            Some("") => Self::Invoke,
            Some(".waitForTaskToken") => Self::WaitsForToken,
            Some(_) => Self::Unknown(resource.to_owned()),
        }
    }

    /// Returns the result of the state after the function's answer.
    pub(crate) fn result(self, answer: Value) -> Result<Value, RaisedError> {
        match self {
            Self::Function | Self::WaitsForToken | Self::Sends => Ok(answer),
            Self::Invoke => Ok(json!({ "Payload": answer, "StatusCode": 200 })),
            Self::Unknown(resource) => Err(RaisedError::new(
                "States.Runtime",
                format!("no resource {resource}"),
            )),
        }
    }
}

/// Returns the invocation of a task with its place: the state, or for an undo the step that it
/// undoes or asks about.
pub(crate) fn invocation(
    deployed: &DrilledWorkflow,
    task: TaskCall<'_>,
) -> (Integration, Invocation) {
    let mut arguments = task.arguments;
    let integration = Integration::of(task.resource);
    let (function, payload) = match integration {
        Integration::Function | Integration::Sends => (task.resource.to_owned(), arguments),
        _ => (
            text(arguments["FunctionName"].take()),
            arguments["Payload"].take(),
        ),
    };
    let undo = &payload["undo"];
    let (place, item) = match (undo["step"].as_str(), payload.get("error")) {
        (Some(step), None) => (deployed.back_of(step), &undo["item"]),
        (Some(step), Some(_)) => (format!("{step}.unanswered"), &undo["item"]),
        (None, _) => (task.state.to_owned(), &payload["item_key"]),
    };
    let invocation = Invocation {
        place,
        item: match item {
            Value::Null => None,
            item => Some(text(item.clone())),
        },
        function,
        payload,
    };
    (integration, invocation)
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
