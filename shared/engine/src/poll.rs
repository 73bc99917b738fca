//! The condition of a step that polls: whether an answer is the awaited one.

use std::panic::catch_unwind;

use serde_json::{Value, json};

use holdfast_expression::evaluate;
use holdfast_task::PollPolicy;

/// The reading of one answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Look {
    /// The answer is the awaited one.
    Done,
    /// The answer is another one.
    NotYet,
    /// The condition has no value that decides, for this reason.
    Undecided(&'static str),
}

/// The error of an attempt whose answer is not the awaited one.
pub(crate) const NOT_YET: &str = "`until` is not true of the answer";

/// Evaluates the condition over the answer to attempt number `attempt`. A panic of the evaluator is
/// an evaluation without a value.
pub(crate) fn look(poll: &PollPolicy, answer: &Value, attempt: u32) -> Look {
    let attempt = json!(attempt);
    let evaluated = catch_unwind(|| {
        let variables = [("result", answer), ("attempt", &attempt)];
        evaluate(&poll.until, &variables)
    });
    match evaluated {
        Ok(Ok(Some(Value::Bool(true)))) => Look::Done,
        Ok(Ok(Some(Value::Bool(false)) | None)) => Look::NotYet,
        Ok(Ok(Some(_))) => Look::Undecided("`until` yields neither true nor false"),
        Ok(Err(_)) | Err(_) => Look::Undecided("`until` cannot be evaluated for the answer"),
    }
}
