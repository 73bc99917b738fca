//! Task errors: the error names that a state machine matches, with a message for people.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::ports::StoreError;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{LedgerError, StepRecord, StepState, not_registered};
use holdfast_task::{ErrorName, UndoItem};

/// The failure of a task: an error name that its state machine matches, and a message for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct TaskError {
    /// The name that the state machine matches.
    pub name: ErrorName,
    /// The failure, its place and the fix; never a payload or a secret. JSON where the state
    /// machine reads it.
    pub message: String,
    /// The number of the attempt that failed, from 1, if one was made; for the log.
    pub attempt: Option<u32>,
    /// True if the start names a tenant that is not registered. Nothing is recorded of it.
    pub unregistered: bool,
}

impl TaskError {
    /// Makes an error without an attempt.
    pub fn new(name: ErrorName, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
            attempt: None,
            unregistered: false,
        }
    }

    /// Makes the error of a start that names an unregistered tenant.
    pub(crate) fn unregistered(tenant: &str) -> Self {
        Self {
            unregistered: true,
            ..Self::new(ErrorName::Malformed, not_registered(tenant))
        }
    }

    pub(crate) fn of_attempt(self, attempt: u32) -> Self {
        Self {
            attempt: Some(attempt),
            ..self
        }
    }
}

impl From<LedgerError> for TaskError {
    fn from(error: LedgerError) -> Self {
        // Even a denied access is retried, since a deployment can add a missing permission.
        Self::new(ErrorName::Transient, error.to_string())
    }
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::new(ErrorName::Transient, error.to_string())
    }
}

/// Longest wait that is spent inside the function; a longer one is left to the state machine, where
/// waiting is free.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(5);

pub(crate) fn permanent(message: impl Into<String>) -> TaskError {
    TaskError::new(ErrorName::Permanent, message)
}

pub(crate) fn retry_later(label: &str, why: &str, wait: Duration) -> TaskError {
    let seconds = wait.as_millis().div_ceil(1000);
    let message = json!({ "message": format!("{label}: {why}"), "retry_after_s": seconds });
    TaskError::new(ErrorName::RetryAfter, message.to_string())
}

/// The error of a step whose outcome stays unknown, because no further attempt is allowed.
pub(crate) fn unresolved_outcome(record: &StepRecord) -> TaskError {
    let label = record.label();
    let error = record.last_error().unwrap_or("no answer");
    if record.idempotent {
        let attempts = record.attempts.len();
        permanent(format!(
            "{label}: it may have happened ({error}), and {attempts} attempts did not find out"
        ))
    } else {
        let message = format!(
            "{label}: it may have happened ({error}) and must not be tried again: a person must look"
        );
        TaskError::new(ErrorName::Escalate, message)
    }
}

/// The error of a step that did not succeed. Its name decides between retry and catch.
pub(crate) fn step_error(
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
            if wait > SHORT_WAIT {
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
        StepState::Unknown => unresolved_outcome(record),
        _ => TaskError::new(
            ErrorName::Conflict,
            format!("{label}: another attempt took over"),
        ),
    }
}

/// The error of an undo that is to be retried; `None` if the undo has ended.
pub(crate) fn undo_error(record: &StepRecord, now: Timestamp) -> Option<TaskError> {
    let label = format!("undo of {}", record.label());
    let StepState::UndoWaiting { until } = &record.state else {
        return None;
    };
    let error = record.last_undo_error().unwrap_or("it failed");
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    Some(if wait > SHORT_WAIT {
        retry_later(&label, error, wait)
    } else {
        TaskError::new(ErrorName::Transient, format!("{label}: {error}"))
    })
}

pub(crate) fn too_many_races(what: &str) -> TaskError {
    TaskError::new(
        ErrorName::Conflict,
        format!("{what}: too many writers at once"),
    )
}

pub(crate) fn at_work(step: &StepRecord, until: Timestamp) -> TaskError {
    let message = format!("{} may be at work until {until}", step.label());
    TaskError::new(ErrorName::Conflict, message)
}

pub(crate) fn superseded(at: &ExecutionKey) -> TaskError {
    let message = format!("another owner took over execution {}", at.execution);
    TaskError::new(ErrorName::Halted, message)
}

pub(crate) fn no_such_execution(at: &ExecutionKey) -> TaskError {
    let message = format!("no execution {} is recorded", at.execution);
    TaskError::new(ErrorName::Permanent, message)
}

pub(crate) fn no_such_step(undo: &UndoItem) -> TaskError {
    let message = format!("no step {} is recorded", undo.step);
    TaskError::new(ErrorName::Permanent, message)
}
