//! Tests of rollback: order, the input of each undo, the result of every outcome, and the status.

use std::collections::BTreeMap;

use super::*;
use crate::testing::{Op, ScriptedCall, engine};
use holdfast_action::{AppliedEffect, StepError};
use holdfast_ids::keys::undo_key;
use holdfast_ledger::StepState;
use holdfast_receipt::{AttemptOutcome, Receipt, evidence::NoSigner};
use holdfast_task::{ErrorName, GiveUpTask, UndoItem};

/// The receipt of an execution that has ended.
pub(super) fn receipt_of(engine: &TestEngine, execution: &ExecutionRef) -> Receipt {
    let written = snapshot(engine, execution)
        .execution
        .receipt
        .expect("it ended");
    let objects = engine.receipts.objects.lock().unwrap();
    serde_json::from_slice(&objects[&written.object]).unwrap()
}

fn no() -> Script {
    Script::of([ScriptedCall::Fails(StepError::permanent("no"))])
}

/// Begins an execution and attempts its first step with this script.
fn tried(engine: &TestEngine, action: &Script, bend: impl FnOnce(&mut StepTask)) -> StepTask {
    let mut task = first_step(engine);
    bend(&mut task);
    let _ = attempt(engine, &task, action);
    task
}

fn planned(engine: &TestEngine, execution: &ExecutionRef) -> PlanResult {
    run(engine.plan(&plan_task(execution, "elsewhere"))).unwrap()
}

fn undone(
    engine: &TestEngine,
    plan: &PlanResult,
    undo: &UndoItem,
    action: &Script,
) -> Result<String, TaskError> {
    let (execution, undo) = (plan.execution.clone(), undo.clone());
    run(engine.undo(&UndoTask { execution, undo }, action)).map(|result| result.status)
}

#[test]
fn effects_are_undone_in_reverse_order_of_declaration_then_of_start() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    attempt(&engine, &step_task(&execution, STEPS[1]), &action).unwrap();
    for item in ["v-2", "v-9", "v-1"] {
        engine.host.pass(1);
        let mut task = step_task(&execution, STEPS[0]);
        task.item_key = Some(json!(item));
        attempt(&engine, &task, &action).unwrap();
    }
    attempt(&engine, &step_task(&execution, "late"), &no()).unwrap_err();
    let ended = unwind(&engine, &execution, "late", &action).unwrap();
    assert_eq!(ended.status, "ROLLED_BACK");
    let calls = action.undone.lock().unwrap();
    let order: Vec<_> = calls.iter().map(|(call, _)| call.step.as_str()).collect();
    let items = ["v-1", "v-9", "v-2"].map(|item| format!("{}[{item}]", STEPS[0]));
    let [third, second, first] = &items;
    assert_eq!(order, [STEPS[1], third, second, first]);
}

#[test]
fn an_undo_has_its_own_key_and_receives_the_recorded_effect() {
    let engine = engine();
    let action = Script::default();
    let task = tried(&engine, &action, |task| {
        task.undo_input = Some(json!({"why": "undone"}));
    });
    let forward = record(&engine, &task).key;
    unwind(&engine, &task.execution, STEPS[1], &action).unwrap();
    let calls = action.undone.lock().unwrap();
    let [(call, done)] = &calls[..] else {
        panic!("undone once: {calls:?}");
    };
    assert_eq!(call.key, undo_key(&forward));
    assert_eq!((&call.forward_key, call.attempt), (&forward, 1));
    let right = AppliedEffect {
        input: json!({"vendor_id": "v-1"}),
        output: Some(json!({"done": STEPS[0]})),
        undo_input: Some(json!({"why": "undone"})),
    };
    assert_eq!(*done, right);
}

#[test]
fn an_unknown_outcome_is_undone_without_a_verification() {
    for (does, fences, status) in [
        (ScriptedCall::ActsUnheard, true, "ROLLED_BACK"),
        (
            ScriptedCall::Fails(StepError::unknown("dropped")),
            true,
            "ROLLED_BACK",
        ),
        // A target that does not fence may still carry out a delayed call.
        (
            ScriptedCall::Fails(StepError::unknown("dropped")),
            false,
            "PARTIALLY_ROLLED_BACK",
        ),
    ] {
        let engine = engine();
        let mut action = Script::of([does]);
        action.verifies = true;
        let task = tried(&engine, &action, |task| {
            task.step.undo.as_mut().unwrap().fences = fences;
        });
        let ended = unwind(&engine, &task.execution, STEPS[0], &action).unwrap();
        assert_eq!(ended.status, status);
        assert_eq!(record(&engine, &task).state, StepState::Undone);
        let calls = action.undone.lock().unwrap();
        assert!(calls.len() == 1 && calls[0].1.output.is_none(), "{calls:?}");
        assert_eq!(action.effects(), 0);
        let possible = &receipt_of(&engine, &task.execution).residual_effects;
        assert!(possible.iter().all(|one| !one.certain));
        assert_eq!(possible.len(), usize::from(!fences));
    }
}

