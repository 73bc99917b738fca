//! People's decisions: approvals, escalations, incidents, and the race between a decision and its
//! timeout.

use holdfast_access::Role;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Request, Voter, rule};
use holdfast_receipt::Decision;
use holdfast_tests::{Api, Reply, Stack, eventually, texts, unique};
use serde_json::{Value, json};

use crate::steps;

const LARGE: &str = "WF-HOLD-LARGE-PAYMENTS";
const ASKS: &str = "WF-TEST-ASKS";

fn large(vendor: &str) -> Value {
    json!({ "vendor_id": vendor, "hold_days": 14, "amount": 250_000 })
}

/// Waits until an execution has an open question, and gives the question.
pub(crate) async fn asked(api: &Api, id: &str) -> Value {
    eventually("the execution asks", || async {
        let execution = api.get(&format!("/v1/executions/{id}")).await.body;
        let open = execution["questions"].as_array().into_iter().flatten();
        let mut open = open.filter(|one| one["status"] == "OPEN");
        open.next().cloned().ok_or_else(|| execution.to_string())
    })
    .await
}

pub(crate) async fn decide(api: &Api, question: &Value, decision: &str, id: &str) -> Reply {
    let path = format!(
        "{}/decision",
        question["incident"].as_str().expect("a path")
    );
    let body = json!({ "decision": decision, "reason": "seen to", "execution_id": id });
    api.post(&path, &body).await
}

/// An execution whose hold the vendor system refuses, and its open question about that failure.
pub(crate) async fn refused(stack: &Stack, vendor: &str) -> (String, Value) {
    stack
        .aws
        .deploy(include_str!("../workflows/asks.yaml"))
        .await;
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let input = json!({ "vendor_id": vendor });
    let id = stack.api.started(ASKS, &unique("asks"), &input).await;
    let question = asked(&stack.api, &id).await;
    (id, question)
}

#[tokio::test]
async fn an_execution_waits_for_the_approval_of_another_person_than_the_requester() {
    let stack = Stack::from_env().await;
    let (alice, bob) = (stack.api.as_actor("alice"), stack.api.as_actor("bob"));
    let vendor = unique("vendor");
    let id = alice
        .started(LARGE, &unique("large"), &large(&vendor))
        .await;
    let question = asked(&alice, &id).await;
    assert_eq!(question["kind"], "approval");
    let message = question["message"].as_str().expect("a text");
    assert!(
        message.contains(&vendor) && message.contains("250000"),
        "{message}"
    );
    let own = decide(&alice, &question, "approve", &id).await;
    assert_eq!(
        (own.status, &own.body["type"]),
        (403, &json!("urn:holdfast:problem:forbidden"))
    );
    let unfit = decide(&bob, &question, "retry", &id).await;
    assert_eq!(unfit.status, 400, "{}", unfit.body);
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());

    let agreed = decide(&bob, &question, "approve", &id).await;
    assert_eq!(
        (agreed.status, &agreed.body["replayed"]),
        (200, &json!(false)),
        "{}",
        agreed.body
    );
    let again = decide(&bob, &question, "approve", &id).await;
    assert_eq!(
        (again.status, &again.body["replayed"]),
        (200, &json!(true)),
        "{}",
        again.body
    );
    let other = decide(&bob, &question, "reject", &id).await;
    assert_eq!(other.status, 409, "{}", other.body);

    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
    let decision = &receipt["decisions"][0];
    assert_eq!(
        (&decision["step"], &decision["decision"], &decision["by"]),
        (&json!("cfo_agrees"), &json!("approve"), &json!("bob")),
        "{receipt}"
    );
    let incident = stack
        .api
        .get(question["incident"].as_str().expect("a path"))
        .await;
    assert_eq!(incident.body["status"], "RESOLVED", "{}", incident.body);
}

