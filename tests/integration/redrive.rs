//! Redrives on the stack: repeated, under another definition, and without a Step Functions
//! execution.

use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Phase, Put, Redrive};
use holdfast_tests::{DELAY, Stack, unique};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    recovery::{at, ledger},
    rollback::undone,
};

/// Records the first redrive of an ended execution, and starts no owner. `machine` is the ARN of
/// the version with which it was checked.
pub(crate) async fn record_redrive(id: &str, owner: &str, machine: Option<String>) {
    let ledger = ledger().await;
    let failed = ledger.read(&at(id)).await.expect("the ledger answers");
    let failed = failed.expect("it is recorded");
    let requested = ExecutionRecord {
        rev: failed.rev + 1,
        epoch: failed.epoch + 1,
        generation: 1,
        origin: None,
        owner: owner.to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_hours(1),
        phase: Phase::Running,
        previous: failed.receipt.clone(),
        receipt: None,
        redriven: Some(Redrive {
            generation: 1,
            by: "tests".to_owned(),
            reason: "mended".to_owned(),
            at: Timestamp::now(),
            machine,
        }),
        ..failed.clone()
    };
    let put = ledger.put(&requested, Expect::Rev(failed.rev)).await;
    assert_eq!(put, Ok(Put::Done));
}

#[tokio::test]
async fn a_repeated_redrive_starts_the_missing_step_functions_execution() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = undone(&stack, &vendor).await;
    // The API records the redrive and dies before it starts the state machine.
    let owner = stack.aws.execution(DELAY, &format!("{id}-r1"));
    record_redrive(&id, &owner, None).await;

    let path = format!("/v1/executions/{id}/redrive");
    for _ in 0..2 {
        let reply = stack.api.post(&path, &json!({ "reason": "mended" })).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["replayed"], true, "{}", reply.body);
    }
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["redriven"]["by"], "tests", "{receipt}");
    let effects = stack.vendor.effects_on(&vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released", "hold_placed"]);
}

/// A definition with a hold and, after it, a step of this name whose request is refused once.
pub(crate) fn definition(workflow: &str, version: u32, second: &str) -> String {
    format!(
        r#"
workflow: {workflow}
version: {version}
input:
  type: object
  required: [vendor_id]
  properties: {{ vendor_id: {{ type: string }} }}
steps:
  - name: hold
    action: vendor-hold
    input: {{ vendor_id: "{{% $input.vendor_id %}}", days: 1 }}
    irreversible: true
  - name: {second}
    action: http
    input:
      method: POST
      url: "${{VendorSystemUrl}}/notifications"
      body: {{ team: "{second}", message: "{{% $input.vendor_id %}}" }}
    irreversible: true
"#
    )
}

#[tokio::test]
async fn a_redrive_continues_under_the_current_definition_which_may_lack_the_failed_step() {
    let stack = Stack::from_env().await;
    let (vendor, name) = (unique("vendor"), unique("now").to_uppercase());
    let workflow = format!("WF-TEST-{}", name.replace('-', ""));
    stack.aws.deploy(&definition(&workflow, 1, "tell_a")).await;
    let refuses = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(refuses).await;
    let input = json!({ "vendor_id": vendor });
    let id = stack
        .api
        .started(&workflow, &unique("redrive"), &input)
        .await;
    let (failed, _) = stack.api.finished(&id).await;
    assert_eq!(failed["status"], "PARTIALLY_ROLLED_BACK", "{failed}");
    stack
        .aws
        .redeploy(&definition(&workflow, 2, "tell_b"))
        .await;
    let path = format!("/v1/executions/{id}/redrive");
    let reply = stack.api.post(&path, &json!({ "reason": "mended" })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["workflow_version"], 2, "{receipt}");
    let steps = receipt["steps"].as_array().expect("steps").iter();
    let steps: Vec<_> = steps
        .map(|step| (step["name"].as_str(), step["status"].as_str()))
        .collect();
    let right = [
        (Some("hold"), Some("SUCCESS")),
        (Some("tell_b"), Some("SUCCESS")),
        (Some("tell_a"), Some("FAILED")),
    ];
    assert_eq!(
        steps, right,
        "the steps of the earlier definition remain in the receipt"
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}
