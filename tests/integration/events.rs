//! An event that matches a trigger of a workflow starts that workflow once.

use futures_util::future::join_all;
use holdfast_ids::keys::execution_id;
use holdfast_tests::{DELAY, Queue, Stack, unique};
use serde_json::{Value, json};

use crate::decisions::refused;

async fn raise(stack: &Stack, risk: &str, vendor: &str) {
    let detail = json!({ "tenant_id": "acme", "risk_id": risk, "vendor_id": vendor });
    stack
        .aws
        .emit("finops.risk", "VendorRiskRaised", &detail)
        .await;
}

async fn ended_states(stack: &Stack, text: &str, count: usize) -> Vec<Vec<String>> {
    let arns = stack.aws.executions_with(DELAY, text, count).await;
    let mut ended: Vec<_> = join_all(arns.iter().map(|arn| stack.aws.ended(arn)))
        .await
        .into_iter()
        .map(|end| end.states)
        .collect();
    ended.sort();
    ended
}

/// The input to which the workflow's trigger maps the event.
fn mapped(risk: &str, vendor: &str) -> Value {
    json!({ "vendor_id": vendor, "hold_days": 14, "reason": format!("risk {risk}") })
}

fn one_run_and_one_duplicate() -> Vec<Vec<&'static str>> {
    vec![
        vec!["Begin", "Duplicate"],
        vec!["Begin", "apply_vendor_hold", "notify_ap_team", "Finish"],
    ]
}

#[tokio::test]
async fn a_matching_event_starts_its_workflow_under_the_business_key() {
    let stack = Stack::from_env().await;
    let (risk, vendor) = (unique("risk"), unique("vendor"));
    raise(&stack, &risk, &vendor).await;
    let (execution, receipt) = stack
        .api
        .finished(&execution_id("acme", DELAY, &risk))
        .await;
    assert_eq!(execution["trigger"], "vendor_risk");
    assert_eq!(
        (&receipt["status"], &receipt["idempotency_key"]),
        (&json!("EXECUTED"), &Value::from(risk))
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_is_executed_once() {
    let stack = Stack::from_env().await;
    let (risk, vendor) = (unique("risk"), unique("vendor"));
    raise(&stack, &risk, &vendor).await;
    raise(&stack, &risk, &vendor).await;
    assert_eq!(
        ended_states(&stack, &risk, 2).await,
        one_run_and_one_duplicate()
    );
    let (execution, _) = stack
        .api
        .finished(&execution_id("acme", DELAY, &risk))
        .await;
    assert_eq!(execution["duplicates_prevented"], 1);
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn an_event_and_the_api_with_one_key_are_one_execution() {
    let stack = Stack::from_env().await;
    let (risk, vendor) = (unique("risk"), unique("vendor"));
    raise(&stack, &risk, &vendor).await;
    let id = execution_id("acme", DELAY, &risk);
    stack.api.finished(&id).await;
    let reply = stack.api.start(DELAY, &risk, &mapped(&risk, &vendor)).await;
    assert_eq!(
        (reply.status, &reply.body["execution_id"]),
        (200, &Value::from(id))
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn the_api_first_and_the_event_later_are_one_execution_too() {
    let stack = Stack::from_env().await;
    let (risk, vendor) = (unique("risk"), unique("vendor"));
    let id = stack
        .api
        .started(DELAY, &risk, &mapped(&risk, &vendor))
        .await;
    stack.api.finished(&id).await;
    raise(&stack, &risk, &vendor).await;
    assert_eq!(
        ended_states(&stack, &risk, 2).await,
        one_run_and_one_duplicate()
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn an_event_that_matches_no_trigger_starts_nothing() {
    let stack = Stack::from_env().await;
    let (risk, vendor) = (unique("risk"), unique("vendor"));
    let detail = json!({ "tenant_id": "acme", "risk_id": risk, "vendor_id": vendor });
    stack
        .aws
        .emit("finops.risk", "VendorRiskCleared", &detail)
        .await;
    // A matching event that is sent later has ended its execution by the time of the check.
    let (later, later_vendor) = (unique("risk"), unique("vendor"));
    raise(&stack, &later, &later_vendor).await;
    stack
        .api
        .finished(&execution_id("acme", DELAY, &later))
        .await;
    let id = execution_id("acme", DELAY, &risk);
    assert_eq!(
        stack.api.get(&format!("/v1/executions/{id}")).await.status,
        404
    );
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

/// Drains the queue until it has an event about `subject`; gives everything that it had.
fn drained_until(queue: &Queue, subject: &str) -> Vec<Value> {
    let about = |events: &[Value]| events.iter().any(|event| event["subject"] == subject);
    let drained = queue.drain_until(about);
    assert!(
        about(&drained),
        "no event about {subject} arrived: {drained:?}"
    );
    drained
}

#[tokio::test]
async fn a_forged_audit_event_on_the_business_bus_reaches_no_subscriber_and_no_person() {
    let stack = Stack::from_env().await;
    let audit = Queue::of_audit_events(&stack.aws);
    let topic = Queue::on_incidents(&stack.aws);
    let forged = unique("forged");
    for kind in [
        "workflow.completed",
        "workflow.incident.opened",
        "workflow.incident.standing",
        "workflow.incident.waiting",
    ] {
        let event = json!({ "type": kind, "subject": forged, "tenant": "acme" });
        stack.aws.emit("holdfast", kind, &event).await;
    }
    // A genuine question that is put later reaches both.
    let (id, question) = refused(&stack, &unique("vendor")).await;
    let subject = id.clone();
    let received = tokio::task::spawn_blocking(move || {
        let audit = drained_until(&audit, &subject);
        (audit, drained_until(&topic, &subject))
    });
    let (audit, topic) = received.await.expect("they are drained");
    for event in audit.iter().chain(&topic) {
        assert_ne!(event["subject"], forged.as_str(), "{event}");
    }
    let reply = crate::decisions::decide(&stack.api, &question, "rollback", &id).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    stack.api.finished(&id).await;
}
