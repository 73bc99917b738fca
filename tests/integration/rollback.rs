//! Every effect is undone, whatever stops an execution, as the target counts.

use holdfast_access::Role;
use holdfast_ids::digest::value_sha256_hex;
use holdfast_tests::{BlockedCalls, DELAY, Stack, taken_over, unique};
use serde_json::{Value, json};

use crate::hold;

/// An execution of the specification's workflow that hangs at its notification after its hold,
/// until the calls are unblocked.
pub(crate) async fn hanging(stack: &Stack, vendor: &str, key: &str) -> (String, BlockedCalls) {
    // Also an attempt after the first hangs, if the first times out on a slow machine.
    let fault = json!({ "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" }, "match": vendor });
    let calls = stack.vendor.block(fault).await;
    let id = stack.api.started(DELAY, key, &hold(vendor)).await;
    calls.arrived().await;
    (id, calls)
}

/// An execution of the specification's workflow whose notification is refused once, and which is
/// rolled back.
pub(crate) async fn undone(stack: &Stack, vendor: &str) -> String {
    let refuses = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(refuses).await;
    let id = stack
        .api
        .started(DELAY, &unique("undone"), &hold(vendor))
        .await;
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    id
}

/// Checks a request or an answer against the published interface for targets.
#[track_caller]
fn published(part: &str, said: &Value) {
    let schema = include_str!("../../docs/schemas/rollback.json");
    let mut schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    schema["oneOf"] = json!([{ "$ref": format!("#/$defs/{part}") }]);
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).expect("the schema is one");
    let wrong: Vec<_> = validator.iter_errors(said).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{part} {said}: {wrong:?}");
}

async fn ask(stack: &Stack, id: &str, what: &str, reason: &str) -> (u16, Value) {
    let path = format!("/v1/executions/{id}/{what}");
    let body = json!({ "reason": reason });
    let reply = stack.api.post(&path, &body).await;
    if what == "rollback" && reply.status < 300 {
        published("request", &body);
        published("answer", &reply.body);
    }
    (reply.status, reply.body)
}

/// Asserts that the hold was placed and released once each, and that the receipt names no residual
/// effect.
pub(crate) async fn released(stack: &Stack, vendor: &str, receipt: &Value) {
    let effects = stack.vendor.effects_on(vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released"], "{receipt}");
    let residual = holdfast_tests::texts(&receipt["residual_effects"], "step");
    assert!(!residual.contains(&"apply_vendor_hold"), "{receipt}");
    assert_eq!(receipt["steps"][0]["status"], "UNDONE");
}

/// Asserts that the second receipt names the object and the digest of the first.
fn follows(second: &Value, first: &Value) {
    assert!(first["previous_receipt"].is_null(), "{first}");
    let object = second["previous_receipt"]["object"].as_str();
    assert!(object.is_some_and(|object| object.ends_with("-0.json")));
    let sha256 = value_sha256_hex(first).expect("a digest");
    assert_eq!(second["previous_receipt"]["sha256"], sha256);
}

#[tokio::test]
async fn an_undo_is_retried_and_every_attempt_has_the_same_key() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let notify = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(notify).await;
    let release = json!({
        "route": "DELETE /holds", "count": 2, "kind": { "drop": "after_commit" },
        "vendor_id": vendor,
    });
    stack.vendor.plan(release).await;
    let id = stack
        .api
        .started(DELAY, &unique("undo"), &hold(&vendor))
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    released(&stack, &vendor, &receipt).await;
    assert_eq!(receipt["steps"][0]["undo"]["attempts"], 3, "{receipt}");
}

#[tokio::test]
async fn an_undo_that_fails_for_good_is_named_and_repeated_on_request() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let notify = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(notify).await;
    let release = json!({ "route": "DELETE /holds", "count": 1, "kind": { "status": 403 }, "vendor_id": vendor });
    stack.vendor.plan(release).await;
    let id = stack
        .api
        .started(DELAY, &unique("undo"), &hold(&vendor))
        .await;
    let (execution, first) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK");
    let residual = &first["residual_effects"];
    assert_eq!(
        (&residual[0]["step"], &residual[0]["certain"]),
        (&json!("apply_vendor_hold"), &json!(true))
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
    assert_eq!(ask(&stack, &id, "redrive", "again").await.0, 409);

    let (status, _) = ask(&stack, &id, "rollback", "access was granted").await;
    assert_eq!(status, 202);
    let (execution, second) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    released(&stack, &vendor, &second).await;
    assert_eq!(second["generation"], 1);
    follows(&second, &first);
}

