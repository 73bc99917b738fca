//! The error names our functions raise; a machine's Retry and Catch match these and no others of ours.

/// Nothing happened; trying again may help.
pub const TRANSIENT: &str = "Transient";
/// It may have happened: timed out, dropped, crashed.
pub const UNKNOWN: &str = "Unknown";
/// Nothing happened; the target named a time to wait that is too long to wait inside a function.
pub const RETRY_AFTER: &str = "RetryAfter";
/// A platform admin has paused the platform, the tenant or the workflow.
pub const PAUSED: &str = "Paused";
/// Another attempt holds the lease.
pub const CONFLICT: &str = "Conflict";
/// Failed for good, and cleanly.
pub const PERMANENT: &str = "Permanent";
/// It may have happened and must not be tried again: a person decides.
pub const ESCALATE: &str = "Escalate";
/// The execution is no longer in the phase this task was sent in.
pub const HALTED: &str = "Halted";
/// The gate said no; a receipt says why.
pub const REJECTED: &str = "Rejected";
/// The same start, already owned by another execution.
pub const DUPLICATE: &str = "Duplicate";
/// The idempotency key belongs to a start with another input.
pub const KEY_REUSED: &str = "KeyReused";
/// The start is not one: no tenant, no key, no known trigger.
pub const MALFORMED: &str = "Malformed";

/// A person decided that the step is tried again.
pub const RETRY: &str = "Retry";
/// A person decided against going on.
pub const DECLINED: &str = "Declined";
/// Nobody decided in time.
pub const EXPIRED: &str = "Expired";

/// A step was claimed after the plan was made: plan again.
pub const OPEN: &str = "Open";
/// Somebody asked to stop it.
pub const CANCELLED: &str = "Cancelled";
/// Somebody asked to undo it after it had ended.
pub const WITHDRAWN: &str = "Withdrawn";
/// Its machine was stopped.
pub const ABORTED: &str = "Aborted";
/// Its machine ended without a word, or is gone.
pub const LOST: &str = "Lost";

/// Never retried by a machine: trying again cannot help, or another path handles it.
pub const FINAL: [&str; 12] = [
    RETRY_AFTER,
    PERMANENT,
    ESCALATE,
    HALTED,
    REJECTED,
    DUPLICATE,
    KEY_REUSED,
    MALFORMED,
    OPEN,
    RETRY,
    DECLINED,
    EXPIRED,
];
