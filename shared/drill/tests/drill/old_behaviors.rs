//! Tests that an old behaviour of the engine or of an action, put back, is found.

use holdfast_drill::{Drill, OldBehavior, ScheduleSource, Settings, Simulator};

use crate::{
    express::express,
    set_up::{actions, read, shipped},
    simulation::simulator,
};

/// Schedules: their source, the first one, and their number.
type ScheduleRange = (ScheduleSource, u64, u64);

/// Returns the kinds of violations in a part of a simulator's schedules.
fn kinds(simulator: &Simulator, (source, first, schedules): ScheduleRange) -> Vec<String> {
    let ran = simulator.run(source, first, schedules).expect("it runs");
    ran.broken.into_iter().map(|one| one.kind).collect()
}

/// Checks that an old behaviour breaks exactly these invariants in schedules of the Express
/// workflow, and that none is broken without it.
fn finds_on_express(old: OldBehavior, part: ScheduleRange, what: &[&str]) {
    let without = kinds(&simulator("express.yaml"), part);
    assert_eq!(without, [""; 0], "without {old:?}");
    let with = kinds(&simulator("express.yaml").with_old_behavior(old), part);
    assert_eq!(with, what, "{old:?}");
}

/// Checks that an old behaviour breaks an invariant, which holds without it.
fn finds(old: OldBehavior, part: ScheduleRange, what: &str) {
    let what = what.to_owned();
    let without = kinds(&simulator("holds.yaml"), part);
    assert!(!without.contains(&what), "without {old:?}: {without:#?}");
    let with = kinds(&simulator("holds.yaml").with_old_behavior(old), part);
    assert!(with.contains(&what), "{old:?}: {with:#?}");
}

/// Every race of a workflow with two holds.
fn races() -> ScheduleRange {
    (ScheduleSource::Races, 0, simulator("holds.yaml").races())
}

#[test]
fn a_forgotten_earlier_key_is_found() {
    let what = "its effect remains, and the receipt (EXECUTED) does not say so";
    finds(OldBehavior::EarlierKeyForgotten, races(), what);
}

#[test]
fn a_record_that_a_late_claim_rewrites_after_the_end_is_found() {
    let part = (ScheduleSource::Seeds, 1, 8_000);
    let what = "its receipt says UNDONE, the ledger FAILED";
    finds(OldBehavior::RecordLeftOpen, part, what);
}

#[test]
fn a_receipt_of_steps_that_were_read_before_the_end_is_found() {
    let what = "its receipt says SUCCESS, the ledger UNDONE";
    finds(OldBehavior::StaleSteps, races(), what);
}

#[test]
fn a_503_after_the_effect_that_counts_as_a_refusal_is_found() {
    let part = (ScheduleSource::Seeds, 1, 1_500);
    let what = "its effect remains, and the receipt (FAILED) does not say so";
    finds(OldBehavior::UnavailableJudgedClean, part, what);
}

#[test]
fn an_undo_that_is_done_because_the_target_says_missing_is_found() {
    let file = "delay-vendor-payments-acme.yaml";
    let violations = |old| {
        let settings = Settings {
            old,
            ..Settings::default()
        };
        let scenario = "apply_vendor_hold.undo/missing".parse().expect("a name");
        let outcome = shipped(file, None, settings).run(&scenario);
        outcome.expect("it runs").violations
    };
    assert_eq!(violations(None), [""; 0]);
    let what = "apply_vendor_hold: its effect remains, and the receipt does not say so";
    let found = violations(Some(OldBehavior::MissingJudgedUndone));
    assert!(found.contains(&what.to_owned()), "{found:#?}");
}

#[test]
fn an_express_start_that_overwrites_an_earlier_one_is_found() {
    let part = (ScheduleSource::Seeds, 1, 12);
    let what = "it counts 800000, and the executions hold 400000";
    finds_on_express(OldBehavior::StartOverwritten, part, &[what]);
}

#[test]
fn an_express_step_that_acts_after_an_unseen_takeover_is_found() {
    // Races at the calls of the first step. The second step begins after `Close` has read the
    // steps, and before `Close` writes the end.
    let part = (ScheduleSource::Races, 88, 132);
    let what = "its receipt says NOT_RUN, the ledger SUCCESS";
    finds_on_express(OldBehavior::TakeoverUnseen, part, &[what]);
}

/// It breaks no invariant: the execution is rolled back, though its next run could have executed
/// it.
#[test]
fn an_express_run_that_is_an_owner_of_its_own_is_found() {
    let file = "delay-vendor-payments-acme.yaml";
    let definition = read(&express(&format!("../../workflows/{file}")));
    let end = |old| {
        let settings = Settings {
            old,
            ..Settings::default()
        };
        let drill = Drill::new(&definition, file, &actions(), None, settings).expect("it executes");
        let scenario = "apply_vendor_hold/killed-during".parse().expect("a name");
        let outcome = drill.run(&scenario).expect("it runs");
        assert_eq!(outcome.violations, [""; 0], "{old:?}");
        outcome.status
    };
    assert_eq!(end(None).as_deref(), Some("EXECUTED"));
    let with = end(Some(OldBehavior::RunOwnsItself));
    assert_eq!(with.as_deref(), Some("ROLLED_BACK"));
}
