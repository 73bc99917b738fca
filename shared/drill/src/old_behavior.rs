//! Puts old behaviours back at the ports of the engine, so that tests show what finds each of them.

use holdfast_action::{StepError, StepErrorKind};
use holdfast_ids::arn::is_express;
use holdfast_ledger::{
    AnyRecord, CountedPut, CounterChange, EpochAndPhase, ExecutionRecord, Expect, Ledger,
    LedgerError, MemoryLedger, Phase, Record, Snapshot,
};
use serde_json::Value;

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
    /// Each run of an Express start is an owner of its own.
    RunOwnsItself,
    /// A start overwrites the record of an earlier one with its key.
    StartOverwritten,
    /// A step that has its claim does not see that a takeover began the rollback.
    TakeoverUnseen,
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

    /// Returns the payload of a function, as the state machine of this behaviour sends it.
    pub(crate) fn sent(self, mut payload: Value) -> Value {
        let owner = payload["owner"].as_str().filter(|owner| is_express(owner));
        // The engine removes the id of the run from an ARN of nine parts. This one has eight.
        let own = match (self, owner.and_then(|owner| owner.rsplit_once(':'))) {
            (Self::RunOwnsItself, Some((owner, run))) => format!("{owner}-{run}"),
            _ => return payload,
        };
        payload["owner"] = own.into();
        payload
    }

    /// Returns epoch and phase of an execution as a function of this behaviour reads them.
    pub(crate) fn seen(self, read: EpochAndPhase) -> EpochAndPhase {
        match (self, &read.phase) {
            (Self::TakeoverUnseen, Phase::Unwinding { .. }) => EpochAndPhase {
                phase: Phase::Running,
                epoch: read.epoch.saturating_sub(1),
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

/// Writes an execution record and counters, as an old behaviour does if one is put back.
pub(crate) async fn put_execution(
    old: Option<OldBehavior>,
    ledger: &MemoryLedger,
    execution: &ExecutionRecord,
    expect: Expect,
    changes: &[CounterChange],
) -> Result<CountedPut, LedgerError> {
    let put = ledger
        .put_execution_and_counters(execution, expect, changes)
        .await;
    match (old, expect, &put) {
        (
            Some(OldBehavior::StartOverwritten),
            Expect::Absent,
            Ok(CountedPut::Lost(Some(stored))),
        ) => {
            let stored = Expect::Rev(stored.rev);
            ledger
                .put_execution_and_counters(execution, stored, changes)
                .await
        }
        _ => put,
    }
}
