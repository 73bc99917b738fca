//! Tests of steps that poll: the condition, the delay, the bound, and what else can happen between
//! two attempts.

use serde_json::json;

use super::*;
use crate::testing::{Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{Phase, StepState};
use holdfast_task::PollPolicy;

const EVERY_S: u64 = 30;

/// A task of a step that polls until its answer says so, three times at most.
fn polling(execution: &ExecutionRef) -> StepTask {
    let mut task = step_task(execution, STEPS[0]);
    task.step.reads = true;
    task.step.undo = None;
    task.step.max_attempts = 3;
    task.step.poll = Some(PollPolicy {
        until: "$result.state = 'DONE'".to_owned(),
        every_s: EVERY_S,
    });
    task
}

fn answers<const N: usize>(states: [&str; N]) -> Script {
    Script::of(states.map(|state| ScriptedCall::Answers(json!({ "state": state }))))
}

/// The target answers each call by itself, so that the script's memory of keys does not count.
fn failing_then_waiting(engine: &TestEngine, task: &StepTask, action: &Script) {
    assert_eq!(failing(engine, task, action), ErrorName::NotYet);
    let record = record(engine, task);
    let until = now(engine) + jiff::SignedDuration::from_secs(EVERY_S as i64);
    assert_eq!(record.state, StepState::Waiting { until });
    assert_eq!(record.residue(), holdfast_ledger::Residue::None);
}

/// Two attempts whose answers are not the awaited one, and their delays.
fn waits_twice(engine: &TestEngine, task: &StepTask) {
    for _ in 0..2 {
        failing_then_waiting(engine, task, &answers(["RUNNING"]));
        engine.host.pass(EVERY_S as i64);
    }
}

/// Fresh answers: each call has a script of its own.
fn poll(engine: &TestEngine, task: &StepTask, state: &str) -> Result<StepResult, TaskError> {
    attempt(engine, task, &answers([state]))
}

#[test]
fn a_poll_waits_between_its_attempts_and_ends_with_the_awaited_answer() {
    let engine = engine();
    let execution = begun(&engine);
    let task = polling(&execution);
    waits_twice(&engine, &task);
    let done = poll(&engine, &task, "DONE").expect("the awaited answer");
    assert_eq!(done.output, json!({ "state": "DONE" }));
    assert_eq!(record(&engine, &task).attempts.len(), 3);
}

#[test]
fn an_attempt_whose_answer_is_not_the_awaited_one_costs_two_writes_and_a_read() {
    let engine = engine();
    let task = polling(&begun(&engine));
    engine.ledger.calls();
    poll(&engine, &task, "RUNNING").expect_err("not yet");
    let first = engine.ledger.calls();
    engine.host.pass(EVERY_S as i64);
    poll(&engine, &task, "RUNNING").expect_err("not yet");
    let later = engine.ledger.calls();
    let writes = |calls: &[Op]| {
        calls
            .iter()
            .filter(|call| format!("{call:?}").contains("Put"))
            .count()
    };
    assert_eq!((writes(&first), first.len()), (2, 3), "{first:?}");
    // A later claim finds the record by its refused write, and reads the controls before it.
    assert_eq!((writes(&later), later.len()), (3, 5), "{later:?}");
}

#[test]
fn the_last_attempt_of_a_poll_fails_for_good_and_names_the_condition() {
    let engine = engine();
    let execution = begun(&engine);
    let task = polling(&execution);
    waits_twice(&engine, &task);
    let error = poll(&engine, &task, "RUNNING").expect_err("it was the last");
    assert_eq!(error.name, ErrorName::Permanent);
    assert!(
        error
            .message
            .contains("`until` is not true of the answer (attempt 3 of 3)"),
        "{error}"
    );
    assert_eq!(record(&engine, &task).state, StepState::FailedClean);
    let ended = finish(&engine, &execution, Some(STEPS[0])).expect("an end");
    assert_eq!(ended.status, "FAILED");
}

#[test]
fn a_failed_attempt_of_a_poll_counts_as_one_and_is_retried_without_the_delay() {
    let engine = engine();
    let task = polling(&begun(&engine));
    let lost = Script::of([ScriptedCall::Fails(StepError::transient("no connection"))]);
    assert_eq!(failing(&engine, &task, &lost), ErrorName::Transient);
    failing_then_waiting(&engine, &task, &answers(["RUNNING"]));
    engine.host.pass(EVERY_S as i64);
    let error = poll(&engine, &task, "RUNNING").expect_err("it was the last");
    assert_eq!(error.name, ErrorName::Permanent);
}

#[test]
fn a_condition_that_decides_nothing_fails_for_good_without_quoting_the_answer() {
    for (until, why) in [
        ("$result.state", "`until` yields neither true nor false"),
        (
            "$result.state + 1",
            "`until` cannot be evaluated for this answer",
        ),
        (
            "$contains($string([1..40]), /^(.*,)*x$/)",
            "`until` takes more than 250 ms of processor time for this answer: it needs a smaller",
        ),
    ] {
        let engine = engine();
        let mut task = polling(&begun(&engine));
        task.step.poll.as_mut().expect("a poll").until = until.to_owned();
        let error = poll(&engine, &task, "secret").expect_err("it fails");
        assert_eq!(error.name, ErrorName::Permanent);
        assert!(error.message.contains(why), "{error}");
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[test]
fn a_condition_without_a_value_waits_and_one_can_count_attempts() {
    let engine = engine();
    let mut task = polling(&begun(&engine));
    task.step.poll.as_mut().expect("a poll").until = "$attempt = 2 ? true".to_owned();
    failing_then_waiting(&engine, &task, &answers(["any"]));
    engine.host.pass(EVERY_S as i64);
    poll(&engine, &task, "any").expect("the second attempt");
}

#[test]
fn a_poll_of_an_execution_that_stopped_makes_no_further_call() {
    let engine = engine();
    let execution = begun(&engine);
    let task = polling(&execution);
    failing_then_waiting(&engine, &task, &answers(["RUNNING"]));
    change(&engine, &partition(&execution), |execution| {
        execution.epoch += 1;
        execution.phase = Phase::Unwinding {
            failure: failed_at("cancel"),
        };
    });
    engine.host.pass(EVERY_S as i64);
    let action = answers(["DONE"]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Halted);
    assert_eq!(action.times(), 0);
}

#[test]
fn an_execution_that_is_stopped_during_a_poll_ends_and_leaves_nothing() {
    let engine = engine();
    let execution = begun(&engine);
    failing_then_waiting(&engine, &polling(&execution), &answers(["RUNNING"]));
    let ended = finish(&engine, &execution, Some(STEPS[0])).expect("an end");
    assert_eq!(ended.status, "FAILED");
}
