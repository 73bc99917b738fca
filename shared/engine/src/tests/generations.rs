//! Tests of what an execution generation leaves to the next one: keys, definitions, item names.

use super::{
    closing::{asked, put, recover, redriven, request},
    rollback::receipt_of,
    *,
};
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{Phase, RequestTransition, StepState, redrive, withdraw};
use holdfast_receipt::{Decision, Residual};
use holdfast_task::GiveUpTask;

fn unknown() -> ScriptedCall {
    ScriptedCall::Fails(StepError::unknown("it hung up"))
}

/// A task of the first step, whose target does not refuse the key of an undone effect.
fn unfenced(execution: &ExecutionRef) -> StepTask {
    let mut task = step_task(execution, STEPS[0]);
    task.step.max_attempts = 1;
    task.step.undo.as_mut().unwrap().fences = false;
    task
}

/// An execution whose first step has an unknown outcome, and is undone.
fn undone_unknown(engine: &TestEngine) -> ExecutionRef {
    let execution = begun(engine);
    let action = Script::of([unknown()]);
    attempt(engine, &unfenced(&execution), &action).unwrap_err();
    unwind(engine, &execution, STEPS[0], &Script::default()).unwrap();
    execution
}

/// An irreversible step of unknown outcome, of which its target said that it did not happen.
fn verified_absent(engine: &TestEngine) -> ExecutionRef {
    let execution = begun(engine);
    let mut task = step_task(&execution, STEPS[0]);
    task.step.max_attempts = 1;
    task.step.undo = None;
    let mut action = Script::of([unknown()]);
    action.verifies = true;
    attempt(engine, &task, &action).unwrap_err();
    unwind(engine, &execution, STEPS[0], &action).unwrap();
    assert_eq!(record(engine, &task).state, StepState::FailedClean);
    execution
}

fn refused(engine: &TestEngine, execution: &ExecutionRef, declared: &[StepRef]) -> bool {
    let before = snapshot(engine, execution);
    let (gate, now) = (gate(), now(engine));
    let decided = redrive(&before, &gate, declared, &request(), "arn:again", now);
    matches!(decided, RequestTransition::Refused(_))
}

#[test]
fn a_possible_effect_under_an_earlier_key_is_named_and_undone_again() {
    let engine = engine();
    let execution = undone_unknown(&engine);
    let task = unfenced(&execution);
    let before = record(&engine, &task).key;
    let again = redriven(&engine, &execution);
    let action = Script::default();
    attempt(&engine, &unfenced(&again), &action).unwrap();
    let second = step_task(&again, STEPS[1]);
    attempt(&engine, &second, &action).unwrap();
    let ended = finish(&engine, &again, None).unwrap();
    assert_eq!(ended.status, "EXECUTED");
    let possible = vec![Residual {
        step: STEPS[0].to_owned(),
        action: "script".to_owned(),
        idempotency_key: before.clone(),
        certain: false,
    }];
    assert_eq!(receipt_of(&engine, &again).residual_effects, possible);
    let found = snapshot(&engine, &again).execution;
    let next = match withdraw(&found, &request(), "arn:recovery", now(&engine)) {
        RequestTransition::Write(next) => put(&engine, *next),
        other => panic!("{other:?}"),
    };
    let undo = Script::default();
    let task = PlanTask {
        owner: "arn:recovery".to_owned(),
        ..plan_task(&next, "elsewhere")
    };
    let plan = run(engine.plan(&task)).unwrap();
    for item in plan.undo {
        let execution = plan.execution.clone();
        run(engine.undo(
            &UndoTask {
                execution,
                undo: item,
            },
            &undo,
        ))
        .unwrap();
    }
    let ended = run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
    assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
    assert_eq!(receipt_of(&engine, &again).residual_effects, possible);
    let calls = undo.undone.lock().unwrap();
    let keys: Vec<_> = calls.iter().map(|(call, _)| &call.forward_key).collect();
    assert!(keys.contains(&&before), "{keys:?}");
    let undo_keys: std::collections::BTreeSet<_> =
        calls.iter().map(|(call, _)| &call.key).collect();
    assert_eq!(undo_keys.len(), calls.len());
}

/// A redrive of that execution, whose first attempt fails without an effect.
fn redriven_in_vain(engine: &TestEngine, error: StepError) -> (ExecutionRef, String) {
    let execution = undone_unknown(engine);
    let before = record(engine, &unfenced(&execution)).key;
    let again = redriven(engine, &execution);
    let mut task = unfenced(&again);
    task.step.max_attempts = 3;
    let no = Script::of([ScriptedCall::Fails(error)]);
    attempt(engine, &task, &no).unwrap_err();
    (snapshot(engine, &again).execution.reference(), before)
}

