//! Branches and early stops on the stack: executed, rolled back from inside a branch, stopped
//! early, redriven.

use holdfast_tests::{Stack, unique};
use serde_json::{Value, json};

use crate::steps;

const SHIPS: &str = "WF-TEST-SHIPS";
const TRAVELS: &str = "WF-TEST-TRAVELS";

fn order(name: &str, carrier: &str, weight_kg: u32) -> Value {
    json!({ "order": name, "carrier": carrier, "weight_kg": weight_kg })
}

async fn deployed() -> Stack {
    let stack = Stack::from_env().await;
    let aws = &stack.aws;
    aws.deploy(include_str!("../workflows/ships.yaml")).await;
    aws.deploy(include_str!("../workflows/travels.yaml")).await;
    stack
}

/// Starts an execution and returns its status and its receipt.
async fn ended(stack: &Stack, workflow: &str, input: &Value) -> (String, Value, Value) {
    let id = stack.api.started(workflow, &unique("choice"), input).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    (id, execution["status"].clone(), receipt)
}

#[tokio::test]
async fn one_branch_runs_and_the_receipt_says_which() {
    let stack = deployed().await;
    let name = unique("order");
    let (_, status, receipt) = ended(&stack, SHIPS, &order(&name, "post", 2)).await;
    assert_eq!(status, "EXECUTED", "{receipt}");
    let choices = json!({ "carrier": "2", "nothing_to_ship": "continue" });
    assert_eq!(receipt["choices"], choices, "{receipt}");
    assert_eq!(
        steps(&receipt),
        [
            "reserve_stock SUCCESS",
            "book_courier SKIPPED",
            "insure SKIPPED",
            "buy_stamp SUCCESS",
            "keep_for_pickup SKIPPED",
            "tell_customer SUCCESS",
        ]
    );
    for (effect, placed) in [("-stamp", 1), ("-told", 1), ("-courier", 0), ("-pickup", 0)] {
        let found = stack.vendor.effects_on(&(name.clone() + effect)).await;
        assert_eq!(found.len(), placed, "{effect}: {found:?}");
    }

    let trip = json!({ "trip": unique("trip"), "distance_km": 900, "car": true });
    let (_, status, receipt) = ended(&stack, TRAVELS, &trip).await;
    assert_eq!(status, "EXECUTED", "{receipt}");
    assert_eq!(receipt["choices"], json!({ "way": "1", "on_arrival": "1" }));
}

#[tokio::test]
async fn an_early_stop_executes_nothing_after_it_and_the_receipt_has_the_reason() {
    let stack = deployed().await;
    let name = unique("order");
    let (_, status, receipt) = ended(&stack, SHIPS, &order(&name, "post", 0)).await;
    assert_eq!(status, "EXECUTED", "{receipt}");
    let stopped = json!({ "step": "nothing_to_ship", "reason": "the order has no parcel" });
    assert_eq!(receipt["stopped"], stopped, "{receipt}");
    let after = &steps(&receipt)[1..];
    assert!(
        after.iter().all(|step| step.ends_with(" SKIPPED")),
        "{receipt}"
    );
    assert_eq!(stack.vendor.effects_on(&(name + "-stamp")).await.len(), 0);
}

#[tokio::test]
async fn a_failure_inside_a_branch_undoes_it_and_a_redrive_takes_it_again() {
    let stack = deployed().await;
    let name = unique("order");
    let insured = format!("{name}-insured");
    let refuses = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": insured });
    stack.vendor.plan(refuses).await;
    let (id, status, receipt) = ended(&stack, SHIPS, &order(&name, "courier", 2)).await;
    assert_eq!(status, "ROLLED_BACK", "{receipt}");
    assert_eq!(receipt["choices"]["carrier"], "1", "{receipt}");
    let both = ["hold_placed", "hold_released"];
    for effect in ["-stock", "-courier"] {
        let found = stack.vendor.effects_on(&(name.clone() + effect)).await;
        assert_eq!(found, both, "{effect}: {receipt}");
    }

    let path = format!("/v1/executions/{id}/redrive");
    let reply = stack.api.post(&path, &json!({ "reason": "mended" })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["choices"]["carrier"], "1", "{receipt}");
    assert_eq!(stack.vendor.effects_on(&insured).await, ["hold_placed"]);
}
