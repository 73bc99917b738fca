//! Tests of people's requests: cancel, roll back after the end, redrive.

use super::{rollback::receipt_of, *};
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{
    Request, RequestOutcome, RequestTransition, StepState, ask, cancel, redrive, withdraw,
};
use holdfast_receipt::evidence::NoSigner;
use holdfast_task::{ErrorName, StepStatus};

fn request() -> Request {
    Request {
        by: "ann@acme".to_owned(),
        reason: "wrong vendor".to_owned(),
    }
}

/// Applies a request and returns the changed execution.
fn put(
    engine: &TestEngine,
    execution: &ExecutionRef,
    decide: impl Fn(&Snapshot) -> RequestTransition + Send + Sync,
) -> ExecutionRef {
    match run(ask(&engine.ledger, &partition(execution), decide)).unwrap() {
        RequestOutcome::Done(execution) => execution.reference(),
        other => panic!("not recorded: {other:?}"),
    }
}

pub(super) fn cancelled(engine: &TestEngine, execution: &ExecutionRef) -> ExecutionRef {
    let now = now(engine);
    put(engine, execution, |snapshot| {
        cancel(&snapshot.execution, &request(), "arn:recovery", now)
    })
}

pub(super) fn withdrawn(engine: &TestEngine, execution: &ExecutionRef) -> ExecutionRef {
    let now = now(engine);
    put(engine, execution, |snapshot| {
        withdraw(&snapshot.execution, &request(), "arn:recovery", now)
    })
}

pub(super) fn redriven(engine: &TestEngine, execution: &ExecutionRef) -> ExecutionRef {
    let now = now(engine);
    put(engine, execution, |snapshot| {
        redrive(snapshot, &gate(), &steps(), &request(), "arn:again", now)
    })
}

/// Rolls the execution back, as its owner does after the request.
pub(super) fn undo_all(
    engine: &TestEngine,
    execution: &ExecutionRef,
    action: &Script,
) -> FinishResult {
    let task = PlanTask {
        owner: "arn:recovery".to_owned(),
        ..plan_task(execution, "elsewhere")
    };
    let PlanResult { execution, undo } = run(engine.plan(&task)).unwrap();
    for undo in undo {
        let execution = execution.clone();
        let _ = run(engine.undo(&UndoTask { execution, undo }, action));
    }
    run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap()
}

/// An execution whose two steps have succeeded, the first of them irreversible.
fn succeeded(engine: &TestEngine, action: &Script) -> ExecutionRef {
    let mut first = first_step(engine);
    first.step.undo = None;
    attempt(engine, &first, action).unwrap();
    let second = step_task(&first.execution, STEPS[1]);
    attempt(engine, &second, action).unwrap();
    first.execution
}

fn no() -> Script {
    Script::of([ScriptedCall::Fails(StepError::permanent("no"))])
}

#[test]
fn a_cancellation_lets_a_running_call_end_and_undoes_it() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, execution) = (engine.clone(), task.execution.clone());
    let meanwhile = move || {
        cancelled(&other, &execution);
    };
    let action = Script::of([ScriptedCall::Meanwhile(Box::new(meanwhile))]);
    attempt(&engine, &task, &action).unwrap();
    let next = step_task(&task.execution, STEPS[1]);
    assert_eq!(failing(&engine, &next, &action), ErrorName::Halted);
    let by_machine = unwind(&engine, &task.execution, STEPS[1], &action).unwrap_err();
    assert_eq!(by_machine.name, ErrorName::Halted, "the recovery does it");
    let execution = snapshot(&engine, &task.execution).execution.reference();
    let ended = undo_all(&engine, &execution, &action);
    assert_eq!(ended.status, "ROLLED_BACK");
    assert_eq!((action.times(), action.effects()), (1, 0));
    assert_eq!(ended.incident, None, "a person requested it");
    let failure = receipt_of(&engine, &execution).failure.unwrap();
    assert_eq!(failure.error.parse(), Ok(ErrorName::Cancelled));
    assert_eq!(failure.requested_by.as_deref(), Some("ann@acme"));
    assert!(failure.requested_at.is_some());
}

