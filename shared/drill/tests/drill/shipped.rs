//! Tests every shipped workflow under every fault.

use holdfast_drill::{Drill, Fault, Manners, Scenario, Settings};
use holdfast_workflow::compile;

use crate::set_up::{actions, every_workflow, files, input_of, read, shipped};

/// The files of the workflows that a release has.
const RELEASED: [&str; 5] = [
    "delay-vendor-payments-acme.yaml",
    "hold-large-payments.yaml",
    "hold-strategic-vendor.yaml",
    "hold-vendor-group.yaml",
    "release-review-reminder.yaml",
];

fn violations(drill: &Drill, scenarios: &[Scenario]) -> Vec<String> {
    let mut found = Vec::new();
    for (scenario, outcome) in scenarios
        .iter()
        .zip(drill.run_all(scenarios).expect("they run"))
    {
        let named = outcome.violations.iter();
        found.extend(named.map(|what| format!("{scenario}: {what}")));
        if !outcome.struck && scenario.strikes.len() == 1 {
            found.push(format!("{scenario}: it never came up"));
        }
    }
    found
}

fn all_hold(settings: Settings) {
    for file in files() {
        let drill = shipped(&file, input_of(&file), settings);
        let input = "the input does not lead to these steps; write one that does into tests/inputs, \
                     under the name of the workflow's file";
        assert_eq!(drill.not_reached(), [""; 0], "{file}: {input}");
        let singles = drill.singles();
        // A workflow of one's own may be short.
        let least = if RELEASED.contains(&&*file) { 100 } else { 20 };
        assert!(singles.len() > least, "{file}: {}", singles.len());
        assert_eq!(violations(&drill, &singles), [""; 0], "{file}");
    }
}

#[test]
fn every_shipped_workflow_holds_under_every_single_fault() {
    all_hold(Settings::default());
}

#[test]
fn every_shipped_workflow_holds_if_targets_can_verify() {
    let manners = Manners {
        verifies: true,
        ..Manners::default()
    };
    all_hold(Settings {
        manners,
        ..Settings::default()
    });
}

#[test]
fn every_decision_at_every_question_ends_as_it_says() {
    let mut decided = 0;
    for file in files() {
        let drill = shipped(&file, input_of(&file), Settings::default());
        let places: Vec<String> = drill
            .singles()
            .iter()
            .flat_map(|one| &one.strikes)
            .filter(|strike| strike.fault == Fault::DecidesSkip)
            .map(|strike| strike.place.clone())
            .collect();
        for place in places {
            let ends = |decision: &str| {
                let scenario = format!("{place}/{decision}").parse().expect("a name");
                let outcome = drill.run(&scenario).expect("it runs");
                assert_eq!(outcome.violations, [""; 0], "{file}: {scenario}");
                outcome.status.expect("a status")
            };
            assert_eq!(ends("decides-skip"), "EXECUTED", "{file}: {place}");
            assert_eq!(ends("decides-retry"), "EXECUTED", "{file}: {place}");
            assert_ne!(ends("silence"), "EXECUTED", "{file}: {place}");
            decided += 1;
        }
    }
    assert!(decided > 0, "a shipped workflow asks about a failed step");
}

#[test]
fn the_specs_workflow_holds_under_every_two_faults() {
    let drill = shipped("delay-vendor-payments-acme.yaml", None, Settings::default());
    let pairs = drill.pairs();
    assert!(pairs.len() > 10_000, "{}", pairs.len());
    assert_eq!(violations(&drill, &pairs), [""; 0]);
}

