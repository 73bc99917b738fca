//! Tests of an undo whose target answers that it has no such effect.

use super::{rollback::receipt_of, *};
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::StepState;
use holdfast_task::UndoPolicy;

/// The end of an execution whose first step did this, and whose undo always meets "missing".
struct RollbackEnd {
    status: String,
    state: StepState,
    undos: usize,
    /// For each residual effect, true if it is certain.
    residual: Vec<bool>,
}

fn ended(does: ScriptedCall, bend: impl FnOnce(&mut UndoPolicy)) -> RollbackEnd {
    let engine = engine();
    let missing = || ScriptedCall::Fails(StepError::missing("answered 404"));
    let action = Script::of([does]).undoing([missing(), missing(), missing()]);
    let mut task = first_step(&engine);
    bend(task.step.undo.as_mut().unwrap());
    let _ = attempt(&engine, &task, &action);
    let PlanResult { execution, undo } = run(engine.plan(&plan_task(&task.execution, ""))).unwrap();
    let [undo] = <[_; 1]>::try_from(undo).unwrap();
    let undo = UndoTask {
        execution: execution.clone(),
        undo,
    };
    // The state machine retries an undo that fails.
    while run(engine.undo(&undo, &action)).is_err() {}
    let status = run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap();
    let receipt = receipt_of(&engine, &execution);
    let undos = action.undone.lock().unwrap().len();
    RollbackEnd {
        status: status.status,
        state: record(&engine, &task).state,
        undos,
        residual: receipt
            .residual_effects
            .iter()
            .map(|one| one.certain)
            .collect(),
    }
}

fn confirmed() -> ScriptedCall {
    ScriptedCall::Answers(json!({ "note": 7 }))
}

fn lost() -> ScriptedCall {
    ScriptedCall::Fails(StepError::unknown("dropped"))
}

#[test]
fn an_undo_that_finds_nothing_after_a_confirmed_success_has_failed_and_names_the_effect() {
    for fences in [true, false] {
        let end = ended(confirmed(), |undo| undo.fences = fences);
        assert_eq!(end.status, "PARTIALLY_ROLLED_BACK");
        assert_eq!(end.state, StepState::UndoFailed);
        assert_eq!(end.undos, 3, "a dropped route can come back");
        assert_eq!(end.residual, [false], "the effect may remain");
    }
}

#[test]
fn an_undo_that_finds_nothing_has_succeeded_where_the_definition_says_so() {
    let end = ended(confirmed(), |undo| {
        undo.fences = false;
        undo.missing_is_undone = true;
    });
    assert_eq!(end.status, "ROLLED_BACK");
    assert_eq!((end.state, end.undos), (StepState::Undone, 1));
    assert!(end.residual.is_empty());
}

#[test]
fn an_undo_that_finds_no_unconfirmed_effect_has_succeeded_and_the_effect_may_come_late() {
    let end = ended(lost(), |undo| undo.fences = false);
    assert_eq!(end.status, "PARTIALLY_ROLLED_BACK");
    assert_eq!((end.state, end.undos), (StepState::Undone, 1));
    assert_eq!(end.residual, [false]);
}

#[test]
fn an_undo_that_finds_nothing_at_a_target_that_fences_was_not_heard_by_that_target() {
    let end = ended(lost(), |undo| undo.fences = true);
    assert_eq!(end.status, "PARTIALLY_ROLLED_BACK");
    assert_eq!(end.state, StepState::UndoFailed);
    assert_eq!(end.residual, [false]);
}
