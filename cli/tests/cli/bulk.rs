//! Tests of `holdfast bulk` against an API that does not answer at once.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::doors::{Server, TOKEN, ok, run};

#[test]
fn a_run_that_is_not_answered_is_sent_again_with_the_same_token() {
    let bulk = "b1".repeat(20);
    let execution = "41c20d".repeat(7)[..40].to_owned();
    let preview = json!({
        "bulk_id": bulk, "tenant": "acme", "operation": "cancel", "total": 1, "token": "t-1",
        "statuses": [{ "status": "RUNNING", "count": 1 }], "checked": 1, "refused_now": [],
        "sample": [{ "execution_id": execution, "workflow_id": "WF-PAY", "status": "RUNNING" }],
    });
    let report = json!({
        "bulk_id": bulk, "operation": "cancel", "status": "DONE", "total": 1, "items": [],
        "counts": { "done": 1, "already": 0, "refused": 0, "not_reached": 0, "pending": 0 },
    });
    let changed = json!({ "bulk_id": bulk, "status": "RUNNING" });
    let runs = AtomicU32::new(0);
    let server = Server::start(move |line| match line {
        line if line.starts_with("GET ") => ok(report.clone()),
        line if !line.contains("/run") => ok(preview.clone()),
        _ if runs.fetch_add(1, Ordering::SeqCst) == 0 => {
            ("503 Service Unavailable".to_owned(), Value::Null)
        }
        _ => ok(changed.clone()),
    });
    let cancel = [
        "bulk",
        "cancel",
        "--workflow",
        "WF-PAY",
        "--reason",
        "r",
        "--yes",
    ];
    let output = run(&server.address, TOKEN, &cancel);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let requests = server.requests();
    let runs: Vec<_> = requests
        .iter()
        .filter(|one| one.contains("/run "))
        .collect();
    assert_eq!(runs.len(), 2, "{requests:?}");
    assert!(runs.iter().all(|one| one.contains("t-1")), "{runs:?}");
}
