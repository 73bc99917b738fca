//! The condition of a step that polls: whether an answer is the awaited one.

use serde_json::{Value, json};

use holdfast_expression::{EvaluationError, evaluate};
use holdfast_task::PollPolicy;

/// The reading of one answer of a step that polls.
#[derive(Debug, PartialEq)]
pub(crate) enum PollReading {
    /// The answer is the awaited one.
    Done,
    /// The answer is another one.
    NotYet,
    /// The condition has no value that decides, for this reason.
    Undecided(String),
    /// The machine gave the condition too little processor time, as this text says. Another attempt
    /// may evaluate it.
    Later(String),
}

/// The error of an attempt whose answer is not the awaited one.
pub(crate) const NOT_YET: &str = "`until` is not true of the answer";

/// Evaluates the condition over the answer to attempt number `attempt`.
pub(crate) fn poll_reading(poll: &PollPolicy, answer: &Value, attempt: u32) -> PollReading {
    let attempt = json!(attempt);
    let variables = [("result", answer), ("attempt", &attempt)];
    match evaluate(&poll.until, &variables) {
        Ok(Some(Value::Bool(true))) => PollReading::Done,
        Ok(Some(Value::Bool(false)) | None) => PollReading::NotYet,
        Ok(Some(_)) => PollReading::Undecided("`until` yields neither true nor false".to_owned()),
        Err(error) => {
            let why = error.reason("`until`", "answer");
            match error {
                EvaluationError::Shortage => PollReading::Later(why),
                _ => PollReading::Undecided(why),
            }
        }
    }
}
