//! The time limit of one admission check, which its schema, guardrails and amounts share.

use std::time::Duration;

use holdfast_expression::{WorkError, within};

/// Longest admission check. The function itself has 30 seconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Runs a check on a thread of its own within the time limit, and survives its panic. The error
/// says which of the two happened, for a caller.
pub fn bounded<T: Send + 'static>(check: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    within(LIMIT, check).map_err(|unfinished| match unfinished {
        WorkError::TooSlow => {
            let limit = LIMIT.as_secs();
            format!("it could not be checked within {limit} s: send a smaller input")
        }
        WorkError::Panicked => "the check broke off, which is a fault of the engine".to_owned(),
    })
}
