//! Tests that the drill detects what does not hold.

use holdfast_drill::{Drill, Manners, Outcome, Scenario, Settings};
use serde_json::json;

use crate::set_up::{actions, read, shipped};

const FILE: &str = "delay-vendor-payments-acme.yaml";

fn outcome(drill: &Drill, scenario: &str) -> Outcome {
    let scenario: Scenario = scenario.parse().expect("a name");
    drill.run(&scenario).expect("it runs")
}

fn drill_of(workflow: &str) -> Drill {
    let settings = Settings::default();
    Drill::new(&read(workflow), "broken.yaml", &actions(), None, settings).expect("it compiles")
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
fn a_step_that_needs_what_a_person_skipped_is_detected() {
    let workflow = "
workflow: WF-NEEDS
version: 1
input: { type: object }
limits: { timeout: 4h }
steps:
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate }
  - { name: again, action: vendor-hold, input: { vendor_id: '{% $hold.hold_id %}', days: 1 }, rollback: {} }
";
    let drill = drill_of(workflow);
    let ended = outcome(&drill, "hold.escalate/decides-skip");
    assert_eq!(ended.violations.len(), 1, "{:?}", ended.violations);
    assert!(
        ended.violations[0].starts_with("an expression of again fails: "),
        "{:?}",
        ended.violations
    );
}

#[test]
fn a_failed_expression_is_named_by_its_step_and_not_by_an_earlier_failure() {
    let workflow = "
workflow: WF-LATER
version: 1
input: { type: object, properties: { num: { type: integer } } }
steps:
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: { continue: [422] } }
  - name: put
    action: vendor-hold
    when: '{% $exists($hold.failed) %}'
    input: { vendor_id: v, days: '{% $input.num %}' }
    rollback: {}
";
    let drill = drill_of(workflow);
    let ended = outcome(&drill, "hold/permanent");
    assert_eq!(ended.violations.len(), 1, "{:?}", ended.violations);
    let violation = &ended.violations[0];
    assert!(
        violation.starts_with("an expression of put fails: "),
        "{violation}"
    );
    let failure = ended.receipt.and_then(|receipt| receipt.failure).unwrap();
    let reason = "an expression of put failed, or yielded nothing, on this input";
    assert_eq!(failure.reason, reason);
}

#[test]
fn too_many_items_are_refused_before_the_first_one_acts() {
    let workflow = "
workflow: WF-MANY
version: 1
input: { type: object, properties: { ids: { type: array } } }
steps:
  - name: hold_each
    for_each:
      items: '{% $input.ids %}'
      item_key: '{% $string($item) %}'
      steps:
        - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
";
    let input = |count: u32| Some(json!({ "ids": (0..count).collect::<Vec<_>>() }));
    let drill = |count: u32| {
        let settings = Settings::default();
        Drill::new(
            &read(workflow),
            "many.yaml",
            &actions(),
            input(count),
            settings,
        )
    };
    let why = drill(1100).err().unwrap();
    assert!(why.contains("without any fault it ends FAILED"), "{why}");
    assert!(
        why.contains("hold_each has 1100 items, and at most 9"),
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

#[test]
fn an_input_that_does_not_fit_its_action_is_named_with_its_step() {
    let workflow = "
workflow: WF-UNFIT
version: 1
input: { type: object, required: [d], properties: { d: {} } }
steps:
  - { name: first, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: '{% $input.d %}' }, rollback: {} }
";
    let drill = |days: serde_json::Value| {
        let input = Some(json!({ "d": days }));
        let settings = Settings::default();
        Drill::new(&read(workflow), "unfit.yaml", &actions(), input, settings)
    };
    for days in [
        json!("3"),
        json!(2.5),
        json!(-3),
        json!(70_000),
        json!(null),
    ] {
        let why = drill(days.clone()).err().expect("it does not fit");
        let start = "without any fault it ends ROLLED_BACK: hold: input.days must be u16";
        assert!(why.starts_with(start), "{days}: {why}");
    }
    for days in [json!(3), json!(3.0)] {
        drill(days).expect("it executes");
    }
}
