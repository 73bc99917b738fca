//! The words for how things ended, and the class by which the style knows each.

use crate::{
    outcome::{AttemptOutcome, Decision, Status},
    receipt::StepStatus,
};

/// How an execution ended: its word, its class, what it means.
pub(super) fn status(status: Status) -> (&'static str, &'static str, &'static str) {
    match status {
        Status::Executed => (
            "Executed",
            "good",
            "Every step took effect, or was left out by intent.",
        ),
        Status::RolledBack => (
            "Rolled back",
            "undone",
            "It did not execute. Everything that had been applied was undone.",
        ),
        Status::PartiallyRolledBack => (
            "Partially rolled back",
            "part",
            "It did not execute, and not everything could be undone. What stands, or may stand, is named below.",
        ),
        Status::Failed => (
            "Failed",
            "bad",
            "It did not execute. Nothing had been applied.",
        ),
        Status::Rejected => (
            "Rejected",
            "bad",
            "It was refused before it began. Nothing was applied.",
        ),
    }
}

/// What came of a step: its word and its class.
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

/// How an attempt ended.
pub(super) fn outcome_word(outcome: Option<AttemptOutcome>) -> &'static str {
    match outcome {
        Some(AttemptOutcome::Succeeded) => "succeeded",
        Some(AttemptOutcome::Transient) => "failed, to be tried again",
        Some(AttemptOutcome::Permanent) => "failed for good",
        Some(AttemptOutcome::Unknown) => "unknown: it may have happened",
        Some(AttemptOutcome::Lost) => "never reported back",
        Some(AttemptOutcome::Halted) => "did nothing: the execution had moved on",
        None => "its end is not recorded",
    }
}

/// The class of an attempt's bar.
pub(super) fn outcome_class(outcome: Option<AttemptOutcome>) -> &'static str {
    match outcome {
        Some(AttemptOutcome::Succeeded) => "succeeded",
        Some(AttemptOutcome::Transient) => "transient",
        Some(AttemptOutcome::Permanent) => "permanent",
        Some(AttemptOutcome::Unknown | AttemptOutcome::Lost) => "unknown",
        Some(AttemptOutcome::Halted) | None => "halted",
    }
}

/// What a person decided.
pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "try again",
        Decision::Skip => "go on without it",
        Decision::Rollback => "roll back",
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
    }
}
