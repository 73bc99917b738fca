//! The error names that our functions raise; a state machine's `Retry` and `Catch` match these.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value::Error},
};

/// An error name of ours; on the wire it is the variant's name.
///
/// A failure on the wire can also carry a name of Step Functions or Lambda, such as
/// `States.Timeout`. It stays a string there, and parses to no `ErrorName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorName {
    /// No effect was applied, and another attempt may succeed.
    Transient,
    /// The effect may have happened: the call timed out, was dropped or crashed.
    Unknown,
    /// No effect was applied. The target named a wait that is too long to spend inside a function.
    RetryAfter,
    /// The answer of a step that polls is not the awaited one, and another attempt follows.
    NotYet,
    /// A platform admin has paused the platform, the tenant or the workflow.
    Paused,
    /// Another attempt holds the lease.
    Conflict,
    /// No effect was applied, and another attempt cannot succeed.
    Permanent,
    /// The effect may have happened and must not be tried again: a person decides.
    Escalate,
    /// The execution is no longer in the phase in which this task was sent.
    Halted,
    /// Admission rejected the start; a receipt says why.
    Rejected,
    /// Another Step Functions execution owns the execution of this start.
    Duplicate,
    /// The idempotency key belongs to a start with another input.
    KeyReused,
    /// The start lacks a tenant or a key, or names no trigger.
    Malformed,
    /// A person decided that the step is tried again.
    Retry,
    /// A person decided to roll back or to reject.
    Declined,
    /// The time for a decision ended without one.
    Expired,
    /// A step was claimed after the plan was made, so that a new plan is needed.
    Open,
    /// A person requested that the execution stops.
    Cancelled,
    /// A person requested a rollback after the execution had ended.
    Withdrawn,
    /// The Step Functions execution was stopped.
    Aborted,
    /// The Step Functions execution ended without a task error, or is gone.
    Lost,
}

impl ErrorName {
    /// The names that no state machine retries: another attempt cannot help, or a catcher handles
    /// the error.
    pub const FINAL: [Self; 12] = [
        Self::RetryAfter,
        Self::Permanent,
        Self::Escalate,
        Self::Halted,
        Self::Rejected,
        Self::Duplicate,
        Self::KeyReused,
        Self::Malformed,
        Self::Open,
        Self::Retry,
        Self::Declined,
        Self::Expired,
    ];
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for ErrorName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::deserialize(text.into_deserializer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_and_read_as_on_the_wire() {
        for (name, text) in [
            (ErrorName::Transient, "Transient"),
            (ErrorName::RetryAfter, "RetryAfter"),
            (ErrorName::KeyReused, "KeyReused"),
        ] {
            assert_eq!(name.to_string(), text);
            assert_eq!(text.parse(), Ok(name));
        }
        for foreign in ["States.Timeout", "Lambda.Unknown", "transient", ""] {
            foreign.parse::<ErrorName>().expect_err("no name of ours");
        }
    }
}
