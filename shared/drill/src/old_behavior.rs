//! Puts old behaviours back at the ports of the engine, so that tests show what finds each of them.

use holdfast_action::{StepError, StepErrorKind};
use holdfast_ledger::{AnyRecord, Record, Snapshot};

/// An old behaviour of the engine or of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldBehavior {
    /// The record of a restarted step keeps no earlier key, though a call of it may still arrive.
    EarlierKeyForgotten,
    /// The end of an execution leaves its records open, so that a late claim changes them.
    RecordLeftOpen,
    /// A function that loses the write of an execution's end keeps the steps that it read before.
    StaleSteps,
    /// A gateway's 503 after the effect counts as a refusal.
    UnavailableJudgedClean,
    /// An undo that the target answers with "missing" counts as done.
    MissingJudgedUndone,
}

impl OldBehavior {
    /// Returns a record as this behaviour writes it.
    pub(crate) fn written<R: Record>(self, record: &R) -> R {
        let mut written: AnyRecord = record.clone().into();
        match (self, &mut written) {
            (Self::EarlierKeyForgotten, AnyRecord::Step(step)) => step.earlier.clear(),
            (Self::RecordLeftOpen, AnyRecord::Step(step)) => step.closed = None,
            _ => {}
        }
        R::try_from(written).unwrap_or_else(|_| record.clone())
    }

    /// Returns a snapshot as this behaviour uses it. `first` has the first one of the process.
    pub(crate) fn read(self, read: Snapshot, first: &mut Option<Snapshot>) -> Snapshot {
        let first = first.get_or_insert_with(|| read.clone());
        match self {
            Self::StaleSteps if first.execution.at == read.execution.at => Snapshot {
                steps: first.steps.clone(),
                ..read
            },
            _ => read,
        }
    }

    /// Returns the error of an answer whose effect happened, as this behaviour judges it.
    pub(crate) fn judged(self, error: StepError) -> StepError {
        match self {
            Self::UnavailableJudgedClean => StepError::permanent("answered 503"),
            _ => error,
        }
    }

    /// Returns the end of an undo, as this behaviour judges it.
    pub(crate) fn undone(self, answer: Result<(), StepError>) -> Result<(), StepError> {
        match (self, answer) {
            (Self::MissingJudgedUndone, Err(error)) if error.kind == StepErrorKind::Missing => {
                Ok(())
            }
            (_, answer) => answer,
        }
    }
}
