//! The time at which the sweep looks at an open execution again.

use jiff::{SignedDuration, Timestamp};

use super::execution::{ExecutionRecord, Phase};
use holdfast_ids::arn::is_express;
use holdfast_receipt::Status;
use holdfast_task::{Failure, timing::UNWINDING_OVERDUE};

/// The longest time between two looks at an open execution, whatever its timeout.
pub const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// The time for an owner that a request names to be started. After it the sweep starts the owner.
const OWNER_STARTS_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The time for a recorded end to get its receipt.
const RECEIPT_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// The time for a recovery that was started to take over.
const TAKEOVER_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// The longest life of an Express run
/// (docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html).
const RUN_LIVES: SignedDuration = SignedDuration::from_mins(5);

/// The time and the urgency of the next look at an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextLook {
    /// The time.
    pub due: Timestamp,
    /// True if work is known to be left. The sweep takes these first, so that many executions that
    /// only wait delay none of them.
    pub urgent: bool,
}

impl NextLook {
    fn after(from: Timestamp, time: SignedDuration, urgent: bool) -> Self {
        let due = from.saturating_add(time).unwrap_or(Timestamp::MAX);
        Self { due, urgent }
    }

    /// The look that follows a write of this record.
    ///
    /// The end of a short execution leaves the look before it in place, since a move of the entry
    /// is two writes. That look is at most [`LOOK_EVERY`] after the end.
    pub fn of(execution: &ExecutionRecord) -> Self {
        match &execution.phase {
            Phase::Ended {
                status,
                at,
                failure,
            } => {
                let before = match (status, failure) {
                    (Status::Rejected, _) => Self::of_rejected(execution),
                    (_, Some(failure)) if execution.unwound_at.is_some() => {
                        Self::of_unwinding(execution, failure)
                    }
                    _ => Self::of_unfinished(execution),
                };
                match before.due > *at {
                    true => before,
                    false => Self::after(*at, RECEIPT_WITHIN, true),
                }
            }
            Phase::Rejected => Self::of_rejected(execution),
            Phase::Unwinding { failure } => Self::of_unwinding(execution, failure),
            Phase::Running => Self::of_unfinished(execution),
        }
    }

    fn of_rejected(execution: &ExecutionRecord) -> Self {
        Self::after(execution.started_at, RECEIPT_WITHIN, true)
    }

    fn of_unwinding(execution: &ExecutionRecord, failure: &Failure) -> Self {
        // A person's request names an owner that does not run yet.
        if failure.by.is_some() {
            return Self::after(taken_over_at(execution), OWNER_STARTS_WITHIN, true);
        }
        match runs_end_at(execution) {
            Some(due) => Self { due, urgent: true },
            None => Self::routine(execution, taken_over_at(execution), LOOK_EVERY),
        }
    }

    fn of_unfinished(execution: &ExecutionRecord) -> Self {
        match (execution.redrive(), runs_end_at(execution)) {
            (Some(redrive), _) => Self::after(redrive.at, OWNER_STARTS_WITHIN, true),
            (None, Some(due)) => Self { due, urgent: true },
            (None, None) => Self::routine(execution, execution.started_at, LOOK_EVERY),
        }
    }

    /// The look after one at `now` that found the owner running.
    pub fn of_running(execution: &ExecutionRecord, now: Timestamp) -> Self {
        match &execution.phase {
            Phase::Ended { .. } | Phase::Rejected => Self::after(now, RECEIPT_WITHIN, true),
            Phase::Running | Phase::Unwinding { .. } => Self::routine(execution, now, LOOK_EVERY),
        }
    }

    /// The look after one at `now` that found Express runs which may live until `until`. If that
    /// look started another run, that one lives as long.
    pub fn of_runs(until: Timestamp, started: Option<Timestamp>) -> Self {
        let last = started.map(|now| Self::after(now, RUN_LIVES, true).due);
        let due = until.max(last.unwrap_or(until));
        Self { due, urgent: true }
    }

    /// The look after one at `now` that started a recovery.
    pub fn of_recovery(now: Timestamp) -> Self {
        Self::after(now, TAKEOVER_WITHIN, true)
    }

    /// A look after `time`, and at the deadline if that is still ahead.
    fn routine(execution: &ExecutionRecord, from: Timestamp, time: SignedDuration) -> Self {
        let Self { due, urgent } = Self::after(from, time, false);
        let deadline = execution.deadline;
        let due = if deadline > from {
            due.min(deadline)
        } else {
            due
        };
        Self { due, urgent }
    }
}

/// The time at which every run of an Express owner has ended; `None` if the owner is a Standard
/// execution, which Step Functions describes.
///
/// A run that Step Functions starts later than the first may live longer. A takeover is safe beside
/// it, because it raises the epoch.
pub fn runs_end_at(execution: &ExecutionRecord) -> Option<Timestamp> {
    let starts_by = match execution.redrive() {
        Some(redrive) => NextLook::after(redrive.at, OWNER_STARTS_WITHIN, true).due,
        None => execution.started_at,
    };
    is_express(&execution.owner).then(|| NextLook::after(starts_by, RUN_LIVES, true).due)
}

/// The time of the last takeover. The deadline is a fixed time after it.
fn taken_over_at(execution: &ExecutionRecord) -> Timestamp {
    let taken = execution.deadline.saturating_sub(UNWINDING_OVERDUE);
    taken.unwrap_or(Timestamp::MIN)
}
