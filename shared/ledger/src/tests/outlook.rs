//! Tests of outlooks: they say what the rules of a rollback, a redrive or a decision then do.

use std::collections::BTreeMap;

use holdfast_receipt::AttemptOutcome::{Permanent, Succeeded, Unknown};
use holdfast_task::{BranchRef, StepRef};

use crate::{
    Residue, StepRecord, StepState, UndoNeed,
    fixtures::{at, attempt, declared, key, running, step},
    foresee_continuation, foresee_redrive, foresee_rollback, need,
};

fn named(name: &str, number: u32, state: StepState) -> StepRecord {
    let outcome = match state {
        StepState::Running { .. } => None,
        StepState::FailedClean => Some(Permanent),
        StepState::Unknown => Some(Unknown),
        _ => Some(Succeeded),
    };
    StepRecord {
        step: name.to_owned(),
        number,
        ..step(&key("k"), state, vec![attempt("a", outcome)])
    }
}

/// A hold, an e-mail that nothing undoes, and a payment that failed.
fn failed() -> Vec<StepRecord> {
    vec![
        named("hold", 1, StepState::Succeeded),
        StepRecord {
            undo: None,
            ..named("tell", 2, StepState::Succeeded)
        },
        named("pay", 3, StepState::FailedClean),
    ]
}

fn names<'a>(steps: impl Iterator<Item = &'a StepRecord>) -> Vec<&'a str> {
    steps.map(|step| step.step.as_str()).collect()
}

#[test]
fn a_rollback_undoes_last_effects_first_and_names_what_has_no_undo() {
    let steps = [failed(), vec![named("book", 4, StepState::Succeeded)]].concat();
    let outlook = foresee_rollback(&steps, 0, at(100));
    assert_eq!(
        names(outlook.undoes.iter().map(|one| one.step)),
        ["book", "hold"]
    );
    let [left] = &outlook.remains[..] else {
        panic!("{:?}", outlook.remains);
    };
    assert_eq!(
        (left.effect.step.step.as_str(), left.why),
        ("tell", "the step has no undo")
    );
    assert_eq!(left.effect.residue, Residue::Certain);
    assert_eq!(outlook.waits_until, None);
}

#[test]
fn a_rollback_waits_for_an_attempt_at_work_and_then_undoes_its_possible_effect() {
    let steps = [named("hold", 1, running("a", 130))];
    let outlook = foresee_rollback(&steps, 0, at(100));
    assert_eq!(outlook.waits_until, Some(at(130)));
    let undoes: Vec<_> = outlook.undoes.iter().map(|one| one.residue).collect();
    assert_eq!(undoes, [Residue::Possible]);
    assert_eq!(need(&steps[0], 0, at(130)), UndoNeed::Undo);
}

#[test]
fn a_call_that_may_arrive_after_its_undo_is_named_unless_the_target_fences() {
    let mut late = named("hold", 1, StepState::Unknown);
    late.tainted = true;
    let whys = |step: &StepRecord| {
        let steps = [step.clone()];
        let outlook = foresee_rollback(&steps, 0, at(100));
        assert_eq!(outlook.undoes.len(), 1);
        outlook
            .remains
            .iter()
            .map(|one| one.why)
            .collect::<Vec<_>>()
    };
    let fences = |step: &mut StepRecord, fences| {
        let undo = step.undo.as_mut().expect("it has an undo");
        undo.fences = fences;
    };
    fences(&mut late, false);
    assert!(whys(&late)[0].contains("still on its way"));
    fences(&mut late, true);
    assert_eq!(whys(&late), Vec::<&str>::new());
}

#[test]
fn a_failed_undo_is_repeated_by_a_later_rollback_alone() {
    let steps = [named("hold", 1, StepState::UndoFailed)];
    let now = foresee_rollback(&steps, 0, at(100));
    assert_eq!(
        (now.undoes.len(), now.remains[0].why),
        (0, "its undo has failed")
    );
    let later = foresee_rollback(&steps, 1, at(100));
    assert_eq!((later.undoes.len(), later.remains.len()), (1, 0));
}

#[test]
fn a_redrive_keeps_what_succeeded_and_runs_the_rest_of_its_branches() {
    let steps = failed();
    let branch = |name: &str, branch: &str| StepRef {
        branches: vec![BranchRef {
            step: "large".to_owned(),
            branch: branch.to_owned(),
        }],
        ..declared(name)
    };
    let all = ["hold", "tell", "pay"].map(declared).to_vec();
    let all = [all, vec![branch("ask", "1"), branch("log", "otherwise")]].concat();
    let runs = |bound: &BTreeMap<String, String>| {
        let outlook = foresee_redrive(&steps, &all, bound);
        assert_eq!(names(outlook.keeps.into_iter()), ["hold", "tell"]);
        let runs = outlook.runs.into_iter();
        runs.map(|step| step.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(runs(&BTreeMap::new()), ["pay", "ask", "log"]);
    let bound = BTreeMap::from([("large".to_owned(), "1".to_owned())]);
    assert_eq!(runs(&bound), ["pay", "ask"]);
}

#[test]
fn after_a_decision_a_skipped_step_and_one_that_ran_do_not_run_again() {
    let optional = named("note", 2, StepState::FailedClean);
    let steps = [failed(), vec![optional]].concat();
    let all = ["hold", "note", "tell", "pay", "book"].map(declared);
    let runs = |again: bool| {
        let taken = BTreeMap::new();
        let outlook = foresee_continuation(&steps, &all, &taken, 0, ("pay", again));
        let runs = outlook.runs.into_iter();
        runs.map(|step| step.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(runs(true), ["pay", "book"]);
    assert_eq!(runs(false), ["book"]);
}
