//! A test of a whole rollback, from its plan to its receipt.

use serde_json::json;

use super::{STEPS, attempt, begun, failing, snapshot, step_task, unwind};
use crate::testing::{Script, ScriptedCall, engine, run};
use holdfast_action::StepError;
use holdfast_ledger::StepState;
use holdfast_receipt::Receipt;
use holdfast_task::ErrorName;

#[test]
fn a_permanent_undo_failure_is_recorded_and_the_other_steps_are_undone() {
    let engine = engine();
    let execution = begun(&engine);
    let action =
        Script::default().undoing([ScriptedCall::Fails(StepError::permanent("it is locked"))]);
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    let late = step_task(&execution, "late");
    let fails = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    assert_eq!(failing(&engine, &late, &fails), ErrorName::Permanent);
    let finished = unwind(&engine, &execution, "late", &action).unwrap();
    assert_eq!(finished.status, "PARTIALLY_ROLLED_BACK");
    let states: Vec<_> = snapshot(&engine, &execution)
        .steps
        .into_iter()
        .map(|step| step.state)
        .collect();
    let expected = [
        StepState::Undone,
        StepState::UndoFailed,
        StepState::FailedClean,
    ];
    assert_eq!(states, expected);
    assert_eq!(action.effects(), 1);
    let bytes = run(crate::ObjectStore::get(&engine.receipts, &finished.receipt));
    let receipt: Receipt = serde_json::from_slice(&bytes.unwrap().unwrap()).unwrap();
    let residual: Vec<_> = receipt
        .residual_effects
        .iter()
        .map(|one| one.step.as_str())
        .collect();
    assert_eq!(json!(residual), json!([STEPS[1]]));
}
