//! Tests of branches: what the end records, what proves the end, and what a redrive takes again.

use super::{closing::redriven, *};
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_receipt::{EarlyStop, StepStatus};
use holdfast_task::{BranchRef, CONTINUE, OTHERWISE, STOP};

/// The first step in the branch `1` of `route`, the second in `otherwise`, both after `enough`.
fn in_branches() -> Vec<StepRef> {
    let branch = |step: &str, branch: &str| BranchRef {
        step: step.to_owned(),
        branch: branch.to_owned(),
    };
    let mut steps = steps();
    for (step, taken) in steps.iter_mut().zip(["1", OTHERWISE]) {
        step.last = true;
        step.branches = vec![branch("enough", CONTINUE), branch("route", taken)];
    }
    steps
}

fn choices(all: &[(&str, &str)]) -> Choices {
    let all = all.iter();
    all.map(|(step, branch)| ((*step).to_owned(), (*branch).to_owned()))
        .collect()
}

fn end(execution: &ExecutionRef, taken: &[(&str, &str)]) -> FinishTask {
    FinishTask {
        steps: in_branches(),
        choices: choices(taken),
        stops: [("enough".to_owned(), "nothing is left to do".to_owned())].into(),
        ..finish_task(execution)
    }
}

#[test]
fn the_end_records_the_branches_in_the_write_that_it_makes_anyway() {
    let engine = engine();
    let execution = begun(&engine);
    succeeding(&engine, &step_task(&execution, STEPS[0]));
    let before = snapshot(&engine, &execution).execution.rev;
    let taken = [("enough", CONTINUE), ("route", "1")];
    run(engine.finish(&end(&execution, &taken), &NoSigner)).expect("an end");
    let ended = snapshot(&engine, &execution);
    // The end, and the receipt.
    assert_eq!(ended.execution.rev, before + 2);
    assert_eq!(ended.execution.choices, choices(&taken));
    assert_eq!(ended.execution.stopped, None);
    let receipt = crate::receipt_of(&ended, &in_branches(), None).expect("a receipt");
    assert_eq!(receipt.choices, choices(&taken));
    assert_eq!(receipt.steps[1].status, StepStatus::Skipped);
}

#[test]
fn an_early_stop_is_executed_and_its_receipt_has_the_reason() {
    let engine = engine();
    let execution = begun(&engine);
    let task = end(&execution, &[("enough", STOP)]);
    let first = run(engine.finish(&task, &NoSigner)).expect("an end");
    assert_eq!(first.status, "EXECUTED");
    let ended = snapshot(&engine, &execution);
    let receipt = crate::receipt_of(&ended, &in_branches(), None).expect("a receipt");
    let expected = EarlyStop {
        step: "enough".to_owned(),
        reason: "nothing is left to do".to_owned(),
    };
    assert_eq!(receipt.stopped, Some(expected));
    let skipped = receipt.steps.iter().map(|step| step.status);
    assert_eq!(skipped.collect::<Vec<_>>(), [StepStatus::Skipped; 2]);
    // A repeat without the choices, as a recovery makes it, ends in the same receipt.
    let again = FinishTask {
        choices: Choices::new(),
        ..task
    };
    assert_eq!(run(engine.finish(&again, &NoSigner)), Ok(first));
}

#[test]
fn the_last_steps_of_one_branch_prove_the_end_of_a_choice() {
    for (done, status) in [
        (&STEPS[..1], "EXECUTED"),
        (&STEPS[1..2], "EXECUTED"),
        (&[][..], "FAILED"),
    ] {
        let engine = engine();
        let execution = begun(&engine);
        for step in done {
            succeeding(&engine, &step_task(&execution, step));
        }
        let plan = PlanTask {
            owner: "arn:recovery".to_owned(),
            steps: in_branches(),
            ..plan_task(&execution, "")
        };
        let planned = run(engine.plan(&plan)).expect("a plan").execution;
        let ended = run(engine.finish(&finish_task(&planned), &NoSigner)).expect("an end");
        assert_eq!(ended.status, status, "{done:?}");
    }
}

#[test]
fn one_of_two_last_steps_of_a_branch_proves_nothing() {
    let engine = engine();
    let execution = begun(&engine);
    succeeding(&engine, &step_task(&execution, STEPS[0]));
    let mut steps = in_branches();
    steps[1].branches = steps[0].branches.clone();
    let plan = PlanTask {
        owner: "arn:recovery".to_owned(),
        steps,
        ..plan_task(&execution, "")
    };
    let planned = run(engine.plan(&plan)).expect("a plan");
    assert_eq!(planned.undo.len(), 1, "its one effect is undone");
}

#[test]
fn a_redrive_begins_with_the_branches_whose_effects_remain() {
    for (undoes, bound) in [
        (false, &[("enough", CONTINUE), ("route", "1")][..]),
        (true, &[][..]),
    ] {
        let engine = engine();
        let execution = begun(&engine);
        let mut first = step_task(&execution, STEPS[0]);
        if !undoes {
            first.step.undo = None;
        }
        succeeding(&engine, &first);
        let no = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
        failing(&engine, &step_task(&execution, STEPS[1]), &no);
        finish(&engine, &execution, Some(STEPS[1])).expect("an end");
        redriven(&engine, &execution);
        let task = BeginTask {
            steps: in_branches(),
            owner: "arn:again".to_owned(),
            ..begin_task(start_of(usual_input()))
        };
        let again = run(engine.begin(&task)).expect("it resumes");
        assert_eq!(again.choices, choices(bound), "{undoes}");
    }
}

#[test]
fn a_redrive_whose_effects_are_in_two_branches_of_a_new_definition_is_rejected() {
    let engine = engine();
    let execution = begun(&engine);
    for name in STEPS {
        let mut step = step_task(&execution, name);
        step.step.undo = None;
        succeeding(&engine, &step);
    }
    finish(&engine, &execution, Some("later")).expect("an end");
    redriven(&engine, &execution);
    let mut task = BeginTask {
        steps: in_branches(),
        owner: "arn:again".to_owned(),
        ..begin_task(start_of(usual_input()))
    };
    task.gate.definition_digest = "sha256:d2".to_owned();
    let refused = run(engine.begin(&task)).expect_err("two branches of route have effects");
    assert_eq!(refused.name, ErrorName::Rejected, "{}", refused.message);
}
