//! The condition of a step that polls: whether an answer is the awaited one.

use std::panic::catch_unwind;

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

/// Evaluates the condition over the answer to attempt number `attempt`. A panic of the evaluator is
/// an evaluation without a value.
pub(crate) fn poll_reading(poll: &PollPolicy, answer: &Value, attempt: u32) -> PollReading {
    let attempt = json!(attempt);
    let evaluated = catch_unwind(|| {
        let variables = [("result", answer), ("attempt", &attempt)];
        evaluate(&poll.until, &variables)
    });
    match evaluated {
        Ok(Ok(Some(Value::Bool(true)))) => PollReading::Done,
        Ok(Ok(Some(Value::Bool(false)) | None)) => PollReading::NotYet,
        Ok(Ok(Some(_))) => {
            PollReading::Undecided("`until` yields neither true nor false".to_owned())
        }
        Ok(Err(error)) => {
            let why = error.reason("`until`", "answer");
            match error {
                EvaluationError::Shortage => PollReading::Later(why),
                _ => PollReading::Undecided(why),
            }
        }
        Err(_) => PollReading::Undecided("`until` cannot be evaluated for this answer".to_owned()),
    }
}
