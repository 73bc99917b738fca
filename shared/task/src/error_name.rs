//! Names of the errors that the functions raise; Retry and Catch of a state machine match these.

/// Nothing happened; another attempt may succeed.
pub const TRANSIENT: &str = "Transient";
/// The effect may have happened: the call timed out, was dropped, or crashed.
pub const UNKNOWN: &str = "Unknown";
/// Nothing happened; the target named a wait that is too long for a function.
pub const RETRY_AFTER: &str = "RetryAfter";
/// A platform admin has paused the platform, the tenant or the workflow.
pub const PAUSED: &str = "Paused";
/// Another attempt holds the lease.
pub const CONFLICT: &str = "Conflict";
/// The step failed permanently, without an effect.
pub const PERMANENT: &str = "Permanent";
/// The effect may have happened and must not be attempted again: a person decides.
pub const ESCALATE: &str = "Escalate";
/// The execution is no longer in the phase in which the task was sent.
pub const HALTED: &str = "Halted";
/// Admission rejected the start; a receipt says why.
pub const REJECTED: &str = "Rejected";
/// The start belongs to another execution.
pub const DUPLICATE: &str = "Duplicate";
/// The idempotency key belongs to a start with another input.
pub const KEY_REUSED: &str = "KeyReused";
/// The start is malformed: it has no tenant, no idempotency key or no known trigger.
pub const MALFORMED: &str = "Malformed";

/// A person decided to retry the step.
pub const RETRY: &str = "Retry";
/// A person decided against continuing.
pub const DECLINED: &str = "Declined";
/// No person decided in time.
pub const EXPIRED: &str = "Expired";

/// A step was claimed after the plan was made, so the rollback is planned again.
pub const OPEN: &str = "Open";
/// A caller cancelled the execution.
pub const CANCELLED: &str = "Cancelled";
/// A caller requested the rollback of an ended execution.
pub const WITHDRAWN: &str = "Withdrawn";
/// The Step Functions execution was stopped.
pub const ABORTED: &str = "Aborted";
/// The Step Functions execution ended without a finish, or no longer exists.
pub const LOST: &str = "Lost";

/// The errors that a state machine never retries: another attempt cannot help, or another path
/// handles it.
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
