//! Controls on the stack: starts are refused or wait, executions stop before their next step, undos
//! continue, and resume continues the rest.
//!
//! Other tests run beside these. Each pauses a tenant or a workflow of its own; the test that
//! pauses the platform has the stack alone.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::FutureExt;
use holdfast_ids::keys::execution_id;
use holdfast_tests::{Api, Reply, Stack, eventually, unique};
use serde_json::{Value, json};

use crate::decisions::{asked, decide};

const STOPS: &str = include_str!("../workflows/stops.yaml");
/// A workflow that several tests use and none of them pauses.
const SHARED: &str = "WF-TEST-STOPS";

/// A tenant of the test's own, with its vendors.
struct Room {
    stack: Stack,
    api: Api,
    tenant: String,
    workflow: String,
    first: String,
    second: String,
}

impl Room {
    async fn open() -> Self {
        Self::with(Stack::from_env().await, SHARED.to_owned(), "").await
    }

    /// The same with a workflow that no other test uses.
    async fn of_its_own(more: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let own = unique("stops").to_uppercase();
        let letters = own.chars().filter(char::is_ascii_alphanumeric);
        let name: String = letters.rev().take(20).collect();
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::with(Stack::from_env().await, format!("{SHARED}-{name}{n}"), more).await
    }

    async fn with(stack: Stack, workflow: String, more: &str) -> Self {
        let yaml = STOPS.replace(SHARED, &workflow);
        stack.aws.deploy(&format!("{yaml}{more}")).await;
        let tenant = stack.aws.new_tenant("pause");
        Self {
            api: stack.api.as_tenant(&tenant),
            stack,
            tenant,
            workflow,
            first: unique("vendor"),
            second: unique("vendor"),
        }
    }

    fn input(&self) -> Value {
        json!({ "first": self.first, "second": self.second })
    }

    async fn start(&self, key: &str) -> Reply {
        self.api.start(&self.workflow, key, &self.input()).await
    }

    /// An execution whose first step succeeded and that has an open question.
    async fn waiting(&self) -> (String, Value) {
        let key = unique("stops");
        let id = self.api.started(&self.workflow, &key, &self.input()).await;
        let question = asked(&self.api, &id).await;
        (id, question)
    }

