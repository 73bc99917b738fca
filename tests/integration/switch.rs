//! The routes of controls on the stack: the roles that may change one, refused requests, and the
//! audit event of each change.

use std::collections::BTreeMap;

use holdfast_access::Role;
use holdfast_audit::Kind;
use holdfast_tests::{Queue, Stack, eventually, unique};
use serde_json::{Value, json};

use crate::decisions::asked;

#[tokio::test]
async fn every_change_of_a_control_has_one_audit_event_with_person_and_reason() {
    let stack = Stack::from_env().await;
    let tenant = unique("pause");
    let own = format!("tenant/{tenant}");
    let queue = Queue::of_audit_events(&stack.aws);
    for (state, meanwhile) in [
        ("paused", "wait"),
        ("paused", "wait"),
        ("paused", "rollback"),
        ("running", "wait"),
    ] {
        let body = json!({
            "state": state, "reason": "a leak", "running_executions": meanwhile, "new": true,
        });
        let api = stack.api.as_actor("root");
        let reply = api.put(&format!("/v1/controls/{own}"), &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let heard = tokio::task::spawn_blocking(move || {
        // By id, since an event can be delivered twice.
        let own = |events: &[Value]| {
            let own = events
                .iter()
                .filter(|one| one["data"]["scope"] == own.as_str());
            own.map(|one| (one["id"].to_string(), one.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        own(&queue.drain_until(|events| own(events).len() >= 3))
    });
    let heard = heard.await.expect("it is drained");
    let mut heard: Vec<_> = heard.into_values().collect();
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
    for path in ["foo", "foo/bar", "tenant/"] {
        let reply = stack.api.get(&format!("/v1/controls/{path}")).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.body);
    }
    let reply = stack.api.post("/v1/controls/platform", &right).await;
    assert_eq!(reply.status, 405, "{}", reply.body);
}

#[tokio::test]
async fn a_scope_that_does_not_exist_is_404_unless_the_request_says_that_it_is_new() {
    let stack = Stack::from_env().await;
    let mut body = json!({ "state": "paused", "reason": "a leak" });
    let refused = json!({ "state": "paused", "reason": "a leak", "new": false });
    for kind in ["workflow", "tenant"] {
        // The API looks for a scope for four seconds. If a busy machine needs longer, the scope is
        // controlled, and so known from then on.
        eventually("a scope that does not exist is refused", || async {
            let name = match kind {
                "workflow" => unique("WF-NO-SUCH").to_uppercase(),
                _ => unique("acmee"),
            };
            let path = format!("/v1/controls/{kind}/{name}");
            let reply = stack.api.put(&path, &refused).await;
            let detail = reply.body["detail"].to_string();
            let seen = format!("{path}: {} {}", reply.status, reply.body);
            let names_the_way_out = reply.status == 404 && detail.contains("new");
            names_the_way_out.then_some(()).ok_or(seen)
        })
        .await;
    }
    body["new"] = true.into();
    let resumed = json!({ "state": "running", "reason": "it was a mistake" });
    let tenant = eventually("a new scope is paused and counted", || async {
        let path = format!("/v1/controls/tenant/{}", unique("acmee"));
        let reply = stack.api.put(&path, &body).await;
        let counted = reply.status == 200
            && reply.body["scope_check"] == "new"
            && reply.body["open_executions"] == 0;
        if !counted && reply.status == 200 {
            stack.api.put(&path, &resumed).await;
        }
        counted.then_some(path).ok_or(reply.body.to_string())
    })
    .await;
    // A scope that was controlled before is known, so that it can be resumed.
    let reply = stack.api.put(&tenant, &resumed).await;
    assert_eq!(
        (reply.status, &reply.body["scope_check"]),
        (200, &json!("found"))
    );
}

#[tokio::test]
async fn a_control_counts_the_open_executions_that_it_covers_before_and_after_it_is_set() {
    let stack = Stack::from_env().await;
    let workflow = include_str!("../workflows/stops.yaml");
    stack.aws.deploy(workflow).await;
    let tenant = stack.aws.new_tenant("covered");
    let api = stack.api.as_tenant(&tenant);
    let input = json!({ "first": unique("vendor"), "second": unique("vendor") });
    let id = api
        .started("WF-TEST-STOPS", &unique("covered"), &input)
        .await;
    asked(&api, &id).await;
    let own = format!("tenant/{tenant}");
    for (scope, exactly) in [
        ("platform", None),
        (own.as_str(), Some(1)),
        ("workflow/WF-TEST-STOPS", None),
    ] {
        let resumed = json!({ "state": "running", "reason": "a look" });
        let path = format!("/v1/controls/{scope}");
        // Each process of the API caches the list of workflows, and answers no number in time on a
        // busy machine.
        let before = eventually(&format!("the outlook of {scope}"), || async {
            let before = stack.api.get(&path).await;
            let workflows = before.body["workflows"].as_array().into_iter().flatten();
            let mut own = workflows.filter(|one| one["workflow_id"] == "WF-TEST-STOPS");
            let open = own.next().and_then(|one| one["open_executions"].as_u64());
            // The platform lists the first workflows of the stack, which has those of all tests.
            let open = match scope {
                "platform" => before.body["open_executions"].as_u64(),
                _ => open,
            };
            let fits = open.is_some_and(|open| open >= 1 && exactly.is_none_or(|n| open == n));
            let found = before.body["scope_check"] == "found";
            match before.status == 200 && found && fits {
                true => Ok(before.body),
                false => Err(before.body.to_string()),
            }
        })
        .await;
        assert_eq!(before["state"], "running", "{before}");
        eventually(&format!("the control of {scope} counts"), || async {
            let reply = stack.api.put(&path, &resumed).await;
            let found = reply.status == 200 && reply.body["scope_check"] == "found";
            let open = reply.body["open_executions"].as_u64();
            let fits = open.is_some_and(|open| open >= 1 && exactly.is_none_or(|n| open == n));
            (found && fits).then_some(()).ok_or(reply.body.to_string())
        })
        .await;
    }
    let reason = json!({ "reason": "the end of the test" });
    let path = format!("/v1/executions/{id}/cancel");
    assert_eq!(api.post(&path, &reason).await.status, 202);
}

#[tokio::test]
async fn only_a_platform_admin_changes_a_control() {
    let stack = Stack::from_env().await;
    let body = json!({ "state": "paused", "reason": "mine" });
    for role in Role::ALL
        .into_iter()
        .filter(|role| *role != Role::PlatformAdmin)
    {
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
