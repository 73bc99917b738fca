//! The errors that tell a machine why a step did not succeed, and what to do about it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::ports::StoreError;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{LedgerError, StepRecord, StepState};
use holdfast_task::{ErrorName, UndoItem};

/// How a task ends when it does not end well: an error name that its machine matches, and words for
/// people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct TaskError {
    /// The name that the state machine matches.
    pub name: ErrorName,
    /// What failed, where, and what would help; never a payload or a secret. JSON where the machine
    /// reads it.
    pub message: String,
    /// Which attempt it was that came to this, from 1, if one was made: for the log.
    pub attempt: Option<u32>,
}

impl TaskError {
    /// An error of no attempt in particular.
    pub fn new(name: ErrorName, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
            attempt: None,
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
        // Even a refusal is retried: a missing permission is mended by a deployment, not by giving
        // up.
        Self::new(ErrorName::Transient, error.to_string())
    }
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::new(ErrorName::Transient, error.to_string())
    }
}

/// A pause this short is spent inside the function; a longer one in the machine, where waiting is
/// free.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(5);

pub(crate) fn permanent(message: impl Into<String>) -> TaskError {
    TaskError::new(ErrorName::Permanent, message)
}

pub(crate) fn retry_later(label: &str, why: &str, wait: Duration) -> TaskError {
    let seconds = wait.as_millis().div_ceil(1000);
    let message = json!({ "message": format!("{label}: {why}"), "retry_after_s": seconds });
    TaskError::new(ErrorName::RetryAfter, message.to_string())
}

/// The error for an outcome that nobody knows and nobody may find out by trying.
pub(crate) fn unresolved_outcome(record: &StepRecord) -> TaskError {
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

/// The error that tells the machine to try an undo again; `None` if it is over, well or not.
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
    let message = format!("somebody else took over execution {}", at.execution);
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
