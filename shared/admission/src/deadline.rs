//! The time limit of one admission check, which its schema, guardrails and amounts share.

use std::{fmt, time::Duration};

use holdfast_expression::{WorkError, within};

/// Longest admission check, and longest half of a mapping: tenant and key, or the rest. The
/// function itself has 30 seconds, for at most three of them.
const LIMIT: Duration = Duration::from_secs(5);

/// The reason why a check has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckError {
    /// The check did not end in time, or panicked. Another attempt would end in the same way. The
    /// text is for a caller.
    Unfinished(String),
    /// The system gave the check no thread. Another attempt may succeed.
    NoThread,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unfinished(why) => why,
            Self::NoThread => "the function could start no thread for the check",
        })
    }
}

/// Runs a check on a thread of its own within the time limit, and survives its panic.
pub fn bounded<T: Send + 'static>(
    check: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CheckError> {
    let limit = LIMIT.as_secs();
    within(LIMIT, check).map_err(|unfinished| match unfinished {
        WorkError::TooSlow => CheckError::Unfinished(format!(
            "it could not be checked within {limit} s: send a smaller input"
        )),
        WorkError::Panicked => {
            let why = "the check broke off, which is a fault of the engine";
            CheckError::Unfinished(why.to_owned())
        }
        WorkError::NoThread => CheckError::NoThread,
    })
}
