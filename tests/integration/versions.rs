//! A deployment with versions: what the alias names is read, checked, started and redriven.

use holdfast_access::Role;
use holdfast_ids::keys::execution_id;
use holdfast_tests::{EnvironmentChange, Permission, Stack, kill, unique, workers};
use serde_json::{Value, json};

use crate::{
    redrive::{definition, record_redrive},
    story::holdfast,
};

/// The version of a workflow as `GET /v1/workflows/{id}` and the list of workflows show it.
async fn versions(stack: &Stack, workflow: &str) -> [Value; 2] {
    // A process remembers a state machine for a minute.
    kill(&workers(&["api"]));
    let one = stack.api.get(&format!("/v1/workflows/{workflow}")).await;
    kill(&workers(&["api"]));
    let all = stack.api.get("/v1/workflows").await.body;
    let mut all = all["workflows"].as_array().expect("workflows").iter();
    let listed = all.find(|one| one["workflow_id"] == workflow);
    let listed = listed.map(|one| one["version"].clone());
    [one.body["version"].clone(), listed.unwrap_or_default()]
}

/// The API reads and starts what the alias names, until the answer drops.
fn with_alias(stack: &Stack) -> [(EnvironmentChange, Permission); 2] {
    ["api", "start"].map(|function| {
        // The emulator does not find the resource in this request, and so asks for a permission on
        // all.
        let actions = ["states:DescribeStateMachineAlias"];
        let permission = stack.aws.allow(function, &actions, "*");
        let alias = "HOLDFAST_MACHINE_ALIAS";
        let change = EnvironmentChange::new(&stack.aws, function, alias, ":live");
        (change, permission)
    })
}

#[tokio::test]
async fn what_the_alias_names_is_read_and_started_and_redriven() {
    let stack = Stack::alone().await;
    let name = unique("alias").to_uppercase().replace('-', "");
    let workflow = format!("WF-TEST-{name}");
    stack.aws.deploy(&definition(&workflow, 1, "tell_a")).await;
    let _alias = with_alias(&stack);
    let input = json!({ "vendor_id": unique("vendor") });
    let refused = stack.api.start(&workflow, &unique("early"), &input).await;
    assert_eq!(refused.status, 404, "no alias yet: {}", refused.body);

    stack.aws.publish(&workflow).await;
    stack
        .aws
        .redeploy(&definition(&workflow, 2, "tell_b"))
        .await;
    let one = [json!(1), json!(1)];
    assert_eq!(versions(&stack, &workflow).await, one, "2 is not published");
    stack.aws.publish(&workflow).await;
    assert_eq!(versions(&stack, &workflow).await, [json!(2), json!(2)]);
    let kept = stack
        .api
        .get(&format!("/v1/workflows/{workflow}/versions"))
        .await
        .body;
    let kept: Vec<_> = kept["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|one| {
            (
                &one["version"],
                &one["deployed"],
                one["published_at"].is_string(),
            )
        })
        .collect();
    let expected = [
        (&json!(2), &json!(true), true),
        (&json!(1), &json!(false), true),
    ];
    assert_eq!(kept, expected);

    let vendor = unique("vendor");
    let refuses = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(refuses).await;
    let input = json!({ "vendor_id": vendor });
    let id = stack.api.started(&workflow, &unique("alias"), &input).await;
    let (failed, _) = stack.api.finished(&id).await;
    assert_eq!(failed["status"], "PARTIALLY_ROLLED_BACK", "{failed}");
    let path = format!("/v1/executions/{id}/redrive");
    let reply = stack.api.post(&path, &json!({ "reason": "mended" })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["workflow_version"], 2, "{receipt}");

    let start = |key: &str| json!({ "tenant": "acme", "idempotency_key": key, "input": input });
    let (rule, schedule) = (unique("rule"), unique("schedule"));
    stack.aws.start_by_rule(&workflow, &start(&rule)).await;
    stack.aws.start_by_schedule(&workflow, &start(&schedule));
    for key in [rule, schedule] {
        let id = execution_id("acme", &workflow, &key);
        let (execution, _) = stack.api.finished(&id).await;
        assert_eq!(execution["status"], "EXECUTED", "{execution}");
    }
}

