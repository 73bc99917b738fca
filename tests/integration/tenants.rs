//! The registry of tenants at every door: an unknown tenant leaves nothing, a closed one starts
//! nothing.

use holdfast_access::Role;
use holdfast_ids::keys::{digest_prefix, execution_id, receipt_prefix};
use holdfast_tests::{Api, DELAY, Stack, eventually, unique, variable};
use serde_json::{Value, json};

use crate::hold;

/// A workflow that is open to every tenant.
const GROUP: &str = "WF-HOLD-VENDOR-GROUP";

fn group() -> Value {
    json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] })
}

fn path(tenant: &str) -> String {
    format!("/v1/tenants/{tenant}")
}

async fn delete(api: &Api, tenant: &str) -> holdfast_tests::Reply {
    api.send(api.request("DELETE", &path(tenant))).await
}

/// Asserts that no store has anything under the name of a tenant.
async fn leaves_nothing(stack: &Stack, tenant: &str, execution: &str) {
    assert_eq!(stack.aws.ledger_items(tenant, execution).await, 0);
    let scan = stack
        .aws
        .dynamodb
        .scan()
        .table_name(variable("HOLDFAST_LEDGER_TABLE"))
        .filter_expression("begins_with(pk, :of) OR sk = :tenant")
        .expression_attribute_values(":of", dynamo(&format!("TENANT#{tenant}#")))
        .expression_attribute_values(":tenant", dynamo(tenant));
    let mut pages = scan.into_paginator().items().send();
    assert!(pages.next().await.is_none(), "an item of {tenant}");
    for bucket in ["HOLDFAST_RECEIPT_BUCKET", "HOLDFAST_PAYLOAD_BUCKET"] {
        let payloads = format!("payloads/{tenant}/");
        for prefix in [receipt_prefix(tenant), digest_prefix(tenant), payloads] {
            let list = stack.aws.s3.list_objects_v2().bucket(variable(bucket));
            let listed = list.prefix(prefix).send().await.expect("a list");
            assert_eq!(listed.contents().len(), 0, "{bucket}: {tenant}");
        }
    }
}

fn dynamo(text: &str) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned())
}

/// The number of starts of unknown tenants that `begin` counted.
fn counted(stack: &Stack) -> usize {
    stack.aws.logged("begin", "unregistered_starts").len()
}

#[tokio::test]
async fn an_event_that_names_an_unknown_tenant_leaves_nothing_and_is_counted() {
    let stack = Stack::from_env().await;
    let (tenant, risk, before) = (unique("made-up"), unique("risk"), counted(&stack));
    let detail = json!({ "tenant_id": tenant, "risk_id": risk, "vendor_id": unique("vendor") });
    stack
        .aws
        .emit("finops.risk", "VendorRiskRaised", &detail)
        .await;
    let arns = stack.aws.executions_with(DELAY, &risk, 1).await;
    let ended = stack.aws.ended(&arns[0]).await;
    assert_eq!(ended.error, "Malformed");
    eventually("it is counted", || async {
        let count = counted(&stack);
        (count > before).then_some(()).ok_or(format!("{count}"))
    })
    .await;
    leaves_nothing(&stack, &tenant, &execution_id(&tenant, DELAY, &risk)).await;
}

/// Its schedule never comes: the test sends what the scheduler would.
const SCHEDULED: &str = r#"
workflow: WF-TEST-SCHEDULED
version: 1
input: { type: object }
triggers:
  - name: nightly
    schedule: "cron(0 2 1 1 ? 2199)"
    tenant: never-registered
steps:
  - name: hold
    action: vendor-hold
    input: { vendor_id: v-1, days: 1 }
    rollback: {}
"#;

