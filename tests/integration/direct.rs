//! A direct `StartExecution` passes the same admission check as a start through the API.

use holdfast_ids::keys::execution_id;
use holdfast_tests::{DELAY, Stack, unique};
use serde_json::{Value, json};

use crate::{hold, steps};

async fn rejected(stack: &Stack, tenant: &str, input: Value) -> Value {
    let key = unique("gate");
    let start = json!({ "tenant": tenant, "idempotency_key": key, "input": input });
    let ended = stack
        .aws
        .ended(&stack.aws.start(DELAY, &unique("gate"), &start).await)
        .await;
    assert_eq!(
        (ended.status.as_str(), ended.error.as_str()),
        ("FAILED", "Rejected")
    );
    assert_eq!(ended.states, ["Begin", "Close", "Failed"]);
    let id = execution_id(tenant, DELAY, &key);
    let (execution, receipt) = stack.api.as_tenant(tenant).finished(&id).await;
    assert_eq!(execution["status"], "REJECTED");
    assert_eq!(receipt["status"], "REJECTED");
    assert_eq!(
        steps(&receipt),
        ["apply_vendor_hold NOT_RUN", "notify_ap_team NOT_RUN"]
    );
    assert_eq!(receipt["residual_effects"], json!([]));
    receipt
}

#[tokio::test]
async fn a_direct_start_with_a_valid_envelope_is_executed() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("direct"));
    let start = json!({ "tenant": "acme", "idempotency_key": key, "input": hold(&vendor) });
    let ended = stack
        .aws
        .ended(&stack.aws.start(DELAY, &unique("direct"), &start).await)
        .await;
    assert_eq!(ended.status.as_str(), "SUCCEEDED");
    assert_eq!(
        ended.states,
        ["Begin", "apply_vendor_hold", "notify_ap_team", "Finish"],
        "N + 2 states"
    );
    let (execution, receipt) = stack.api.finished(&execution_id("acme", DELAY, &key)).await;
    assert_eq!(
        (&execution["trigger"], &receipt["trigger"]),
        (&json!("direct"), &json!("direct"))
    );
}

#[tokio::test]
async fn a_direct_start_that_poses_as_the_apis_is_recorded_as_direct() {
    let stack = Stack::from_env().await;
    for via in ["api", "vendor_risk"] {
        let key = unique("posing");
        let start = json!({
            "tenant": "acme", "idempotency_key": key, "input": hold(&unique("vendor")),
            "via": via, "requested_by": "cfo@acme",
        });
        stack.aws.start(DELAY, &unique("posing"), &start).await;
        let (execution, receipt) = stack.api.finished(&execution_id("acme", DELAY, &key)).await;
        assert_eq!(execution["trigger"], "direct", "{via}");
        assert_eq!(
            (&receipt["trigger"], &receipt["requested_by"]),
            (&json!("direct"), &json!("cfo@acme")),
            "{via}"
        );
    }
}

#[tokio::test]
async fn a_start_that_a_guardrail_rejects_has_a_receipt_and_no_effect() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let receipt = rejected(
        &stack,
        "acme",
        json!({ "vendor_id": vendor, "hold_days": 45 }),
    )
    .await;
    let no =
        json!({ "name": "short_hold", "held": false, "message": "a hold lasts 30 days at most" });
    assert_eq!(
        receipt["guardrails"],
        json!([{ "name": "input", "held": true }, no])
    );
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn a_rejection_of_an_invalid_input_names_the_place_and_not_the_value() {
    let stack = Stack::from_env().await;
    let receipt = rejected(
        &stack,
        "acme",
        json!({ "vendor_id": "hunter2", "hold_days": "hunter2" }),
    )
    .await;
    let said = receipt["guardrails"].to_string();
    assert!(
        said.contains("input/hold_days") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_start_of_a_tenant_that_the_workflow_excludes_is_rejected() {
    let stack = Stack::from_env().await;
    let receipt = rejected(&stack, "globex", hold(&unique("vendor"))).await;
    assert_eq!(receipt["guardrails"][0]["name"], "tenant");
    assert_eq!(receipt["guardrails"][0]["held"], false);
}

#[tokio::test]
async fn a_malformed_direct_start_leaves_no_record() {
    let stack = Stack::from_env().await;
    let key = unique("gate");
    for start in [
        json!({}),
        json!({ "tenant": "acme", "input": hold("v") }),
        json!({ "tenant": "Acme!", "idempotency_key": key, "input": hold("v") }),
        json!({ "tenant": "acme", "idempotency_key": "  ", "input": hold("v") }),
        json!({ "trigger": "no_such_trigger", "event": {} }),
        json!({ "trigger": "vendor_risk", "event": { "detail": { "tenant_id": "acme" } } }),
    ] {
        let ended = stack
            .aws
            .ended(&stack.aws.start(DELAY, &unique("gate"), &start).await)
            .await;
        assert_eq!(
            (ended.status.as_str(), ended.error.as_str()),
            ("FAILED", "Malformed"),
            "{start}"
        );
        assert_eq!(ended.states, ["Begin", "Failed"], "{start}");
    }
    assert_eq!(
        stack
            .aws
            .ledger_items("acme", &execution_id("acme", DELAY, &key))
            .await,
        0
    );
}
