//! Defines one attempt at a step or at its undo, as a step's record keeps it.

use holdfast_receipt::AttemptOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The fencing token.
    pub token: String,
    /// The time of its claim.
    pub started_at: Timestamp,
    /// The time at which its end was recorded.
    pub ended_at: Option<Timestamp>,
    /// The outcome.
    pub outcome: Option<AttemptOutcome>,
    /// The error, for people; at most 200 characters.
    pub error: Option<String>,
    /// The code of the error, if the action reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Attempt {
    /// A new attempt.
    pub fn begun(token: &str, now: Timestamp) -> Self {
        Self {
            token: token.to_owned(),
            started_at: now,
            ended_at: None,
            outcome: None,
            error: None,
            code: None,
        }
    }
}