#[test]
fn a_later_rollback_writes_a_second_receipt_that_names_the_first() {
    let engine = engine();
    let action = Script::default();
    let execution = begun(&engine);
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    let first = finish(&engine, &execution, None).unwrap();
    let execution = withdrawn(&engine, &execution);
    let second = undo_all(&engine, &execution, &action);
    assert_eq!(second.status, "ROLLED_BACK");
    assert_eq!((action.effects(), action.times()), (0, 2));
    let receipt = receipt_of(&engine, &execution);
    assert_eq!((receipt.generation, receipt.redriven), (1, None));
    let earlier: Vec<_> = receipt
        .earlier
        .iter()
        .map(|one| (one.generation, one.status))
        .collect();
    assert_eq!(earlier, [(0, holdfast_receipt::Status::Executed)]);
    let failure = receipt.failure.unwrap();
    assert_eq!(
        failure.requested_at.as_deref(),
        Some("2025-09-29T13:00:00Z")
    );
    let previous = receipt.previous_receipt.unwrap();
    assert_eq!(
        (previous.object, previous.sha256),
        (first.receipt, first.receipt_sha256)
    );
    assert_eq!(undo_all(&engine, &execution, &action), second, "it is over");
    assert_eq!(action.undone.lock().unwrap().len(), 2);
}

#[test]
fn a_later_rollback_undoes_what_an_earlier_one_left_with_new_attempts() {
    let engine = engine();
    let busy = || ScriptedCall::Fails(StepError::transient("busy"));
    let action = Script::default().undoing([busy(), busy()]);
    let mut task = first_step(&engine);
    task.step.undo.as_mut().unwrap().max_attempts = 1;
    attempt(&engine, &task, &action).unwrap();
    let ended = unwind(&engine, &task.execution, STEPS[1], &action).unwrap();
    for expected in ["PARTIALLY_ROLLED_BACK", "ROLLED_BACK"] {
        let before = snapshot(&engine, &task.execution).execution;
        assert_eq!(before.phase.name(), "PARTIALLY_ROLLED_BACK");
        let execution = withdrawn(&engine, &task.execution);
        assert_eq!(undo_all(&engine, &execution, &action).status, expected);
    }
    assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
    let record = record(&engine, &task);
    assert_eq!(
        (record.state, record.undo_attempts.len()),
        (StepState::Undone, 3)
    );
}

#[test]
fn a_redrive_keeps_remaining_effects_and_repeats_undone_and_failed_steps() {
    let engine = engine();
    let action = Script::default();
    let execution = succeeded(&engine, &action);
    attempt(&engine, &step_task(&execution, "late"), &no()).unwrap_err();
    let ended = unwind(&engine, &execution, "late", &action).unwrap();
    assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
    let before = snapshot(&engine, &execution);
    let again = redriven(&engine, &execution);
    for step in [STEPS[0], STEPS[1], "late"] {
        let done = attempt(&engine, &step_task(&again, step), &action).unwrap();
        assert_eq!(done.status, StepStatus::Succeeded);
        assert_eq!(done.output, json!({ "done": step }));
    }
    assert_eq!(finish(&engine, &again, None).unwrap().status, "EXECUTED");
    let calls = action.calls.lock().unwrap();
    let acted: Vec<_> = calls.iter().map(|(call, _)| call.step.as_str()).collect();
    assert_eq!(acted, [STEPS[0], STEPS[1], STEPS[1], "late"]);
    assert_eq!(action.effects(), 3, "one effect for each step");
    let after = snapshot(&engine, &execution);
    let same: Vec<_> = before
        .steps
        .iter()
        .zip(&after.steps)
        .map(|(before, after)| before.key == after.key)
        .collect();
    // The key differs, so that a target does not answer from memory: for an undone effect its
    // success, for a failed one its refusal.
    assert_eq!(same, [true, false, false]);
    let receipt = receipt_of(&engine, &again);
    assert!(receipt.previous_receipt.is_some());
    let redriven = receipt.redriven.expect("it names the requester");
    let Request { by, reason } = request();
    assert_eq!((redriven.by, redriven.reason), (by, reason));
}

#[test]
fn a_zombie_from_before_a_redrive_halts() {
    let engine = engine();
    let action = Script::default();
    let execution = succeeded(&engine, &action);
    unwind(&engine, &execution, "late", &action).unwrap();
    let again = redriven(&engine, &execution);
    let calls = action.times();
    for step in [STEPS[1], "late"] {
        let zombie = step_task(&execution, step);
        assert_eq!(failing(&engine, &zombie, &action), ErrorName::Halted);
    }
    let plan = run(engine.plan(&plan_task(&execution, "late"))).unwrap_err();
    assert_eq!(plan.name, ErrorName::Halted);
    let late = finish(&engine, &execution, None).unwrap_err();
    assert_eq!(late.name, ErrorName::Halted);
    assert_eq!(action.times(), calls);
    attempt(&engine, &step_task(&again, STEPS[1]), &action).unwrap();
}

