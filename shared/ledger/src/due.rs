//! The time at which the sweep looks at an open execution again.

use jiff::{SignedDuration, Timestamp};

use super::execution::{ExecutionRecord, Phase};
use holdfast_task::timing::UNWINDING_OVERDUE;

/// The longest time between two looks at an open execution, whatever its timeout.
pub const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// The time for an owner that a request names to be started. After it the sweep starts the owner.
const OWNER_STARTS_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The time for a recorded end to get its receipt.
const RECEIPT_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// The time for a recovery that was started to take over.
const TAKEOVER_WITHIN: SignedDuration = SignedDuration::from_mins(2);

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
    pub fn of(execution: &ExecutionRecord) -> Self {
        match &execution.phase {
            Phase::Ended { at, .. } => Self::after(*at, RECEIPT_WITHIN, true),
            Phase::Rejected => Self::after(execution.started_at, RECEIPT_WITHIN, true),
            // A person's request names an owner that does not run yet.
            Phase::Unwinding { failure } if failure.by.is_some() => {
                Self::after(taken_over_at(execution), OWNER_STARTS_WITHIN, true)
            }
            Phase::Unwinding { .. } => {
                Self::routine(execution, taken_over_at(execution), LOOK_EVERY)
            }
            Phase::Running => match execution.redrive() {
                Some(redrive) => Self::after(redrive.at, OWNER_STARTS_WITHIN, true),
                None => Self::routine(execution, execution.started_at, LOOK_EVERY),
            },
        }
    }

    /// The look after one at `now` that found the owner running.
    pub fn of_running(execution: &ExecutionRecord, now: Timestamp) -> Self {
        match &execution.phase {
            Phase::Ended { .. } | Phase::Rejected => Self::after(now, RECEIPT_WITHIN, true),
            Phase::Running | Phase::Unwinding { .. } => Self::routine(execution, now, LOOK_EVERY),
        }
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

/// The time of the last takeover. The deadline is a fixed time after it.
fn taken_over_at(execution: &ExecutionRecord) -> Timestamp {
    let taken = execution.deadline.saturating_sub(UNWINDING_OVERDUE);
    taken.unwrap_or(Timestamp::MIN)
}
