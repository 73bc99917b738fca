//! Tests of branches and early stops: each branch under every fault, and what a receipt says.

use holdfast_drill::{Drill, Outcome, Settings};
use serde_json::{Value, json};

use crate::set_up::{actions, every_workflow, read};

/// Returns the drill of a workflow of the tests, with this input.
fn drill(file: &str, input: Value) -> Drill {
    let workflows = every_workflow().into_iter();
    let mut found = workflows.filter(|(path, _)| path.ends_with(file));
    let (_, text) = found.next().expect(file);
    let definition = read(&text);
    Drill::new(
        &definition,
        file,
        &actions(),
        Some(input),
        Settings::default(),
    )
    .expect("it runs")
}

fn ships(carrier: &str, weight_kg: u32) -> Drill {
    let input = json!({ "order": "o-1", "carrier": carrier, "weight_kg": weight_kg });
    drill("ships.yaml", input)
}

fn travels(distance_km: u32, car: bool) -> Drill {
    let input = json!({ "trip": "t-1", "distance_km": distance_km, "car": car });
    drill("travels.yaml", input)
}

fn run(drill: &Drill, scenario: &str) -> Outcome {
    let outcome = drill.run(&scenario.parse().expect("a scenario"));
    let outcome = outcome.expect("it runs");
    assert_eq!(outcome.violations, [""; 0], "{:#?}", outcome.story);
    outcome
}

/// Returns the steps of a receipt with their status.
fn statuses(outcome: &Outcome) -> Vec<String> {
    let receipt = outcome.receipt.as_ref().expect("a receipt");
    let steps = receipt.steps.iter();
    steps
        .map(|step| format!("{} {}", step.name, step.status.name()))
        .collect()
}

fn choices(outcome: &Outcome) -> Value {
    json!(outcome.receipt.as_ref().expect("a receipt").choices)
}

#[test]
fn every_branch_holds_under_every_single_fault() {
    let drills = [
        (ships("courier", 2), vec!["buy_stamp", "keep_for_pickup"]),
        (
            ships("post", 0),
            vec![
                "book_courier",
                "insure",
                "buy_stamp",
                "keep_for_pickup",
                "tell_customer",
            ],
        ),
        (travels(900, true), vec!["book_train", "book_return"]),
        (travels(90, true), vec!["book_flight", "rent_car"]),
    ];
    for (drill, not_reached) in drills {
        assert_eq!(drill.not_reached(), not_reached);
        for scenario in drill.singles() {
            let outcome = drill.run(&scenario).expect("it runs");
            assert_eq!(
                outcome.violations, [""; 0],
                "{scenario}: {:#?}",
                outcome.story
            );
        }
    }
}

#[test]
fn a_receipt_says_which_branch_was_taken_and_where_the_execution_stopped() {
    // A repeated call changes nothing.
    let shipped = run(&ships("post", 2), "reserve_stock/duplicate");
    assert_eq!(shipped.status.as_deref(), Some("EXECUTED"));
    assert_eq!(
        choices(&shipped),
        json!({ "carrier": "2", "nothing_to_ship": "continue" })
    );
    assert_eq!(
        statuses(&shipped),
        [
            "reserve_stock SUCCESS",
            "book_courier SKIPPED",
            "insure SKIPPED",
            "buy_stamp SUCCESS",
            "keep_for_pickup SKIPPED",
            "tell_customer SUCCESS",
        ]
    );
    assert_eq!(shipped.receipt.expect("a receipt").stopped, None);

    let kept = run(&ships("post", 0), "reserve_stock/duplicate");
    assert_eq!(kept.status.as_deref(), Some("EXECUTED"));
    assert_eq!(choices(&kept), json!({ "nothing_to_ship": "stop" }));
    assert_eq!(
        statuses(&kept)[4..],
        ["keep_for_pickup SKIPPED", "tell_customer SKIPPED"]
    );
    let stopped = kept
        .receipt
        .expect("a receipt")
        .stopped
        .expect("it stopped");
    assert_eq!(stopped.step, "nothing_to_ship");
    assert_eq!(stopped.reason, "the order has no parcel");

    let nested = run(&travels(900, false), "book_hotel/duplicate");
    assert_eq!(
        choices(&nested),
        json!({ "way": "1", "on_arrival": "otherwise" })
    );
    let beside = run(&travels(90, true), "book_hotel/duplicate");
    assert_eq!(choices(&beside), json!({ "way": "2" }));
}

