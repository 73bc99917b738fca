//! Tests of attempts under faults: lost answers, crashes, zombies, an execution that stops.

use serde_json::json;

use super::*;
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_ledger::{Attempt, Phase, StepState};
use holdfast_receipt::AttemptOutcome;
use holdfast_task::{ErrorName, StepStatus};

/// Claims the step for an attempt whose function then died.
fn crashed(engine: &TestEngine, task: &StepTask) {
    let alive = attempt(engine, task, &Script::of([ScriptedCall::Hangs]));
    assert!(alive.is_err());
    let mut dead = record(engine, task);
    let expect = Expect::Rev(dead.rev);
    dead.rev += 1;
    dead.state = StepState::Running {
        token: "dead".to_owned(),
        lease_until: now(engine) + jiff::SignedDuration::from_secs(35),
    };
    dead.tainted = false;
    dead.attempts = vec![Attempt {
        token: "dead".to_owned(),
        started_at: now(engine),
        ended_at: None,
        outcome: None,
        error: None,
    }];
    assert_eq!(run(engine.ledger.kept.put(&dead, expect)), Ok(Put::Done));
}

#[test]
fn an_attempt_recognizes_its_claim_after_a_lost_answer_and_acts_once() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.step.idempotent = false;
    let script = Script::default();
    engine.ledger.spoil(Op::PutStep, 0, Fault::AnswerLost);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(
        (script.times(), record(&engine, &task).attempts.len()),
        (1, 1)
    );
}

#[test]
fn a_claim_that_cannot_be_written_is_transient_and_applies_nothing() {
    let engine = engine();
    let task = first_step(&engine);
    for _ in 0..2 {
        engine.ledger.spoil(Op::PutStep, 0, Fault::Unavailable);
    }
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    assert_eq!(script.times(), 0);
    attempt(&engine, &task, &script).unwrap();
}

#[test]
fn an_attempt_recognizes_its_completion_after_a_lost_answer() {
    let engine = engine();
    let task = first_step(&engine);
    engine.ledger.spoil(Op::PutStep, 1, Fault::AnswerLost);
    let done = attempt(&engine, &task, &Script::default()).unwrap();
    assert_eq!(done.status, StepStatus::Succeeded);
    assert_eq!(record(&engine, &task).rev, 2);
}

#[test]
fn a_completion_is_retried_and_then_left_to_the_lease_as_unknown() {
    let engine = engine();
    let task = first_step(&engine);
    engine.ledger.spoil(Op::PutStep, 1, Fault::Unavailable);
    for _ in 0..4 {
        engine.ledger.spoil(Op::PutStep, 0, Fault::Unavailable);
    }
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Unknown);
    assert!(
        engine
            .host
            .sleeps()
            .iter()
            .map(|pause| pause.as_millis())
            .sum::<u128>()
            < 5000
    );
    assert_eq!(failing(&engine, &task, &script), ErrorName::Conflict);
    engine.host.pass(35);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!((script.times(), script.effects()), (2, 1));
}

#[test]
fn a_second_attempt_conflicts_with_a_live_lease() {
    let engine = engine();
    let task = first_step(&engine);
    crashed(&engine, &task);
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Conflict);
    engine.host.pass(34);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Conflict);
    engine.host.pass(1);
    attempt(&engine, &task, &script).unwrap();
    let attempts = record(&engine, &task).attempts;
    assert_eq!(attempts[0].outcome, Some(AttemptOutcome::Lost));
}

#[test]
fn a_crash_of_a_step_that_is_not_idempotent_goes_to_a_person() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.step.idempotent = false;
    crashed(&engine, &task);
    engine.host.pass(35);
    let script = Script::default();
    for _ in 0..2 {
        assert_eq!(failing(&engine, &task, &script), ErrorName::Escalate);
    }
    assert_eq!(script.times(), 0);
    assert_eq!(record(&engine, &task).state, StepState::Unknown);
}