#[tokio::test]
async fn a_stopped_execution_is_rolled_back_and_has_its_receipt() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, notification) = hanging(&stack, &vendor, &unique("hangs")).await;
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    taken_over(&stack, &id).await;
    notification.unblock().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(receipt["failure"]["error"], "Aborted", "{execution}");
    released(&stack, &vendor, &receipt).await;
    // The notification was sent, and cannot be recalled.
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK");
    let residual = holdfast_tests::texts(&receipt["residual_effects"], "step");
    assert_eq!(residual, ["notify_ap_team"]);
}

#[tokio::test]
async fn an_execution_cancelled_twice_is_rolled_back_once_and_names_the_person() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, notification) = hanging(&stack, &vendor, &unique("hangs")).await;
    let (first, again) = (
        ask(&stack, &id, "cancel", "wrong vendor").await,
        ask(&stack, &id, "cancel", "wrong vendor").await,
    );
    assert_eq!((first.0, again.0), (202, 200), "{first:?} {again:?}");
    assert_eq!(again.1["replayed"], true);
    notification.unblock().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["failure"]["reason"], "wrong vendor");
    // A reason can quote a payload.
    let observed = stack.api.as_role(Role::Observer, "acme");
    let observed = observed.get(&format!("/v1/executions/{id}")).await;
    let failure = &observed.body["failure"];
    assert_eq!(failure["requested_by"], "tests");
    assert_eq!(failure.get("reason"), None);
    let failure = &receipt["failure"];
    assert_eq!(
        (
            &failure["error"],
            &failure["reason"],
            &failure["requested_by"]
        ),
        (&json!("Cancelled"), &json!("wrong vendor"), &json!("tests"))
    );
    released(&stack, &vendor, &receipt).await;
    assert_eq!(ask(&stack, &id, "cancel", "too late").await.0, 409);
}

#[tokio::test]
async fn an_executed_workflow_can_be_rolled_back_later_and_once() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = stack
        .api
        .started(DELAY, &unique("later"), &hold(&vendor))
        .await;
    let (executed, first) = stack.api.finished(&id).await;
    assert_eq!(executed["status"], "EXECUTED");
    assert_eq!(ask(&stack, &id, "rollback", "a mistake").await.0, 202);
    let (execution, receipt) = stack.api.finished(&id).await;
    released(&stack, &vendor, &receipt).await;
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK");
    assert_eq!(receipt["failure"]["error"], "Withdrawn");
    assert_eq!(receipt["generation"], 1);
    follows(&receipt, &first);
}

#[tokio::test]
async fn a_redrive_uses_new_keys_where_an_undo_was_committed() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = undone(&stack, &vendor).await;
    let (_, first) = stack.api.finished(&id).await;
    assert_eq!(ask(&stack, &id, "redrive", "mended").await.0, 202);
    let (execution, second) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let effects = stack.vendor.effects_on(&vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released", "hold_placed"]);
    follows(&second, &first);
    assert!(first.get("redriven").is_none(), "{first}");
    let redriven = &second["redriven"];
    let recorded = (&redriven["by"], &redriven["reason"]);
    assert_eq!(recorded, (&json!("tests"), &json!("mended")), "{second}");
    assert_eq!(execution["redriven"]["reason"], "mended", "{execution}");
    assert_eq!(execution["redriven"]["generation"], 1, "{execution}");
    let observed = stack.api.as_role(Role::Observer, "acme");
    let observed = observed.get(&format!("/v1/executions/{id}")).await.body;
    assert_eq!(observed["redriven"]["by"], "tests", "{observed}");
    assert!(observed["redriven"].get("reason").is_none(), "{observed}");
    let page = stack
        .api
        .get(&format!("/v1/executions/{id}/receipt?format=html"))
        .await;
    assert!(page.text.contains("Why it was redriven") && page.text.contains("mended"));
    let key = |receipt: &Value| receipt["steps"][0]["idempotency_key"].clone();
    assert_ne!(key(&first), key(&second));
    let story = stack.api.get(&format!("/v1/executions/{id}/events")).await;
    let events = story.body["events"].as_array().expect("a list");
    let holds = events
        .iter()
        .filter(|event| event["data"]["step"] == "apply_vendor_hold");
    let done = holds.filter(|event| event["type"] == "workflow.step.completed");
    let keys: Vec<_> = done
        .map(|event| event["data"]["idempotency_key"].clone())
        .collect();
    assert_eq!(
        keys,
        [key(&first), key(&second)],
        "each attempt has its own key"
    );
    let again = ask(&stack, &id, "redrive", "once more").await;
    assert_eq!((again.0, &again.1["replayed"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_request_without_a_reason_or_of_an_unknown_kind_is_refused() {
    let stack = Stack::from_env().await;
    let id = "0".repeat(40);
    assert_eq!(ask(&stack, &id, "cancel", " ").await.0, 400);
    assert_eq!(ask(&stack, &id, "cancel", "x").await.0, 404);
    assert_eq!(ask(&stack, &id, "explode", "x").await.0, 404);
}
