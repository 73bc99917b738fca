//! When a machine tries a task again, and where its errors lead.

use serde_json::{Value, json};

use crate::definition::{ActionStep, Jitter, Retry};
use holdfast_asl::{Catcher, JitterStrategy, Ordered, Retrier};
use holdfast_task::{ErrorName, timing::lease_s};

/// Every error that States.ALL stands for.
const ALL: &str = "States.ALL";
/// Raised when an expression in a task's arguments fails: it would fail again.
const EVALUATION: &str = "States.QueryEvaluationError";
/// Lambda refused to start the function: certainly nothing happened.
const THROTTLED: &str = "Lambda.TooManyRequestsException";
/// How often a task asks again while another attempt holds the lease, evenly over a little more than the lease.
const CONFLICT_RETRIES: u32 = 12;
/// How `Plan`, `Close` and undos wait for attempts that still run: ever longer, and in all longer than the longest lease.
const LEASE_PATIENCE: Retry = Retry {
    max_attempts: 60,
    interval_s: 2,
    backoff: 1.5,
    max_delay_s: 30,
    jitter: Jitter::None,
};

pub(super) fn names<T: ToString, const N: usize>(names: [T; N]) -> Vec<String> {
    names.map(|name| name.to_string()).to_vec()
}

/// A pause lasts as long as people want: Step Functions counts no further. Its history ends sooner, after some days.
const PAUSE_PATIENCE: Retry = Retry {
    max_attempts: 100_000_000,
    interval_s: 5,
    backoff: 2.0,
    max_delay_s: 120,
    jitter: Jitter::None,
};

/// Errors that trying again cannot help.
fn never() -> Retrier {
    Retrier {
        error_equals: [names(ErrorName::FINAL), names([EVALUATION])].concat(),
        interval_seconds: None,
        max_attempts: 0,
        backoff_rate: None,
        max_delay_seconds: None,
        jitter_strategy: None,
    }
}

/// At a steady pace.
fn steadily(error: ErrorName, interval_s: u64, max_attempts: u32) -> Retrier {
    Retrier {
        error_equals: names([error]),
        interval_seconds: Some(interval_s),
        max_attempts,
        backoff_rate: Some(1.0),
        max_delay_seconds: None,
        jitter_strategy: Some(JitterStrategy::None),
    }
}

/// Lambda has no room for the function now: that costs a step none of its attempts.
fn throttled() -> Retrier {
    let patience = Retry {
        max_attempts: 30,
        interval_s: 1,
        backoff: 2.0,
        max_delay_s: 60,
        jitter: Jitter::Full,
    };
    by_policy(names([THROTTLED]), &patience)
}

fn by_policy(errors: Vec<String>, retry: &Retry) -> Retrier {
    Retrier {
        error_equals: errors,
        interval_seconds: Some(retry.interval_s),
        max_attempts: retry.max_attempts - 1,
        // Step Functions wants the cap above the interval: where both are equal, the delay does not grow instead.
        backoff_rate: Some(if retry.max_delay_s > retry.interval_s {
            retry.backoff
        } else {
            1.0
        }),
        max_delay_seconds: Some(retry.max_delay_s.max(retry.interval_s + 1)),
        jitter_strategy: Some(match retry.jitter {
            Jitter::Full => JitterStrategy::Full,
            Jitter::None => JitterStrategy::None,
        }),
    }
}

/// The retriers of a step: its own policy, and patience while another attempt holds the lease.
pub(super) fn of_step(step: &ActionStep) -> Vec<Retrier> {
    let lease_s = lease_s(step.timeout_s);
    let pace_s = lease_s.div_ceil(u64::from(CONFLICT_RETRIES) - 2);
    // What cannot be repeated is repeated only where certainly nothing happened.
    let errors = if step.idempotent {
        names([ALL])
    } else {
        names([ErrorName::Transient])
    };
    vec![
        never(),
        steadily(ErrorName::Conflict, pace_s, CONFLICT_RETRIES),
        by_policy(names([ErrorName::Paused]), &PAUSE_PATIENCE),
        throttled(),
        by_policy(errors, &step.retry),
    ]
}

/// The retriers of `Begin`: our own functions on our own ledger, safe to repeat.
pub(super) fn of_begin() -> Vec<Retrier> {
    let retry = Retry {
        max_attempts: 9,
        interval_s: 1,
        backoff: 2.0,
        max_delay_s: 60,
        jitter: Jitter::Full,
    };
    vec![never(), throttled(), by_policy(names([ALL]), &retry)]
}

