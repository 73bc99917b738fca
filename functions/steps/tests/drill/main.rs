//! The specification's workflow under every fault, with the code of `vendor-hold` and a vendor
//! system for each run.

mod broken;
mod vendors;

use holdfast_drill::Scenario;

use vendors::{Vendors, drill};

#[test]
fn vendor_hold_leaves_the_effects_that_the_receipt_lists_under_every_single_fault() {
    let drill = drill(Vendors::start).expect("it executes");
    let scenarios = drill.singles();
    let outcomes = drill.run_all(&scenarios).expect("they run");
    let broken = scenarios
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| !outcome.violations.is_empty() || !outcome.struck)
        .map(|(scenario, outcome)| format!("{scenario}: {:?}", outcome.violations));
    assert_eq!(broken.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_lost_answer_is_found_at_the_vendor_system_and_undone_there() {
    let drill = drill(Vendors::start).expect("it executes");
    let scenario: Scenario = "apply_vendor_hold/lost-answer-always"
        .parse()
        .expect("a name");
    let outcome = drill.run(&scenario).expect("it runs");
    let happened = |event: &str| outcome.story.iter().any(|line| line.ends_with(event));
    assert!(happened("apply_vendor_hold: an effect"), "{outcome:#?}");
    assert_eq!(outcome.remaining.get("apply_vendor_hold"), None);
    assert_eq!(outcome.status.as_deref(), Some("ROLLED_BACK"));
}
