//! Tests that schedules drawn from seeds hold every invariant, and that they replay.

use std::{fs, path::PathBuf};

use holdfast_drill::{Manners, ScheduleSource, SimulationResult, Simulator};

use crate::set_up::{actions, read};

/// Number of schedules of each workflow. A run of millions is a command: docs/drill.md.
const SCHEDULES: u64 = 1_500;

pub(crate) fn simulator(file: &str) -> Simulator {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/simulation");
    let source = fs::read_to_string(folder.join(file)).expect(file);
    Simulator::new(&read(&source), file, &actions(), None).expect("it compiles")
}

pub(crate) fn violations(ran: SimulationResult) -> Vec<String> {
    let broken = ran.broken.into_iter();
    broken.map(|one| format!("{one:#?}")).collect()
}

fn holds(file: &str) {
    let ran = simulator(file)
        .run(ScheduleSource::Seeds, 1, SCHEDULES)
        .expect("it runs");
    assert_eq!(ran.schedules, SCHEDULES);
    assert_eq!(violations(ran), [""; 0], "{file}");
}

#[test]
fn schedules_of_two_holds_under_a_budget_hold_every_invariant() {
    holds("holds.yaml");
}

#[test]
fn schedules_with_questions_to_people_hold_every_invariant() {
    holds("asks.yaml");
}

#[test]
fn schedules_of_items_and_branches_hold_every_invariant() {
    holds("each.yaml");
}

#[test]
fn schedules_whose_redrives_may_choose_another_branch_hold_every_invariant() {
    holds("choices.yaml");
}

#[test]
fn every_single_disturbance_is_followed_by_rollbacks_redrives_and_deployments() {
    let simulator = simulator("holds.yaml");
    let all = simulator.follow_ups();
    assert!(all > 5_000, "{all}");
    let ran = simulator.run(ScheduleSource::FollowUps, 0, all);
    assert_eq!(violations(ran.expect("it runs")), [""; 0]);
}

/// Returns the kinds of violations if the targets behave so.
fn kinds(manners: Manners) -> Vec<String> {
    let simulator = simulator("holds.yaml").with_manners(manners);
    let ran = simulator.run(ScheduleSource::Seeds, 1, 400);
    let broken = ran.expect("it runs").broken.into_iter();
    broken.map(|one| one.kind).collect()
}

#[test]
fn a_target_whose_undo_lies_is_found_by_a_schedule() {
    let kinds = kinds(Manners {
        undoes: false,
        ..Manners::default()
    });
    let what = "its effect remains, and the receipt (ROLLED_BACK) does not say so";
    assert!(kinds.contains(&what.to_owned()), "{kinds:#?}");
}

#[test]
fn a_target_that_forgets_keys_is_found_by_a_schedule() {
    let kinds = kinds(Manners {
        remembers: false,
        ..Manners::default()
    });
    let what = "its effect happened twice";
    assert!(kinds.contains(&what.to_owned()), "{kinds:#?}");
}

#[test]
fn the_same_seed_has_the_same_schedule_and_the_same_story() {
    let simulator = simulator("asks.yaml");
    let ran = simulator
        .run(ScheduleSource::Seeds, 1, 300)
        .expect("it runs");
    for broken in ran.broken {
        let one = simulator
            .replay(ScheduleSource::Seeds, broken.seed)
            .expect("it runs")
            .expect("it is broken");
        let other = simulator
            .replay(ScheduleSource::Seeds, broken.seed)
            .expect("it runs")
            .expect("it is broken");
        assert_eq!(one, other);
        assert_eq!(one.events, broken.events);
        assert!(one.story.len() > 20, "{:#?}", one.story);
    }
}
