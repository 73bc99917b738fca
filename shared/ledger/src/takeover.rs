//! Pure rules of a takeover: who becomes the owner of an execution that is rolled back.

use jiff::Timestamp;

use super::execution::{ExecutionRecord, Phase};
use holdfast_task::{Failure, timing::UNWINDING_OVERDUE};

/// The decision on a takeover.
#[derive(Debug, Clone, PartialEq)]
pub enum TakeoverTransition {
    /// Write this record. From then on only undo tasks of its epoch may act.
    Write(Box<ExecutionRecord>),
    /// The execution belongs to this owner already.
    Mine,
    /// The execution has ended.
    Over,
    /// Another owner took the execution over since it was read.
    Superseded,
}

/// Decides a takeover by the Step Functions execution `by`, which last read the execution in
/// `epoch`.
///
/// A recorded failure is kept, so a recovery continues the rollback that an earlier owner began.
pub fn take(
    execution: &ExecutionRecord,
    by: &str,
    epoch: u64,
    failure: &Failure,
    now: Timestamp,
) -> TakeoverTransition {
    let failure = match &execution.phase {
        Phase::Ended { .. } => return TakeoverTransition::Over,
        Phase::Unwinding { .. } if execution.owner == by => return TakeoverTransition::Mine,
        _ if execution.epoch != epoch => return TakeoverTransition::Superseded,
        Phase::Unwinding { failure } => failure,
        Phase::Running => failure,
        // No effect happened, so the execution only has to be finished.
        Phase::Rejected => return TakeoverTransition::Mine,
    };
    TakeoverTransition::Write(Box::new(unwinding(execution, by, failure, now)))
}

/// Decides a takeover by `by`, which finishes an execution whose steps are all done instead of
/// undoing it. The caller has checked the steps. They remain done, because only a rollback changes
/// them and it needs another phase.
pub fn take_to_finish(
    execution: &ExecutionRecord,
    by: &str,
    epoch: u64,
    now: Timestamp,
) -> TakeoverTransition {
    match &execution.phase {
        Phase::Ended { .. } => TakeoverTransition::Over,
        _ if execution.owner == by => TakeoverTransition::Mine,
        Phase::Running if execution.epoch == epoch => {
            TakeoverTransition::Write(Box::new(taken(execution, by, now)))
        }
        _ => TakeoverTransition::Superseded,
    }
}

/// The record of an execution that `by` rolls back from now on.
pub(super) fn unwinding(
    execution: &ExecutionRecord,
    by: &str,
    failure: &Failure,
    now: Timestamp,
) -> ExecutionRecord {
    let unwound_at = match execution.phase {
        Phase::Unwinding { .. } => unwound_since(execution),
        _ => now,
    };
    ExecutionRecord {
        phase: Phase::Unwinding {
            failure: failure.clone(),
        },
        unwound_at: Some(unwound_at),
        ..taken(execution, by, now)
    }
}

/// The record of an execution that `by` owns from now on.
fn taken(execution: &ExecutionRecord, by: &str, now: Timestamp) -> ExecutionRecord {
    ExecutionRecord {
        rev: execution.rev + 1,
        epoch: execution.epoch + 1,
        origin: (by != execution.origin()).then(|| execution.origin().to_owned()),
        owner: by.to_owned(),
        deadline: now
            .saturating_add(UNWINDING_OVERDUE)
            .unwrap_or(Timestamp::MAX),
        ..execution.clone()
    }
}

/// The time at which the rollback began. A record of an earlier release lacks it: its deadline is a
/// fixed time after the last takeover.
pub fn unwound_since(execution: &ExecutionRecord) -> Timestamp {
    let last = execution.deadline.saturating_sub(UNWINDING_OVERDUE);
    execution
        .unwound_at
        .unwrap_or_else(|| last.unwrap_or(Timestamp::MIN))
}
