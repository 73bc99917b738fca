//! Tests of the takeover that finishes an execution whose steps are all done.

use super::{
    asking::{ask_task, decided_on},
    *,
};
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{Phase, StepState};
use holdfast_receipt::{Decision, evidence::NoSigner};
use holdfast_task::{ErrorName, QuestionKind};

/// The plan of a recovery, or of a state machine that could not write the end.
fn plan_after(execution: &ExecutionRef, owner: &str, state: &str) -> PlanTask {
    let mut steps = steps();
    steps.last_mut().expect("a step").last = true;
    PlanTask {
        owner: owner.to_owned(),
        steps,
        ..plan_task(execution, state)
    }
}

/// Plans, undoes and closes; returns the status.
fn recovered(engine: &TestEngine, task: &PlanTask) -> String {
    let PlanResult { execution, undo } = run(engine.plan(task)).expect("a plan");
    for undo in undo {
        let execution = execution.clone();
        run(engine.undo(&UndoTask { execution, undo }, &Script::default())).expect("an undo");
    }
    let closed = run(engine.finish(&finish_task(&execution), &NoSigner));
    closed.expect("an end").status
}

/// An execution whose steps have all succeeded.
fn all_done(engine: &TestEngine) -> ExecutionRef {
    let execution = begun(engine);
    for step in STEPS {
        attempt(engine, &step_task(&execution, step), &Script::default()).expect("a success");
    }
    execution
}

#[test]
fn an_execution_that_lost_its_machine_after_its_last_step_is_finished_and_not_undone() {
    for (owner, state) in [("arn:recovery", ""), ("arn:owner", "Finish")] {
        let engine = engine();
        let execution = all_done(&engine);
        let task = plan_after(&execution, owner, state);
        assert_eq!(recovered(&engine, &task), "EXECUTED", "{owner}");
        // The answer of the plan was lost, and the state machine repeats it.
        assert_eq!(recovered(&engine, &task), "EXECUTED", "{owner}");
        let done = snapshot(&engine, &execution).steps;
        assert!(done.iter().all(|step| step.state == StepState::Succeeded));
    }
}

#[test]
fn the_former_owner_cannot_end_what_a_recovery_finishes() {
    let engine = engine();
    let execution = all_done(&engine);
    run(engine.plan(&plan_after(&execution, "arn:recovery", ""))).expect("a plan");
    let late = run(engine.finish(&finish_task(&execution), &NoSigner));
    assert_eq!(late.expect_err("it is superseded").name, ErrorName::Halted);
    let other = run(engine.plan(&plan_after(&execution, "arn:another", "")));
    assert_eq!(other.expect_err("it is superseded").name, ErrorName::Halted);
}

#[test]
fn an_execution_that_lost_its_machine_before_its_last_step_is_undone() {
    let engine = engine();
    let execution = begun(&engine);
    let first = step_task(&execution, STEPS[0]);
    attempt(&engine, &first, &Script::default()).expect("a success");
    let task = plan_after(&execution, "arn:recovery", "");
    assert_eq!(recovered(&engine, &task), "ROLLED_BACK");
}

#[test]
fn an_execution_that_reached_its_end_with_a_failed_step_is_undone() {
    let engine = engine();
    let execution = begun(&engine);
    let refuses = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    failing(&engine, &step_task(&execution, STEPS[0]), &refuses);
    let last = step_task(&execution, STEPS[1]);
    attempt(&engine, &last, &Script::default()).expect("a success");
    let task = plan_after(&execution, "arn:recovery", "");
    assert_eq!(recovered(&engine, &task), "ROLLED_BACK");
}

#[test]
fn a_failure_at_a_step_is_undone_though_every_step_succeeded() {
    let engine = engine();
    let execution = all_done(&engine);
    let task = plan_after(&execution, "arn:owner", STEPS[1]);
    assert_eq!(recovered(&engine, &task), "ROLLED_BACK");
}

#[test]
fn a_cancelled_execution_is_undone_though_every_step_succeeded() {
    let engine = engine();
    let execution = all_done(&engine);
    let at = partition(&execution);
    change(&engine, &at, |record| {
        let cancelled = failed_at("");
        record.epoch += 1;
        record.phase = Phase::Unwinding { failure: cancelled };
    });
    let current = snapshot(&engine, &execution).execution.reference();
    let task = plan_after(&current, "arn:recovery", "");
    assert_eq!(recovered(&engine, &task), "ROLLED_BACK");
}

#[test]
fn a_last_step_that_is_skipped_proves_the_end_too() {
    for (when, last, status) in [
        (false, true, "EXECUTED"),
        // Any other step leaves no record if it is skipped.
        (false, false, "ROLLED_BACK"),
    ] {
        let engine = engine();
        let execution = begun(&engine);
        let first = step_task(&execution, STEPS[0]);
        attempt(&engine, &first, &Script::default()).expect("a success");
        let mut task = step_task(&execution, STEPS[1]);
        task.when = Some(json!(when));
        task.step.last = last;
        for _ in 0..2 {
            attempt(&engine, &task, &Script::default()).expect("it is skipped");
        }
        let plan = plan_after(&execution, "arn:recovery", "");
        assert_eq!(recovered(&engine, &plan), status, "{last}");
    }
}

