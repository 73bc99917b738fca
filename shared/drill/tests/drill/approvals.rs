//! Tests of approvals of several people: under every fault, in schedules, and below the amount.

use std::{fs, path::PathBuf};

use holdfast_drill::{Drill, Outcome, ScheduleSource, Settings};
use holdfast_receipt::{ApprovalOutcome, ReceiptApproval};
use serde_json::json;

use crate::{
    set_up::{actions, read},
    simulation::{simulator, violations},
};

fn cosigned(amount: u32, schema: &str) -> Drill {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/simulation");
    let source = fs::read_to_string(folder.join("cosigned.yaml")).expect("cosigned.yaml");
    let source = source.replace("minimum: 50001", schema);
    let input = Some(json!({ "amount": amount }));
    Drill::new(
        &read(&source),
        "cosigned.yaml",
        &actions(),
        input,
        Settings::default(),
    )
    .expect("it runs")
}

fn approval(outcome: &Outcome) -> &ReceiptApproval {
    let receipt = outcome.receipt.as_ref().expect("a receipt");
    let [approval] = &receipt.approvals[..] else {
        panic!("{:?}", receipt.approvals);
    };
    approval
}

fn usual(drill: &Drill) -> Outcome {
    let outcome = drill
        .run(&"no-fault".parse().expect("a scenario"))
        .expect("it runs");
    assert_eq!(outcome.violations, [""; 0], "{:#?}", outcome.story);
    assert_eq!(outcome.status.as_deref(), Some("EXECUTED"));
    outcome
}

#[test]
fn one_person_of_each_group_approves_a_large_amount() {
    let outcome = usual(&cosigned(60_000, "minimum: 50001"));
    let approval = approval(&outcome);
    assert_eq!(approval.outcome, ApprovalOutcome::Approved);
    let votes = approval.votes.iter();
    let groups: Vec<_> = votes.map(|vote| vote.group.as_deref()).collect();
    assert_eq!(groups, [Some("cfo"), Some("treasury")]);
    assert!(
        approval
            .votes
            .iter()
            .all(|vote| vote.shown_sha256.len() == 64)
    );
}

#[test]
fn a_small_amount_asks_no_person_and_the_receipt_names_the_rule() {
    let drill = cosigned(50_000, "minimum: 1");
    let outcome = usual(&drill);
    let approval = approval(&outcome);
    assert_eq!(approval.outcome, ApprovalOutcome::Skipped);
    assert_eq!(approval.rule.as_deref(), Some("$input.amount > 50000"));
    assert_eq!(approval.votes, []);
    // The drill says so, and has no person decide.
    assert_eq!(drill.not_reached(), ["agreed"]);
    let singles = drill.singles();
    let mut names = singles.iter().map(ToString::to_string);
    assert!(!names.any(|name| name == "agreed/silence" || name.contains("expired")));
}

#[test]
fn an_approval_of_two_groups_holds_under_every_single_fault() {
    for drill in [
        cosigned(60_000, "minimum: 50001"),
        cosigned(50_000, "minimum: 1"),
    ] {
        for scenario in drill.singles() {
            let outcome = drill.run(&scenario).expect("it runs");
            let story = &outcome.story;
            assert_eq!(outcome.violations, [""; 0], "{scenario}: {story:#?}");
            assert!(outcome.struck, "{scenario} did not occur: {story:#?}");
        }
    }
}

#[test]
fn schedules_with_approvals_of_two_groups_hold_every_invariant() {
    let ran = simulator("cosigned.yaml").run(ScheduleSource::Seeds, 1, 1_500);
    assert_eq!(violations(ran.expect("it runs")), [""; 0]);
}
