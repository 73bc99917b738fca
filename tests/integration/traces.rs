//! One trace id follows an execution from the caller through every function into every request to a
//! target.

use holdfast_ids::trace::TraceId;
use holdfast_tests::{DELAY, Stack, eventually, unique};
use serde_json::{Value, json};

use crate::hold;

fn trace_of(request: &Value) -> Option<String> {
    let header = request["traceparent"].as_str()?;
    TraceId::from_traceparent(header).map(String::from)
}

#[tokio::test]
async fn the_callers_trace_reaches_every_attempt_every_target_and_every_log() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("trace"));
    let trace = TraceId::of_execution(&holdfast_ids::digest::sha256_hex(key.as_bytes()));
    let fault = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(fault).await;
    let fault =
        json!({ "route": "POST /holds", "count": 1, "kind": { "status": 503 }, "match": vendor });
    stack.vendor.plan(fault).await;
    let request = stack
        .api
        .request("POST", &format!("/v1/workflows/{DELAY}/executions"));
    let request = request
        .header("idempotency-key", &key)
        .header("content-type", "application/json")
        .header("traceparent", trace.traceparent("caller", 1))
        .body(json!({ "input": hold(&vendor) }).to_string());
    let started = stack.api.send(request).await;
    assert_eq!(started.status, 202, "{}", started.body);
    let id = started.body["execution_id"].as_str().expect("an id");
    let (execution, _) = stack.api.finished(id).await;
    assert_eq!(execution["trace_id"], trace.to_string());

    let requests = stack.vendor.requests(&format!("vendor_id={vendor}")).await;
    let holds = requests.iter().filter(|one| one["route"] == "POST /holds");
    assert_eq!(holds.count(), 2, "{requests:#?}");
    let spans: std::collections::BTreeSet<_> = requests
        .iter()
        .map(|one| {
            assert_eq!(
                trace_of(one).as_deref(),
                Some(trace.to_string().as_str()),
                "{one}"
            );
            one["traceparent"].as_str()
        })
        .collect();
    assert_eq!(
        spans.len(),
        requests.len(),
        "each attempt is a span of its own"
    );

    for (function, attempts) in [
        ("begin", 0),
        ("step-vendor-hold", 2),
        ("step-http", 1),
        ("plan", 0),
        ("finish", 0),
    ] {
        eventually(&format!("{function} logs the trace"), || async {
            let lines = stack.aws.logged(function, &trace.to_string());
            let of_it = lines.iter().filter(|line| line.contains(id));
            let tried = lines.iter().filter(|line| line.contains(" attempt="));
            (of_it.count() > 0 && tried.count() >= attempts)
                .then_some(())
                .ok_or_else(|| format!("{lines:#?}"))
        })
        .await;
    }
}

#[tokio::test]
async fn an_execution_of_an_untraced_start_has_a_trace() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = stack
        .api
        .started(DELAY, &unique("trace"), &hold(&vendor))
        .await;
    let (execution, _) = stack.api.finished(&id).await;
    let trace = execution["trace_id"].as_str().expect("a trace id");
    let requests = stack.vendor.requests(&format!("vendor_id={vendor}")).await;
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(trace_of(request).as_deref(), Some(trace), "{request}");
    }
}
