//! Step events on the audit bus: they share entries, and each event that the specification names
//! has an entry of its own.

use std::{collections::BTreeMap, time::Instant};

use holdfast_audit::STEP_EVENTS;
use holdfast_tests::{DELAY, PATIENCE, Queue, Stack, unique};
use serde_json::Value;

use crate::{audit::must, hold, recovery::ledger};

/// The types of an execution's events by their ids: of those with an entry of their own, and of
/// those that share one. Drains the queue until both have as many as `expected`.
fn received(queue: &Queue, execution: &str, expected: usize) -> [BTreeMap<String, String>; 2] {
    let [mut own, mut shared] = [BTreeMap::new(), BTreeMap::new()];
    let until = Instant::now() + PATIENCE;
    while own.len() + shared.len() < expected && Instant::now() < until {
        for (kind, detail) in queue.drain_entries() {
            let (events, into) = match kind == STEP_EVENTS {
                true => (detail["events"].as_array().cloned(), &mut shared),
                false => (Some(vec![detail]), &mut own),
            };
            let events = events.into_iter().flatten();
            let events = events.filter(|event| event["subject"] == execution);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            into.extend(events.map(|event| (text(&event["id"]), text(&event["type"]))));
        }
    }
    [own, shared]
}

#[tokio::test]
async fn step_events_share_entries_and_the_specifications_events_have_their_own() {
    let stack = Stack::from_env().await;
    let queue = Queue::of_audit_events(&stack.aws);
    let (key, input) = (unique("entries"), hold(&unique("vendor")));
    let id = stack.api.started(DELAY, &key, &input).await;
    stack.api.finished(&id).await;
    let events = must(&ledger().await, &id).await;
    let count = events.len();
    let received = tokio::task::spawn_blocking(move || received(&queue, &id, count));
    let [own, shared] = received.await.expect("it is drained");
    let of = |started: bool| {
        let events = events.iter();
        let chosen = events.filter(|(_, kind)| (**kind == "workflow.step.started") == started);
        let texts = chosen.map(|(id, kind)| (id.clone(), (*kind).to_owned()));
        texts.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(shared, of(true));
    assert_eq!(own, of(false));
    for kind in [
        "workflow.started",
        "workflow.step.completed",
        "workflow.receipt.generated",
    ] {
        assert!(own.values().any(|one| one == kind), "{kind}: {own:?}");
    }
}