#[test]
fn a_possible_effect_under_an_earlier_key_is_undone_again_even_if_the_redrive_had_no_effect() {
    for error in [StepError::permanent("no"), StepError::transient("busy")] {
        let engine = engine();
        let (again, before) = redriven_in_vain(&engine, error);
        let undo = Script::default();
        let ended = unwind(&engine, &again, STEPS[0], &undo).unwrap();
        assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
        let residues = receipt_of(&engine, &again).residual_effects;
        let named: Vec<_> = residues.iter().map(|one| &one.idempotency_key).collect();
        assert_eq!(named, [&before]);
        let calls = undo.undone.lock().unwrap();
        let keys: Vec<_> = calls.iter().map(|(call, _)| &call.forward_key).collect();
        assert_eq!(keys, [&before], "nothing happened under the current key");
    }
}

#[test]
fn the_undo_of_an_effect_under_an_earlier_key_is_retried_until_it_answers() {
    let engine = engine();
    let (again, before) = redriven_in_vain(&engine, StepError::permanent("no"));
    let plan = run(engine.plan(&plan_task(&again, STEPS[0]))).unwrap();
    let busy = ScriptedCall::Fails(StepError::transient("503"));
    let undo = Script::default().undoing([busy]);
    let task = UndoTask {
        execution: plan.execution.clone(),
        undo: plan.undo[0].clone(),
    };
    let error = run(engine.undo(&task, &undo)).unwrap_err();
    assert_eq!(error.name, ErrorName::Transient);
    let undone = run(engine.undo(&task, &undo)).unwrap();
    assert_eq!((undone.status.as_str(), undone.attempts), ("UNDONE", 3));
    let calls = undo.undone.lock().unwrap();
    let keys: Vec<_> = calls.iter().map(|(call, _)| &call.forward_key).collect();
    assert_eq!(keys, [&before, &before]);
}

#[test]
fn a_redrive_without_an_effect_names_no_effect_of_its_own_if_its_undo_never_answers() {
    let engine = engine();
    let (again, before) = redriven_in_vain(&engine, StepError::permanent("no"));
    let plan = run(engine.plan(&plan_task(&again, STEPS[0]))).unwrap();
    let gives_up = GiveUpTask {
        execution: plan.execution.clone(),
        undo: plan.undo[0].clone(),
        error: "States.Timeout".to_owned(),
    };
    run(engine.give_up(&gives_up)).unwrap();
    run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
    let residues = receipt_of(&engine, &again).residual_effects;
    assert_eq!(residues.len(), 1, "{residues:?}");
    assert_eq!(
        (&residues[0].idempotency_key, residues[0].certain),
        (&before, false)
    );
}

#[test]
fn a_clean_attempt_under_a_new_key_leaves_no_possible_effect_of_its_own() {
    let engine = engine();
    let execution = undone_unknown(&engine);
    let again = redriven(&engine, &execution);
    attempt(&engine, &unfenced(&again), &Script::default()).unwrap();
    let current = snapshot(&engine, &again).execution.reference();
    let task = PlanTask {
        owner: "arn:again".to_owned(),
        ..plan_task(&current, "elsewhere")
    };
    let plan = run(engine.plan(&task)).unwrap();
    for item in plan.undo {
        let execution = plan.execution.clone();
        run(engine.undo(
            &UndoTask {
                execution,
                undo: item,
            },
            &Script::default(),
        ))
        .unwrap();
    }
    run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
    let record = record(&engine, &unfenced(&again));
    let residues = receipt_of(&engine, &again).residual_effects;
    assert_eq!(residues.len(), 1, "{residues:?}");
    assert_ne!(residues[0].idempotency_key, record.key);
}

#[test]
fn a_redrive_needs_the_step_of_every_possible_effect_where_it_was() {
    let changes: [fn(&mut Vec<StepRef>); 3] = [
        |steps| steps[0].action = "other".to_owned(),
        |steps| steps[0].for_each = Some("vendors".to_owned()),
        |steps| {
            steps.remove(0);
        },
    ];
    for possible in [verified_absent, undone_unknown] {
        for change in changes {
            let engine = engine();
            let execution = possible(&engine);
            assert!(!refused(&engine, &execution, &steps()), "as it was");
            let mut declared = steps();
            change(&mut declared);
            assert!(refused(&engine, &execution, &declared), "{declared:?}");
        }
    }
}

#[test]
fn a_step_that_may_have_happened_does_not_run_as_another_action_or_with_another_input() {
    let changes: [fn(&mut StepTask); 2] = [
        |task| task.step.action = "other".to_owned(),
        |task| task.input = json!({"vendor_id": "another"}),
    ];
    for change in changes {
        let engine = engine();
        let execution = verified_absent(&engine);
        let mut task = step_task(&redriven(&engine, &execution), STEPS[0]);
        task.step.undo = None;
        change(&mut task);
        let action = Script::default();
        assert_eq!(failing(&engine, &task, &action), ErrorName::Permanent);
        assert_eq!(action.times(), 0);
    }
}