#[tokio::test]
async fn a_rejected_approval_ends_the_execution_before_any_effect_and_is_no_incident() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = stack
        .api
        .started(LARGE, &unique("large"), &large(&vendor))
        .await;
    let question = asked(&stack.api, &id).await;
    assert_eq!(
        decide(&stack.api, &question, "reject", &id).await.status,
        200
    );
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Declined", "{receipt}");
    assert!(receipt["incident"].is_null(), "{receipt}");
    assert!(
        stack
            .vendor
            .effects(&format!("vendor_id={vendor}"))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_failed_step_is_retried_by_a_retry_decision() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, question) = refused(&stack, &vendor).await;
    assert_eq!(question["kind"], "escalation");
    let decided = decide(&stack.api, &question, "retry", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["steps"][1]["attempts"], 2, "{receipt}");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
    assert!(
        receipt["residual_effects"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn a_failed_step_is_skipped_by_a_skip_decision() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, question) = refused(&stack, &vendor).await;
    assert_eq!(decide(&stack.api, &question, "skip", &id).await.status, 200);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(steps(&receipt), ["told_first SUCCESS", "hold FAILED"]);
    assert_eq!(receipt["decisions"][0]["decision"], "skip");
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn executions_with_one_cause_share_an_incident_and_each_has_its_own_decision() {
    let stack = Stack::from_env().await;
    let (first, second) = (unique("vendor"), unique("vendor"));
    let ((one, question), (two, same)) = (
        refused(&stack, &first).await,
        refused(&stack, &second).await,
    );
    let path = question["incident"].as_str().expect("a path");
    assert_eq!(path, same["incident"].as_str().expect("a path"));
    let incident = stack.api.get(path).await.body;
    let met = texts(&incident["executions"], "execution_id");
    assert!(
        met.contains(&one.as_str()) && met.contains(&two.as_str()),
        "{incident}"
    );
    let listed = stack.api.get("/v1/incidents?limit=100").await.body;
    let ids = texts(&listed["incidents"], "href");
    assert_eq!(
        ids.iter().filter(|href| **href == path).count(),
        1,
        "{listed}"
    );

    let body = json!({ "decision": "rollback", "reason": "not today" });
    let unnamed = stack.api.post(&format!("{path}/decision"), &body).await;
    assert_eq!(unnamed.status, 409, "{}", unnamed.body);
    let early = stack
        .api
        .post(&format!("{path}/resolve"), &json!({ "reason": "done" }))
        .await;
    assert_eq!(early.status, 409, "{}", early.body);
    assert_eq!(
        decide(&stack.api, &question, "rollback", &one).await.status,
        200
    );
    assert_eq!(decide(&stack.api, &same, "retry", &two).await.status, 200);
    let (rolled_back, receipt) = stack.api.finished(&one).await;
    assert_eq!(rolled_back["status"], "ROLLED_BACK", "{rolled_back}");
    assert_eq!(
        receipt["failure"]["state"], "hold",
        "what led to the question stays why"
    );
    assert_eq!(
        format!(
            "/v1/incidents/{}",
            receipt["incident"].as_str().expect("an id")
        ),
        path
    );
    let undone = stack.vendor.effects_on(&format!("{first}-first")).await;
    assert_eq!(undone, ["hold_placed", "hold_released"]);
    assert_eq!(stack.api.finished(&two).await.0["status"], "EXECUTED");
}

#[tokio::test]
async fn a_resolved_incident_opens_again_when_its_cause_recurs() {
    let stack = Stack::from_env().await;
    // This test has a tenant of its own, so that no other test meets the same cause.
    let tenant = stack.aws.new_tenant("tenant");
    let api = stack.api.as_tenant(&tenant);
    stack
        .aws
        .deploy(include_str!("../workflows/asks.yaml"))
        .await;
    let fails = || async {
        let vendor = unique("vendor");
        let fault = json!({
            "route": "POST /holds", "count": 1, "kind": { "status": 400 },
            "vendor_id": format!("{vendor}-first"),
        });
        stack.vendor.plan(fault).await;
        let id = api
            .started(ASKS, &unique("asks"), &json!({ "vendor_id": vendor }))
            .await;
        api.finished(&id).await.1["incident"]
            .as_str()
            .expect("an incident")
            .to_owned()
    };
    let incident = fails().await;
    let path = format!("/v1/incidents/{incident}");
    let reason = json!({ "reason": "on it" });
    let seen = api.post(&format!("{path}/acknowledge"), &reason).await;
    assert_eq!(seen.body["status"], "ACKNOWLEDGED", "{}", seen.body);
    assert_eq!(fails().await, incident);
    let again = api.get(&path).await.body;
    assert_eq!(again["status"], "OPEN", "the incident recurred: {again}");
    for (what, status) in [
        ("acknowledge", "ACKNOWLEDGED"),
        ("resolve", "RESOLVED"),
        ("resolve", "RESOLVED"),
    ] {
        let reply = api.post(&format!("{path}/{what}"), &reason).await;
        assert_eq!(
            (reply.status, &reply.body["status"]),
            (200, &json!(status)),
            "{}",
            reply.body
        );
    }
    assert_eq!(
        api.post(&format!("{path}/acknowledge"), &reason)
            .await
            .status,
        409
    );
    let open = api.get("/v1/incidents").await.body;
    assert_eq!(open["incidents"], json!([]), "{open}");
    assert_eq!(fails().await, incident);
    let again = api.get(&path).await.body;
    assert_eq!(
        (
            &again["status"],
            again["executions"].as_array().map(Vec::len)
        ),
        (&json!("OPEN"), Some(3)),
        "{again}"
    );
    assert_eq!(stack.api.get(&path).await.status, 404, "another tenant's");
}

#[tokio::test]
async fn a_question_without_a_decision_rolls_back_and_a_later_decision_is_refused() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/silence.yaml"))
        .await;
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor });
    let id = stack
        .api
        .started("WF-TEST-SILENCE", &unique("silence"), &input)
        .await;
    let question = asked(&stack.api, &id).await;
    // Other tests may injure the stack meanwhile, so only Step Functions' own clock counts.
    drop(stack);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let stack = Stack::from_env().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Expired", "{receipt}");
    assert_eq!(
        stack.vendor.effects_on(&vendor).await,
        ["hold_placed", "hold_released"]
    );
    let late = decide(&stack.api.as_actor("bob"), &question, "approve", &id).await;
    assert_eq!(late.status, 409, "{}", late.body);
}