    async fn decide(&self, question: &Value, decision: &str, id: &str) {
        let reply = decide(&self.api.as_actor("bob"), question, decision, id).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    async fn turn(&self, scope: &str, state: &str, meanwhile: &str) -> Value {
        let body = json!({
            "state": state, "reason": "a leak", "running_executions": meanwhile, "new": true,
        });
        let path = format!("/v1/controls/{scope}");
        let reply = self.api.as_actor("root").put(&path, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["scope"], scope);
        reply.body
    }

    fn own(&self) -> String {
        format!("tenant/{}", self.tenant)
    }

    async fn effects(&self, vendor: &str) -> Vec<String> {
        self.stack.vendor.effects_on(vendor).await
    }

    /// Asserts that nothing is recorded of a start with this key.
    async fn knows_nothing_of(&self, key: &str) {
        let id = execution_id(&self.tenant, &self.workflow, key);
        let reply = self.api.get(&format!("/v1/executions/{id}")).await;
        assert_eq!(reply.status, 404, "{}", reply.body);
    }
}

/// Waits until the step met the pause, and asserts that it used no attempt.
async fn meets_the_pause(api: &Api, id: &str, step: usize) {
    eventually(&format!("{id} stops"), || async {
        let reply = api.get(&format!("/v1/executions/{id}")).await;
        let step = &reply.body["steps"][step];
        match step["status"] == "WAITING" && step["attempts"] == json!([]) {
            true => Ok(()),
            false => Err(reply.body.to_string()),
        }
    })
    .await;
}

#[track_caller]
fn refused(reply: &Reply, scope: &str) {
    assert_eq!(reply.status, 503, "{}", reply.body);
    assert_eq!(reply.body["type"], "urn:holdfast:problem:paused");
    assert_eq!(reply.body["retryable"], true);
    assert_eq!(reply.header("retry-after"), "60");
    let detail = reply.body["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains(&format!("{scope} is paused: a leak")),
        "{detail}"
    );
}

#[tokio::test]
async fn a_paused_tenant_starts_nothing_and_continues_where_it_stopped_after_resume() {
    let room = Room::open().await;
    let key = unique("stops");
    let id = room.api.started(SHARED, &key, &room.input()).await;
    let question = asked(&room.api, &id).await;
    let turned = room.turn(&room.own(), "paused", "wait").await;
    assert_eq!(
        (&turned["replayed"], &turned["by"]),
        (&json!(false), &json!("root"))
    );
    assert_eq!(
        room.turn(&room.own(), "paused", "wait").await["replayed"],
        true
    );
    let fresh = unique("stops");
    refused(&room.start(&fresh).await, &room.own());
    room.knows_nothing_of(&fresh).await;
    let repeat = room.start(&key).await;
    assert_eq!(
        (repeat.status, &repeat.body["replayed"]),
        (200, &json!(true))
    );
    let listed = room.api.get("/v1/controls").await;
    let all = listed.body["controls"].as_array().expect("controls");
    let own = all.iter().find(|one| one["scope"] == room.own().as_str());
    let own = own.expect("it is listed");
    assert_eq!(
        (&own["state"], &own["reason"]),
        (&json!("paused"), &json!("a leak"))
    );
    // The execution of another tenant continues.
    let other = room
        .stack
        .api
        .as_tenant(&room.stack.aws.new_tenant("pause"));
    let beside = other.start(SHARED, &unique("stops"), &room.input()).await;
    assert_eq!(beside.status, 202, "{}", beside.body);

    room.decide(&question, "approve", &id).await;
    meets_the_pause(&room.api, &id, 1).await;
    assert!(room.effects(&room.second).await.is_empty());
    room.turn(&room.own(), "running", "wait").await;
    let (_, receipt) = room.api.finished(&id).await;
    assert_eq!(
        (&receipt["status"], &receipt["steps"][1]["attempts"]),
        (&json!("EXECUTED"), &json!(1))
    );
    assert_eq!(room.effects(&room.second).await.len(), 1);
    assert_eq!(
        room.start(&fresh).await.status,
        202,
        "the key is as good as new"
    );
}

#[tokio::test]
async fn a_start_that_may_wait_is_accepted_and_continues_after_resume() {
    let room = Room::of_its_own("when_paused: queue\n").await;
    let scope = format!("workflow/{}", room.workflow);
    room.turn(&scope, "paused", "wait").await;
    let id = room
        .api
        .started(&room.workflow, &unique("stops"), &room.input())
        .await;
    meets_the_pause(&room.api, &id, 0).await;
    assert!(room.effects(&room.first).await.is_empty());
    // A pause that would roll it back before its first step refuses the start.
    room.turn(&scope, "paused", "rollback").await;
    let fresh = unique("stops");
    refused(&room.start(&fresh).await, &scope);
    room.knows_nothing_of(&fresh).await;
    let (_, receipt) = room.api.finished(&id).await;
    assert_eq!(
        (&receipt["status"], &receipt["failure"]["error"]),
        (&json!("FAILED"), &json!("Paused"))
    );
    assert_eq!(receipt["steps"][0]["status"], "NOT_RUN", "{receipt}");

    room.turn(&scope, "paused", "wait").await;
    let id = room
        .api
        .started(&room.workflow, &unique("stops"), &room.input())
        .await;
    meets_the_pause(&room.api, &id, 0).await;
    room.turn(&scope, "running", "wait").await;
    let question = asked(&room.api, &id).await;
    room.decide(&question, "approve", &id).await;
    let (_, receipt) = room.api.finished(&id).await;
    assert_eq!(receipt["status"], "EXECUTED");
}

#[tokio::test]
async fn a_paused_workflow_rejects_a_direct_start_with_a_receipt_and_leaves_others_alone() {
    let room = Room::of_its_own("").await;
    let scope = format!("workflow/{}", room.workflow);
    room.turn(&scope, "paused", "wait").await;
    refused(&room.start(&unique("stops")).await, &scope);
    let key = unique("stops");
    let start = json!({ "tenant": room.tenant, "idempotency_key": key, "input": room.input() });
    room.stack.aws.start(&room.workflow, &key, &start).await;
    let id = execution_id(&room.tenant, &room.workflow, &key);
    let (_, receipt) = room.api.finished(&id).await;
    assert_eq!(receipt["status"], "REJECTED");
    let no = &receipt["guardrails"][0];
    assert_eq!(
        (&no["name"], &no["held"]),
        (&json!("paused"), &json!(false))
    );
    room.stack.aws.deploy(STOPS).await;
    let beside = room
        .api
        .start(SHARED, &unique("stops"), &room.input())
        .await;
    assert_eq!(beside.status, 202, "{}", beside.body);
    room.turn(&scope, "running", "wait").await;
}

#[tokio::test]
async fn a_pause_that_rolls_back_undoes_before_the_next_step_and_undo_is_not_blocked() {
    let room = Room::open().await;
    let (id, question) = room.waiting().await;
    room.turn(&room.own(), "paused", "rollback").await;
    room.decide(&question, "approve", &id).await;
    let (_, receipt) = room.api.finished(&id).await;
    assert_eq!(receipt["status"], "ROLLED_BACK", "{receipt}");
    let failure = &receipt["failure"];
    assert_eq!(failure["error"], "Paused");
    assert_eq!(
        (&failure["reason"], &failure["requested_by"]),
        (&json!("a leak"), &json!("root"))
    );
    assert_eq!(
        room.effects(&room.first).await,
        ["hold_placed", "hold_released"]
    );
    assert!(room.effects(&room.second).await.is_empty());
    room.turn(&room.own(), "running", "wait").await;
}

#[tokio::test]
async fn a_rejected_or_cancelled_execution_is_undone_during_a_pause() {
    let room = Room::open().await;
    let (rejected, question) = room.waiting().await;
    let (stopped, agreed) = room.waiting().await;
    room.turn(&room.own(), "paused", "wait").await;
    room.decide(&question, "reject", &rejected).await;
    let (_, receipt) = room.api.finished(&rejected).await;
    assert_eq!(receipt["status"], "ROLLED_BACK");
    // An execution that waits because of the pause is cancelled like any other.
    room.decide(&agreed, "approve", &stopped).await;
    meets_the_pause(&room.api, &stopped, 1).await;
    let reason = json!({ "reason": "not needed any more" });
    let reply = room
        .api
        .post(&format!("/v1/executions/{stopped}/cancel"), &reason)
        .await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let (_, receipt) = room.api.finished(&stopped).await;
    assert_eq!(receipt["status"], "ROLLED_BACK");
    assert_eq!(receipt["failure"]["error"], "Cancelled");
    let effects = room.effects(&room.first).await;
    let released = effects.iter().filter(|one| *one == "hold_released").count();
    assert_eq!(released, 2, "{effects:?}");
    assert!(room.effects(&room.second).await.is_empty());
    room.turn(&room.own(), "running", "wait").await;
}

#[tokio::test]
async fn a_paused_platform_stops_every_tenant_before_its_next_step_and_resumes_them_all() {
    let room = Room::with(Stack::alone().await, SHARED.to_owned(), "").await;
    let tenants = [
        room.api.clone(),
        room.stack
            .api
            .as_tenant(&room.stack.aws.new_tenant("pause")),
    ];
    let mut waiting = Vec::new();
    for api in &tenants {
        let vendors = [unique("vendor"), unique("vendor")];
        let input = json!({ "first": vendors[0], "second": vendors[1] });
        let id = api.started(SHARED, &unique("stops"), &input).await;
        waiting.push((api, asked(api, &id).await, id, vendors));
    }
    room.turn("platform", "paused", "wait").await;
    let paused = async {
        for (api, question, id, _) in &waiting {
            let fresh = unique("stops");
            refused(&api.start(SHARED, &fresh, &room.input()).await, "platform");
            let reply = decide(&api.as_actor("bob"), question, "approve", id).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        for (api, _, id, [_, second]) in &waiting {
            meets_the_pause(api, id, 1).await;
            assert!(room.effects(second).await.is_empty());
        }
    };
    let held = AssertUnwindSafe(paused).catch_unwind().await;
    // The other executions continue even if an assertion failed.
    room.turn("platform", "running", "wait").await;
    if let Err(panic) = held {
        resume_unwind(panic);
    }
    for (api, _, id, [first, second]) in &waiting {
        let (_, receipt) = api.finished(id).await;
        assert_eq!(receipt["status"], "EXECUTED", "{receipt}");
        for vendor in [first, second] {
            assert_eq!(room.effects(vendor).await, ["hold_placed"]);
        }
    }
}