#[tokio::test]
async fn a_schedule_that_names_an_unknown_tenant_leaves_nothing_and_is_counted() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(SCHEDULED).await;
    let (workflow, time, before) = ("WF-TEST-SCHEDULED", unique("time"), counted(&stack));
    let sent = json!({ "trigger": "nightly", "scheduled_time": time });
    let arn = stack.aws.start(workflow, &unique("nightly"), &sent).await;
    assert_eq!(stack.aws.ended(&arn).await.error, "Malformed");
    eventually("it is counted", || async {
        let count = counted(&stack);
        (count > before).then_some(()).ok_or(format!("{count}"))
    })
    .await;
    let (tenant, key) = ("never-registered", format!("nightly/{time}"));
    leaves_nothing(&stack, tenant, &execution_id(tenant, workflow, &key)).await;
}

#[tokio::test]
async fn a_direct_start_of_an_unknown_tenant_leaves_nothing_after_its_status_event() {
    let stack = Stack::from_env().await;
    let (tenant, key) = (unique("made-up"), unique("direct"));
    let start = json!({ "tenant": tenant, "idempotency_key": key, "input": group() });
    let arn = stack.aws.start(GROUP, &unique("direct"), &start).await;
    assert_eq!(stack.aws.ended(&arn).await.error, "Malformed");
    let ended = json!({ "detail-type": "Step Functions Execution Status Change", "detail": {
        "executionArn": arn, "stateMachineArn": stack.aws.machine(GROUP), "status": "FAILED",
        "error": "Malformed", "cause": "", "input": start.to_string(),
    }});
    stack.aws.invoke("recover", &ended);
    leaves_nothing(&stack, &tenant, &execution_id(&tenant, GROUP, &key)).await;
}

#[tokio::test]
async fn the_api_refuses_an_unknown_tenant_names_the_remedy_and_starts_after_it() {
    let stack = Stack::from_env().await;
    let (tenant, key) = (unique("made-up"), unique("api"));
    let api = stack.api.as_role(Role::TenantAdmin, &tenant);
    let reply = api.start(GROUP, &key, &group()).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    let detail = reply.body["detail"].to_string();
    assert!(
        detail.contains(&format!("PUT {}", path(&tenant))),
        "{detail}"
    );
    leaves_nothing(&stack, &tenant, &execution_id(&tenant, GROUP, &key)).await;
    assert_eq!(stack.api.get(&path(&tenant)).await.status, 404);
    assert_eq!(delete(&stack.api, &tenant).await.status, 404);
    for replayed in [false, true] {
        let reply = stack.api.put(&path(&tenant), &json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["state"], "open");
        assert_eq!(reply.body["replayed"], replayed);
    }
    let id = api.started(GROUP, &key, &group()).await;
    assert_eq!(api.finished(&id).await.0["status"], "EXECUTED");
    let listed = stack.api.get("/v1/tenants").await.body;
    let listed = holdfast_tests::texts(&listed["tenants"], "tenant")
        .into_iter()
        .any(|one| one == tenant);
    assert!(listed, "{tenant} is listed");
}

