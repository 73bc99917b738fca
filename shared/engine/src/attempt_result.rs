//! The result of an attempt at a step beside its report, and the answer of a step that the workflow
//! continues without.

use std::time::Duration;

use holdfast_action::{StepError, TargetAnswer};
use holdfast_ledger::{AttemptReport, StepRecord, StepState, record_answer};
use holdfast_task::{PollPolicy, StepResult, StepStatus};
use serde_json::{Value, json};

use crate::poll::{NOT_YET, PollReading, poll_reading};

/// The report of an attempt, and what the answer to the state machine needs beside it.
pub(crate) struct AttemptResult {
    /// The report that the ledger's rules decide by.
    pub(crate) report: AttemptReport,
    /// The code of its error.
    pub(crate) code: Option<String>,
    /// The answer of the target, if it did not succeed.
    pub(crate) answer: Option<Box<TargetAnswer>>,
    /// True if the step polls and the answer is not the awaited one.
    pub(crate) not_yet: bool,
}

impl From<AttemptReport> for AttemptResult {
    fn from(report: AttemptReport) -> Self {
        Self {
            report,
            code: None,
            answer: None,
            not_yet: false,
        }
    }
}

/// Reads the answer to an attempt of a step that polls. An answer that is not the awaited one is an
/// error until the next attempt, and the second value is then true.
pub(crate) fn polled(
    poll: &PollPolicy,
    output: Value,
    attempt: u32,
) -> (Result<Value, StepError>, bool) {
    match poll_reading(poll, &output, attempt) {
        PollReading::Done => (Ok(output), false),
        PollReading::NotYet => {
            let every = Duration::from_secs(poll.every_s);
            (Err(StepError::retry_after(every, NOT_YET)), true)
        }
        PollReading::Undecided(why) => (Err(StepError::permanent(why)), false),
        PollReading::Later(why) => (Err(StepError::transient(why)), false),
    }
}

/// The record with the code of its last attempt's error and the answer of the target, if there are
/// any. A pause removes its attempt, so that the last one is an earlier attempt, which keeps its
/// own.
pub(crate) fn with_error(
    mut record: Box<StepRecord>,
    AttemptResult { code, answer, .. }: &AttemptResult,
) -> Box<StepRecord> {
    if let (Some(last), Some(code)) = (record.attempts.last_mut(), code) {
        last.code = Some(code.chars().take(60).collect());
    }
    if let Some(answer) = answer {
        record_answer(&mut record.attempts, answer);
    }
    record
}

/// The answer of a step that failed without an effect, if the workflow continues without it. A
/// number is the status of an HTTP answer.
pub(crate) fn passed(record: &StepRecord) -> Option<StepResult> {
    if record.state != StepState::FailedClean {
        return None;
    }
    let output = match record.continued_on() {
        Some(code) => {
            let code = code
                .parse::<u16>()
                .map_or(json!(code), |status| json!(status));
            json!({ "failed": { "code": code, "reason": record.last_error() } })
        }
        None if record.optional => Value::Null,
        None => return None,
    };
    Some(answer(StepStatus::Failed, output))
}

/// The answer of a call that made no attempt.
pub(crate) fn answer(status: StepStatus, output: Value) -> StepResult {
    StepResult {
        status,
        output,
        attempt: None,
    }
}
