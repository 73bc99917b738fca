//! Tests of rollback under faults: live leases, zombies, concurrent plans, late steps.

use super::{rollback::receipt_of, *};
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_ledger::{Phase, StepState};
use holdfast_receipt::{AttemptOutcome, Status, evidence::NoSigner};
use holdfast_task::{ErrorName, GiveUpTask};

/// An execution whose steps have all succeeded.
fn succeeded(engine: &TestEngine, action: &Script) -> ExecutionRef {
    let execution = begun(engine);
    for step in STEPS {
        attempt(engine, &step_task(&execution, step), action).unwrap();
    }
    execution
}

/// Recovers the execution: like [`unwind`], by another owner that reads the current record.
fn recover(
    engine: &TestEngine,
    execution: &ExecutionRef,
    action: &Script,
) -> Result<FinishResult, TaskError> {
    let execution = snapshot(engine, execution).execution.reference();
    let task = PlanTask {
        owner: "arn:recovery".to_owned(),
        ..plan_task(&execution, "elsewhere")
    };
    let PlanResult { execution, undo } = run(engine.plan(&task))?;
    for undo in undo {
        let execution = execution.clone();
        run(engine.undo(&UndoTask { execution, undo }, action))?;
    }
    run(engine.finish(&finish_task(&execution), &NoSigner))
}

/// Asserts that every effect is gone, by one committed undo of each step.
fn undone_once(engine: &TestEngine, execution: &ExecutionRef, action: &Script, what: &str) {
    assert_eq!(action.effects(), 0, "{what}");
    for step in snapshot(engine, execution).steps {
        assert_eq!(step.state, StepState::Undone, "{what}");
        let committed = |outcome| outcome == Some(AttemptOutcome::Succeeded);
        let undos = step
            .undo_attempts
            .iter()
            .filter(|one| committed(one.outcome));
        assert_eq!(undos.count(), 1, "{what}: {step:?}");
    }
    assert_eq!(
        receipt_of(engine, execution).status,
        Status::RolledBack,
        "{what}"
    );
}

#[test]
fn a_plan_waits_for_a_live_lease_and_its_zombie_stays_in_the_record() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, execution) = (engine.clone(), task.execution.clone());
    let undo = Script::default();
    let unwinds = undo.clone();
    let meanwhile = move || {
        for wait in [0, 34] {
            other.host.pass(wait);
            let error = unwind(&other, &execution, "elsewhere", &unwinds).unwrap_err();
            assert_eq!(error.name, ErrorName::Conflict);
        }
        assert_eq!(unwinds.undone.lock().unwrap().len(), 0, "not yet");
        other.host.pass(1);
        unwind(&other, &execution, "elsewhere", &unwinds).unwrap();
    };
    let zombie = Script::of([ScriptedCall::Meanwhile(Box::new(meanwhile))]);
    let error = attempt(&engine, &task, &zombie).unwrap_err();
    assert_eq!(error.name, ErrorName::Conflict);
    let record = record(&engine, &task);
    assert_eq!(record.state, StepState::Undone);
    assert_eq!(record.attempts.len(), 1, "it stays");
    assert_eq!(record.attempts[0].outcome, Some(AttemptOutcome::Lost));
    assert_eq!(undo.undone.lock().unwrap().len(), 1);
    let receipt = receipt_of(&engine, &task.execution);
    assert_eq!(
        (receipt.status, receipt.steps[0].attempts),
        (Status::RolledBack, 1)
    );
}

/// Runs a recovery as far as it gets before each call that a rollback makes.
#[test]
fn two_concurrent_rollbacks_commit_each_undo_once() {
    let mut overtaken = 0;
    for op in [
        Op::ExecutionRecord,
        Op::Snapshot,
        Op::Step,
        Op::PutExecution,
        Op::PutStep,
    ] {
        for pass in 0..5 {
            let engine = engine();
            let action = Script::default();
            let execution = succeeded(&engine, &action);
            let (other, again, beside) = (engine.clone(), execution.clone(), action.clone());
            let second = Fault::After(Box::new(move || {
                let _ = recover(&other, &again, &beside);
            }));
            engine.ledger.spoil(op, pass, second);
            let what = format!("{op:?} {pass}");
            match unwind(&engine, &execution, "elsewhere", &action) {
                Ok(ended) => assert_eq!(ended.status, "ROLLED_BACK", "{what}"),
                Err(error) => {
                    overtaken += 1;
                    let right = [ErrorName::Halted, ErrorName::Conflict];
                    assert!(right.contains(&error.name), "{what}: {error}");
                    engine.host.pass(36);
                    let _ = recover(&engine, &execution, &action);
                }
            }
            undone_once(&engine, &execution, &action, &what);
        }
    }
    assert!(overtaken > 5, "only {overtaken} were overtaken");
}

