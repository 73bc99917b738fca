//! Audit events match the committed changes of the ledger exactly, even if processes die.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt, future::join, stream};
use holdfast_audit::{Kind, story};
use holdfast_aws::{DynamoLedger, SystemHost};
use holdfast_engine::Host;
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_ledger::Ledger;
use holdfast_tests::{
    DELAY, Queue, Stack, eventually, execution_key, kill, texts, unique, variable, workers,
};
use serde_json::{Value, json};

use crate::{decisions::refused, hold, recovery::ledger};

/// The ids of the audit events that the ledger's records of an execution require, with the type of
/// each.
pub(crate) async fn must(ledger: &DynamoLedger, id: &str) -> BTreeMap<String, &'static str> {
    let at = ExecutionKey {
        tenant: "acme".to_owned(),
        execution: id.to_owned(),
    };
    let snapshot = ledger.snapshot(&at).await.expect("the ledger answers");
    let story = story(ledger, &snapshot.expect("it is recorded")).await;
    let story = story.expect("the ledger answers");
    story
        .iter()
        .map(|event| (event.id.clone(), event.kind().name()))
        .collect()
}

/// Resolves every open incident of tenant `acme`.
async fn resolve_all(stack: &Stack) {
    for status in ["open", "acknowledged"] {
        let list = format!("/v1/incidents?status={status}&limit=100");
        let list = stack.api.get(&list).await.body;
        for href in texts(&list["incidents"], "href") {
            let reason = json!({ "reason": "before the next test" });
            stack.api.post(&format!("{href}/resolve"), &reason).await;
        }
    }
}

/// True if an event happened at or after `millis`. Its sequence begins with its milliseconds.
fn since(event: &Value, millis: i64) -> bool {
    let sequence = event["sequence"].as_str().unwrap_or_default();
    let at = sequence.split('-').next().and_then(|at| at.parse().ok());
    at.is_some_and(|at: i64| at >= millis)
}

/// Drains the queue until every expected event arrived, and gives all events of these executions.
fn heard(queue: &Queue, ids: &HashSet<String>, expected: &BTreeSet<String>) -> Vec<Value> {
    let mut heard = queue.drain_until(|heard| {
        let seen: HashSet<_> = heard
            .iter()
            .filter_map(|event| event["id"].as_str())
            .collect();
        expected.iter().all(|id| seen.contains(id.as_str()))
    });
    heard.retain(|event| ids.contains(event["subject"].as_str().unwrap_or_default()));
    heard
}

fn valid(event: &Value) {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| event["type"] == kind.name());
    let schema = kind.expect("a type of ours").schema();
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<_> = schema.iter_errors(event).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{event}: {wrong:?}");
}