#[tokio::test]
async fn a_closed_tenant_starts_and_redrives_nothing_and_keeps_what_it_has() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("closing");
    let api = stack.api.as_tenant(&tenant);
    let input = group();
    let fault = json!({
        "route": "POST /holds", "count": 1, "kind": { "status": 400 },
        "vendor_id": input["vendors"][0]["id"],
    });
    stack.vendor.plan(fault).await;
    let key = unique("closing");
    let failed = api.started(GROUP, &key, &input).await;
    api.finished(&failed).await;
    for replayed in [false, true] {
        let reply = delete(&stack.api, &tenant).await;
        assert_eq!(
            (reply.status, &reply.body["replayed"]),
            (200, &json!(replayed))
        );
        assert_eq!(reply.body["state"], "closed");
    }
    let reply = api.start(GROUP, &unique("closing"), &group()).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    assert!(
        reply.body["detail"].to_string().contains("closed"),
        "{}",
        reply.body
    );
    let reply = api.start(GROUP, &key, &input).await;
    assert_eq!(
        (reply.status, &reply.body["replayed"]),
        (200, &json!(true)),
        "a repeat"
    );
    let redrive = format!("/v1/executions/{failed}/redrive");
    let reply = api.post(&redrive, &json!({ "reason": "again" })).await;
    assert_eq!(reply.status, 409, "{}", reply.body);
    assert_eq!(
        api.get(&format!("/v1/executions/{failed}/receipt"))
            .await
            .status,
        200
    );
    // Another door records the refusal with a receipt.
    let key = unique("closing");
    let start = json!({ "tenant": tenant, "idempotency_key": key, "input": group() });
    let arn = stack.aws.start(GROUP, &unique("closing"), &start).await;
    assert_eq!(stack.aws.ended(&arn).await.error, "Rejected");
    let (_, receipt) = api.finished(&execution_id(&tenant, GROUP, &key)).await;
    assert_eq!(receipt["status"], "REJECTED");
    let named = receipt["guardrails"].as_array().expect("guardrails");
    let closed = named
        .iter()
        .find(|one| one["name"] == "closed")
        .expect("it is named");
    assert_eq!(closed["held"], false);
    assert_eq!(stack.api.put(&path(&tenant), &json!({})).await.status, 200);
    let again = api.started(GROUP, &unique("closing"), &group()).await;
    api.finished(&again).await;
}

#[tokio::test]
async fn only_a_platform_admin_sees_and_changes_the_registry() {
    let stack = Stack::from_env().await;
    for role in [Role::TenantAdmin, Role::Observer, Role::Auditor] {
        let api = stack.api.as_role(role, "acme");
        for path in ["/v1/tenants", "/v1/tenants/acme", "/v1/tenants/made-up"] {
            assert_eq!(api.get(path).await.status, 403, "{role:?} {path}");
        }
        assert_eq!(delete(&api, "acme").await.status, 403, "{role:?}");
        assert_eq!(
            api.put(&path("mine"), &json!({})).await.status,
            403,
            "{role:?}"
        );
    }
    let reply = stack.api.put(&path("Acme"), &json!({})).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let closing = json!({ "state": "closed" });
    let reply = stack.api.put(&path("acme"), &closing).await;
    assert_eq!(reply.status, 400, "a PUT would open it: {}", reply.body);
    let reply = stack
        .api
        .start(DELAY, &unique("open"), &hold(&unique("vendor")))
        .await;
    assert_eq!(reply.status, 202, "acme is open: {}", reply.body);
}

#[tokio::test]
async fn a_list_of_a_tenant_that_is_not_registered_is_not_found() {
    let stack = Stack::from_env().await;
    let unknown = unique("misspelled");
    for role in [Role::PlatformAdmin, Role::PlatformObserver] {
        let caller = stack.api.as_role(role, "acme");
        for list in [
            "executions",
            "incidents",
            "questions",
            "workflows",
            "statistics",
        ] {
            let path = format!("/v1/{list}?tenant={unknown}");
            let reply = caller.get(&path).await;
            assert_eq!(reply.status, 404, "{path}: {}", reply.body);
            let why = reply.body["detail"].to_string();
            assert!(
                why.contains(&format!("tenant {unknown} is not registered")),
                "{why}"
            );
            let known = caller.get(&format!("/v1/{list}?tenant=globex")).await;
            assert_eq!(known.status, 200, "{list}: {}", known.body);
        }
    }
    // A start keeps its own answer, which is counted.
    let admin = stack.api.as_role(Role::PlatformAdmin, "acme");
    let path = format!("/v1/workflows/{DELAY}/executions?tenant={unknown}");
    let request = admin.request("POST", &path);
    let request = request.header("content-type", "application/json");
    let request = request.header("idempotency-key", unique("key"));
    let body = json!({ "input": {} });
    let reply = admin.send(request.body(body.to_string())).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
}
