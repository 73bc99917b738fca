//! The spec's workflow drilled with the step's own code: `vendor-hold` calls a vendor system of each run, whatever strikes.

mod broken;
mod vendors;

use holdfast_drill::Scenario;

use vendors::{Vendors, drill};

#[test]
fn vendor_hold_leaves_what_the_receipt_says_under_every_single_fault() {
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
    let happened = |what: &str| outcome.story.iter().any(|told| told.ends_with(what));
    assert!(happened("apply_vendor_hold: an effect"), "{outcome:#?}");
    assert_eq!(outcome.remaining.get("apply_vendor_hold"), None);
    assert_eq!(outcome.status.as_deref(), Some("ROLLED_BACK"));
}