#[tokio::test]
async fn a_redrive_whose_version_is_deleted_runs_what_the_alias_names() {
    let stack = Stack::alone().await;
    let name = unique("checked").to_uppercase().replace('-', "");
    let workflow = format!("WF-TEST-{name}");
    stack.aws.deploy(&definition(&workflow, 1, "tell_a")).await;
    let _alias = with_alias(&stack);
    let checked = stack.aws.publish(&workflow).await;
    let vendor = unique("vendor");
    let refuses = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(refuses).await;
    let input = json!({ "vendor_id": vendor });
    let id = stack.api.started(&workflow, &unique("alias"), &input).await;
    let (failed, _) = stack.api.finished(&id).await;
    assert_eq!(failed["status"], "PARTIALLY_ROLLED_BACK", "{failed}");

    // The API records the redrive and dies before it starts the state machine.
    let owner = stack.aws.execution(&workflow, &format!("{id}-r1"));
    record_redrive(&id, &owner, Some(checked.clone())).await;
    stack
        .aws
        .redeploy(&definition(&workflow, 2, "tell_b"))
        .await;
    stack.aws.publish(&workflow).await;
    let version = json!({ "stateMachineVersionArn": checked });
    let delete = "AWSStepFunctions.DeleteStateMachineVersion";
    stack.aws.json("states", delete, &version);
    kill(&workers(&["api"]));
    let path = format!("/v1/executions/{id}/redrive");
    let reply = stack.api.post(&path, &json!({ "reason": "mended" })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["workflow_version"], 2, "{receipt}");
}

#[tokio::test]
async fn a_rollback_of_a_removed_workflow_begins_when_it_is_deployed_again() {
    let stack = Stack::alone().await;
    let name = unique("removed").to_uppercase().replace('-', "");
    let workflow = format!("WF-TEST-{name}");
    let yaml = definition(&workflow, 1, "tell").replacen("irreversible: true", "rollback: {}", 1);
    stack.aws.deploy(&yaml).await;
    let input = json!({ "vendor_id": unique("vendor") });
    let id = stack
        .api
        .started(&workflow, &unique("removed"), &input)
        .await;
    let (executed, _) = stack.api.finished(&id).await;
    assert_eq!(executed["status"], "EXECUTED", "{executed}");
    let machine = json!({ "stateMachineArn": stack.aws.machine(&workflow) });
    let delete = "AWSStepFunctions.DeleteStateMachine";
    stack.aws.json("states", delete, &machine);
    // A process remembers a state machine for a minute.
    kill(&workers(&["api", "recover"]));
    let admin = stack.api.as_role(Role::PlatformAdmin, "acme");
    let path = format!("/v1/executions/{id}/rollback");
    let rollback = json!({ "reason": "paid twice" });
    // The emulator answers 502 to the request that finds the killed process.
    while admin.get(&format!("/v1/executions/{id}")).await.status == 502 {}
    let reply = admin.post(&path, &rollback).await;
    assert_eq!(reply.status, 409, "{}", reply.body);
    let why = reply.body["detail"].as_str().expect("a text");
    assert!(why.contains("is not deployed any more: deploy it"), "{why}");
    stack.aws.deploy(&yaml).await;
    let reply = admin.post(&path, &rollback).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    let undone = &execution["steps"][0]["status"];
    assert_eq!(
        (undone, &receipt["generation"]),
        (&json!("UNDONE"), &json!(1))
    );
}

#[tokio::test]
async fn the_doctor_compares_the_definitions_that_the_aliases_name() {
    let stack = Stack::alone().await;
    let _alias = with_alias(&stack);
    for workflow in [
        "WF-DELAY-VENDOR-PAYMENTS-ACME",
        "WF-HOLD-LARGE-PAYMENTS",
        "WF-HOLD-STRATEGIC-VENDOR",
        "WF-HOLD-VENDOR-GROUP",
        "WF-REVIEW-REMINDER",
    ] {
        stack.aws.publish(workflow).await;
    }
    let (fine, said) = holdfast(&["doctor"]).await;
    assert!(fine, "{said}");
    let compared = "ok    WF-HOLD-VENDOR-GROUP: ";
    assert!(said.contains(compared), "{said}");
}
