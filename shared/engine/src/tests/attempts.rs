//! Tests of attempts: what each outcome records and raises, and what a later attempt replays.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::testing::{Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_receipt::AttemptOutcome;
use holdfast_task::{ErrorName, StepStatus};

fn busy() -> ScriptedCall {
    ScriptedCall::Fails(StepError::transient("HTTP 503"))
}

fn asks_for(seconds: u64) -> ScriptedCall {
    let error = StepError::retry_after(Duration::from_secs(seconds), "HTTP 429");
    ScriptedCall::Fails(error)
}

fn state(engine: &TestEngine, task: &StepTask) -> &'static str {
    record(engine, task).state.name()
}

fn outcomes(engine: &TestEngine, task: &StepTask) -> Vec<AttemptOutcome> {
    let attempts = record(engine, task).attempts;
    attempts
        .iter()
        .map(|attempt| attempt.outcome.unwrap())
        .collect()
}

#[test]
fn an_attempt_claims_reads_acts_and_completes() {
    let engine = engine();
    let task = first_step(&engine);
    engine.ledger.calls();
    let script = Script::default();
    let done = attempt(&engine, &task, &script).unwrap();
    assert_eq!(done.status, StepStatus::Succeeded);
    assert_eq!(done.output, json!({"done": STEPS[0]}));
    assert_eq!(
        engine.ledger.calls(),
        [Op::PutStep, Op::ReadWithControls, Op::PutStep]
    );
    let record = record(&engine, &task);
    assert_eq!((record.rev, record.attempts.len()), (2, 1));
    let (call, input) = script.calls.lock().unwrap()[0].clone();
    assert_eq!(input, task.input);
    assert_eq!((&call.key, &call.forward_key), (&record.key, &record.key));
    assert_eq!((call.attempt, call.time_left), (1, Duration::from_secs(30)));
}

#[test]
fn a_succeeded_step_is_replayed_without_acting() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    let first = attempt(&engine, &task, &script);
    engine.ledger.calls();
    let again = attempt(&engine, &task, &script).unwrap();
    let first = first.unwrap();
    assert_eq!((again.status, again.output), (first.status, first.output));
    let tried = (first.attempt, again.attempt);
    assert_eq!(tried, (Some(1), None), "no attempt was made again");
    assert_eq!(script.times(), 1);
    assert_eq!(engine.ledger.calls(), [Op::PutStep], "one refused write");
}

#[test]
fn a_step_whose_condition_is_false_writes_nothing() {
    let engine = engine();
    let mut task = first_step(&engine);
    engine.ledger.calls();
    let script = Script::default();
    task.when = Some(json!(false));
    let skipped = attempt(&engine, &task, &script).unwrap();
    assert_eq!(
        (skipped.status, skipped.output),
        (StepStatus::Skipped, Value::Null)
    );
    assert_eq!((engine.ledger.calls(), script.times()), (vec![], 0));
    task.when = Some(json!(true));
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(script.times(), 1);
}

#[test]
fn a_condition_that_is_no_boolean_fails_the_step_before_it_claims() {
    let engine = engine();
    let mut task = first_step(&engine);
    for odd in [json!("true"), json!(1), json!(null), json!([])] {
        task.when = Some(odd);
        assert_eq!(
            failing(&engine, &task, &Script::default()),
            ErrorName::Permanent
        );
    }
    assert!(snapshot(&engine, &task.execution).steps.is_empty());
}

#[test]
fn an_attempt_after_a_transient_failure_succeeds_with_the_same_key() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([busy(), busy()]);
    for _ in 0..2 {
        assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
        assert_eq!(state(&engine, &task), "WAITING");
    }
    attempt(&engine, &task, &script).unwrap();
    let calls = script.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|(call, _)| call.key == calls[0].0.key));
    let numbers: Vec<_> = calls.iter().map(|(call, _)| call.attempt).collect();
    assert_eq!(numbers, [1, 2, 3]);
    use AttemptOutcome::{Succeeded, Transient};
    assert_eq!(outcomes(&engine, &task), [Transient, Transient, Succeeded]);
    assert_eq!(record(&engine, &task).rev, 6);
}

#[test]
fn the_last_transient_failure_is_permanent_and_names_its_attempt() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([busy(), busy(), busy()]);
    for _ in 0..2 {
        assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    }
    let error = attempt(&engine, &task, &script).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Permanent: apply_vendor_hold: HTTP 503 (attempt 3 of 3)"
    );
    let again = attempt(&engine, &task, &script).unwrap_err();
    assert_eq!(
        again.to_string(),
        "Permanent: apply_vendor_hold: HTTP 503 (recorded before)"
    );
    assert_eq!((script.times(), script.effects()), (3, 0));
}

