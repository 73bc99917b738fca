//! Every shipped workflow through every fault.

use holdfast_drill::{Drill, Manners, Scenario, Settings};
use serde_json::{Value, json};

use crate::set_up::{files, shipped};

/// Inputs where the schema alone does not lead to every step.
fn input_of(file: &str) -> Option<Value> {
    (file == "hold-vendor-group.yaml").then(|| {
        json!({
            "group": "east", "hold_days": 14, "tell_treasury": true,
            "vendors": [{ "id": "v1" }, { "id": "v2", "exempt": true }, { "id": "v3" }],
        })
    })
}

fn violations(drill: &Drill, scenarios: &[Scenario]) -> Vec<String> {
    let mut found = Vec::new();
    for (scenario, outcome) in scenarios
        .iter()
        .zip(drill.run_all(scenarios).expect("they run"))
    {
        let named = outcome.violations.iter();
        found.extend(named.map(|what| format!("{scenario}: {what}")));
    }
    found
}

fn all_hold(settings: Settings) {
    for file in files() {
        let drill = shipped(&file, input_of(&file), settings);
        assert_eq!(drill.not_reached(), [""; 0], "{file}");
        let singles = drill.singles();
        assert!(singles.len() > 100, "{file}: {}", singles.len());
        assert_eq!(violations(&drill, &singles), [""; 0], "{file}");
    }
}

#[test]
fn every_shipped_workflow_holds_under_every_single_fault() {
    all_hold(Settings::default());
}

#[test]
fn they_hold_too_where_targets_tell_what_became_of_a_call() {
    let manners = Manners {
        tells: true,
        ..Manners::default()
    };
    all_hold(Settings {
        manners,
        ..Settings::default()
    });
}

#[test]
fn the_specs_workflow_holds_under_every_two_faults() {
    let drill = shipped("delay-vendor-payments-acme.yaml", None, Settings::default());
    let pairs = drill.pairs();
    assert!(pairs.len() > 10_000, "{}", pairs.len());
    assert_eq!(violations(&drill, &pairs), [""; 0]);
}

#[test]
fn an_attempt_that_dies_after_its_effect_is_repeated_under_its_key() {
    let drill = shipped("delay-vendor-payments-acme.yaml", None, Settings::default());
    let scenario = "apply_vendor_hold/crash-after-effect".parse().unwrap();
    let outcome = drill.run(&scenario).unwrap();
    assert_eq!(outcome.status.as_deref(), Some("EXECUTED"));
    assert_eq!(outcome.standing["apply_vendor_hold"], 1);
    assert_eq!(outcome.receipt.unwrap().steps[0].attempts, 2);
    let repeated = "apply_vendor_hold: the same call again, no second effect";
    assert!(
        outcome.story.iter().any(|told| told.contains(repeated)),
        "{:#?}",
        outcome.story
    );
}

#[test]
fn a_call_that_comes_after_its_undo_is_refused_where_the_target_fences() {
    let drill = shipped("delay-vendor-payments-acme.yaml", None, Settings::default());
    let late = "apply_vendor_hold/late-call+apply_vendor_hold/permanent"
        .parse()
        .unwrap();
    let outcome = drill.run(&late).unwrap();
    assert_eq!(outcome.status.as_deref(), Some("ROLLED_BACK"));
    assert_eq!(outcome.standing.len(), 0);
    assert!(
        outcome.story.iter().any(|told| told.contains("refused")),
        "{:#?}",
        outcome.story
    );
}
