//! Notifications of effects that remain: every execution sends one, whatever incident is open.

use std::collections::{BTreeMap, HashSet};

use holdfast_tests::{Api, Queue, Stack, texts, unique};
use serde_json::{Value, json};

pub(crate) const STANDS: &str = "WF-TEST-STANDS";

/// Executes the workflow for the tenant of `api` with a refused second step, and with a refused
/// undo of the first one if `remains`. Returns the execution's id and its receipt.
pub(crate) async fn failed(stack: &Stack, api: &Api, remains: bool) -> (String, Value) {
    let vendor = unique("vendor");
    let second = format!("{vendor}-second");
    let refused = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": second });
    stack.vendor.plan(refused).await;
    if remains {
        let kept = json!({ "route": "DELETE /holds", "count": 1, "kind": { "status": 403 }, "vendor_id": vendor });
        stack.vendor.plan(kept).await;
    }
    let input = json!({ "vendor_id": vendor });
    let id = api.started(STANDS, &unique("stands"), &input).await;
    let (_, receipt) = api.finished(&id).await;
    (id, receipt)
}

/// The events of effects that remain, once each of these executions has one.
fn standing(queue: &Queue, ids: &HashSet<String>) -> Vec<Value> {
    // By id, since an event can be delivered twice.
    let standing = |events: &[Value]| {
        let of_these = events.iter().filter(|event| {
            let subject = event["subject"].as_str().unwrap_or_default();
            event["type"] == "workflow.incident.standing" && ids.contains(subject)
        });
        of_these
            .map(|event| (event["id"].to_string(), event.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let heard = queue.drain_until(|events| standing(events).len() >= ids.len());
    standing(&heard).into_values().collect()
}

#[tokio::test]
async fn every_execution_that_leaves_an_effect_notifies_and_a_good_end_resolves_the_incident() {
    let stack = Stack::from_env().await;
    let workflow = include_str!("../workflows/stands.yaml");
    stack.aws.deploy(workflow).await;
    // A tenant of its own, so that no other execution has its incident open.
    let api = &stack.api.as_tenant(&stack.aws.new_tenant("standing"));
    let queue = Queue::of_audit_events(&stack.aws);
    let (_, harmless) = failed(&stack, api, false).await;
    assert_eq!(harmless["status"], "ROLLED_BACK", "{harmless}");
    let (mut ids, mut incidents) = (HashSet::new(), HashSet::new());
    for _ in 0..3 {
        let (id, receipt) = failed(&stack, api, true).await;
        assert_eq!(receipt["status"], "PARTIALLY_ROLLED_BACK", "{receipt}");
        incidents.insert(receipt["incident"].as_str().expect("one").to_owned());
        ids.insert(id);
    }
    assert_eq!(incidents.len(), 1, "one cause is one incident");
    let incident = incidents.iter().next().expect("one").clone();
    assert_ne!(harmless["incident"], incident.as_str());

    let (sent, all) = (queue, ids.clone());
    let events = tokio::task::spawn_blocking(move || standing(&sent, &all)).await;
    let events = events.expect("it is drained");
    assert_eq!(events.len(), 3, "each execution notifies: {events:?}");
    for event in &events {
        let data = &event["data"];
        assert_eq!(data["stands"], json!(["hold_first"]), "{event}");
        assert_eq!(
            (&data["stands_total"], &data["certain"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(data["incident"], incident.as_str());
    }

    let path = format!("/v1/incidents/{incident}");
    let open = api.get(&path).await.body;
    assert_eq!(
        (&open["status"], &open["standing"]),
        (&json!("OPEN"), &json!(true))
    );
    let reasons = texts(&open["executions"], "reason");
    assert!(
        reasons.iter().all(|reason| reason.contains("400")),
        "{open}"
    );
    for id in &ids {
        let ended = api.get(&format!("/v1/executions/{id}")).await.body;
        assert_eq!(ended["incidents"], json!([&path]), "{ended}");
        let reason = json!({ "reason": "access was granted" });
        let path = format!("/v1/executions/{id}/rollback");
        assert_eq!(api.post(&path, &reason).await.status, 202);
        api.finished(id).await;
    }
    let closed = api.get(&path).await.body;
    assert_eq!(closed["status"], "RESOLVED", "{closed}");
    let handled = closed["handled"]
        .as_array()
        .and_then(|handled| handled.last());
    assert_eq!(handled.map(|last| &last["by"]), Some(&json!("holdfast")));
}
