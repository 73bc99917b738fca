//! The Lambda loop of a task function: JSON in, JSON out, errors under names that state machines
//! match.

use std::{collections::BTreeMap, fmt, future::Future};

use holdfast_action::{Check, Checks};
use holdfast_engine::TaskError;
use holdfast_task::ErrorName;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{error::Category, value::RawValue};

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
/// An unreadable task is `Malformed`, which no state machine retries.
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
    let invoked = move |event: LambdaEvent<Box<RawValue>>| async move {
        let task = read_task(event.payload.get()).map_err(|error| {
            tracing::error!(error = error.message, "the task cannot be read");
            ErrorResponse(error)
        })?;
        let Some(task) = task else {
            let checks = Box::pin(checks()).await;
            return Ok(Answer::Checks(Checks { checks }));
        };
        // The future is boxed, since the SDK's futures nest deeply.
        let (task, result) = Box::pin(handle(task)).await;
        log(&task, &result);
        result.map(Answer::Task).map_err(ErrorResponse)
    };
    lambda_runtime::run(service_fn(invoked)).await
}

/// Reads the JSON text of an invocation: a task, or `None` for a request of checks.
///
/// The runtime hands over the text as it is. It would answer a text that it cannot read itself with
/// an error that state machines retry for minutes. Serde's messages are left out, since they may
/// quote a value of the task.
pub fn read_task<T: DeserializeOwned>(text: &str) -> Result<Option<T>, TaskError> {
    let checks: Result<BTreeMap<&str, bool>, _> = serde_json::from_str(text);
    if checks.is_ok_and(|members| members == BTreeMap::from([("check", true)])) {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| {
        let why = match error.classify() {
            Category::Data => {
                "the task cannot be read: its state machine was compiled by another version; \
                 run holdfast compile and deploy"
            }
            Category::Syntax | Category::Eof | Category::Io => {
                "the task cannot be read as JSON: a text of the start has half a character \
                 (a lone surrogate such as \\ud83d), it is nested more than 120 levels deep, or \
                 it has a number beyond 1e308"
            }
        };
        TaskError::new(ErrorName::Malformed, why)
    })
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_text_that_no_function_can_read_is_malformed_and_never_retried() {
        for text in [
            r#"{"start":{"input":"\ud83d"}}"#.to_owned(),
            format!("{}{}", "[".repeat(200), "]".repeat(200)),
            "1e400".to_owned(),
        ] {
            // The runtime hands over what it does not read, so that the error is ours.
            let raw: Box<RawValue> = serde_json::from_str(&text).expect("the runtime takes it");
            let refused = read_task::<Value>(raw.get()).expect_err(&text);
            assert_eq!(refused.name, ErrorName::Malformed, "{text}");
            assert!(refused.message.contains("as JSON"), "{}", refused.message);
        }
    }

    #[test]
    fn a_task_of_another_version_is_malformed_without_its_values() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Task {
            #[expect(dead_code, reason = "only its form is read")]
            step: u32,
        }
        assert!(read_task::<Task>(r#"{"step":1}"#).is_ok_and(|task| task.is_some()));
        assert!(read_task::<Task>(r#" {"check": true}"#).is_ok_and(|task| task.is_none()));
        for none in [
            "[true]",
            r#"{"check":false}"#,
            r#"{"check":true,"step":true}"#,
        ] {
            assert!(read_task::<Task>(none).is_err(), "{none}");
        }
        let refused = read_task::<Task>(r#"{"step":"hunter2"}"#).expect_err("a text is no number");
        assert!(
            refused.message.contains("another version"),
            "{}",
            refused.message
        );
        assert!(!refused.message.contains("hunter2"), "{}", refused.message);
    }
}
