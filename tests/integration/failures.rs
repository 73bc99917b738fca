//! Faults of a target and their result for the step, the execution and the receipt.

use holdfast_tests::{DELAY, Stack, unique};
use serde_json::{Value, json};

use crate::decisions::{asked, decide};
use crate::{hold, steps};

/// Executes the specification's workflow with a fault at its hold.
async fn with_fault(stack: &Stack, vendor: &str, count: u32, kind: Value) -> (Value, Value) {
    stack
        .vendor
        .plan(json!({ "route": "POST /holds", "count": count, "kind": kind, "vendor_id": vendor }))
        .await;
    let id = stack
        .api
        .started(DELAY, &unique("fault"), &hold(vendor))
        .await;
    stack.api.finished(&id).await
}

fn outcomes(execution: &Value) -> Vec<&str> {
    holdfast_tests::texts(&execution["steps"][0]["attempts"], "outcome")
}

#[tokio::test]
async fn a_permanent_failure_ends_failed_with_the_reason_and_is_not_retried() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (execution, receipt) = with_fault(&stack, &vendor, 1, json!({ "status": 404 })).await;
    assert_eq!(
        (&execution["status"], outcomes(&execution)),
        (&json!("FAILED"), vec!["permanent"])
    );
    assert_eq!(
        steps(&receipt),
        ["apply_vendor_hold FAILED", "notify_ap_team NOT_RUN"]
    );
    assert_eq!(receipt["failure"]["state"], "apply_vendor_hold");
    let reason = receipt["failure"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("404"), "{reason}");
    assert_eq!(
        receipt["residual_effects"],
        json!([]),
        "nothing was applied"
    );
    assert_eq!(
        stack
            .vendor
            .requests(&format!("vendor_id={vendor}"))
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn a_failure_after_an_effect_undoes_it_under_the_effect_key() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    // The message of the notification names the vendor, so that it differs from every other test's.
    let fault = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("fault"), &hold(&vendor))
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK");
    assert_eq!(
        steps(&receipt),
        ["apply_vendor_hold UNDONE", "notify_ap_team FAILED"]
    );
    assert_eq!(receipt["residual_effects"], json!([]));
    let effects = stack.vendor.effects(&format!("vendor_id={vendor}")).await;
    let [placed, released] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let step = &receipt["steps"][0];
    assert_eq!(placed["key"], step["idempotency_key"]);
    assert_eq!(released["forward_key"], step["idempotency_key"]);
    assert_eq!(released["key"], step["undo"]["idempotency_key"]);
}

#[tokio::test]
async fn transient_failures_beyond_the_limit_end_failed_and_clean() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (execution, receipt) = with_fault(&stack, &vendor, 99, json!({ "status": 429 })).await;
    assert_eq!(
        (&execution["status"], outcomes(&execution)),
        (&json!("FAILED"), vec!["transient"; 5])
    );
    assert_eq!(receipt["residual_effects"], json!([]));
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_repeated_under_the_same_key_with_one_effect() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (execution, _) = with_fault(&stack, &vendor, 2, json!({ "drop": "after_commit" })).await;
    assert_eq!(
        (&execution["status"], outcomes(&execution)),
        (&json!("EXECUTED"), vec!["unknown", "unknown", "succeeded"])
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
    let requests = stack.vendor.requests(&format!("vendor_id={vendor}")).await;
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request["key"] == execution["steps"][0]["idempotency_key"])
    );
}

#[tokio::test]
async fn an_effect_whose_answer_is_always_lost_is_undone() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (execution, receipt) =
        with_fault(&stack, &vendor, 99, json!({ "drop": "after_commit" })).await;
    assert_eq!(execution["status"], "ROLLED_BACK");
    assert_eq!(steps(&receipt)[0], "apply_vendor_hold UNDONE");
    assert_eq!(receipt["residual_effects"], json!([]));
    let effects = stack.vendor.effects_on(&vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released"]);
}

#[tokio::test]
async fn a_step_waits_as_long_as_its_target_requests() {
    let stack = Stack::from_env().await;
    // The function itself waits for a short time. A state of the state machine waits for a long
    // one.
    for (wait, pauses) in [(3, 0), (20, 1)] {
        let vendor = unique("vendor");
        let (execution, _) = with_fault(
            &stack,
            &vendor,
            1,
            json!({ "status": 429, "retry_after_s": wait }),
        )
        .await;
        assert_eq!(
            (&execution["status"], outcomes(&execution)),
            (&json!("EXECUTED"), vec!["transient", "succeeded"])
        );
        let name = execution["execution_id"].as_str().expect("an id");
        let states = stack
            .aws
            .ended(&stack.aws.execution(DELAY, name))
            .await
            .states;
        let paused = states.iter().filter(|state| state.ends_with(".pause"));
        assert_eq!(paused.count(), pauses, "{states:?}");
        let attempts = &execution["steps"][0]["attempts"];
        let at = |n: usize, field: &str| -> jiff::Timestamp {
            attempts[n][field]
                .as_str()
                .expect("a time")
                .parse()
                .expect("RFC 3339")
        };
        let waited = at(1, "started_at")
            .duration_since(at(0, "ended_at"))
            .as_secs();
        assert!(
            waited >= wait,
            "the target requested {wait} s, and the step waited {waited} s"
        );
    }
}

#[tokio::test]
async fn an_output_of_300_kb_is_stored_and_the_execution_continues() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let fault = json!({
        "route": "POST /notifications", "count": 1, "kind": { "body_bytes": 300_000 },
        "match": vendor,
    });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("large"), &hold(&vendor))
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED");
    let digest = receipt["steps"][1]["output_sha256"]
        .as_str()
        .expect("a digest");
    let object = format!("payloads/acme/{id}/{digest}.json");
    let bucket = holdfast_tests::variable("HOLDFAST_PAYLOAD_BUCKET");
    let stored = stack
        .aws
        .s3
        .get_object()
        .bucket(bucket)
        .key(object)
        .send()
        .await
        .expect("it is stored");
    assert!(stored.content_length.unwrap_or_default() > 300_000 - 2_000);
}

#[tokio::test]
async fn an_unknown_outcome_of_a_step_that_is_not_idempotent_is_never_retried() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/once.yaml"))
        .await;
    let vendor = unique("vendor");
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "drop": "after_commit" }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(
            "WF-TEST-ONCE",
            &unique("once"),
            &json!({ "vendor_id": vendor }),
        )
        .await;
    let question = asked(&stack.api, &id).await;
    assert_eq!(question["kind"], "escalation", "a person must look");
    let decided = decide(&stack.api, &question, "rollback", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(
        (&execution["status"], outcomes(&execution)),
        (&json!("ROLLED_BACK"), vec!["unknown"])
    );
    assert_eq!(receipt["failure"]["error"], "Escalate");
    let effects = stack.vendor.effects_on(&vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released"]);
    let requests = format!("vendor_id={vendor}&route=POST%20/holds");
    assert_eq!(stack.vendor.requests(&requests).await.len(), 1);
}