#[test]
fn a_delayed_call_is_a_possible_residual_effect_even_if_a_later_attempt_succeeded() {
    for (fences, status) in [(true, "ROLLED_BACK"), (false, "PARTIALLY_ROLLED_BACK")] {
        let engine = engine();
        let action = Script::of([ScriptedCall::Fails(StepError::unknown("on its way"))]);
        let task = tried(&engine, &action, |task| {
            task.step.undo.as_mut().unwrap().fences = fences;
        });
        attempt(&engine, &task, &action).unwrap();
        assert!(!record(&engine, &task).tainted, "it is known to stand");
        let ended = unwind(&engine, &task.execution, STEPS[1], &action).unwrap();
        assert_eq!(ended.status, status);
        let possible = receipt_of(&engine, &task.execution).residual_effects;
        assert_eq!(possible.len(), usize::from(!fences));
    }
}

#[test]
fn an_irreversible_step_is_verified_and_the_receipt_has_the_verdict() {
    let dropped = || ScriptedCall::Fails(StepError::unknown("dropped"));
    for (does, tells, state, certain) in [
        (ScriptedCall::ActsUnheard, true, "SUCCESS", true),
        (dropped(), true, "FAILED", false),
        (ScriptedCall::ActsUnheard, false, "UNKNOWN", false),
    ] {
        let engine = engine();
        let mut action = Script::of([does]);
        action.verifies = tells;
        let task = tried(&engine, &action, |task| task.step.undo = None);
        let ended = unwind(&engine, &task.execution, STEPS[0], &action).unwrap();
        assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK", "{state}");
        assert_eq!(record(&engine, &task).state.name(), state);
        assert!(action.undone.lock().unwrap().is_empty(), "never undone");
        let residual = receipt_of(&engine, &task.execution).residual_effects;
        assert_eq!(residual.len(), 1, "{state}");
        assert_eq!(residual[0].certain, certain, "{state}");
    }
}

#[test]
fn a_certain_irreversible_effect_is_neither_verified_nor_undone() {
    let engine = engine();
    let action = Script::default();
    let task = tried(&engine, &action, |task| task.step.undo = None);
    assert_eq!(planned(&engine, &task.execution).undo, []);
    let ended = unwind(&engine, &task.execution, STEPS[1], &action).unwrap();
    assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
    let residual = receipt_of(&engine, &task.execution).residual_effects;
    assert!(residual.len() == 1 && residual[0].certain, "{residual:?}");
}

#[test]
fn an_execution_without_an_effect_ends_as_failed() {
    for (does, optional) in [
        (ScriptedCall::Fails(StepError::permanent("no")), false),
        (ScriptedCall::Fails(StepError::permanent("no")), true),
        (ScriptedCall::Fails(StepError::transient("busy")), false),
    ] {
        let engine = engine();
        let action = Script::of([does]);
        let task = tried(&engine, &action, |task| task.step.optional = optional);
        let ended = unwind(&engine, &task.execution, STEPS[1], &action).unwrap();
        assert_eq!(ended.status, "FAILED");
        assert_eq!(record(&engine, &task).state, StepState::FailedClean);
        assert!(action.undone.lock().unwrap().is_empty());
    }
}

#[test]
fn a_transient_undo_failure_is_retried_with_the_same_key() {
    let engine = engine();
    let fails = [
        ScriptedCall::Fails(StepError::transient("busy")),
        ScriptedCall::ActsUnheard,
        ScriptedCall::Hangs,
    ];
    let action = Script::default().undoing(fails);
    let task = tried(&engine, &action, |task| {
        task.step.undo.as_mut().unwrap().max_attempts = 4;
    });
    let plan = planned(&engine, &task.execution);
    for _ in 0..3 {
        let error = undone(&engine, &plan, &plan.undo[0], &action).unwrap_err();
        assert_eq!(error.name, ErrorName::Transient);
        let open = run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap_err();
        assert_eq!(open.name, ErrorName::Open);
    }
    for _ in 0..2 {
        let status = undone(&engine, &plan, &plan.undo[0], &action).unwrap();
        assert_eq!(status, "UNDONE");
    }
    let calls = action.undone.lock().unwrap();
    assert_eq!(calls.len(), 4, "what is undone is not undone again");
    assert!(calls.iter().all(|(call, _)| call.key == calls[0].0.key));
}