/// The retriers of `Plan`, `Finish` and `Close`.
pub(super) fn of_end() -> Vec<Retrier> {
    let mut retriers = of_begin();
    let conflict = names([ErrorName::Conflict]);
    retriers.insert(1, by_policy(conflict, &LEASE_PATIENCE));
    retriers
}

/// The retriers of an undo: safe to repeat, whatever the error, since its key is its own.
pub(super) fn of_undo(retry: &Retry) -> Vec<Retrier> {
    let conflict = names([ErrorName::Conflict]);
    vec![
        never(),
        by_policy(conflict, &LEASE_PATIENCE),
        throttled(),
        by_policy(names([ALL]), retry),
    ]
}

/// The retriers of a state that waits for a person: its function is tried again, a decision and silence are not.
pub(super) fn of_question() -> Vec<Retrier> {
    let mut retriers = of_begin();
    let silence = Retrier {
        error_equals: names(["States.Timeout"]),
        ..never()
    };
    retriers.insert(1, silence);
    retriers
}

/// Where a step leads whose outcome is known to be nothing: these errors say so, any other may hide an effect.
pub(super) fn catch_clean(state: &str, next: &str, variable: &str) -> Catcher {
    Catcher {
        error_equals: [
            names([
                ErrorName::Permanent,
                ErrorName::Transient,
                ErrorName::Halted,
                ErrorName::Malformed,
            ]),
            names([THROTTLED, EVALUATION]),
        ]
        .concat(),
        ..catch_all_as(variable, state, next)
    }
}

/// What `errorMessage` a function's error carried, as an expression: JSON inside JSON.
pub(super) const ERROR_MESSAGE: &str = "$parse($parse($states.errorOutput.Cause).errorMessage)";

/// What is remembered of an error caught at `state`. A timeout has no cause.
pub(super) fn failure(state: &str) -> Value {
    let cause = "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}";
    json!({ "state": state, "error": "{% $states.errorOutput.Error %}", "cause": cause })
}

/// Where an execution remembers why it goes no further.
pub(super) const FAILURE: &str = "failure";

/// Whatever else goes wrong at `state` leads to `next`, remembered.
pub(super) fn catch_all(state: &str, next: &str) -> Catcher {
    catch_all_as(FAILURE, state, next)
}

/// The same, remembered under another name.
pub(super) fn catch_all_as(variable: &str, state: &str, next: &str) -> Catcher {
    Catcher {
        error_equals: names([ALL]),
        assign: Some(Ordered::one(variable, failure(state))),
        output: None,
        next: next.to_owned(),
    }
}

/// The catchers of `Begin`: a duplicate ends well, a rejected start gets its receipt, anything else fails.
pub(super) fn catch_begin() -> Vec<Catcher> {
    let execution = format!("{{% {ERROR_MESSAGE}.execution %}}");
    vec![
        Catcher {
            error_equals: names([ErrorName::Duplicate]),
            assign: None,
            output: None,
            next: "Duplicate".into(),
        },
        Catcher {
            error_equals: names([ErrorName::Rejected]),
            assign: Some(Ordered(vec![
                ("execution".into(), Value::String(execution)),
                (FAILURE.into(), failure("Begin")),
            ])),
            output: None,
            next: "Close".into(),
        },
        catch_all("Begin", "Failed"),
    ]
}

/// A target that asks for a long pause gets it from a Wait state; how long travels as that state's input.
pub(super) fn catch_pause(pause: &str) -> Catcher {
    Catcher {
        error_equals: names([ErrorName::RetryAfter]),
        assign: None,
        output: Some(format!("{{% $number({ERROR_MESSAGE}.retry_after_s) %}}")),
        next: pause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_written_as_it_was_defined() {
        for (jitter, word) in [(Jitter::Full, "FULL"), (Jitter::None, "NONE")] {
            let retry = Retry {
                max_attempts: 5,
                interval_s: 2,
                backoff: 1.5,
                max_delay_s: 20,
                jitter,
            };
            let written = json!(by_policy(names([ALL]), &retry));
            let expected = json!({
                "ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 4, "BackoffRate": 1.5,
                "MaxDelaySeconds": 20, "JitterStrategy": word,
            });
            assert_eq!(written, expected);
        }
    }
}
