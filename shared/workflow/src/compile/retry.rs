//! Compiles the retriers of a state, and the catchers that decide where its errors lead.

use serde_json::{Value, json};

use super::expressions::ITEM_INPUT;
use crate::definition::{ActionStep, Jitter, Retry};
use holdfast_asl::{Catcher, Exit, JitterStrategy, Object, Retrier, Until, Wait, member};
use holdfast_task::{ErrorName, timing::lease_s};

/// Matches every error.
const ALL: &str = "States.ALL";
/// Error of an expression in a task's arguments. It would occur again.
pub(super) const EVALUATION: &str = "States.QueryEvaluationError";
/// Error of Lambda that refused to start the function, so that certainly nothing happened.
const THROTTLED: &str = "Lambda.TooManyRequestsException";
/// Retries while another attempt holds the lease, spread over a little more than the lease.
const CONFLICT_RETRIES: u32 = 12;
/// Retries of `Plan`, `Close` and undos while an attempt runs. Their delays grow, and in all exceed
/// the longest lease.
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

/// Retries at the end of an execution. No step waits there, so that an outage of some hours costs
/// time only. The delays add up to 7 hours and 43 minutes, and to half of that on average, since
/// Step Functions takes a random part of each.
const END_PATIENCE: Retry = Retry {
    max_attempts: 100,
    interval_s: 1,
    backoff: 2.0,
    max_delay_s: 300,
    jitter: Jitter::Full,
};

/// Returns the retrier of errors that no retry can resolve.
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

/// Returns a retrier with a constant delay.
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

/// Returns the retrier for throttling by Lambda, which costs a step none of its attempts.
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
        // Step Functions requires the cap to exceed the interval. If both are equal, the delay
        // stays constant instead.
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

/// Returns the retriers of a step: its own policy, and patience while another attempt holds the
/// lease. `pause` is the patience with a pause.
pub(super) fn of_step(step: &ActionStep, pause: &Retry) -> Vec<Retrier> {
    let lease_s = lease_s(step.timeout_s);
    let pace_s = lease_s.div_ceil(u64::from(CONFLICT_RETRIES) - 2);
    // A step that is not idempotent is retried only after an error that certainly applied nothing.
    let errors = if step.idempotent {
        names([ALL])
    } else {
        names([ErrorName::Transient])
    };
    let mut retriers = vec![
        never(),
        steadily(ErrorName::Conflict, pace_s, CONFLICT_RETRIES),
        by_policy(names([ErrorName::Paused]), pause),
        throttled(),
    ];
    retriers.extend(
        step.poll
            .as_ref()
            .map(|poll| steadily(ErrorName::NotYet, poll.every_s, step.retry.max_attempts - 1)),
    );
    retriers.push(by_policy(errors, &step.retry));
    retriers
}

/// Returns the retriers of `Begin`. Our functions on our ledger are safe to repeat.
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

/// Returns the retriers of `Begin` in an Express state machine, and of its report that `Begin`
/// recorded nothing. With the longest attempts and delays, both end within three minutes.
pub(super) fn of_express_begin(max_attempts: u32) -> Vec<Retrier> {
    let retry = Retry {
        max_attempts,
        interval_s: 1,
        backoff: 2.0,
        max_delay_s: 10,
        jitter: Jitter::Full,
    };
    vec![never(), by_policy(names([ALL]), &retry)]
}

/// Returns the retriers of `Plan`, `Finish` and `Close`. They outlast an outage of the ledger, of
/// the receipts' store or of the signing key, so that none of them undoes a success.
pub(super) fn of_end() -> Vec<Retrier> {
    vec![
        never(),
        by_policy(names([ErrorName::Conflict]), &LEASE_PATIENCE),
        by_policy(names([ALL]), &END_PATIENCE),
    ]
}

/// Returns the retriers of an undo. An undo is safe to repeat after any error, because its key is
/// its own.
pub(super) fn of_undo(retry: &Retry) -> Vec<Retrier> {
    let conflict = names([ErrorName::Conflict]);
    vec![
        never(),
        by_policy(conflict, &LEASE_PATIENCE),
        throttled(),
        by_policy(names([ALL]), retry),
    ]
}

