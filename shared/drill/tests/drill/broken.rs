//! Tests that the drill detects what does not hold.

use holdfast_drill::{Drill, Manners, Outcome, Scenario, Settings};

use crate::set_up::{actions, read, shipped};

const FILE: &str = "delay-vendor-payments-acme.yaml";

fn outcome(drill: &Drill, scenario: &str) -> Outcome {
    let scenario: Scenario = scenario.parse().expect("a name");
    drill.run(&scenario).expect("it runs")
}

#[test]
fn a_target_whose_undo_lies_is_detected() {
    let manners = Manners {
        undoes: false,
        ..Manners::default()
    };
    let drill = shipped(
        FILE,
        None,
        Settings {
            manners,
            ..Settings::default()
        },
    );
    let ended = outcome(&drill, "notify_ap_team/permanent");
    assert_eq!(
        ended.status.as_deref(),
        Some("ROLLED_BACK"),
        "the undo reported success"
    );
    assert_eq!(ended.remaining.get("apply_vendor_hold"), Some(&1));
    let what = "apply_vendor_hold: its effect remains, and the receipt does not say so";
    assert_eq!(ended.violations, [what]);
}

#[test]
fn a_target_that_forgets_keys_is_detected() {
    let manners = Manners {
        remembers: false,
        ..Manners::default()
    };
    let drill = shipped(
        FILE,
        None,
        Settings {
            manners,
            ..Settings::default()
        },
    );
    let ended = outcome(&drill, "apply_vendor_hold/lost-answer");
    assert_eq!(
        ended.violations,
        ["apply_vendor_hold: its effect happened twice"]
    );
    assert_eq!(outcome(&drill, "no-fault").violations, [""; 0]);
}

#[test]
fn a_workflow_that_does_not_execute_without_faults_says_why() {
    let workflow = "
workflow: WF-NEVER
version: 1
input: { type: object }
guardrails:
  - { name: never, assert: '{% 1 = 2 %}', message: it never starts }
steps:
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
";
    let drill = Drill::new(
        &read(workflow),
        "never.yaml",
        &actions(),
        None,
        Settings::default(),
    );
    let why = drill.err().unwrap();
    assert!(
        why.contains("without any fault it ends REJECTED: never: it never starts"),
        "{why}"
    );
}

#[test]
fn an_unknown_scenario_gets_the_list_of_names() {
    let drill = shipped(FILE, None, Settings::default());
    let unknown: Scenario = "nowhere/permanent".parse().unwrap();
    let error = drill.run(&unknown).unwrap_err();
    assert!(
        error.contains("\"nowhere\"; there are Begin, apply_vendor_hold, "),
        "{error}"
    );
    let error = "Begin/sabotage".parse::<Scenario>().unwrap_err();
    assert!(
        error.contains("\"sabotage\"; there are transient-once, "),
        "{error}"
    );
}

#[test]
fn the_same_scenario_has_the_same_story() {
    let drill = shipped(FILE, None, Settings::default());
    for scenario in drill.singles().iter().step_by(7) {
        let (one, other) = (drill.run(scenario).unwrap(), drill.run(scenario).unwrap());
        assert_eq!(one, other, "{scenario}");
        assert_eq!(scenario.to_string().parse().as_ref(), Ok(scenario));
    }
}