#[test]
fn a_failure_inside_a_branch_or_after_it_undoes_what_the_branch_did() {
    for (failing, insured) in [("insure", "FAILED"), ("tell_customer", "UNDONE")] {
        let outcome = run(&ships("courier", 2), &format!("{failing}/permanent"));
        assert_eq!(outcome.status.as_deref(), Some("ROLLED_BACK"));
        assert_eq!(outcome.remaining.len(), 0, "{:?}", outcome.remaining);
        assert_eq!(
            statuses(&outcome)[..5],
            [
                "reserve_stock UNDONE",
                "book_courier UNDONE",
                &format!("insure {insured}"),
                "buy_stamp NOT_RUN",
                "keep_for_pickup NOT_RUN",
            ]
        );
        assert_eq!(choices(&outcome)["carrier"], "1", "{failing}");
    }
}

#[test]
fn a_lost_machine_is_finished_forward_only_if_the_taken_branch_proves_the_end() {
    // A branch without steps leaves no record, so that the ledger does not know it.
    for (drill, status, taken) in [
        (
            ships("post", 2),
            "EXECUTED",
            json!({ "carrier": "2", "nothing_to_ship": "continue" }),
        ),
        (
            travels(900, true),
            "EXECUTED",
            json!({ "way": "1", "on_arrival": "1" }),
        ),
        (travels(90, true), "EXECUTED", json!({ "way": "2" })),
        (travels(900, false), "ROLLED_BACK", json!({ "way": "1" })),
        (travels(0, true), "ROLLED_BACK", json!({})),
        (ships("post", 0), "ROLLED_BACK", json!({})),
    ] {
        let outcome = run(&drill, "Finish/killed-before");
        let status = Some(status);
        assert_eq!(outcome.status.as_deref(), status, "{:#?}", outcome.story);
        assert_eq!(choices(&outcome), taken);
    }
}

#[test]
fn a_condition_that_fails_rolls_back_at_its_own_state() {
    let source = r#"
workflow: WF-FAILS
version: 1
input: { type: object, properties: { days: { type: string } }, required: [days] }
steps:
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
  - name: route
    choose:
      - when: "{% $number($input.days) > 1 %}"
        steps: [{ name: more, action: vendor-hold, input: { vendor_id: w, days: 1 }, rollback: {} }]
"#;
    let input = Some(json!({ "days": "many" }));
    let drill = Drill::new(
        &read(source),
        "fails.yaml",
        &actions(),
        input,
        Settings::default(),
    );
    let Err(why) = drill else {
        panic!("it does not execute")
    };
    assert!(
        why.contains("it ends ROLLED_BACK: an expression of route failed"),
        "{why}"
    );
}

#[test]
fn a_condition_that_yields_no_boolean_counts_as_false() {
    for when in ["$input.days", "'yes'", "$input.absent", "null", "[true]"] {
        let source = format!(
            "workflow: WF-NO-BOOLEAN\nversion: 1\n\
             input: {{ type: object, properties: {{ days: {{ type: integer }}, absent: {{}} }}, required: [days] }}\n\
             steps:\n  - name: route\n    choose:\n      - when: \"{{% {when} %}}\"\n        \
             steps: [{{ name: one, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}} }}]\n    \
             otherwise: [{{ name: two, action: vendor-hold, input: {{ vendor_id: w, days: 1 }}, rollback: {{}} }}]\n"
        );
        let drill = Drill::new(
            &read(&source),
            "no.yaml",
            &actions(),
            None,
            Settings::default(),
        );
        assert_eq!(drill.expect("it executes").not_reached(), ["one"], "{when}");
    }
}
