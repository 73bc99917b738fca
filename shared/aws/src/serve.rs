//! The Lambda loop of a task function: JSON in, JSON out, errors under names that state machines
//! match.

use std::{fmt, future::Future};

use holdfast_action::{Check, Checks};
use holdfast_engine::TaskError;
use holdfast_task::ErrorName;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The answer of an invocation.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<R> {
    Checks(Checks),
    Task(R),
}

/// Runs the Lambda loop with `handle`; `log` writes the log line of an invocation. `{"check":
/// true}` in place of a task is answered with the result of `checks`.
///
/// An unreadable task is `Malformed`: its state machine was compiled by another version.
pub async fn serve<T, R, F, Fut>(
    handle: F,
    log: fn(&T, &Result<R, TaskError>),
    checks: impl AsyncFn() -> Vec<Check>,
) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    R: Serialize,
    F: Fn(T) -> Fut,
    Fut: Future<Output = (T, Result<R, TaskError>)>,
{
    let (handle, checks) = (&handle, &checks);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        if event.payload == json!({ "check": true }) {
            let checks = Box::pin(checks()).await;
            return Ok(Answer::Checks(Checks { checks }));
        }
        let task = serde_json::from_value(event.payload).map_err(|error| {
            // Serde's message may quote a value of the task.
            let kind = error.classify();
            tracing::error!(?kind, "the task cannot be read");
            ErrorResponse(TaskError::new(
                ErrorName::Malformed,
                "the task cannot be read: its state machine was compiled by another version; run holdfast compile and deploy",
            ))
        })?;
        // The future is boxed, since the SDK's futures nest deeply.
        let (task, result) = Box::pin(handle(task)).await;
        log(&task, &result);
        result.map(Answer::Task).map_err(ErrorResponse)
    }))
    .await
}

/// A task error as Lambda reports it: `errorType` is its own name, not that of a Rust type.
struct ErrorResponse(TaskError);

/// The text that the runtime logs. The invocation's own line has the rest, without parts of an
/// input.
impl fmt::Debug for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.name, f)
    }
}

impl From<ErrorResponse> for Diagnostic {
    fn from(ErrorResponse(error): ErrorResponse) -> Self {
        Self {
            error_type: error.name.to_string(),
            error_message: error.message,
        }
    }
}
