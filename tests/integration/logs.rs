//! Log lines: audit entries, incidents, and payloads that no line may contain.

use holdfast_tests::{DELAY, Stack, eventually, unique};
use serde_json::json;

/// The functions that an execution of the specification's workflow calls.
const FUNCTIONS: [&str; 5] = ["start", "begin", "step-vendor-hold", "step-http", "finish"];

#[tokio::test]
async fn a_failed_execution_leaves_its_audit_entries_and_an_incident_and_no_payload() {
    let stack = Stack::from_env().await;
    let (vendor, key, secret) = (unique("vendor"), unique("log"), unique("hunter2"));
    let fault = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(fault).await;
    let input = json!({ "vendor_id": vendor, "hold_days": 14, "reason": secret });
    let id = stack.api.started(DELAY, &key, &input).await;
    stack.api.finished(&id).await;
    assert_eq!(stack.api.start(DELAY, &key, &input).await.status, 200);
    for (function, audit, level) in [
        ("begin", "workflow.started", "INFO"),
        ("step-vendor-hold", "workflow.step.completed", "INFO"),
        ("finish", "workflow.receipt.generated", "INFO"),
        ("finish", "workflow.incident.opened", "ERROR"),
        ("start", "workflow.duplicate.prevented", "WARN"),
    ] {
        eventually(&format!("{function} logs {audit}"), || async {
            let lines = stack.aws.logged(function, &id);
            let found = lines
                .iter()
                .filter(|line| line.contains(audit) && line.contains(level));
            (found.count() == 1)
                .then_some(())
                .ok_or_else(|| format!("{lines:#?}"))
        })
        .await;
    }
    let completed = stack.aws.logged("step-http", "workflow.step.completed");
    assert!(
        !completed.iter().any(|line| line.contains(&id)),
        "it failed"
    );
    for function in FUNCTIONS {
        for payload in [&secret, &vendor] {
            let lines = stack.aws.logged(function, payload);
            assert!(lines.is_empty(), "{function} logs a payload: {lines:#?}");
        }
    }
}

#[tokio::test]
async fn an_items_key_reaches_no_log_whether_its_step_succeeds_fails_or_is_undone() {
    let stack = Stack::from_env().await;
    let vendors = [unique("vendor"), unique("vendor")];
    let refuses = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendors[1] });
    stack.vendor.plan(refuses).await;
    let keyed = vendors.each_ref().map(|vendor| json!({ "id": vendor }));
    let input = json!({ "group": "g", "hold_days": 3, "vendors": keyed });
    let id = stack
        .api
        .started("WF-HOLD-VENDOR-GROUP", &unique("log"), &input)
        .await;
    stack.api.finished(&id).await;
    for audit in ["workflow.step.completed", "workflow.step.undone"] {
        eventually(&format!("{audit} is logged"), || async {
            let lines = stack.aws.logged("step-vendor-hold", &id);
            let found = lines.iter().find(|line| line.contains(audit));
            found
                .map(drop)
                .ok_or_else(|| format!("{audit}: {lines:#?}"))
        })
        .await;
    }
    for function in [
        "api",
        "start",
        "begin",
        "step-vendor-hold",
        "step-http",
        "plan",
        "finish",
        "audit",
    ] {
        for vendor in &vendors {
            let lines = stack.aws.logged(function, vendor);
            assert!(
                lines.is_empty(),
                "{function} logs an item's key: {lines:#?}"
            );
        }
    }
}
