//! Tests that schedules drawn from seeds hold every invariant, and that they replay.

use std::{fs, path::PathBuf};

use holdfast_drill::{SimulationResult, Simulator};

use crate::set_up::{actions, read};

/// Number of schedules of each workflow. A run of millions is a command: docs/drill.md.
const SCHEDULES: u64 = 1_500;

/// Kinds of violations that are known, and that no test may hide once they are mended.
const KNOWN: [&str; 6] = [
    "its question is still open",
    "the incident of its approval stays open",
    "its receipt says NOT_RUN, the ledger FAILED",
    "its receipt says UNDONE, the ledger FAILED",
    "its effect remains, and the receipt (EXECUTED) does not say so",
    "its effect remains, and the receipt (ROLLED_BACK) does not say so",
];

fn simulator(file: &str) -> Simulator {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/simulation");
    let source = fs::read_to_string(folder.join(file)).expect(file);
    Simulator::new(&read(&source), file, &actions(), None).expect("it compiles")
}

fn unknown(ran: SimulationResult) -> Vec<String> {
    let broken = ran.broken.into_iter();
    let unknown = broken.filter(|one| !KNOWN.contains(&one.kind.as_str()));
    unknown.map(|one| format!("{one:#?}")).collect()
}

fn holds(file: &str) {
    let ran = simulator(file).run(1, SCHEDULES).expect("it runs");
    assert_eq!(ran.schedules, SCHEDULES);
    assert_eq!(unknown(ran), [""; 0], "{file}");
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
fn the_same_seed_has_the_same_schedule_and_the_same_story() {
    let simulator = simulator("asks.yaml");
    let ran = simulator.run(1, 300).expect("it runs");
    for broken in ran.broken {
        let one = simulator
            .replay(broken.seed)
            .expect("it runs")
            .expect("it is broken");
        let other = simulator
            .replay(broken.seed)
            .expect("it runs")
            .expect("it is broken");
        assert_eq!(one, other);
        assert_eq!(one.events, broken.events);
        assert!(one.story.len() > 20, "{:#?}", one.story);
    }
}
