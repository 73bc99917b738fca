//! The words of the page for statuses, outcomes and decisions, and the style's class of each.

use crate::{
    outcome::{AttemptOutcome, Decision, Status},
    receipt::StepStatus,
};

/// The word and the class of an execution's status.
pub(super) fn status(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Executed => ("Executed", "good"),
        Status::RolledBack => ("Rolled back", "undone"),
        Status::PartiallyRolledBack => ("Partially rolled back", "part"),
        Status::Failed => ("Failed", "bad"),
        Status::Rejected => ("Rejected", "bad"),
    }
}

/// The word and the class of a step's state.
pub(super) fn step(status: StepStatus) -> (&'static str, &'static str) {
    match status {
        StepStatus::Success => ("succeeded", "good"),
        StepStatus::Failed => ("failed, nothing applied", "bad"),
        StepStatus::Unknown => ("unknown, may have been applied", "part"),
        StepStatus::Undone => ("undone", "undone"),
        StepStatus::UndoFailed => ("undo failed", "part"),
        StepStatus::Skipped => ("skipped", "none"),
        StepStatus::NotRun => ("not run", "none"),
    }
}

/// The words for an attempt's outcome.
pub(super) fn outcome_word(outcome: Option<AttemptOutcome>) -> &'static str {
    match outcome {
        Some(AttemptOutcome::Succeeded) => "succeeded",
        Some(AttemptOutcome::Transient) => "failed, can be retried",
        Some(AttemptOutcome::Permanent) => "failed for good",
        Some(AttemptOutcome::Unknown) => "unknown: may have been applied",
        Some(AttemptOutcome::Lost) => "lost: reported no outcome",
        Some(AttemptOutcome::Halted) => "did nothing: the execution had moved on",
        None => "end not recorded",
    }
}

/// The class of an attempt's bar in the timeline.
pub(super) fn outcome_class(outcome: Option<AttemptOutcome>) -> &'static str {
    match outcome {
        Some(AttemptOutcome::Succeeded) => "succeeded",
        Some(AttemptOutcome::Transient) => "transient",
        Some(AttemptOutcome::Permanent) => "permanent",
        Some(AttemptOutcome::Unknown | AttemptOutcome::Lost) => "unknown",
        Some(AttemptOutcome::Halted) | None => "halted",
    }
}

/// The word for a decision.
pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "retry",
        Decision::Skip => "skip",
        Decision::Rollback => "roll back",
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
    }
}
