//! The shipped workflow whose approval asks two groups: approved, rejected, expired, and below its
//! amount.

use holdfast_tests::{Stack, texts, unique};
use serde_json::{Value, json};

use super::people::People;
use crate::decisions::{asked, decide};

const STRATEGIC: &str = "WF-HOLD-STRATEGIC-VENDOR";
const SOON: &str = "WF-TEST-STRATEGIC-SOON";

/// Starts `workflow` for a new vendor; returns the execution and the vendor.
async fn started(people: &People<'_>, workflow: &str, amount: u32) -> (String, String) {
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor, "amount": amount });
    let api = people.api("tenant-admin:rita");
    let id = api.started(workflow, &unique("strategic"), &input).await;
    (id, vendor)
}

fn people(stack: &Stack) -> People<'_> {
    let suffix = unique("people");
    People { stack, suffix }
}

/// The one approval of a receipt.
fn approval(receipt: &Value) -> &Value {
    assert_eq!(receipt["approvals"].as_array().map(Vec::len), Some(1));
    &receipt["approvals"][0]
}

#[tokio::test]
async fn two_approvers_of_two_groups_let_the_shipped_workflow_act() {
    let stack = Stack::from_env().await;
    let people = people(&stack);
    let (id, vendor) = started(&people, STRATEGIC, 60_000).await;
    let question = asked(&stack.api, &id).await;
    let (ann, second, bob) = (
        people.api("cfo:ann"),
        people.api("cfo:carol"),
        people.api("treasury:bob"),
    );
    let first = decide(&ann, &question, "approve", &id).await;
    assert_eq!(first.body["decided"], false, "{}", first.body);
    let same_group = decide(&second, &question, "approve", &id).await;
    assert_eq!(same_group.status, 409, "{}", same_group.body);
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
    let last = decide(&bob, &question, "approve", &id).await;
    assert_eq!(last.body["decided"], true, "{}", last.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let approval = approval(&receipt);
    assert_eq!(approval["outcome"], "approved", "{receipt}");
    assert_eq!(texts(&approval["votes"], "group"), ["cfo", "treasury"]);
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn one_rejection_ends_the_shipped_workflow_without_an_effect() {
    let stack = Stack::from_env().await;
    let people = people(&stack);
    let (id, vendor) = started(&people, STRATEGIC, 60_000).await;
    let question = asked(&stack.api, &id).await;
    let first = decide(&people.api("cfo:ann"), &question, "approve", &id).await;
    assert_eq!(first.body["decided"], false, "{}", first.body);
    let no = decide(&people.api("treasury:bob"), &question, "reject", &id).await;
    assert_eq!(no.status, 200, "{}", no.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Declined", "{receipt}");
    let approval = approval(&receipt);
    assert_eq!(approval["outcome"], "rejected", "{receipt}");
    assert_eq!(
        texts(&approval["votes"], "decision"),
        ["approve", "reject"],
        "{receipt}"
    );
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn the_shipped_workflow_ends_without_an_effect_if_only_one_group_agrees_in_time() {
    let stack = Stack::from_env().await;
    let people = people(&stack);
    let shipped = include_str!("../../../workflows/hold-strategic-vendor.yaml");
    // The same workflow with a minute instead of a day.
    let mut soon = shipped.to_owned();
    for (shipped, tested) in [
        (STRATEGIC, SOON),
        ("decide_within: 1d", "decide_within: 1m"),
        ("      remind_every: 2h\n", ""),
    ] {
        assert!(soon.contains(shipped), "{shipped}");
        soon = soon.replace(shipped, tested);
    }
    stack.aws.deploy(&soon).await;
    let (id, vendor) = started(&people, SOON, 60_000).await;
    let question = asked(&stack.api, &id).await;
    let first = decide(&people.api("cfo:ann"), &question, "approve", &id).await;
    assert_eq!(first.body["decided"], false, "{}", first.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Expired", "{receipt}");
    assert_eq!(approval(&receipt)["outcome"], "undecided", "{receipt}");
    let late = decide(&people.api("treasury:bob"), &question, "approve", &id).await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn the_shipped_workflow_asks_no_person_about_a_small_amount() {
    let stack = Stack::from_env().await;
    let people = people(&stack);
    let (id, vendor) = started(&people, STRATEGIC, 50_000).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let approval = approval(&receipt);
    assert_eq!(
        (&approval["outcome"], &approval["rule"]),
        (&json!("skipped"), &json!("$input.amount > 50000")),
        "{receipt}"
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}