/// Returns the retriers of a state that waits for a person. Its function is retried. A decision or
/// a timeout is not.
pub(super) fn of_question() -> Vec<Retrier> {
    let mut retriers = of_begin();
    let silence = Retrier {
        error_equals: names(["States.Timeout"]),
        ..never()
    };
    retriers.insert(1, silence);
    retriers
}

/// Returns the catcher of the errors after which a step certainly had no effect. Any other error
/// may hide an effect.
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

/// Expression for the `errorMessage` in a function's error: JSON inside JSON.
pub(super) const ERROR_MESSAGE: &str = "$parse($parse($states.errorOutput.Cause).errorMessage)";

/// Returns what is assigned for an error caught at `state`. A timeout has no cause.
pub(super) fn failure(state: &str) -> Value {
    let cause = "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}";
    json!({ "state": state, "error": "{% $states.errorOutput.Error %}", "cause": cause })
}

/// Variable that holds why an execution is rolled back or fails.
pub(super) const FAILURE: &str = "failure";

/// Returns the catcher of all errors at `state`, which leads to `next`.
pub(super) fn catch_all(state: &str, next: &str) -> Catcher {
    catch_all_as(FAILURE, state, next)
}

/// Like [`catch_all`], but assigns another variable.
pub(super) fn catch_all_as(variable: &str, state: &str, next: &str) -> Catcher {
    Catcher {
        error_equals: names([ALL]),
        assign: Some(member(variable, failure(state))),
        output: None,
        next: next.to_owned(),
    }
}

/// Returns the catchers of `Begin`: a duplicate ends with success, a rejected start gets its
/// receipt, any other error leads to `unrecorded`.
pub(super) fn catch_begin(unrecorded: &str) -> Vec<Catcher> {
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
            assign: Some(Object::from_iter([
                ("execution".into(), Value::String(execution)),
                (FAILURE.into(), failure("Begin")),
            ])),
            output: None,
            next: "Close".into(),
        },
        catch_all("Begin", unrecorded),
    ]
}

/// The input of a Wait state that keeps a pause which a target asked for, and what follows it.
///
/// The pause leads back to the step, whose input is the pause's output. Only the first state of an
/// item reads its input, and the pause restores that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PauseInput {
    /// The number of seconds.
    Seconds,
    /// The number of seconds and the item.
    SecondsAndItem,
}

impl PauseInput {
    /// Returns the catcher for a target that asks for a long pause.
    pub(super) fn catch(self, pause: &str) -> Catcher {
        let seconds = format!("$number({ERROR_MESSAGE}.retry_after_s)");
        let input = match self {
            Self::Seconds => seconds,
            Self::SecondsAndItem => {
                format!("{{ 'item': {ITEM_INPUT}, 'seconds': {seconds} }}")
            }
        };
        Catcher {
            error_equals: names([ErrorName::RetryAfter]),
            assign: None,
            output: Some(format!("{{% {input} %}}")),
            next: pause.to_owned(),
        }
    }

    /// Returns the Wait state that leads back to `step`.
    pub(super) fn wait(self, step: &str) -> Wait {
        let (seconds, output) = match self {
            Self::Seconds => ("{% $states.input %}", None),
            Self::SecondsAndItem => (
                "{% $states.input.seconds %}",
                Some("{% $states.input.item %}".into()),
            ),
        };
        Wait {
            until: Until::Seconds(seconds.into()),
            assign: None,
            output,
            exit: Exit::Next(step.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_an_execution_outlasts_an_outage_of_hours() {
        let policy = of_end().pop().expect("a retrier");
        assert_eq!(policy.error_equals, [ALL]);
        let (mut delay, mut total) = (f64::from(1), 0.0);
        for _ in 0..policy.max_attempts {
            total += delay;
            let longest = policy.max_delay_seconds.expect("a bound") as f64;
            delay = (delay * policy.backoff_rate.expect("a rate")).min(longest);
        }
        // Full jitter halves the delays on average.
        let hours = total / 2.0 / 3600.0;
        assert!((3.0..12.0).contains(&hours), "{hours} hours");
    }

    #[test]
    fn a_retrier_has_the_numbers_of_its_policy() {
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
