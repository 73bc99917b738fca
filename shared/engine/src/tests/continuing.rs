//! Tests of `on_failure: { continue: … }`: what follows a failure with a listed code.

use serde_json::json;

use super::{finish::receipt, *};
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::StepState;
use holdfast_receipt::StepStatus as ReceiptStatus;

fn listed(execution: &ExecutionRef) -> StepTask {
    let mut task = step_task(execution, STEPS[0]);
    task.step.continues_on = vec!["409".to_owned(), "sold_out".to_owned()];
    task
}

fn refuses(code: &str) -> Script {
    let error = StepError::permanent("the target refuses").with_code(code);
    Script::of([ScriptedCall::Fails(error)])
}

#[test]
fn an_execution_continues_after_a_listed_code_and_later_steps_see_which() {
    for (code, seen) in [("409", json!(409)), ("sold_out", json!("sold_out"))] {
        let engine = engine();
        let execution = begun(&engine);
        let task = listed(&execution);
        let action = refuses(code);
        let output = json!({ "failed": { "code": seen, "reason": "the target refuses" } });
        // The answer of the first attempt was lost, and the state machine repeats it.
        for _ in 0..2 {
            let result = attempt(&engine, &task, &action).expect("the workflow continues");
            assert_eq!(result.output, output);
        }
        assert_eq!(action.times(), 1);
        let second = step_task(&execution, STEPS[1]);
        attempt(&engine, &second, &Script::default()).expect("a success");
        let ended = finish(&engine, &execution, None).expect("an end");
        assert_eq!(ended.status, "EXECUTED");
        let step = &receipt(&engine).steps[0];
        assert_eq!(step.status, ReceiptStatus::Failed);
        assert_eq!(step.continued_on.as_deref(), Some(code));
    }
}

#[test]
fn an_unlisted_code_or_none_is_a_failure() {
    let plain = Script::of([ScriptedCall::Fails(StepError::permanent("409"))]);
    for action in [refuses("404"), plain] {
        let engine = engine();
        let execution = begun(&engine);
        let task = listed(&execution);
        assert_eq!(failing(&engine, &task, &action), ErrorName::Permanent);
        let repeated = attempt(&engine, &task, &action).expect_err("it is recorded");
        assert_eq!(repeated.name, ErrorName::Permanent);
        let early = finish(&engine, &execution, None).expect_err("a step failed");
        assert_eq!(early.name, ErrorName::Permanent);
        let ended = finish(&engine, &execution, Some(STEPS[0])).expect("an end");
        assert_eq!(ended.status, "FAILED");
        assert_eq!(receipt(&engine).steps[0].continued_on, None);
    }
}

#[test]
fn a_listed_code_after_an_unknown_outcome_proves_nothing_and_is_a_failure() {
    let engine = engine();
    let task = listed(&begun(&engine));
    let error = StepError::permanent("the target refuses").with_code("409");
    let action = Script::of([ScriptedCall::ActsUnheard, ScriptedCall::Fails(error)]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Unknown);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Permanent);
    let record = record(&engine, &task);
    assert!(record.tainted);
    assert_eq!(record.continued_on(), None);
}

#[test]
fn an_unknown_outcome_with_a_listed_code_is_a_failure() {
    let engine = engine();
    let mut task = listed(&begun(&engine));
    task.step.max_attempts = 1;
    let error = StepError::unknown("lost behind a gateway").with_code("409");
    let action = Script::of([ScriptedCall::Fails(error)]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Permanent);
}

#[test]
fn the_code_of_the_last_attempt_decides() {
    let engine = engine();
    let mut task = listed(&begun(&engine));
    task.step.continues_on = vec!["429".to_owned()];
    task.step.max_attempts = 2;
    let busy = || ScriptedCall::Fails(StepError::transient("busy").with_code("429"));
    let action = Script::of([busy(), busy()]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Transient);
    let result = attempt(&engine, &task, &action).expect("the workflow continues");
    assert_eq!(result.output["failed"]["code"], 429);
}

#[test]
fn a_listed_code_before_a_cancelled_attempt_continues_nothing() {
    let engine = engine();
    let execution = begun(&engine);
    let mut task = listed(&execution);
    task.step.continues_on = vec!["429".to_owned()];
    let busy = ScriptedCall::Fails(StepError::transient("busy").with_code("429"));
    let action = Script::of([busy]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Transient);
    assert_eq!(
        finish(&engine, &execution, Some(STEPS[0])).unwrap().status,
        "FAILED"
    );
    let record = record(&engine, &task);
    assert_eq!(
        (record.state.clone(), record.continued_on()),
        (StepState::FailedClean, None)
    );
}
