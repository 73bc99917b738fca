//! Attacks by events that a sender of business events forges.

use holdfast_tests::{Queue, Stack, unique};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::none_succeeded;

/// Detail types of audit events that people are told of.
const FORGED: [&str; 4] = [
    "workflow.incident.opened",
    "workflow.incident.standing",
    "workflow.incident.waiting",
    "audit.unreadable",
];

#[tokio::test]
async fn a_forged_audit_event_reaches_no_topic_and_no_archive() {
    let stack = Stack::from_env().await;
    let aws = stack.aws.clone();
    let queue = tokio::task::spawn_blocking(move || Queue::on_incidents(&aws));
    let queue = queue.await.expect("a queue");
    let mark = unique("forged");
    for source in ["holdfast", "holdfast.audit"] {
        for kind in FORGED {
            let detail = json!({ "id": mark, "type": kind, "tenant": "acme", "workflow": mark });
            stack.aws.emit(source, kind, &detail).await;
        }
    }
    // An incident of a real execution, which reaches the topic later.
    let workflow = format!("WF-TEST-FORGED-{}", Timestamp::now().as_millisecond());
    let yaml = include_str!("../workflows/reaches.yaml").replace("WF-TEST-REACHES", &workflow);
    stack.aws.deploy(&yaml).await;
    let input = json!({ "vendor": unique("missing") });
    let id = stack
        .api
        .started(&workflow, &unique("honest"), &input)
        .await;
    stack.api.finished(&id).await;
    let honest = |seen: &[Value]| seen.iter().any(|one| one.to_string().contains(&workflow));
    let seen = queue.drain_until(honest);
    assert!(
        honest(&seen),
        "the real incident reaches the topic: {seen:?}"
    );
    let forged = seen.iter().map(Value::to_string);
    let forged: Vec<_> = forged.filter(|one| one.contains(&mark)).collect();
    none_succeeded(&forged);
}
