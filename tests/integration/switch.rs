//! The routes of controls on the stack: the roles that may change one, refused requests, and the
//! audit event of each change.

use std::collections::BTreeSet;

use holdfast_access::Role;
use holdfast_audit::Kind;
use holdfast_tests::{Queue, Stack, unique};
use serde_json::json;

#[tokio::test]
async fn every_change_of_a_control_has_one_audit_event_with_person_and_reason() {
    let stack = Stack::from_env().await;
    let tenant = unique("pause");
    let own = format!("tenant/{tenant}");
    let queue = Queue::on_bus(&stack.aws, "holdfast");
    for (state, meanwhile) in [
        ("paused", "wait"),
        ("paused", "wait"),
        ("paused", "rollback"),
        ("running", "wait"),
    ] {
        let body = json!({ "state": state, "reason": "a leak", "running_executions": meanwhile });
        let api = stack.api.as_actor("root");
        let reply = api.put(&format!("/v1/controls/{own}"), &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let heard = tokio::task::spawn_blocking(move || {
        let (mut ids, mut heard) = (BTreeSet::new(), Vec::new());
        for _ in 0..30 {
            for event in queue.drain() {
                let id = event["id"].as_str().unwrap_or_default().to_owned();
                if event["data"]["scope"] == own.as_str() && ids.insert(id) {
                    heard.push(event);
                }
            }
            if heard.len() >= 3 {
                break;
            }
        }
        heard
    });
    let mut heard = heard.await.expect("it is drained");
    heard.sort_by_key(|event| event["sequence"].to_string());
    let seen = heard.iter().map(|event| {
        (
            event["type"].as_str(),
            event["data"]["running_executions"].as_str(),
        )
    });
    let right = [
        (Some("workflow.paused"), Some("wait")),
        (Some("workflow.paused"), Some("rollback")),
        (Some("workflow.resumed"), None),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), right);
    for event in &heard {
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| event["type"] == kind.name());
        let schema = jsonschema::validator_for(&kind.expect("a type").schema()).expect("a schema");
        assert!(schema.is_valid(event), "{event}");
        assert_eq!(
            (&event["actor"], &event["data"]["reason"]),
            (&json!("root"), &json!("a leak"))
        );
        assert_eq!(
            (&event["tenant"], &event["workflow"]),
            (&json!(tenant), &json!("*"))
        );
    }
}

#[tokio::test]
async fn an_unknown_scope_and_an_empty_change_are_refused() {
    let stack = Stack::from_env().await;
    let right = json!({ "state": "running", "reason": "all is well" });
    for (path, body, words) in [
        ("/v1/controls/tenant/Acme", right.clone(), "lower-case"),
        (
            "/v1/controls/workflow/stops",
            right.clone(),
            "workflow/WF-ID",
        ),
        (
            "/v1/controls/everything",
            right.clone(),
            "platform, tenant/NAME",
        ),
        (
            "/v1/controls/platform",
            json!({ "state": "off", "reason": "x" }),
            "the body",
        ),
        (
            "/v1/controls/platform",
            json!({ "state": "running", "reason": " " }),
            "reason must be",
        ),
        (
            "/v1/controls/platform",
            json!({ "state": "running" }),
            "reason",
        ),
    ] {
        let reply = stack.api.put(path, &body).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.body);
        assert!(
            reply.body["detail"].to_string().contains(words),
            "{}",
            reply.body
        );
    }
    let reply = stack
        .api
        .put("/v1/controls/workflow/WF-NEVER-PAUSED", &right)
        .await;
    assert_eq!(
        (reply.status, &reply.body["state"]),
        (200, &json!("running"))
    );
    assert_eq!(reply.body["replayed"], true);
    let reply = stack.api.post("/v1/controls/platform", &right).await;
    assert_eq!(reply.status, 405, "{}", reply.body);
}

#[tokio::test]
async fn only_a_platform_admin_changes_a_control() {
    let stack = Stack::from_env().await;
    let body = json!({ "state": "paused", "reason": "mine" });
    for role in [Role::TenantAdmin, Role::Observer, Role::Auditor] {
        let api = stack.api.as_role(role, "acme");
        for path in [
            "/v1/controls/platform",
            "/v1/controls/tenant/acme",
            "/v1/controls/nothing",
        ] {
            let reply = api.put(path, &body).await;
            assert_eq!(reply.status, 403, "{role:?} {path}: {}", reply.body);
        }
    }
}