#[test]
fn a_permanent_failure_is_recorded_and_replayed() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::Fails(StepError::permanent("HTTP 404"))]);
    for _ in 0..3 {
        assert_eq!(failing(&engine, &task, &script), ErrorName::Permanent);
    }
    assert_eq!(script.times(), 1);
    assert_eq!(state(&engine, &task), "FAILED");
}

#[test]
fn an_attempt_that_never_answers_is_dropped_in_time_to_record_unknown() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::Hangs]);
    let before = now(&engine);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Unknown);
    assert_eq!(now(&engine).duration_since(before).as_secs(), 30);
    assert_eq!(state(&engine, &task), "UNKNOWN");
    attempt(&engine, &task, &script).unwrap();
    assert_eq!((script.times(), script.effects()), (2, 1));
}

#[test]
fn a_short_retry_after_is_spent_inside_the_next_attempt() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([asks_for(5)]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(engine.host.sleeps(), [Duration::from_secs(5)]);
}

#[test]
fn a_long_retry_after_is_left_to_the_state_machine() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([asks_for(60)]);
    let error = attempt(&engine, &task, &script).unwrap_err();
    assert_eq!(error.name, ErrorName::RetryAfter);
    let read: Value = serde_json::from_str(&error.message).unwrap();
    assert_eq!(read["retry_after_s"], 60);
    engine.host.pass(50);
    let early = attempt(&engine, &task, &script).unwrap_err();
    assert_eq!(early.name, ErrorName::RetryAfter);
    let read: Value = serde_json::from_str(&early.message).unwrap();
    assert_eq!(read["retry_after_s"], 10);
    assert_eq!(script.times(), 1);
    engine.host.pass(10);
    attempt(&engine, &task, &script).unwrap();
    assert!(engine.host.sleeps().is_empty());
}

#[test]
fn a_retry_after_is_cut_to_one_day() {
    let engine = engine();
    let task = first_step(&engine);
    let error = attempt(&engine, &task, &Script::of([asks_for(u64::MAX)])).unwrap_err();
    let read: Value = serde_json::from_str(&error.message).unwrap();
    assert_eq!(
        (error.name, &read["retry_after_s"]),
        (ErrorName::RetryAfter, &json!(86_400))
    );
}

#[test]
fn a_permanent_failure_after_an_unknown_outcome_is_not_clean() {
    let engine = engine();
    let task = first_step(&engine);
    let refused = ScriptedCall::Fails(StepError::permanent("HTTP 409"));
    let script = Script::of([ScriptedCall::ActsUnheard, refused]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Unknown);
    for _ in 0..2 {
        let error = attempt(&engine, &task, &script).unwrap_err();
        assert_eq!(error.name, ErrorName::Permanent);
        assert!(
            error.message.contains("it may have happened (HTTP 409)"),
            "{error}"
        );
    }
    assert_eq!((script.times(), state(&engine, &task)), (2, "UNKNOWN"));
}

#[test]
fn unknown_outcomes_use_attempts() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([
        ScriptedCall::ActsUnheard,
        ScriptedCall::ActsUnheard,
        ScriptedCall::ActsUnheard,
    ]);
    let names: Vec<_> = (0..4).map(|_| failing(&engine, &task, &script)).collect();
    use ErrorName::{Permanent, Unknown};
    assert_eq!(names, [Unknown, Unknown, Permanent, Permanent]);
    assert_eq!((script.times(), script.effects()), (3, 1));
}

#[test]
fn an_unknown_outcome_of_a_step_that_is_not_idempotent_goes_to_a_person() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.step.idempotent = false;
    let script = Script::of([ScriptedCall::ActsUnheard]);
    for _ in 0..2 {
        let error = attempt(&engine, &task, &script).unwrap_err();
        assert_eq!(error.name, ErrorName::Escalate);
        assert!(error.message.contains("a person must look"), "{error}");
    }
    assert_eq!(script.times(), 1);
}

#[test]
fn a_clean_failure_of_a_step_that_is_not_idempotent_may_be_tried_again() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.step.idempotent = false;
    let script = Script::of([busy()]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(script.effects(), 1);
}

#[test]
fn each_item_of_a_for_each_has_its_own_record() {
    let engine = engine();
    let mut task = first_step(&engine);
    let script = Script::default();
    for item in [json!("v-1"), json!(2), json!("v-1"), json!(2.0)] {
        task.item_key = Some(item);
        attempt(&engine, &task, &script).unwrap();
    }
    assert_eq!((script.times(), script.effects()), (2, 2));
    let steps = snapshot(&engine, &task.execution).steps;
    let labels: Vec<_> = steps.iter().map(StepRecord::label).collect();
    assert_eq!(labels, ["apply_vendor_hold[2]", "apply_vendor_hold[v-1]"]);
    task.item_key = Some(json!(null));
    assert_eq!(failing(&engine, &task, &script), ErrorName::Permanent);
}
