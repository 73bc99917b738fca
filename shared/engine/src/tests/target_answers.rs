//! Tests of what a target answered to a failed attempt: where it is kept, and where it is not.

use super::{STEPS, attempt, begun, failing, record, snapshot, step_task, unwind};
use crate::testing::{Op, Script, ScriptedCall, engine};
use holdfast_action::{StepError, TargetAnswer};
use holdfast_ledger::Attempt;
use holdfast_task::ErrorName;

/// A failure that the target explained.
fn explained(body: &str) -> ScriptedCall {
    let answer = TargetAnswer {
        path: "/holds".to_owned(),
        body: body.to_owned(),
    };
    ScriptedCall::Fails(StepError::permanent("POST answered 422").with_answer(answer))
}

fn bodies(attempts: &[Attempt]) -> Vec<Option<&str>> {
    let answers = attempts.iter().map(|attempt| attempt.answer.as_deref());
    answers
        .map(|answer| answer.map(|answer| answer.body.as_str()))
        .collect()
}

#[test]
fn an_answer_is_recorded_by_the_write_of_the_outcome() {
    let engine = engine();
    let task = step_task(&begun(&engine), STEPS[0]);
    engine.ledger.calls();
    let action = Script::of([explained("no such vendor\u{1b}")]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Permanent);
    let writes = engine.ledger.calls();
    let writes = writes.iter().filter(|call| **call == Op::PutStep).count();
    assert_eq!(writes, 2, "the claim and the outcome");
    let record = record(&engine, &task);
    assert_eq!(bodies(&record.attempts), [Some("no such vendor\u{fffd}")]);
}

#[test]
fn the_answers_to_a_step_and_to_its_undo_are_in_no_receipt() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default().undoing([explained("it is locked")]);
    attempt(&engine, &step_task(&execution, STEPS[0]), &action).expect("a success");
    let second = step_task(&execution, STEPS[1]);
    let refuses = Script::of([explained("no such team")]);
    assert_eq!(failing(&engine, &second, &refuses), ErrorName::Permanent);
    unwind(&engine, &execution, STEPS[1], &action).expect("an end");
    let steps = snapshot(&engine, &execution).steps;
    assert_eq!(bodies(&steps[0].undo_attempts), [Some("it is locked")]);
    assert_eq!(bodies(&steps[1].attempts), [Some("no such team")]);
    let objects = engine.receipts.objects.lock().unwrap();
    for object in objects.values() {
        let text = String::from_utf8_lossy(object);
        assert!(text.contains("POST answered 422"), "{text}");
        assert!(
            !text.contains("locked") && !text.contains("no such team"),
            "{text}"
        );
    }
}
