//! Recovery of executions whose Step Functions execution is gone. The status event or the sweep
//! finds them, and several recoveries may run at once.

use futures_util::future::join_all;
use holdfast_aws::DynamoLedger;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Phase, Put};
use holdfast_tests::{Aws, DELAY, Stack, eventually, taken_over, unique, variable};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    hold,
    rollback::{hanging, released},
};

pub(crate) async fn ledger() -> DynamoLedger {
    let client = Aws::from_env().await.dynamodb;
    DynamoLedger::new(client, variable("HOLDFAST_LEDGER_TABLE"))
}

pub(crate) fn at(id: &str) -> ExecutionKey {
    ExecutionKey {
        tenant: "acme".to_owned(),
        execution: id.to_owned(),
    }
}

/// An event that claims that a Step Functions execution was aborted.
fn status_event(stack: &Stack, id: &str, key: &str, vendor: &str) -> Value {
    let input = json!({ "tenant": "acme", "idempotency_key": key, "input": hold(vendor) });
    json!({ "detail-type": "Step Functions Execution Status Change", "detail": {
        "executionArn": stack.aws.execution(DELAY, id),
        "stateMachineArn": stack.aws.machine(DELAY),
        "status": "ABORTED", "error": "Claimed", "cause": "", "input": input.to_string(),
    }})
}

/// Asserts that the receipt's incident is open, has this error, and links the execution with its
/// possible residue.
async fn assert_people_informed(stack: &Stack, id: &str, receipt: &Value, error: &str) {
    let incident = receipt["incident"].as_str().expect("an incident");
    let incident = stack.api.get(&format!("/v1/incidents/{incident}")).await;
    assert_eq!(incident.body["error"], error, "{}", incident.body);
    let links = incident.body["executions"].as_array().expect("executions");
    let link = links.iter().find(|link| link["execution_id"] == id);
    let link = link.unwrap_or_else(|| panic!("{}", incident.body));
    assert_eq!(link["status"], "PARTIALLY_ROLLED_BACK", "{link}");
    assert_eq!(link["stands"], json!(["notify_ap_team"]), "{link}");
}

#[tokio::test]
async fn a_stopped_step_functions_execution_is_recovered_once_by_repeated_events() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("left"));
    let (id, notification) = hanging(&stack, &vendor, &key).await;
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    let event = status_event(&stack, &id, &key, &vendor);
    let send = || {
        let (aws, event) = (stack.aws.clone(), event.clone());
        tokio::task::spawn_blocking(move || aws.call("recover", &event))
    };
    for reply in join_all((0..5).map(|_| send())).await {
        let reply = reply.expect("recover answers");
        assert!(reply.body["errorType"].is_null(), "{reply:?}");
    }
    taken_over(&stack, &id).await;
    notification.unblock().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK", "{execution}");
    // The error is what Step Functions describes, not what an event claims.
    assert_eq!(receipt["failure"]["error"], "Aborted", "{receipt}");
    assert_people_informed(&stack, &id, &receipt, "Aborted").await;
    released(&stack, &vendor, &receipt).await;
}

#[tokio::test]
async fn a_running_execution_is_not_disturbed_by_an_event_that_claims_its_end() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("claimed"));
    let (id, notification) = hanging(&stack, &vendor, &key).await;
    let event = status_event(&stack, &id, &key, &vendor);
    let aws = stack.aws.clone();
    let reply = tokio::task::spawn_blocking(move || aws.call("recover", &event)).await;
    let reply = reply.expect("recover answers");
    assert!(reply.body["errorType"].is_null(), "{reply:?}");
    notification.unblock().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert!(receipt["failure"].is_null(), "{receipt}");
}

#[tokio::test]
async fn two_concurrent_recoveries_commit_each_undo_once() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, notification) = hanging(&stack, &vendor, &unique("two")).await;
    let execution = ledger()
        .await
        .read(&at(&id))
        .await
        .expect("the ledger answers");
    let execution = execution.expect("it is recorded");
    let input = json!({
        "execution": execution.reference(),
        "failure": { "state": "", "error": "Aborted" },
        "steps": [
            { "name": "apply_vendor_hold", "action": "vendor-hold" },
            { "name": "notify_ap_team", "action": "http" },
        ],
    });
    let names: Vec<_> = (0..3).map(|n| format!("{id}-test-{n}")).collect();
    let starts = names
        .iter()
        .map(|name| stack.aws.start("recovery", name, &input));
    join_all(starts).await;
    taken_over(&stack, &id).await;
    notification.unblock().await;
    let (_, receipt) = stack.api.finished(&id).await;
    released(&stack, &vendor, &receipt).await;
    let undo = &receipt["steps"][0]["undo"];
    assert_eq!(undo["attempts"], 1, "{receipt}");
}

#[tokio::test]
async fn the_sweep_finds_an_execution_whose_step_functions_execution_vanished() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = stack
        .api
        .started(DELAY, &unique("lost"), &hold(&vendor))
        .await;
    stack.api.finished(&id).await;
    // The record is that of a Step Functions execution that vanished before `Finish` long ago.
    let ledger = ledger().await;
    let execution = ledger.read(&at(&id)).await.expect("the ledger answers");
    let execution = execution.expect("it is recorded");
    let lost = ExecutionRecord {
        rev: execution.rev + 1,
        generation: 1,
        owner: format!("{}-gone", execution.owner),
        started_at: execution.started_at - SignedDuration::from_hours(2),
        deadline: execution.started_at - SignedDuration::from_hours(1),
        phase: Phase::Running,
        receipt: None,
        ..execution.clone()
    };
    let put = ledger.put(&lost, Expect::Rev(execution.rev)).await;
    assert_eq!(put, Ok(Put::Done));
    eventually("the sweep has found it", || async {
        let aws = stack.aws.clone();
        let swept = tokio::task::spawn_blocking(move || aws.invoke("recover", &json!({})));
        swept.await.expect("recover answers");
        let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
        (execution["status"] != "RUNNING")
            .then_some(())
            .ok_or_else(|| execution.to_string())
    })
    .await;
    // Its steps succeeded in an earlier generation, so that nothing proves its end in this one.
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Lost", "{receipt}");
    assert_people_informed(&stack, &id, &receipt, "Lost").await;
    released(&stack, &vendor, &receipt).await;
}

#[tokio::test]
async fn an_event_about_a_start_that_step_functions_does_not_know_records_nothing() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("early"));
    let id = holdfast_ids::keys::execution_id("acme", DELAY, &key);
    let event = status_event(&stack, &id, &key, &vendor);
    let aws = stack.aws.clone();
    let reply = tokio::task::spawn_blocking(move || aws.call("recover", &event)).await;
    let reply = reply.expect("recover answers");
    assert!(!reply.body["errorType"].is_null(), "{reply:?}");
    let ledger = ledger().await;
    assert_eq!(ledger.read(&at(&id)).await, Ok(None));
}