#[test]
fn a_redrive_that_fails_is_undone_under_the_new_keys() {
    let engine = engine();
    let action = Script::default();
    let task = first_step(&engine);
    let mut current = task.execution.clone();
    for generation in 0..3 {
        attempt(&engine, &step_task(&current, STEPS[0]), &action).unwrap();
        let task = PlanTask {
            owner: snapshot(&engine, &current).execution.owner,
            ..plan_task(&current, STEPS[1])
        };
        let plan = run(engine.plan(&task)).unwrap();
        let [undo] = &plan.undo[..] else {
            panic!("one effect remains: {plan:?}");
        };
        let (execution, undo) = (plan.execution.clone(), undo.clone());
        run(engine.undo(&UndoTask { execution, undo }, &action)).unwrap();
        let ended = run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
        assert_eq!(ended.status, "ROLLED_BACK", "generation {generation}");
        assert_eq!(action.effects(), 0, "generation {generation}");
        current = redriven(&engine, &current);
    }
    let calls = action.undone.lock().unwrap();
    let keys: std::collections::BTreeSet<_> = calls
        .iter()
        .map(|(call, _)| call.forward_key.clone())
        .collect();
    assert_eq!((calls.len(), keys.len()), (3, 3));
    let record = record(&engine, &task);
    assert_eq!((record.attempts.len(), record.undo_attempts.len()), (3, 3));
}

#[test]
fn a_changed_input_of_a_succeeded_step_stops_the_redrive() {
    let engine = engine();
    let action = Script::default();
    let execution = succeeded(&engine, &action);
    unwind(&engine, &execution, "late", &action).unwrap();
    let mut changed = step_task(&redriven(&engine, &execution), STEPS[0]);
    changed.input = json!({"vendor_id": "another"});
    let calls = action.times();
    assert_eq!(failing(&engine, &changed, &action), ErrorName::Permanent);
    assert_eq!(action.times(), calls);
}

#[test]
fn a_failed_step_is_undone_by_the_action_of_the_redrive() {
    let engine = engine();
    let task = first_step(&engine);
    attempt(&engine, &task, &no()).unwrap_err();
    unwind(&engine, &task.execution, STEPS[0], &Script::default()).unwrap();
    let mut again = step_task(&redriven(&engine, &task.execution), STEPS[0]);
    again.step.action = "other".to_owned();
    again.input = json!({"vendor_id": "right"});
    let action = Script::default();
    attempt(&engine, &again, &action).unwrap();
    assert_eq!(action.calls.lock().unwrap()[0].1, again.input);
    let record = record(&engine, &task);
    assert_eq!(record.action, "other");
}

#[test]
fn a_redrive_succeeds_without_failed_or_undone_steps_that_it_skips() {
    let engine = engine();
    let action = Script::default();
    let execution = begun(&engine);
    attempt(&engine, &step_task(&execution, STEPS[0]), &action).unwrap();
    attempt(&engine, &step_task(&execution, STEPS[1]), &no()).unwrap_err();
    unwind(&engine, &execution, STEPS[1], &action).unwrap();
    let again = redriven(&engine, &execution);
    attempt(&engine, &step_task(&again, "late"), &action).unwrap();
    assert_eq!(finish(&engine, &again, None).unwrap().status, "EXECUTED");
    let receipt = receipt_of(&engine, &again);
    assert_eq!(receipt.residual_effects, []);
    assert_eq!(action.effects(), 1, "what was undone stays undone");
}

#[test]
fn a_step_that_was_tried_and_then_skipped_keeps_the_execution_from_success() {
    let engine = engine();
    let execution = begun(&engine);
    attempt(&engine, &step_task(&execution, STEPS[0]), &no()).unwrap_err();
    unwind(&engine, &execution, STEPS[0], &Script::default()).unwrap();
    let again = redriven(&engine, &execution);
    attempt(&engine, &step_task(&again, STEPS[0]), &no()).unwrap_err();
    let error = finish(&engine, &again, None).unwrap_err();
    assert_eq!(error.name, ErrorName::Permanent);
    assert!(error.message.contains("then skipped"), "{error}");
}

#[test]
fn a_receipt_gives_no_reasons_of_an_earlier_execution_generation() {
    let engine = engine();
    let execution = begun(&engine);
    attempt(&engine, &step_task(&execution, STEPS[0]), &no()).unwrap_err();
    unwind(&engine, &execution, STEPS[0], &Script::default()).unwrap();
    let again = redriven(&engine, &execution);
    let other = Script::of([ScriptedCall::Fails(StepError::permanent("closed"))]);
    attempt(&engine, &step_task(&again, STEPS[1]), &other).unwrap_err();
    let task = PlanTask {
        owner: "arn:again".to_owned(),
        ..plan_task(&again, STEPS[1])
    };
    let plan = run(engine.plan(&task)).unwrap();
    run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
    let failure = receipt_of(&engine, &again).failure.unwrap();
    assert_eq!(failure.reason, format!("{}: closed", STEPS[1]));
}
