//! Durations that a state machine, a claim and a function must agree on, in whole seconds.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The time from an attempt's timeout to the end of its lease, in which the function records the
/// outcome.
pub const LEASE_MARGIN_S: u64 = 5;

/// The time from a step's timeout to that of its Task state, so that the function answers first.
pub const TASK_MARGIN_S: u64 = 10;

/// The time from the longest attempt's timeout to that of its Lambda function.
pub const FUNCTION_MARGIN_S: u64 = 15;

/// The shortest timeout of a function, which leaves time for a cold start and the ledger.
pub const FUNCTION_MIN_S: u64 = 30;

/// The longest timeout that Lambda allows.
pub const FUNCTION_MAX_S: u64 = 900;

/// The longest timeout of a step, within Lambda's limit and the margins.
pub const STEP_TIMEOUT_MAX_S: u64 = 14 * 60;

/// The timeout of the `Begin`, `Finish` and `Close` tasks.
pub const FRAME_TIMEOUT_S: u64 = 30;

/// The longest wait that a target can request.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The time after which a rollback is overdue. A rollback that waits for leases and retries takes
/// less.
pub const UNWINDING_OVERDUE: SignedDuration = SignedDuration::from_mins(30);

/// The lease of an attempt with this timeout, in seconds.
pub const fn lease_s(timeout_s: u64) -> u64 {
    timeout_s + LEASE_MARGIN_S
}

/// The time for which an attempt may act under its lease. It ends before another attempt may take
/// over.
pub fn time_left(lease_until: Timestamp, now: Timestamp) -> Duration {
    let margin = SignedDuration::from_secs(LEASE_MARGIN_S as i64);
    Duration::try_from(lease_until.duration_since(now) - margin).unwrap_or_default()
}

/// The wait that a target requested, up to the maximum.
pub fn longest_pause(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait.min(LONGEST_PAUSE)).unwrap_or_default()
}
