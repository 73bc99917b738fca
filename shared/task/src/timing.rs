//! The durations that machine, claim and function must agree on, in whole seconds, in one place.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// An attempt's lease outlives its timeout by this much, so that the function can still record the outcome.
pub const LEASE_MARGIN_S: u64 = 5;

/// A Task state outlives its step's timeout by this much: the function answers first, and its answer says more.
pub const TASK_MARGIN_S: u64 = 10;

/// A Lambda function outlives the longest attempt it runs by this much.
pub const FUNCTION_MARGIN_S: u64 = 15;

/// Shortest timeout of a function: room for a cold start and the ledger even where every step is quick.
pub const FUNCTION_MIN_S: u64 = 30;

/// Longest timeout that Lambda allows a function.
pub const FUNCTION_MAX_S: u64 = 900;

/// Longest timeout of a step: what fits into Lambda's limit with our margins.
pub const STEP_TIMEOUT_MAX_S: u64 = 14 * 60;

/// Timeout of the `Begin`, `Finish` and `Close` tasks.
pub const FRAME_TIMEOUT_S: u64 = 30;

/// The longest pause that a target can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// A rollback that is not over by then is looked after; one that merely waits for leases and retries is left alone.
pub const UNWINDING_OVERDUE: SignedDuration = SignedDuration::from_mins(30);

/// How long the lease of an attempt with this timeout is.
pub const fn lease_s(timeout_s: u64) -> u64 {
    timeout_s + LEASE_MARGIN_S
}

/// How long an attempt with a lease until then may act: it stops before another one may take over.
pub fn time_left(lease_until: Timestamp, now: Timestamp) -> Duration {
    let margin = SignedDuration::from_secs(LEASE_MARGIN_S as i64);
    Duration::try_from(lease_until.duration_since(now) - margin).unwrap_or_default()
}

/// A pause that a target asked for, within bounds.
pub fn longest_pause(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait.min(LONGEST_PAUSE)).unwrap_or_default()
}