#[test]
fn a_skip_does_not_hide_an_attempt_that_failed_before() {
    let engine = engine();
    let execution = all_done_but_the_last(&engine);
    let mut task = step_task(&execution, STEPS[1]);
    task.step.last = true;
    let refuses = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    failing(&engine, &task, &refuses);
    task.when = Some(json!(false));
    attempt(&engine, &task, &Script::default()).expect("it is skipped");
    let plan = plan_after(&execution, "arn:recovery", "");
    assert_eq!(recovered(&engine, &plan), "ROLLED_BACK");
}

/// An execution whose first step has succeeded.
fn all_done_but_the_last(engine: &TestEngine) -> ExecutionRef {
    let execution = begun(engine);
    let first = step_task(&execution, STEPS[0]);
    attempt(engine, &first, &Script::default()).expect("a success");
    execution
}

/// The plan of a recovery of an execution that ends with a `for_each` of the last step.
fn plan_of_items(execution: &ExecutionRef) -> PlanTask {
    let mut task = plan_after(execution, "arn:recovery", "");
    task.steps.last_mut().expect("a step").for_each = Some("each".to_owned());
    task
}

/// Does the first step, and the last one for these items of three.
fn items_done(engine: &TestEngine, execution: &ExecutionRef, items: &[&str]) {
    let first = step_task(execution, STEPS[0]);
    attempt(engine, &first, &Script::default()).expect("a success");
    for item in items {
        let task = StepTask {
            item_key: Some(json!(item)),
            items: Some(json!(3)),
            ..step_task(execution, STEPS[1])
        };
        attempt(engine, &task, &Script::default()).expect("a success");
    }
}

#[test]
fn an_execution_that_ends_with_a_for_each_is_finished_once_every_item_is_done() {
    for (items, status) in [
        (&["a", "b", "c"][..], "EXECUTED"),
        (&["a", "b"], "ROLLED_BACK"),
        (&[], "ROLLED_BACK"),
    ] {
        let engine = engine();
        let execution = begun(&engine);
        items_done(&engine, &execution, items);
        let task = plan_of_items(&execution);
        assert_eq!(recovered(&engine, &task), status, "{items:?}");
    }
}

#[test]
fn items_without_a_recorded_number_prove_nothing() {
    let engine = engine();
    let execution = begun(&engine);
    items_done(&engine, &execution, &["a", "b", "c"]);
    for mut record in snapshot(&engine, &execution).steps {
        let rev = record.rev;
        record.rev += 1;
        record.items = None;
        run(engine.ledger.kept.put(&record, Expect::Rev(rev))).expect("it is written");
    }
    let task = plan_of_items(&execution);
    assert_eq!(recovered(&engine, &task), "ROLLED_BACK");
}

#[test]
fn an_execution_that_ends_with_an_approval_is_finished_only_if_it_was_given() {
    for (decision, status) in [
        (Some(Decision::Approve), "EXECUTED"),
        (Some(Decision::Reject), "ROLLED_BACK"),
        (None, "ROLLED_BACK"),
    ] {
        let engine = engine();
        let execution = all_done(&engine);
        let mut ask = ask_task(&execution, QuestionKind::Approval);
        ask.ask.step = "agree".to_owned();
        assert_eq!(run(engine.ask(&ask)), Ok(None));
        if let Some(decision) = decision {
            decided_on(&engine, &execution, "agree", decision);
        }
        let mut task = plan_after(&execution, "arn:recovery", "");
        let last = task.steps.last_mut().expect("a step");
        last.last = false;
        last.approvals = vec!["agree".to_owned()];
        assert_eq!(recovered(&engine, &task), status, "{decision:?}");
    }
}

#[test]
fn without_a_last_step_no_execution_is_finished_by_a_recovery() {
    let engine = engine();
    let execution = all_done(&engine);
    let mut task = plan_after(&execution, "arn:recovery", "");
    task.steps.iter_mut().for_each(|step| step.last = false);
    assert_eq!(recovered(&engine, &task), "ROLLED_BACK");
}

#[test]
fn a_takeover_whose_write_the_ledger_loses_is_repeated_without_harm() {
    for fault in [Fault::Unavailable, Fault::AnswerLost] {
        let engine = engine();
        let execution = all_done(&engine);
        engine.ledger.spoil(Op::PutExecution, 0, fault);
        let task = plan_after(&execution, "arn:recovery", "");
        let refused = run(engine.plan(&task)).expect_err("it throttles");
        assert_eq!(refused.name, ErrorName::Transient);
        assert_eq!(recovered(&engine, &task), "EXECUTED");
    }
}