#[tokio::test]
async fn two_hundred_executions_have_exact_audit_events_although_the_audit_function_is_killed_at_random()
 {
    let stack = Stack::alone().await;
    resolve_all(&stack).await;
    let began = SystemHost.now().as_millisecond();
    let queue = Queue::of_audit_events(&stack.aws);
    let ledger = ledger().await;
    let over = AtomicBool::new(false);
    let executions = async {
        let ended: Vec<(String, Option<String>)> = stream::iter(0..200)
            .map(|n| {
                let stack = &stack;
                async move {
                    let vendor = unique("vendor");
                    let kind = match n % 4 {
                        0 => Some(("POST /notifications", json!({ "status": 400 }))),
                        1 => Some(("POST /notifications", json!({ "status": 503 }))),
                        _ => None,
                    };
                    if let Some((route, kind)) = kind {
                        let fault =
                            json!({ "route": route, "count": 1, "kind": kind, "match": vendor });
                        stack.vendor.plan(fault).await;
                    }
                    let key = unique("audit");
                    let id = stack.api.started(DELAY, &key, &hold(&vendor)).await;
                    if n % 10 == 0 {
                        let again = stack.api.start(DELAY, &key, &hold(&vendor)).await;
                        assert_eq!(again.status, 200, "{}", again.body);
                    }
                    let (_, receipt) = stack.api.finished(&id).await;
                    let incident = receipt["incident"].as_str();
                    (id, incident.map(str::to_owned))
                }
            })
            .buffer_unordered(20)
            .collect()
            .await;
        let incidents: HashSet<_> = ended.iter().filter_map(|(_, id)| id.clone()).collect();
        for id in &incidents {
            for what in ["acknowledge", "resolve"] {
                let path = format!("/v1/incidents/{id}/{what}");
                let reply = stack.api.post(&path, &json!({ "reason": "seen" })).await;
                assert_eq!(reply.status, 200, "{}", reply.body);
            }
        }
        over.store(true, Ordering::Relaxed);
        let ids = ended.into_iter().map(|(id, _)| id);
        (ids.collect::<HashSet<_>>(), incidents)
    };
    let killing = async {
        let mut killed = 0;
        while !over.load(Ordering::Relaxed) {
            let found = workers(&["audit"]);
            killed += found.len();
            kill(&found);
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        killed
    };
    let ((ids, incidents), killed) = join(executions, killing).await;
    assert!(killed > 3, "only {killed} workers were killed");
    let mut right = BTreeMap::new();
    for id in &ids {
        right.extend(must(&ledger, id).await);
    }
    let subjects: HashSet<_> = ids.union(&incidents).cloned().collect();
    let expected: BTreeSet<_> = right.keys().cloned().collect();
    let heard = tokio::task::spawn_blocking(move || heard(&queue, &subjects, &expected));
    let mut heard = heard.await.expect("it is drained");
    heard.retain(|event| since(event, began));
    let mut said = BTreeMap::new();
    for event in &heard {
        valid(event);
        let id = event["id"].as_str().expect("an id").to_owned();
        let again = said.insert(id, event["type"].as_str().expect("a type"));
        assert!(
            again.is_none_or(|before| before == event["type"]),
            "{event}"
        );
    }
    let missing: Vec<_> = right
        .iter()
        .filter(|(id, _)| !said.contains_key(*id))
        .collect();
    assert!(
        missing.is_empty(),
        "{} not emitted: {missing:?}",
        missing.len()
    );
    let invented: Vec<_> = said
        .iter()
        .filter(|(id, _)| !right.contains_key(*id))
        .collect();
    assert!(
        invented.is_empty(),
        "{} invented: {invented:?}",
        invented.len()
    );
    for kind in [
        "workflow.step.undone",
        "workflow.duplicate.prevented",
        "workflow.step.retried",
        "workflow.incident.opened",
        "workflow.incident.acknowledged",
        "workflow.incident.resolved",
    ] {
        assert!(
            right.values().any(|one| *one == kind),
            "no {kind} among them"
        );
    }
}

#[tokio::test]
async fn a_refused_start_has_an_audit_event_with_its_reason_and_keeps_its_key_free() {
    let stack = Stack::from_env().await;
    let queue = Queue::of_audit_events(&stack.aws);
    let (key, secret) = (unique("away"), unique("hunter2"));
    let alice = stack.api.as_actor("alice");
    let wrong = json!({ "vendor_id": unique("vendor"), "hold_days": secret });
    for _ in 0..2 {
        let reply = alice.start(DELAY, &key, &wrong).await;
        assert_eq!(reply.status, 400, "{}", reply.body);
    }
    let tenant = stack.aws.new_tenant("away");
    let other = stack.api.as_tenant(&tenant);
    let reply = other.start(DELAY, &key, &hold(&unique("vendor"))).await;
    assert_eq!(reply.status, 404, "{}", reply.body);
    let scope = format!("/v1/controls/tenant/{tenant}");
    let pause = json!({ "state": "paused", "reason": "a leak", "new": true });
    assert_eq!(stack.api.put(&scope, &pause).await.status, 200);
    let group = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let reply = other.start("WF-HOLD-VENDOR-GROUP", &key, &group).await;
    assert_eq!(reply.status, 503, "{}", reply.body);
    let resume = json!({ "state": "running", "reason": "it was a test" });
    assert_eq!(stack.api.put(&scope, &resume).await.status, 200);

    let refusals = [
        ("acme", DELAY, "input", 2),
        (&tenant, DELAY, "tenant", 1),
        (&tenant, "WF-HOLD-VENDOR-GROUP", "paused", 1),
    ];
    let ids = refusals.map(|(tenant, workflow, ..)| execution_id(tenant, workflow, &key));
    let ours = |one: &Value| ids.iter().any(|id| one["subject"] == id.as_str());
    let different = |events: &[Value]| {
        let ours = events.iter().filter(|one| ours(one));
        ours.map(|one| one["id"].to_string())
            .collect::<HashSet<_>>()
    };
    let mut emitted = queue.drain_until(|events| different(events).len() == 4);
    emitted.retain(ours);
    let different = different(&emitted);
    assert_eq!(different.len(), 4, "{emitted:?}");
    for ((tenant, workflow, guardrail, times), id) in refusals.into_iter().zip(&ids) {
        let of_it = emitted.iter().filter(|one| one["subject"] == id.as_str());
        let of_it: Vec<_> = of_it.collect();
        let different: HashSet<_> = of_it.iter().map(|one| one["id"].to_string()).collect();
        assert_eq!(different.len(), times, "{workflow} for {tenant}: {of_it:?}");
        for one in of_it {
            valid(one);
            assert_eq!(one["type"], "workflow.start.refused", "{one}");
            assert_eq!(one["data"]["guardrails"], json!([guardrail]), "{one}");
            assert_eq!(
                (&one["tenant"], &one["workflow"]),
                (&json!(tenant), &json!(workflow))
            );
            assert!(!one.to_string().contains(&secret), "{one}");
        }
    }
    let first = emitted.iter().find(|one| one["subject"] == ids[0].as_str());
    assert_eq!(first.expect("the event arrives")["actor"], "alice");
    let reply = stack.api.start(DELAY, &key, &hold(&unique("vendor"))).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let id = texts(&json!([reply.body]), "execution_id")[0].to_owned();
    assert_eq!(id, ids[0]);
    assert_eq!(stack.api.finished(&id).await.0["status"], "EXECUTED");
}

#[tokio::test]
async fn metrics_are_written_by_workflow_and_tenant() {
    let stack = Stack::from_env().await;
    let id = stack
        .api
        .started(DELAY, &unique("metrics"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    eventually("a line of metrics", || async {
        let aws = stack.aws.clone();
        let lines =
            tokio::task::spawn_blocking(move || aws.logged("audit", "workflow_success_rate"));
        let lines = lines.await.expect("the logs can be read");
        let lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = lines
            .into_iter()
            .find(|line| line["workflow"] == DELAY && line["tenant"] == "acme");
        let declared = line.map(|line| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone());
        (declared == Some(json!([[], ["workflow"], ["tenant"]])))
            .then_some(())
            .ok_or_else(|| format!("{declared:?}"))
    })
    .await;
}

#[tokio::test]
async fn audit_events_of_an_execution_can_be_emitted_again_under_the_same_ids() {
    let stack = Stack::from_env().await;
    let ledger = ledger().await;
    let id = stack
        .api
        .started(DELAY, &unique("rebuilt"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    let right = must(&ledger, &id).await;
    // A queue that is created now has missed every event so far.
    let queue = Queue::of_audit_events(&stack.aws);
    let rebuild = json!({ "rebuild": { "tenant": "acme", "execution": id } });
    let answer = stack.aws.try_invoke("audit", &rebuild);
    assert_eq!(answer, Ok(json!({ "events": right.len() })));
    let ids = HashSet::from([id.clone()]);
    let expected: BTreeSet<_> = right.keys().cloned().collect();
    let heard = tokio::task::spawn_blocking(move || heard(&queue, &ids, &expected));
    let heard = heard.await.expect("it is drained");
    let emitted: BTreeSet<_> = heard.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(emitted, right.keys().map(String::as_str).collect());
    let wrong = json!({ "rebuild": { "execution": id } });
    let refused = stack.aws.try_invoke("audit", &wrong);
    let why = refused.expect_err("it names no tenant").to_string();
    assert!(why.contains("it has `tenant` and `execution`"), "{why}");
}

#[tokio::test]
async fn a_foreign_item_of_the_ledger_goes_to_the_dead_letter_queue_by_its_key() {
    let stack = Stack::from_env().await;
    let aws = &stack.aws;
    let pk = execution_key("acme", &unique("alien")).pk();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = aws
        .dynamodb
        .put_item()
        .table_name(variable("HOLDFAST_LEDGER_TABLE"))
        .item("pk", text(&pk))
        .item("sk", text("NOTE"))
        .item("text", text("hidden"));
    put.send().await.expect("the table takes it");
    let found = eventually("the item in the queue", || async {
        let queue = Queue::of_stack(aws, "UntoldQueue");
        let drained = tokio::task::spawn_blocking(move || queue.drain());
        let drained = drained.await.expect("it is drained");
        let mut drained = drained.into_iter();
        let found = drained.find(|one| one["keys"]["pk"]["S"] == pk.as_str());
        found.ok_or_else(|| "not yet".to_owned())
    })
    .await;
    assert_eq!(found["keys"]["sk"]["S"], "NOTE", "{found}");
    let why = found["reason"].as_str().expect("a reason");
    assert!(why.contains("its key is none of the ledger's"), "{why}");
    assert!(!found.to_string().contains("hidden"), "{found}");
    let delete = aws
        .dynamodb
        .delete_item()
        .table_name(variable("HOLDFAST_LEDGER_TABLE"));
    let delete = delete.key("pk", text(&pk)).key("sk", text("NOTE"));
    delete.send().await.expect("the table lets it go");
}

#[tokio::test]
async fn every_execution_with_a_question_reaches_the_topic_even_if_its_incident_is_open() {
    let stack = Stack::from_env().await;
    let queue = Queue::on_incidents(&stack.aws);
    let (one, question) = refused(&stack, &unique("vendor")).await;
    let (two, same) = refused(&stack, &unique("vendor")).await;
    assert_eq!(question["incident"], same["incident"]);
    let mut right = BTreeMap::new();
    for id in [&one, &two] {
        let all = must(&ledger().await, id).await;
        right.extend(
            all.into_iter()
                .filter(|(_, kind)| *kind == "workflow.incident.waiting"),
        );
        let events = stack.api.get(&format!("/v1/executions/{id}/events")).await;
        let types = texts(&events.body["events"], "type");
        assert!(types.contains(&"workflow.incident.waiting"), "{types:?}");
    }
    assert_eq!(right.len(), 2, "{right:?}");
    let ids = HashSet::from([one.clone(), two.clone()]);
    let expected: BTreeSet<_> = right.keys().cloned().collect();
    let heard = tokio::task::spawn_blocking(move || heard(&queue, &ids, &expected));
    let heard = heard.await.expect("it is drained");
    for (id, open_question) in [(&one, &question), (&two, &same)] {
        let waits = heard.iter().find(|event| {
            event["type"] == "workflow.incident.waiting" && event["subject"] == id.as_str()
        });
        let waits = waits.expect("the event arrives");
        valid(waits);
        let incident = waits["data"]["incident"].as_str().expect("an id");
        let path = open_question["incident"].as_str().expect("a path");
        assert!(path.ends_with(incident), "{waits}");
        let reply = crate::decisions::decide(&stack.api, open_question, "rollback", id).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        stack.api.finished(id).await;
    }
}