#[tokio::test]
async fn a_decision_whose_delivery_was_lost_is_delivered_by_the_sweep() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, _) = refused(&stack, &vendor).await;
    // The decision is recorded, as if the API had died before it sent the decision to Step
    // Functions.
    let ledger = crate::recovery::ledger().await;
    let at = ExecutionKey {
        tenant: "acme".to_owned(),
        execution: id.clone(),
    };
    let request = Request {
        by: "bob".to_owned(),
        reason: "try again".to_owned(),
    };
    let now = jiff::Timestamp::now();
    let voter = Voter::platform_admin("bob");
    let ruled = rule(&ledger, &at, "hold", Decision::Retry, &voter, &request, now).await;
    assert!(matches!(ruled, Ok(Some(_))), "{ruled:?}");
    drop(stack);
    tokio::time::sleep(std::time::Duration::from_secs(15)).await;
    let stack = Stack::from_env().await;
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn an_execution_that_is_cancelled_with_an_open_question_accepts_no_decision() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, question) = refused(&stack, &vendor).await;
    // An auditor sees no questions, and so no waiting either.
    let auditor = stack.api.as_role(Role::Auditor, "acme");
    for (api, status) in [(&stack.api, "WAITING"), (&auditor, "RUNNING")] {
        let early = api.get(&format!("/v1/executions/{id}/receipt")).await;
        let says = early.body["detail"].to_string();
        assert!(says.contains(&format!("its status is {status}")), "{says}");
    }
    let path = format!("/v1/executions/{id}/cancel");
    let reason = json!({ "reason": "wrong vendor" });
    let cancelled = stack.api.post(&path, &reason).await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.body);
    let late = decide(&stack.api, &question, "retry", &id).await;
    assert_eq!(late.status, 409, "{}", late.body);
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    assert_eq!(execution["questions"][0]["status"], "CLOSED", "{execution}");
    assert_eq!(execution["residual_effects"], json!([]), "{execution}");
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn a_workflow_continues_without_an_optional_step_whose_failure_left_no_effect() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/goes-on.yaml"))
        .await;
    let vendor = unique("vendor");
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(
            "WF-TEST-GOES-ON",
            &unique("on"),
            &json!({ "vendor_id": vendor }),
        )
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(steps(&receipt), ["nice_to_have FAILED", "hold SUCCESS"]);
    assert_eq!(
        stack.vendor.effects_on(&format!("{vendor}-alone")).await,
        ["hold_placed"]
    );
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}
