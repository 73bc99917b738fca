//! Pure rule of a start: which Step Functions execution continues with a record, and which one is a
//! repeat.

use holdfast_ids::arn::{is_express, owner_of};
use holdfast_task::Failure;

use super::execution::{ExecutionRecord, Phase};

/// The decision on a start.
#[derive(Debug, Clone, PartialEq)]
pub enum StartTransition {
    /// No record exists: write this one.
    Write,
    /// The record is the owner's own: continue with it.
    Resume,
    /// The start is the one that began the record. Step Functions runs it again, but no Express run
    /// of it can continue any more. No caller repeated the start.
    Rerun,
    /// The same start belongs to another execution, or to this one, which has ended.
    Duplicate,
    /// The key belongs to a start with another input.
    KeyReused,
}

/// Decides a start. The owner's own repeat continues with its record, even if a trigger's mapping
/// yields another input at each evaluation. For every other start the input is compared before the
/// status, so that a reused key and a repeat differ whatever the first start became.
pub fn start(current: Option<&ExecutionRecord>, requested: &ExecutionRecord) -> StartTransition {
    let Some(first) = current else {
        return StartTransition::Write;
    };
    let open = match &first.phase {
        Phase::Running | Phase::Rejected => true,
        // A repeat of a refused redrive is refused again.
        Phase::Unwinding { failure } => *failure == Failure::rejected(),
        Phase::Ended { .. } => false,
    };
    if open && first.owner == requested.owner && continues(first, requested) {
        StartTransition::Resume
    } else if is_rerun(first, requested) {
        StartTransition::Rerun
    } else if first.fingerprint() != requested.fingerprint() {
        StartTransition::KeyReused
    } else {
        StartTransition::Duplicate
    }
}

/// Returns whether a run of the owner continues with the record.
///
/// The runs of one Express owner need not be runs of one request, because Step Functions accepts a
/// name again. So a run continues only what it would have begun itself: the same input under the
/// same definition. A redrive sends no long input, and its name is its own.
fn continues(first: &ExecutionRecord, run: &ExecutionRecord) -> bool {
    let same_definition = first.definition_digest == run.definition_digest;
    !is_express(&first.owner) || (has_same_input(first, run) && same_definition)
}

/// Returns whether the run is another one of the Express start that began the record. A recovery
/// may own the record now, or the run that reported the start.
fn is_rerun(first: &ExecutionRecord, run: &ExecutionRecord) -> bool {
    is_express(first.origin())
        && owner_of(first.origin()) == run.owner
        && has_same_input(first, run)
}

fn has_same_input(first: &ExecutionRecord, run: &ExecutionRecord) -> bool {
    first.redrive().is_some() || first.fingerprint() == run.fingerprint()
}
