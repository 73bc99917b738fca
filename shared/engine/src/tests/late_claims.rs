//! Tests of claims that come beside or after the end of an execution. Receipt and ledger agree,
//! however the attempts end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{
    closing::{cancelled, recover, redriven},
    finish::receipt,
    rollback::receipt_of,
    *,
};
use crate::testing::{Fault, Op, engine};
use holdfast_ledger::StepState;
use holdfast_receipt::{Receipt, StepStatus as Shown};

/// The end of an attempt that claims too late.
#[derive(Debug, Clone, Copy)]
enum AttemptEnd {
    Halts,
    CannotRead { max_attempts: u32 },
    Dies,
}

const ENDS: [AttemptEnd; 4] = [
    AttemptEnd::Halts,
    AttemptEnd::CannotRead { max_attempts: 3 },
    AttemptEnd::CannotRead { max_attempts: 1 },
    AttemptEnd::Dies,
];

/// Claims the step, and never acts.
fn claims(engine: &TestEngine, task: &StepTask, end: AttemptEnd) {
    let action = Script::default();
    let mut task = task.clone();
    if let AttemptEnd::CannotRead { max_attempts } = end {
        task.step.max_attempts = max_attempts;
    }
    let fails = || failing(engine, &task, &action);
    match end {
        AttemptEnd::Halts => assert_eq!(fails(), ErrorName::Halted),
        AttemptEnd::CannotRead { .. } => {
            let fault = Fault::Unavailable;
            engine.ledger.spoil(Op::ReadWithControls, 0, fault);
            assert_eq!(fails(), ErrorName::Transient);
        }
        AttemptEnd::Dies => {
            let dies = Fault::After(Box::new(|| resume_unwind(Box::new("it dies"))));
            engine.ledger.spoil(Op::ReadWithControls, 0, dies);
            catch_unwind(AssertUnwindSafe(fails)).expect_err("it dies");
        }
    }
    assert_eq!(action.times(), 0);
}

/// An execution whose first step succeeded, and a late task of its second.
fn half_done(engine: &TestEngine) -> (ExecutionRef, StepTask) {
    let execution = begun(engine);
    let first = step_task(&execution, STEPS[0]);
    attempt(engine, &first, &Script::default()).unwrap();
    let late = step_task(&execution, STEPS[1]);
    (execution, late)
}

fn unsigned(receipt: Receipt) -> Receipt {
    Receipt {
        signature: None,
        ..receipt
    }
}

/// Checks that the second step did not run, by the receipt and by the ledger.
fn did_not_run(engine: &TestEngine, execution: &ExecutionRef) {
    let stored = unsigned(receipt(engine));
    let shown: Vec<_> = stored.steps.iter().map(|step| step.status).collect();
    assert_eq!(shown, [Shown::Undone, Shown::NotRun]);
    assert_eq!(stored.residual_effects, []);
    let ledger = snapshot(engine, execution);
    let yielded = crate::receipt_of(&ledger, &steps(), stored.incident.clone());
    assert_eq!(yielded.as_ref(), Ok(&stored));
    let claimed = ledger.steps.iter().filter(|step| step.was_claimed());
    let claimed: Vec<_> = claimed.map(|step| step.step.as_str()).collect();
    assert_eq!(claimed, [STEPS[0]], "the API lists these");
}

#[test]
fn receipt_and_ledger_agree_on_a_step_that_is_claimed_beside_the_end() {
    // The takeover is the first write; the end and the receipt's digest are the next ones.
    for writes_before in [1, 2] {
        for end in ENDS {
            let engine = engine();
            let (execution, late) = half_done(&engine);
            let other = engine.clone();
            let beside = Fault::After(Box::new(move || claims(&other, &late, end)));
            engine.ledger.spoil(Op::PutExecution, writes_before, beside);
            let ended = unwind(&engine, &execution, "late", &Script::default()).unwrap();
            assert_eq!(ended.status, "ROLLED_BACK", "{writes_before} {end:?}");
            did_not_run(&engine, &execution);
        }
    }
}

#[test]
fn receipt_and_ledger_agree_on_a_step_that_is_claimed_after_the_end() {
    for end in ENDS {
        let engine = engine();
        let (execution, late) = half_done(&engine);
        unwind(&engine, &execution, "late", &Script::default()).unwrap();
        claims(&engine, &late, end);
        did_not_run(&engine, &execution);
    }
}

#[test]
fn a_repeated_finish_adopts_its_receipt_after_a_late_claim() {
    for end in ENDS {
        let engine = engine();
        let (execution, late) = half_done(&engine);
        engine.ledger.spoil(Op::PutExecution, 2, Fault::Unavailable);
        let action = Script::default();
        unwind(&engine, &execution, "late", &action).expect_err("its receipt is not recorded");
        claims(&engine, &late, end);
        let ended = snapshot(&engine, &execution).execution;
        assert!(ended.is_open(), "{end:?}");
        finish(&engine, &ended.reference(), None).unwrap();
        did_not_run(&engine, &execution);
    }
}