#[test]
fn a_zombie_that_completes_after_another_claim_changes_nothing() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, second) = (engine.clone(), Script::default());
    let (twin, successor) = (task.clone(), second.clone());
    let takes_over = move || {
        other.host.pass(40);
        attempt(&other, &twin, &successor).unwrap();
    };
    let script = Script::of([ScriptedCall::Meanwhile(Box::new(takes_over))]);
    let error = attempt(&engine, &task, &script).unwrap_err();
    assert_eq!(error.name, ErrorName::Conflict);
    assert!(error.message.contains("took over"), "{error}");
    let record = record(&engine, &task);
    assert_eq!((record.rev, record.state.name()), (3, "SUCCESS"));
    let outcomes: Vec<_> = record.attempts.iter().map(|one| one.outcome).collect();
    use AttemptOutcome::{Lost, Succeeded};
    assert_eq!(outcomes, [Some(Lost), Some(Succeeded)]);
}

#[test]
fn an_attempt_records_after_its_lease_unless_another_has_claimed() {
    let engine = engine();
    let task = first_step(&engine);
    let clock = engine.host.clone();
    let script = Script::of([ScriptedCall::Meanwhile(Box::new(move || clock.pass(40)))]);
    attempt(&engine, &task, &script).unwrap();
}

#[test]
fn two_concurrent_attempts_act_once() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, twin, quicker) = (engine.clone(), task.clone(), Script::default());
    let script = quicker.clone();
    let first = Fault::After(Box::new(move || {
        attempt(&other, &twin, &quicker).unwrap();
    }));
    engine.ledger.spoil(Op::PutStep, 0, first);
    let done = attempt(&engine, &task, &script).unwrap();
    assert_eq!(done.output, json!({"done": STEPS[0]}));
    assert_eq!(script.times(), 1);
}

#[test]
fn the_first_claim_fixes_the_input_of_later_attempts() {
    let engine = engine();
    let mut task = first_step(&engine);
    let script = Script::of([ScriptedCall::ActsUnheard]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Unknown);
    let first = std::mem::replace(&mut task.input, json!({"vendor_id": "another"}));
    attempt(&engine, &task, &script).unwrap();
    let calls = script.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|(_, input)| *input == first), "{calls:?}");
}

#[test]
fn an_attempt_does_not_act_after_the_execution_has_stopped() {
    type Change = fn(&mut ExecutionRecord);
    let closing: Change = |execution| {
        let failure = failed_at("x");
        execution.phase = Phase::Unwinding { failure };
    };
    let taken_over: Change = |execution| execution.epoch += 1;
    for stop in [closing, taken_over] {
        let engine = engine();
        let task = first_step(&engine);
        let (other, at) = (engine.clone(), partition(&task.execution));
        let stop = Fault::After(Box::new(move || change(&other, &at, stop)));
        engine.ledger.spoil(Op::ReadWithControls, 0, stop);
        let script = Script::default();
        assert_eq!(failing(&engine, &task, &script), ErrorName::Halted);
        assert_eq!(script.times(), 0);
        let record = record(&engine, &task);
        assert_eq!(record.state, StepState::FailedClean);
        assert!(!record.was_claimed(), "{record:?}");
    }
}

#[test]
fn a_halted_attempt_after_an_unknown_one_leaves_the_outcome_unknown() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::ActsUnheard]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Unknown);
    change(&engine, &partition(&task.execution), |execution| {
        execution.epoch += 1
    });
    assert_eq!(failing(&engine, &task, &script), ErrorName::Halted);
    assert_eq!(record(&engine, &task).state, StepState::Unknown);
    assert_eq!(script.times(), 1);
}

#[test]
fn a_step_of_an_unknown_execution_does_not_act() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.execution.id = "0".repeat(40);
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Halted);
    assert_eq!(script.times(), 0);
}

#[test]
fn an_attempt_that_cannot_read_the_execution_record_does_not_act() {
    let engine = engine();
    let task = first_step(&engine);
    engine
        .ledger
        .spoil(Op::ReadWithControls, 0, Fault::Unavailable);
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    assert_eq!(script.times(), 0);
    attempt(&engine, &task, &script).unwrap();
}

#[test]
fn an_attempt_does_not_act_after_its_lease() {
    let engine = engine();
    let task = first_step(&engine);
    let clock = engine.host.clone();
    let late = Fault::After(Box::new(move || clock.pass(31)));
    engine.ledger.spoil(Op::ReadWithControls, 0, late);
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    assert_eq!(script.times(), 0);
}