#[test]
fn an_attempt_that_dies_after_its_effect_is_retried_under_its_key() {
    let drill = shipped("delay-vendor-payments-acme.yaml", None, Settings::default());
    let scenario = "apply_vendor_hold/crash-after-effect".parse().unwrap();
    let outcome = drill.run(&scenario).unwrap();
    assert_eq!(outcome.status.as_deref(), Some("EXECUTED"));
    assert_eq!(outcome.remaining["apply_vendor_hold"], 1);
    assert_eq!(outcome.receipt.unwrap().steps[0].attempts, 2);
    let repeated = "apply_vendor_hold: the same call again, no second effect";
    assert!(
        outcome.story.iter().any(|line| line.contains(repeated)),
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
    assert_eq!(outcome.remaining.len(), 0);
    assert!(
        outcome.story.iter().any(|line| line.contains("refused")),
        "{:#?}",
        outcome.story
    );
}

#[test]
fn parallel_branches_are_undone_under_every_fault() {
    let workflow = "
workflow: WF-BRANCHES
version: 1
input: { type: object }
steps:
  - name: both
    parallel:
      - steps:
          - { name: left, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
      - steps:
          - { name: right, action: vendor-hold, input: { vendor_id: w, days: 1 }, rollback: {} }
          - { name: after, action: vendor-hold, input: { vendor_id: x, days: 1 }, rollback: {} }
  - { name: last, action: vendor-hold, input: { vendor_id: z, days: 1 }, rollback: {} }
";
    let drill = Drill::new(
        &read(workflow),
        "branches.yaml",
        &actions(),
        None,
        Settings::default(),
    );
    let drill = drill.expect("it executes");
    assert_eq!(violations(&drill, &drill.singles()), [""; 0]);
    let outcome = drill.run(&"last/permanent".parse().unwrap()).unwrap();
    assert_eq!(outcome.status.as_deref(), Some("ROLLED_BACK"));
    assert!(outcome.remaining.is_empty(), "{:?}", outcome.remaining);
    let undone = |step: &str| {
        let expected = format!("target     {step}: the effect is taken back");
        outcome.story.iter().any(|line| line.ends_with(&expected))
    };
    assert!(
        ["left", "right", "after"].into_iter().all(undone),
        "{:#?}",
        outcome.story
    );
}

#[test]
fn a_step_in_a_branch_can_escalate_after_an_earlier_escalation() {
    let source = r#"
workflow: WF-TWICE-ASKED
version: 1
input: { type: object, properties: {} }
limits: { timeout: 4h }
steps:
  - name: first
    action: vendor-hold
    input: { vendor_id: a, days: 1 }
    rollback: {}
    on_failure: escalate
  - name: both
    parallel:
      - steps:
          - name: second
            action: vendor-hold
            input: { vendor_id: b, days: 1 }
            rollback: {}
            on_failure: escalate
      - steps:
          - name: third
            action: vendor-hold
            input: { vendor_id: c, days: 1 }
            rollback: {}
"#;
    let definition = read(source);
    let settings = Settings::default();
    let drill = Drill::new(&definition, "twice.yaml", &actions(), None, settings).unwrap();
    let scenario = "first/permanent+first.escalate/decides-retry+second/permanent+second.escalate/decides-retry";
    let outcome = drill.run(&scenario.parse().unwrap()).unwrap();
    assert_eq!(outcome.violations, [""; 0], "{:#?}", outcome.story);
    assert_eq!(outcome.status.as_deref(), Some("EXECUTED"));
    let decisions = outcome.receipt.unwrap().decisions;
    assert_eq!(decisions.len(), 2, "{decisions:?}");
}

#[test]
fn every_step_of_an_item_reads_the_item_under_every_fault() {
    let hold = |name: &str| {
        format!(
            "{{ name: {name}, action: vendor-hold, when: '{{% $item.id = $item_key %}}', input: {{ vendor_id: '{{% $item.id %}}', days: 1 }}, rollback: {{}} }}"
        )
    };
    let (one, two, three) = (hold("one"), hold("two"), hold("three"));
    for steps in [
        format!("[{one}, {two}]"),
        format!("[{{ name: rest, wait: 1s }}, {one}]"),
        format!(
            "[{{ name: both, parallel: [{{ steps: [{one}] }}, {{ steps: [{two}] }}] }}, {three}]"
        ),
        format!(
            "[{one}, {{ name: both, parallel: [{{ steps: [{two}] }}, {{ steps: [{three}] }}] }}]"
        ),
    ] {
        let workflow = format!(
            "
workflow: WF-ITEMS
version: 1
input: {{ type: object }}
steps:
  - name: hold_each
    for_each:
      items: '{{% [{{ \"id\": \"a\" }}, {{ \"id\": \"b\" }}] %}}'
      item_key: '{{% $item.id %}}'
      collect: '{{% $item.id %}}'
      steps: {steps}
  - {{ name: last, action: vendor-hold, input: {{ vendor_id: '{{% $join($hold_each) %}}', days: 1 }}, rollback: {{}} }}
"
        );
        let settings = Settings::default();
        let drill = Drill::new(&read(&workflow), "items.yaml", &actions(), None, settings);
        let drill = drill.unwrap_or_else(|why| panic!("{steps}: {why}"));
        assert_eq!(drill.not_reached(), [""; 0], "{steps}");
        assert_eq!(violations(&drill, &drill.singles()), [""; 0], "{steps}");
        // A target that asks for a pause leads the step back to its item.
        let outcome = drill.run(&"one/asks-to-wait".parse().unwrap()).unwrap();
        assert_eq!(outcome.status.as_deref(), Some("EXECUTED"), "{steps}");
    }
}

#[test]
fn step_functions_accepts_the_machine_of_every_workflow_of_the_project() {
    let workflows = every_workflow();
    assert!(workflows.len() > 15, "{}", workflows.len());
    for (file, text) in workflows {
        let definition = read(&text);
        let machine = compile::machine(&definition, &file).expect("a digest");
        assert_eq!(machine.violations(), [""; 0], "{file}");
        let recovery = compile::recovery(&[&definition]);
        assert_eq!(recovery.violations(), [""; 0], "{file}");
    }
}
