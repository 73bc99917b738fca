//! The errors that tell a machine why a step did not succeed, and what to do about it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::TaskError;
use holdfast_ledger::{StepRecord, StepState};
use holdfast_task::ErrorName;

/// A pause this short is spent inside the function; a longer one in the machine, where waiting is free.
pub(super) const SHORT_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn permanent(message: impl Into<String>) -> TaskError {
    TaskError::new(ErrorName::Permanent, message)
}

pub(super) fn retry_later(label: &str, why: &str, wait: Duration) -> TaskError {
    let seconds = wait.as_millis().div_ceil(1000);
    let message = json!({ "message": format!("{label}: {why}"), "retry_after_s": seconds });
    TaskError::new(ErrorName::RetryAfter, message.to_string())
}

/// The error for an outcome that nobody knows and nobody may find out by trying.
pub(super) fn unknown_for_good(record: &StepRecord) -> TaskError {
    let label = record.label();
    let error = record.last_error().unwrap_or("no answer");
    if record.idempotent {
        let attempts = record.attempts.len();
        permanent(format!(
            "{label}: it may have happened ({error}), and {attempts} attempts did not tell"
        ))
    } else {
        let message = format!(
            "{label}: it may have happened ({error}) and must not be tried again: a person must look"
        );
        TaskError::new(ErrorName::Escalate, message)
    }
}

/// The error that tells the machine what to do about a step that did not succeed.
pub(super) fn refusal(
    record: &StepRecord,
    state: &StepState,
    max_attempts: u32,
    now: Timestamp,
) -> TaskError {
    let label = record.label();
    let error = record.last_error().unwrap_or("it failed");
    let attempts = record.attempts.len();
    match state {
        StepState::Waiting { until } => {
            let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            if wait > SHORT_PAUSE {
                retry_later(&label, error, wait)
            } else {
                TaskError::new(ErrorName::Transient, format!("{label}: {error}"))
            }
        }
        StepState::FailedClean => permanent(format!(
            "{label}: {error} (attempt {attempts} of {max_attempts})"
        )),
        StepState::Unknown if record.may_retry(max_attempts) => {
            TaskError::new(ErrorName::Unknown, format!("{label}: {error}"))
        }
        StepState::Unknown => unknown_for_good(record),
        _ => TaskError::new(
            ErrorName::Conflict,
            format!("{label}: another attempt took over"),
        ),
    }
}

/// The error that tells the machine to try an undo again; `None` if it is over, well or not.
pub(super) fn undo_refusal(record: &StepRecord, now: Timestamp) -> Option<TaskError> {
    let label = format!("undo of {}", record.label());
    let StepState::UndoWaiting { until } = &record.state else {
        return None;
    };
    let error = record.last_undo_error().unwrap_or("it failed");
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    Some(if wait > SHORT_PAUSE {
        retry_later(&label, error, wait)
    } else {
        TaskError::new(ErrorName::Transient, format!("{label}: {error}"))
    })
}
