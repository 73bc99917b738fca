//! Step events on the audit bus: they share entries, and each other event has an entry of its own.

use std::{collections::BTreeMap, time::Instant};

use holdfast_audit::STEP_EVENTS;
use holdfast_tests::{DELAY, PATIENCE, Queue, Stack, unique};
use serde_json::Value;

use crate::{audit::must, hold, recovery::ledger};

const COMPLETED: &str = "workflow.step.completed";

/// The types of an execution's events by their ids, for each detail type of entries. An entry of
/// its own has the type of its event. Drains the queue until it had as many events as `expected`.
fn received(
    queue: &Queue,
    execution: &str,
    expected: usize,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let until = Instant::now() + PATIENCE;
    loop {
        for (kind, detail) in queue.receive() {
            let shares = [STEP_EVENTS, COMPLETED].contains(&kind.as_str());
            let events = match shares {
                true => detail["events"].as_array().cloned().expect("its events"),
                false => vec![detail.clone()],
            };
            if kind == COMPLETED && detail["subject"] == execution {
                assert_eq!(detail["tenant"], "acme");
                assert_eq!(detail["workflow"], DELAY);
            }
            let events = events.into_iter();
            let events = events.filter(|event| event["subject"] == execution);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let events: Vec<_> = events
                .map(|event| (text(&event["id"]), text(&event["type"])))
                .collect();
            if !events.is_empty() {
                found.entry(kind).or_default().extend(events);
            }
        }
        let count: usize = found.values().map(BTreeMap::len).sum();
        if count >= expected || Instant::now() > until {
            break;
        }
    }
    found
}

#[tokio::test]
async fn step_events_share_entries_and_every_other_event_has_its_own() {
    let stack = Stack::from_env().await;
    let queue = Queue::of_audit_events(&stack.aws);
    let (key, input) = (unique("entries"), hold(&unique("vendor")));
    let id = stack.api.started(DELAY, &key, &input).await;
    stack.api.finished(&id).await;
    let events = must(&ledger().await, &id).await;
    let count = events.len();
    let received = tokio::task::spawn_blocking(move || received(&queue, &id, count));
    let received = received.await.expect("it is drained");
    let mut expected: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (id, kind) in &events {
        let entry = match *kind {
            "workflow.step.started" => STEP_EVENTS,
            kind => kind,
        };
        let of = expected.entry(entry.to_owned()).or_default();
        of.insert(id.clone(), (*kind).to_owned());
    }
    assert_eq!(received, expected);
    for kind in ["workflow.started", COMPLETED, "workflow.receipt.generated"] {
        assert!(received.contains_key(kind), "{kind}: {received:?}");
    }
}
