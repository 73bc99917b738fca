//! Tests of controls: a pause rejects starts and stops steps, undos run, and a resume continues.

use super::{rollback::receipt_of, *};
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{
    Control, ControlState, PauseBehavior, Phase, Request, Scope, StepState, control,
};
use holdfast_task::ErrorName;

/// Writes a control, as a platform admin would.
fn put(engine: &TestEngine, scope: Scope, state: ControlState, meanwhile: PauseBehavior) {
    let stored: Option<Control> = run(engine.ledger.kept.read(&scope)).unwrap();
    let request = Request {
        by: "root".to_owned(),
        reason: "a leak".to_owned(),
    };
    let next = control(
        stored.as_ref(),
        &scope,
        state,
        meanwhile,
        &request,
        now(engine),
    );
    let expect = stored.map_or(Expect::Absent, |stored| Expect::Rev(stored.rev));
    let next = next.expect("it changes something");
    assert_eq!(run(engine.ledger.kept.put(&next, expect)), Ok(Put::Done));
}

fn pause(engine: &TestEngine, meanwhile: PauseBehavior) {
    put(engine, Scope::Platform, ControlState::Paused, meanwhile);
}

fn resume(engine: &TestEngine) {
    put(
        engine,
        Scope::Platform,
        ControlState::Running,
        PauseBehavior::Wait,
    );
}

#[test]
fn a_paused_step_records_no_attempt_and_applies_no_effect() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    pause(&engine, PauseBehavior::Wait);
    for _ in 0..20 {
        assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
        engine.host.pass(60);
    }
    let waits = record(&engine, &task);
    assert_eq!((script.times(), waits.attempts.len()), (0, 0));
    assert!(
        matches!(waits.state, StepState::Waiting { .. }),
        "{:?}",
        waits.state
    );
    resume(&engine);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(
        (script.effects(), record(&engine, &task).attempts.len()),
        (1, 1)
    );
}

#[test]
fn an_attempt_that_failed_before_a_pause_counts_after_it() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::ActsUnheard]);
    failing(&engine, &task, &script);
    pause(&engine, PauseBehavior::Wait);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
    let waits = record(&engine, &task);
    assert_eq!((waits.attempts.len(), waits.tainted), (1, true));
    resume(&engine);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(
        (script.effects(), record(&engine, &task).attempts.len()),
        (1, 2)
    );
}

#[test]
fn a_pause_between_claim_and_effect_stops_the_attempt() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    let other = engine.clone();
    let paused = Fault::After(Box::new(move || pause(&other, PauseBehavior::Wait)));
    engine.ledger.spoil(Op::ReadWithControls, 0, paused);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
    assert_eq!(script.times(), 0);
}

#[test]
fn a_pause_that_rolls_back_names_the_person_in_the_failure() {
    let engine = engine();
    let first = first_step(&engine);
    let script = Script::default();
    attempt(&engine, &first, &script).unwrap();
    pause(&engine, PauseBehavior::Rollback);
    let second = step_task(&first.execution, STEPS[1]);
    assert_eq!(failing(&engine, &second, &script), ErrorName::Halted);
    assert_eq!(script.times(), 1);
    let execution = snapshot(&engine, &first.execution).execution;
    let Phase::Unwinding { failure } = &execution.phase else {
        panic!("{:?}", execution.phase);
    };
    assert_eq!(
        (failure.error.as_str(), failure.by.as_deref()),
        ("Paused", Some("root"))
    );
    // The state machine plans with its old epoch, and the pause does not stop the undo.
    let done = unwind(&engine, &first.execution, STEPS[1], &script).unwrap();
    assert_eq!((done.status.as_str(), script.effects()), ("ROLLED_BACK", 0));
}

#[test]
fn a_pause_stops_neither_undo_nor_finish() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    attempt(&engine, &task, &script).unwrap();
    pause(&engine, PauseBehavior::Wait);
    let done = unwind(&engine, &task.execution, STEPS[1], &script).unwrap();
    assert_eq!((done.status.as_str(), script.effects()), ("ROLLED_BACK", 0));
}

