//! Reports: what the error of an action says about the effect, and about the undo of an effect.

use std::time::Duration;

use holdfast_action::{StepError, StepErrorKind};
use holdfast_ledger::{AttemptReport, StepRecord, UndoReport};
use holdfast_task::timing::longest_pause;
use jiff::SignedDuration;

/// The report of an attempt at a step that failed.
pub(crate) fn attempt_report(StepError { kind, message, .. }: StepError) -> AttemptReport {
    match kind {
        StepErrorKind::Transient { retry_after } => AttemptReport::Transient {
            error: message,
            wait: wait(retry_after),
        },
        StepErrorKind::Unknown { retry_after } => AttemptReport::Unknown {
            error: message,
            wait: wait(retry_after),
        },
        StepErrorKind::Permanent | StepErrorKind::Missing => AttemptReport::Permanent(message),
    }
}

/// The report of an attempt at an undo that failed.
pub(crate) fn undo_report(
    record: &StepRecord,
    StepError { kind, message, .. }: StepError,
) -> UndoReport {
    match kind {
        StepErrorKind::Transient { retry_after } => UndoReport::Transient {
            error: message,
            wait: wait(retry_after),
        },
        StepErrorKind::Unknown { retry_after } => UndoReport::Unknown {
            error: message,
            wait: wait(retry_after),
        },
        StepErrorKind::Permanent => UndoReport::Permanent(message),
        StepErrorKind::Missing if missing_is_undone(record) => UndoReport::Undone,
        // The answer may come from a wrong place or from a route that a deployment dropped, so that
        // another attempt follows.
        StepErrorKind::Missing => UndoReport::Unknown {
            error: format!("{message}, which does not prove that the effect is gone"),
            wait: SignedDuration::ZERO,
        },
    }
}

/// Returns whether "no such effect" says that the effect is gone (docs/protocol.md, rule 14).
///
/// A target that confirmed the effect contradicts itself, and one that fences answers well even
/// where there is nothing to undo.
fn missing_is_undone(record: &StepRecord) -> bool {
    let Some(undo) = record.undo else {
        return false;
    };
    undo.missing_is_undone || (record.output.is_none() && !undo.fences)
}

fn wait(retry_after: Option<Duration>) -> SignedDuration {
    longest_pause(retry_after.unwrap_or_default())
}