/// Begins a redrive as its owner does, after a deployment of another definition.
fn begin_again(engine: &TestEngine, steps: Vec<StepRef>) -> Result<ExecutionRef, TaskError> {
    let mut task = begin_task(start_of(usual_input()));
    task.owner = "arn:again".to_owned();
    task.gate.version = 4;
    task.gate.definition_digest = "sha256:d2".to_owned();
    task.steps = steps;
    run(engine.begin(&task)).map(|begun| begun.execution)
}

#[test]
fn a_redrive_that_begins_under_a_newer_definition_is_recorded_under_it() {
    let engine = engine();
    let execution = verified_absent(&engine);
    redriven(&engine, &execution);
    let begun = begin_again(&engine, steps()).unwrap();
    assert_eq!(begun.version, 4);
    let record = snapshot(&engine, &execution).execution;
    assert_eq!(
        (record.version, &*record.definition_digest),
        (4, "sha256:d2")
    );
}

#[test]
fn a_redrive_whose_steps_are_gone_when_it_begins_is_refused() {
    let engine = engine();
    let execution = verified_absent(&engine);
    redriven(&engine, &execution);
    let error = begin_again(&engine, steps().split_off(1)).unwrap_err();
    assert_eq!(error.name, ErrorName::Rejected);
    assert!(error.message.contains(STEPS[0]), "{error}");
    let record = snapshot(&engine, &execution).execution;
    assert!(matches!(record.phase, Phase::Unwinding { .. }));
    assert_eq!(record.version, 3, "nothing ran under the newer one");
    let ended = recover(&engine, &record.reference());
    assert_eq!(ended.unwrap().status, "PARTIALLY_ROLLED_BACK");
}

#[test]
fn two_items_share_no_record_even_if_one_key_is_the_hash_of_the_other() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    let mut task = step_task(&execution, STEPS[0]);
    task.item_key = Some(json!("vendor with spaces"));
    attempt(&engine, &task, &action).unwrap();
    let hashed = record(&engine, &task).item.unwrap();
    task.item_key = Some(json!(hashed));
    attempt(&engine, &task, &action).unwrap();
    assert_eq!(
        (action.effects(), snapshot(&engine, &execution).steps.len()),
        (2, 2)
    );
}

#[test]
fn an_item_that_an_earlier_release_recorded_keeps_its_record() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    let mut task = step_task(&execution, STEPS[0]);
    let literal = "0123456789".repeat(4);
    task.item_key = Some(json!(literal));
    attempt(&engine, &task, &action).unwrap();
    let mut old = record(&engine, &task);
    old.item = Some(literal.clone());
    run(engine.ledger.kept.put(&old, Expect::Absent)).unwrap();
    let calls = action.times();
    attempt(&engine, &task, &action).unwrap();
    assert_eq!(action.times(), calls, "its recorded output is the answer");
    let steps = snapshot(&engine, &execution).steps;
    assert_eq!(steps.len(), 2, "no further record");
}

#[test]
fn an_item_that_an_earlier_release_named_by_the_spelling_of_its_number_keeps_its_record() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    let mut task = step_task(&execution, STEPS[0]);
    task.item_key = Some(json!(-0.0));
    attempt(&engine, &task, &action).unwrap();
    let mut old = record(&engine, &task);
    assert_eq!(old.item.replace("-0.0".to_owned()).as_deref(), Some("0"));
    run(engine.ledger.kept.put(&old, Expect::Absent)).unwrap();
    let calls = action.times();
    attempt(&engine, &task, &action).unwrap();
    assert_eq!(action.times(), calls, "its recorded output is the answer");
}

#[test]
fn two_effects_that_one_undo_may_not_both_take_back_are_named() {
    for second in [None, Some(unknown())] {
        let engine = engine();
        let execution = begun(&engine);
        let mut task = step_task(&execution, STEPS[0]);
        task.step.idempotent = false;
        let action = Script::of([unknown()].into_iter().chain(second));
        assert_eq!(failing(&engine, &task, &action), ErrorName::Escalate);
        asked(&engine, &execution, Some(Decision::Retry));
        let _ = attempt(&engine, &task, &action);
        assert_eq!(action.times(), 2);
        let ended = finish(&engine, &execution, Some(STEPS[1])).unwrap();
        assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
        let residues = receipt_of(&engine, &execution).residual_effects;
        assert_eq!((residues.len(), residues[0].certain), (1, false));
    }
}