#[test]
fn a_pause_rejects_a_new_start_and_admits_one_that_had_begun() {
    let engine = engine();
    let before = begin_task(start_of(usual_input()));
    run(engine.begin(&before)).unwrap();
    for scope in Scope::around("acme", "WF-HOLD") {
        put(
            &engine,
            scope.clone(),
            ControlState::Paused,
            PauseBehavior::Wait,
        );
        run(engine.begin(&before)).expect("its own retry");
        let mut start = start_of(usual_input());
        start["idempotency_key"] = json!(scope.name());
        let task = begin_task(start);
        for _ in 0..2 {
            let error = run(engine.begin(&task)).expect_err("it is paused");
            assert_eq!(error.name, ErrorName::Rejected);
            assert!(
                error
                    .message
                    .contains(&format!("{} is paused: a leak", scope.name())),
                "{error}"
            );
        }
        put(&engine, scope, ControlState::Running, PauseBehavior::Wait);
        let error = run(engine.begin(&task)).expect_err("a rejected start stays rejected");
        assert_eq!(error.name, ErrorName::Rejected);
    }
    put(
        &engine,
        Scope::Tenant("globex".to_owned()),
        ControlState::Paused,
        PauseBehavior::Wait,
    );
    let mut start = start_of(usual_input());
    start["idempotency_key"] = json!("fresh");
    run(engine.begin(&begin_task(start))).expect("another tenant's pause is not ours");
}

#[test]
fn a_pause_writes_nothing_to_a_step_that_waits() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    pause(&engine, PauseBehavior::Wait);
    failing(&engine, &task, &script);
    let waits = record(&engine, &task);
    for _ in 0..20 {
        engine.host.pass(60);
        assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
    }
    assert_eq!(record(&engine, &task), waits);
}

#[test]
fn an_attempt_waits_after_a_lost_answer_to_the_write_of_its_pause() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    pause(&engine, PauseBehavior::Wait);
    engine.ledger.spoil(Op::PutStep, 1, Fault::AnswerLost);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
    assert_eq!(record(&engine, &task).attempts, []);
}

#[test]
fn an_attempt_waits_if_the_rollback_of_a_pause_cannot_be_recorded() {
    for broken in [Op::ExecutionRecord, Op::PutExecution] {
        let engine = engine();
        let task = first_step(&engine);
        let script = Script::default();
        pause(&engine, PauseBehavior::Rollback);
        engine.ledger.spoil(broken, 0, Fault::Unavailable);
        assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
        assert_eq!(failing(&engine, &task, &script), ErrorName::Halted);
        assert_eq!(script.times(), 0, "{broken:?}");
    }
}

#[test]
fn a_pause_that_changes_to_rollback_undoes_a_waiting_execution() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::default();
    pause(&engine, PauseBehavior::Wait);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
    pause(&engine, PauseBehavior::Rollback);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Halted);
    let done = unwind(&engine, &task.execution, STEPS[0], &script).unwrap();
    assert_eq!((done.status.as_str(), script.times()), ("FAILED", 0));
    let receipt = json!(receipt_of(&engine, &task.execution));
    assert_eq!(receipt["steps"][0]["status"], "NOT_RUN");
    assert_eq!(receipt["failure"]["error"], "Paused");
    assert_eq!(receipt["failure"]["reason"], "a leak");
    assert_eq!(receipt["failure"]["requested_by"], "root");
}

#[test]
fn a_start_that_may_queue_is_admitted_unless_the_pause_rolls_back() {
    let engine = engine();
    let mut task = begin_task(start_of(usual_input()));
    task.gate.rules.queued_when_paused = true;
    pause(&engine, PauseBehavior::Wait);
    let begun = run(engine.begin(&task)).expect("it is queued");
    let step = step_task(&begun.execution, STEPS[0]);
    let script = Script::default();
    assert_eq!(failing(&engine, &step, &script), ErrorName::Paused);
    resume(&engine);
    attempt(&engine, &step, &script).unwrap();
    pause(&engine, PauseBehavior::Rollback);
    let mut start = start_of(usual_input());
    start["idempotency_key"] = json!("second");
    let error = run(engine.begin(&BeginTask { start, ..task })).expect_err("it is refused");
    assert_eq!(error.name, ErrorName::Rejected);
}

#[test]
fn a_paused_retry_of_an_unknown_outcome_claims_nothing() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::Fails(StepError::unknown("no answer"))]);
    failing(&engine, &task, &script);
    let unknown = record(&engine, &task);
    pause(&engine, PauseBehavior::Wait);
    engine.host.pass(60);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Paused);
    assert_eq!(
        record(&engine, &task),
        unknown,
        "a claim would be reported as a retry"
    );
    resume(&engine);
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(script.effects(), 1);
}
