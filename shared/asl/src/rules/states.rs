//! Checks names, transitions, durations, retriers and catchers.

use std::collections::BTreeSet;

use super::{MAX_SECONDS, retriers};
use crate::{Catcher, Exit, Retrier, State, States, Until};

/// Longest name of a state, in characters.
///
/// Source:
/// docs.aws.amazon.com/step-functions/latest/apireference/API_StateEnteredEventDetails.html, which
/// also lists the characters that a name must not contain.
const MAX_NAME: usize = 80;
const FORBIDDEN: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";

/// Most retries, and the longest delays in seconds: of the first one, and of any.
///
/// Source: docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, "Retrying
/// after an error": `IntervalSeconds` and `MaxAttempts` have "a maximum value of 99999999", and
/// `MaxDelaySeconds` is "greater than 0 and less than 31622401".
const MAX_ATTEMPTS: u32 = 99_999_999;
const MAX_INTERVAL: u64 = 99_999_999;
const MAX_DELAY: u64 = 31_622_400;

/// The names of errors that Step Functions raises itself. Another name must not begin with
/// "States.". Two names are missing that only states with JSONPath raise.
///
/// Source: states-language.net/spec.html, "Appendix A: Predefined Error Codes", and "Error names"
/// in docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, which adds
/// `States.DataLimitExceeded`, `States.Http.Socket` and `States.Runtime`.
const STATES_ERRORS: [&str; 15] = [
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

/// Checks that each state of a level can be reached and that the level can end.
///
/// Source: states-language.net/spec.html, "Transitions" and "Terminal state".
pub(super) fn reachable(start_at: &str, states: &States, found: &mut Vec<String>) {
    let mut reached = BTreeSet::new();
    let mut open = vec![start_at];
    while let Some(name) = open.pop() {
        match states.get(name) {
            Some(state) if reached.insert(name) => open.extend(state.targets()),
            Some(_) => {}
            None => found.push(format!("there is no state {name}")),
        }
    }
    let unreached = states
        .keys()
        .filter(|name| !reached.contains(name.as_str()));
    found.extend(unreached.map(|name| format!("{name}: no state leads to it")));
    let ends = |state: &State| match state {
        State::Succeed {} | State::Fail { .. } => true,
        state => state
            .exit()
            .is_some_and(|exit| matches!(exit, Exit::End(_))),
    };
    if !states.values().any(ends) {
        found.push(format!("{start_at}: no state after it is an end"));
    }
}

/// Checks one state without its expressions.
pub(super) fn check(name: &str, state: &State, found: &mut Vec<String>) {
    if name.is_empty() || name.chars().count() > MAX_NAME {
        found.push(format!("its name has not 1 to {MAX_NAME} characters"));
    }
    let wrong = |c: char| c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c);
    if let Some(wrong) = name.chars().find(|&c| wrong(c)) {
        found.push(format!("its name contains {wrong:?}"));
    }
    if state.exit() == Some(&Exit::End(false)) {
        found.push("End is false, which is no way out".to_owned());
    }
    match state {
        State::Task(task) => {
            if !(1..=MAX_SECONDS).contains(&task.timeout_seconds) {
                found.push(format!("TimeoutSeconds is not 1 to {MAX_SECONDS}"));
            }
            if task.resource.contains("{%") {
                found.push("Resource is an expression".to_owned());
            }
        }
        State::Wait(wait) => {
            if let Until::Seconds(seconds) = &wait.until
                && !seconds.is_string()
                && seconds.as_u64().is_none_or(|seconds| seconds > MAX_SECONDS)
            {
                found.push(format!("Seconds is not 0 to {MAX_SECONDS}"));
            }
        }
        // states-language.net/spec.html, "Choice State": a non-empty array.
        State::Choice(choice) if choice.choices.is_empty() => {
            found.push("Choices is empty".to_owned());
        }
        _ => {}
    }
    let retried: Vec<&[String]> = retriers(state)
        .iter()
        .map(|one| one.error_equals.as_slice())
        .collect();
    let caught: Vec<&[String]> = state
        .catchers()
        .iter()
        .map(|one: &Catcher| one.error_equals.as_slice())
        .collect();
    errors("Retry", &retried, found);
    errors("Catch", &caught, found);
    retriers(state).iter().for_each(|one| retrier(one, found));
}

/// Checks the names of errors in a list of retriers or catchers.
///
/// Source: states-language.net/spec.html, "Errors": States.ALL is alone and last.
fn errors(list: &str, entries: &[&[String]], found: &mut Vec<String>) {
    for (n, names) in entries.iter().enumerate() {
        if names.is_empty() {
            found.push(format!("{list}: ErrorEquals is empty"));
        }
        let all = names.iter().any(|name| name == "States.ALL");
        if all && (names.len() > 1 || n + 1 < entries.len()) {
            found.push(format!("{list}: States.ALL must be alone, and last"));
        }
        let unknown = names
            .iter()
            .find(|name| name.starts_with("States.") && !STATES_ERRORS.contains(&name.as_str()));
        if let Some(unknown) = unknown {
            found.push(format!("{list}: Step Functions raises no {unknown}"));
        }
    }
}

fn retrier(retrier: &Retrier, found: &mut Vec<String>) {
    if retrier.max_attempts > MAX_ATTEMPTS {
        found.push(format!("Retry: MaxAttempts is over {MAX_ATTEMPTS}"));
    }
    let interval = retrier.interval_seconds.unwrap_or(1);
    if !(1..=MAX_INTERVAL).contains(&interval) {
        found.push(format!("Retry: IntervalSeconds is not 1 to {MAX_INTERVAL}"));
    }
    if retrier
        .backoff_rate
        .is_some_and(|rate| !rate.is_finite() || rate < 1.0)
    {
        found.push("Retry: BackoffRate is below 1.0".to_owned());
    }
    // The cap must exceed the interval: states-language.net/spec.html, "MaxDelaySeconds".
    if retrier
        .max_delay_seconds
        .is_some_and(|longest| longest <= interval || longest > MAX_DELAY)
    {
        found.push(
            "Retry: MaxDelaySeconds does not exceed IntervalSeconds, or is too long".to_owned(),
        );
    }
}
