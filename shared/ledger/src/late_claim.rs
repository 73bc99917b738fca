//! Late claims: first claims that the end of a rollback did not see, and whose attempts cannot act.

use super::{
    claim::unclaimed,
    execution::{ExecutionRecord, Phase},
    step::{StepRecord, StepState},
};
use holdfast_receipt::Status;

/// Returns whether only a claim after the end of a rollback can have written the record.
///
/// The end leaves no record open, and the epoch rose before it. So the attempt that opened the
/// record reads that it may not act (docs/protocol.md, rule 15). It has died or cannot read, since
/// it would take its claim back otherwise. The record remains a late claim in each later execution
/// generation that has not claimed the step.
pub(super) fn is_late_claim(step: &StepRecord, execution: &ExecutionRecord) -> bool {
    let open = matches!(
        step.state,
        StepState::Running { .. } | StepState::Waiting { .. }
    );
    open && step.attempts.len() == 1
        && !step.tainted
        && was_rolled_back_since(execution, step.execution_generation)
}

/// Returns whether this execution generation or a later one has ended with a rollback.
fn was_rolled_back_since(execution: &ExecutionRecord, generation: u32) -> bool {
    let past = execution.past.iter();
    let since = past.filter(|past| past.generation >= generation);
    let current = match &execution.phase {
        Phase::Ended { status, .. } => Some(status),
        _ => None,
    };
    let mut ends = since.map(|past| &past.status).chain(current);
    ends.any(|status| *status != Status::Executed)
}

/// The record of a late claim, taken back and closed in this execution generation.
pub fn closed_late_claim(record: &StepRecord, execution_generation: u32) -> StepRecord {
    StepRecord {
        closed: Some(execution_generation),
        ..never_run(record)
    }
}

/// The record of a step whose only attempt came too late to act. The end of the execution may have
/// met no record, so that its receipt does not list the step. The record therefore counts as one
/// that no attempt claimed.
pub(super) fn never_run(record: &StepRecord) -> StepRecord {
    StepRecord {
        closed: Some(record.execution_generation),
        number: 0,
        ..unclaimed(record, StepState::FailedClean)
    }
}
