//! Recovery of executions whose Step Functions execution is gone. The status event or the sweep
//! finds them, and several recoveries may run at once.

use futures_util::future::join_all;
use holdfast_aws::DynamoLedger;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Phase, Put};
use holdfast_tests::{Aws, DELAY, Stack, eventually, unique, variable};
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

/// The event by which EventBridge reports a Step Functions execution that ended badly.
fn status_event(
    stack: &Stack,
    id: &str,
    key: &str,
    vendor: &str,
    status: &str,
    error: &str,
) -> Value {
    let input = json!({ "tenant": "acme", "idempotency_key": key, "input": hold(vendor) });
    json!({ "detail-type": "Step Functions Execution Status Change", "detail": {
        "executionArn": stack.aws.execution(DELAY, id),
        "stateMachineArn": stack.aws.machine(DELAY),
        "status": status, "error": error, "cause": "", "input": input.to_string(),
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

/// Sends the end of the Step Functions execution five times at once, for an execution that hangs at
/// its notification.
async fn assert_recovered_once(status: &str, error: &str) {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("left"));
    let id = hanging(&stack, &vendor, &key).await;
    let event = status_event(&stack, &id, &key, &vendor, status, error);
    let send = || {
        let (aws, event) = (stack.aws.clone(), event.clone());
        tokio::task::spawn_blocking(move || aws.call("recover", &event))
    };
    for reply in join_all((0..5).map(|_| send())).await {
        let reply = reply.expect("recover answers");
        assert!(reply.body["errorType"].is_null(), "{reply:?}");
    }
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK", "{execution}");
    let expected = if error.is_empty() {
        "States.Timeout"
    } else {
        error
    };
    assert_eq!(receipt["failure"]["error"], expected, "{receipt}");
    assert_people_informed(&stack, &id, &receipt, expected).await;
    released(&stack, &vendor, &receipt).await;
    // The first Step Functions execution continues, finds another owner, and does nothing more.
    let ended = stack.aws.ended(&stack.aws.execution(DELAY, &id)).await;
    assert_eq!(ended.status.as_str(), "FAILED");
    released(&stack, &vendor, &receipt).await;
}

#[tokio::test]
async fn a_timed_out_step_functions_execution_is_recovered_once_by_repeated_events() {
    assert_recovered_once("TIMED_OUT", "").await;
}

#[tokio::test]
async fn a_step_functions_execution_that_exceeded_the_data_limit_is_recovered_once_by_repeated_events()
 {
    assert_recovered_once("FAILED", "States.DataLimitExceeded").await;
}

#[tokio::test]
async fn two_concurrent_recoveries_commit_each_undo_once() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = hanging(&stack, &vendor, &unique("two")).await;
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
    eventually("the sweep has found it", 30, || async {
        let aws = stack.aws.clone();
        let swept = tokio::task::spawn_blocking(move || aws.invoke("recover", &json!({})));
        swept.await.expect("recover answers");
        let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
        (execution["status"] != "RUNNING")
            .then_some(())
            .ok_or_else(|| execution.to_string())
    })
    .await;
    // Every step had succeeded, so nothing is undone.
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["failure"], json!(null), "{receipt}");
    assert_eq!(stack.vendor.effects_on(&vendor).await.len(), 1);
}

#[tokio::test]
async fn a_step_functions_execution_that_ended_before_begin_leaves_a_receipt() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("early"));
    let id = holdfast_ids::keys::execution_id("acme", DELAY, &key);
    let event = status_event(&stack, &id, &key, &vendor, "ABORTED", "");
    let aws = stack.aws.clone();
    tokio::task::spawn_blocking(move || aws.invoke("recover", &event))
        .await
        .expect("recover answers");
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Aborted", "{receipt}");
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}