#[test]
fn a_rollback_that_fails_at_any_call_ends_the_same_after_a_retry() {
    let ops = [
        (Op::ExecutionRecord, 3),
        (Op::Snapshot, 2),
        (Op::Step, 2),
        (Op::PutExecution, 3),
        (Op::PutStep, 4),
        (Op::Incident, 1),
        (Op::PutIncident, 1),
        (Op::PutLink, 1),
        (Op::Link, 1),
    ];
    for (op, calls) in ops {
        for pass in 0..calls {
            for lost in [false, true] {
                let engine = engine();
                let action = Script::default();
                let execution = succeeded(&engine, &action);
                let fault = match lost {
                    true => Fault::AnswerLost,
                    false => Fault::Unavailable,
                };
                engine.ledger.spoil(op, pass, fault);
                let what = format!("{op:?} {pass} lost: {lost}");
                let tries = (1..4).find(|_| {
                    let ended = unwind(&engine, &execution, "elsewhere", &action);
                    ended.is_ok_and(|ended| ended.status == "ROLLED_BACK")
                });
                // The undo itself retries a write to a step.
                let right = if op == Op::PutStep { 1 } else { 2 };
                assert_eq!(tries, Some(right), "{what}");
                undone_once(&engine, &execution, &action, &what);
                assert_eq!(action.undone.lock().unwrap().len(), 2, "{what}");
            }
        }
    }
}

#[test]
fn an_undo_with_an_unrecorded_outcome_is_retried_after_its_lease() {
    let engine = engine();
    let action = Script::default();
    let task = first_step(&engine);
    attempt(&engine, &task, &action).unwrap();
    engine.ledger.spoil(Op::PutStep, 1, Fault::Unavailable);
    for _ in 0..4 {
        engine.ledger.spoil(Op::PutStep, 0, Fault::Unavailable);
    }
    for right in [ErrorName::Unknown, ErrorName::Conflict] {
        let error = unwind(&engine, &task.execution, "elsewhere", &action).unwrap_err();
        assert_eq!(error.name, right);
    }
    engine.host.pass(35);
    unwind(&engine, &task.execution, "elsewhere", &action).unwrap();
    undone_once(&engine, &task.execution, &action, "after the lease");
    let attempts = record(&engine, &task).undo_attempts;
    assert_eq!(attempts[0].outcome, Some(AttemptOutcome::Lost));
}

#[test]
fn a_zombie_of_an_undo_cannot_complete_a_later_plans_claim() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, execution, second) = (engine.clone(), task.execution.clone(), Script::default());
    let beside = second.clone();
    let meanwhile = move || {
        let held = recover(&other, &execution, &beside).unwrap_err();
        assert_eq!(held.name, ErrorName::Conflict, "the lease is live");
        other.host.pass(35);
        recover(&other, &execution, &beside).unwrap();
    };
    let zombie = Script::default().undoing([ScriptedCall::Meanwhile(Box::new(meanwhile))]);
    attempt(&engine, &task, &zombie).unwrap();
    let error = unwind(&engine, &task.execution, "elsewhere", &zombie).unwrap_err();
    assert_eq!(error.name, ErrorName::Conflict);
    undone_once(&engine, &task.execution, &zombie, "by the later plan");
    assert_eq!(second.undone.lock().unwrap().len(), 1);
    let attempts = record(&engine, &task).undo_attempts;
    assert_eq!(attempts[0].outcome, Some(AttemptOutcome::Lost));
}

#[test]
fn an_undo_of_a_superseded_plan_does_not_act_and_uses_no_attempt() {
    let engine = engine();
    let action = Script::default();
    let task = first_step(&engine);
    attempt(&engine, &task, &action).unwrap();
    let (other, at) = (engine.clone(), partition(&task.execution));
    let superseded = Fault::After(Box::new(move || {
        change(&other, &at, |execution| {
            execution.epoch += 1;
            execution.owner = "arn:recovery".to_owned();
        });
    }));
    // The first read is the plan's.
    engine.ledger.spoil(Op::ExecutionRecord, 1, superseded);
    let error = unwind(&engine, &task.execution, "elsewhere", &action).unwrap_err();
    assert_eq!(error.name, ErrorName::Halted);
    assert_eq!(action.undone.lock().unwrap().len(), 0);
    let halted = record(&engine, &task);
    assert_eq!(
        halted.state,
        StepState::UndoWaiting {
            until: now(&engine)
        }
    );
    assert_eq!(
        halted.undo_attempts[0].outcome,
        Some(AttemptOutcome::Halted)
    );
    recover(&engine, &task.execution, &action).unwrap();
    undone_once(&engine, &task.execution, &action, "by the recovery");
}