#[test]
fn an_undo_without_success_uses_all_attempts_and_stays_possible() {
    for (does, certain) in [
        (ScriptedCall::Fails(StepError::transient("busy")), true),
        (ScriptedCall::Hangs, false),
    ] {
        let engine = engine();
        let busy = || ScriptedCall::Fails(StepError::transient("busy"));
        let action = Script::default().undoing([busy(), busy(), does]);
        let task = tried(&engine, &action, |_| {});
        let plan = planned(&engine, &task.execution);
        for _ in 0..2 {
            undone(&engine, &plan, &plan.undo[0], &action).unwrap_err();
        }
        for _ in 0..2 {
            let status = undone(&engine, &plan, &plan.undo[0], &action).unwrap();
            assert_eq!(status, "UNDO_FAILED");
        }
        assert_eq!(action.undone.lock().unwrap().len(), 3);
        let ended = run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
        assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
        let residual = receipt_of(&engine, &task.execution).residual_effects;
        assert_eq!(residual[0].certain, certain);
    }
}

#[test]
fn an_undo_that_never_answers_is_given_up_and_the_others_run() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    let plan = planned(&engine, &execution);
    let give_up = |undo: &UndoItem| {
        let task = GiveUpTask {
            execution: plan.execution.clone(),
            undo: undo.clone(),
            error: "Sandbox.Timedout".to_owned(),
        };
        run(engine.give_up(&task)).map(|result| result.status)
    };
    let gone = &plan.undo[0];
    for _ in 0..2 {
        assert_eq!(give_up(gone).unwrap(), "UNDO_FAILED");
    }
    assert_eq!(
        undone(&engine, &plan, gone, &action).unwrap(),
        "UNDO_FAILED"
    );
    undone(&engine, &plan, &plan.undo[1], &action).unwrap();
    assert_eq!(give_up(&plan.undo[1]).unwrap(), "UNDONE", "too late");
    let ended = run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
    assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
    let failed = record(&engine, &step_task(&execution, &gone.step));
    let [attempt] = &failed.undo_attempts[..] else {
        panic!("given up in one attempt: {failed:?}");
    };
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Unknown));
    assert!(attempt.error.as_ref().unwrap().contains("Sandbox.Timedout"));
}

#[test]
fn a_rollback_costs_one_write_to_take_over_and_two_for_each_undo() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    attempt(&engine, &step_task(&execution, "late"), &no()).unwrap_err();
    engine.ledger.calls();
    unwind(&engine, &execution, "late", &action).unwrap();
    let mut count = BTreeMap::new();
    for op in engine.ledger.calls() {
        *count.entry(op).or_insert(0) += 1;
    }
    let k = STEPS.len();
    let right = [
        (Op::PutExecution, 1 + 2),
        (Op::PutStep, 2 * k),
        (Op::ExecutionRecord, 1 + k),
        (Op::Step, k),
        (Op::Snapshot, 2),
        // Before it is opened, and after the link: another execution may have resolved it.
        (Op::Incident, 2),
        (Op::PutIncident, 1),
        (Op::PutLink, 1),
        (Op::Link, 1),
    ];
    assert_eq!(count, right.into());
}

#[test]
fn more_undos_than_one_plan_holds_are_planned_again() {
    let engine = engine();
    let action = Script::default();
    let execution = begun(&engine);
    for n in 0..900 {
        let mut task = step_task(&execution, STEPS[0]);
        task.item_key = Some(json!(format!("{n:0>60}")));
        attempt(&engine, &task, &action).unwrap();
    }
    let mut plans = 0;
    loop {
        let plan = run(engine.plan(&plan_task(&execution, STEPS[1]))).unwrap();
        let bytes = json!(plan).to_string().len();
        assert!(bytes < 256 * 1024, "{bytes}");
        plans += 1;
        for undo in plan.undo {
            let execution = plan.execution.clone();
            run(engine.undo(&UndoTask { execution, undo }, &action)).unwrap();
        }
        match run(engine.finish(&finish_task(&plan.execution), &NoSigner)) {
            Ok(ended) => {
                assert_eq!(ended.status, "ROLLED_BACK");
                break;
            }
            Err(error) => assert_eq!(error.name, ErrorName::Open),
        }
    }
    assert_eq!((plans, action.effects()), (3, 0));
}

#[test]
fn an_incident_names_some_of_many_residual_effects_and_their_number() {
    let engine = engine();
    let execution = begun(&engine);
    for n in 0..30 {
        let mut task = step_task(&execution, STEPS[0]);
        task.item_key = Some(json!(format!("v-{n:02}")));
        task.step.undo = None;
        attempt(&engine, &task, &Script::default()).unwrap();
    }
    unwind(&engine, &execution, STEPS[1], &Script::default()).unwrap();
    let (_, links) = &engine.ledger.kept.incidents("acme")[0];
    assert_eq!((links[0].stands.len(), links[0].stands_total), (20, 30));
    assert_eq!(receipt_of(&engine, &execution).residual_effects.len(), 30);
}