#[test]
fn a_redrive_runs_a_step_that_was_claimed_after_the_end() {
    for end in ENDS {
        let engine = engine();
        let (execution, late) = half_done(&engine);
        unwind(&engine, &execution, "late", &Script::default()).unwrap();
        claims(&engine, &late, end);
        let again = redriven(&engine, &execution);
        engine.host.pass(35);
        let action = Script::default();
        for step in STEPS {
            attempt(&engine, &step_task(&again, step), &action).unwrap();
        }
        let ended = finish(&engine, &again, None).unwrap();
        assert_eq!((ended.status.as_str(), action.effects()), ("EXECUTED", 2));
        let residues = receipt_of(&engine, &again).residual_effects;
        assert_eq!(residues, [], "{end:?}");
    }
}

/// An execution that was rolled back and redriven, whose second step has a late claim.
fn redriven_after(engine: &TestEngine, end: AttemptEnd) -> ExecutionRef {
    let (execution, mut late) = half_done(engine);
    unwind(engine, &execution, "late", &Script::default()).unwrap();
    late.step.undo = None;
    claims(engine, &late, end);
    redriven(engine, &execution)
}

#[test]
fn a_redrive_that_skips_a_step_with_a_late_claim_executes() {
    for end in ENDS {
        let engine = engine();
        let again = redriven_after(&engine, end);
        attempt(&engine, &step_task(&again, STEPS[0]), &Script::default()).unwrap();
        let ended = finish(&engine, &again, None).unwrap();
        assert_eq!(ended.status, "EXECUTED", "{end:?}");
        let stored = receipt_of(&engine, &again);
        let shown: Vec<_> = stored.steps.iter().map(|step| step.status).collect();
        assert_eq!(
            (shown, stored.residual_effects),
            (vec![Shown::Success, Shown::Skipped], vec![])
        );
        engine.host.pass(35);
        let late = failing(&engine, &step_task(&again, STEPS[1]), &Script::default());
        assert_eq!(late, ErrorName::Halted, "{end:?}");
        let ledger = snapshot(&engine, &again).steps;
        let claimed = ledger.iter().filter(|step| step.was_claimed());
        assert_eq!(claimed.count(), 1, "its record is closed: {end:?}");
    }
}

#[test]
fn a_later_rollback_neither_undoes_nor_verifies_a_late_claim() {
    for end in ENDS {
        let engine = engine();
        let again = redriven_after(&engine, end);
        let task = step_task(&again, STEPS[0]);
        attempt(&engine, &task, &Script::default()).unwrap();
        engine.host.pass(35);
        let plan = run(engine.plan(&PlanTask {
            owner: "arn:again".to_owned(),
            ..plan_task(&again, "elsewhere")
        }))
        .unwrap();
        let listed: Vec<_> = plan.undo.iter().map(|undo| undo.step.as_str()).collect();
        assert_eq!(listed, [STEPS[0]], "{end:?}");
        for undo in plan.undo {
            let execution = plan.execution.clone();
            run(engine.undo(&UndoTask { execution, undo }, &Script::default())).unwrap();
        }
        let ended = run(engine.finish(&finish_task(&plan.execution), &NoSigner)).unwrap();
        assert_eq!(ended.status, "ROLLED_BACK", "{end:?}");
        let stored = receipt_of(&engine, &again);
        assert_eq!(stored.residual_effects, [], "{end:?}");
        assert_eq!(stored.steps[1].status, Shown::NotRun, "{end:?}");
    }
}

#[test]
fn a_claim_before_the_closing_snapshot_is_waited_for() {
    let engine = engine();
    let execution = begun(&engine);
    let plan = run(engine.plan(&plan_task(&execution, "late"))).unwrap();
    claims(&engine, &step_task(&execution, STEPS[1]), AttemptEnd::Dies);
    let close = || run(engine.finish(&finish_task(&plan.execution), &NoSigner));
    assert_eq!(close().unwrap_err().name, ErrorName::Conflict);
    engine.host.pass(35);
    assert_eq!(close().unwrap_err().name, ErrorName::Open);
}

#[test]
fn a_late_read_with_another_input_changes_no_record() {
    let engine = engine();
    let reading = |execution: &ExecutionRef| {
        let mut task = step_task(execution, STEPS[0]);
        task.step.reads = true;
        task.step.undo = None;
        task
    };
    let execution = begun(&engine);
    let action = Script::default();
    attempt(&engine, &reading(&execution), &action).unwrap();
    unwind(&engine, &execution, "late", &action).unwrap();
    let again = redriven(&engine, &execution);
    recover(&engine, &cancelled(&engine, &again)).unwrap();
    let before = snapshot(&engine, &again);
    let mut late = reading(&again);
    late.input = json!({"vendor_id": "another"});
    claims(&engine, &late, AttemptEnd::Halts);
    assert_eq!(snapshot(&engine, &again), before);
    assert_eq!(before.steps[0].state, StepState::Succeeded);
}