#[test]
fn a_plan_that_is_superseded_before_it_lists_the_steps_halts() {
    let engine = engine();
    let action = Script::default();
    let execution = succeeded(&engine, &action);
    let (other, at) = (engine.clone(), partition(&execution));
    let superseded = Fault::After(Box::new(move || {
        run(other.take(&at, "arn:recovery", 2, &failed_at("elsewhere"))).unwrap();
    }));
    engine.ledger.spoil(Op::Snapshot, 0, superseded);
    let plan = run(engine.plan(&plan_task(&execution, "elsewhere")));
    assert_eq!(plan.unwrap_err().name, ErrorName::Halted);
    recover(&engine, &execution, &action).unwrap();
    undone_once(&engine, &execution, &action, "by the recovery");
}

#[test]
fn only_the_current_plan_gives_up_and_it_waits_for_a_live_lease() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, execution) = (engine.clone(), task.execution.clone());
    let meanwhile = move || {
        let execution = snapshot(&other, &execution).execution;
        let mut late = GiveUpTask {
            execution: execution.reference(),
            undo: holdfast_task::UndoItem {
                step: STEPS[0].to_owned(),
                item: None,
                function: String::new(),
            },
            error: "Lambda.Unknown".to_owned(),
        };
        let error = run(other.give_up(&late)).unwrap_err();
        assert_eq!(error.name, ErrorName::Conflict);
        late.execution.epoch -= 1;
        other.host.pass(35);
        let error = run(other.give_up(&late)).unwrap_err();
        assert_eq!(error.name, ErrorName::Halted);
    };
    let action = Script::default().undoing([ScriptedCall::Meanwhile(Box::new(meanwhile))]);
    attempt(&engine, &task, &action).unwrap();
    unwind(&engine, &task.execution, "elsewhere", &action).unwrap();
    undone_once(&engine, &task.execution, &action, "no undo was given up");
}

#[test]
fn a_step_that_claims_after_the_takeover_does_not_act() {
    for (op, pass) in [
        (Op::Snapshot, 0),
        (Op::Snapshot, 1),
        (Op::PutExecution, 1),
        (Op::PutExecution, 2),
    ] {
        let engine = engine();
        let task = first_step(&engine);
        let (other, late, script) = (engine.clone(), task.clone(), Script::default());
        let acts = script.clone();
        let slips_in = Fault::After(Box::new(move || {
            assert_eq!(failing(&other, &late, &acts), ErrorName::Halted);
        }));
        engine.ledger.spoil(op, pass, slips_in);
        let ended = unwind(&engine, &task.execution, "elsewhere", &script).unwrap();
        assert_eq!(ended.status, "FAILED", "{op:?} {pass}");
        assert_eq!(script.times(), 0, "{op:?} {pass}");
        assert_eq!(record(&engine, &task).state, StepState::FailedClean);
    }
}

#[test]
fn a_step_that_claimed_before_the_takeover_halts_before_it_acts() {
    let engine = engine();
    let task = first_step(&engine);
    let (other, execution) = (engine.clone(), task.execution.clone());
    let takes_over = Fault::After(Box::new(move || {
        let plan = run(other.plan(&plan_task(&execution, "elsewhere")));
        assert_eq!(plan.unwrap_err().name, ErrorName::Conflict, "it may act");
    }));
    engine.ledger.spoil(Op::ReadWithControls, 0, takes_over);
    let script = Script::default();
    assert_eq!(failing(&engine, &task, &script), ErrorName::Halted);
    let ended = unwind(&engine, &task.execution, "elsewhere", &script).unwrap();
    assert_eq!((ended.status.as_str(), script.times()), ("FAILED", 0));
}

#[test]
fn the_state_machine_of_a_recovered_execution_receives_halted() {
    let engine = engine();
    let action = Script::default();
    let execution = succeeded(&engine, &action);
    let plan = run(engine.plan(&plan_task(&execution, "elsewhere"))).unwrap();
    let ended = recover(&engine, &execution, &action).unwrap();
    for undo in plan.undo {
        let execution = plan.execution.clone();
        let result = run(engine.undo(&UndoTask { execution, undo }, &action));
        assert_eq!(result.unwrap_err().name, ErrorName::Halted);
    }
    let again = run(engine.plan(&plan_task(&execution, "elsewhere"))).unwrap();
    assert_eq!(again.undo, [], "nothing is left");
    assert_eq!(
        run(engine.finish(&finish_task(&again.execution), &NoSigner)),
        Ok(ended)
    );
    let phase = snapshot(&engine, &execution).execution.phase;
    assert!(matches!(phase, Phase::Ended { .. }));
    undone_once(&engine, &execution, &action, "by the recovery");
}
