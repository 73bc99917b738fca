//! Starts that wait for the end of their execution by `Prefer: wait=N`.

use std::time::{Duration, Instant};

use holdfast_tests::{DELAY, Reply, Stack, eventually, unique};
use serde_json::{Value, json};

use crate::hold;

/// Sends a start with this header `Prefer`.
async fn start(stack: &Stack, workflow: &str, key: &str, input: &Value, prefer: &str) -> Reply {
    let path = format!("/v1/workflows/{workflow}/executions");
    let request = stack.api.request("POST", &path);
    let request = request
        .header("idempotency-key", key)
        .header("prefer", prefer)
        .header("content-type", "application/json")
        .body(json!({ "input": input }).to_string());
    stack.api.send(request).await
}

/// The reply if it is that of an execution with this status. A loaded machine may need more time
/// for an execution than one wait has, so that tests repeat their starts until one is answered so.
fn in_time(reply: Reply, status: &str) -> Result<Reply, String> {
    match reply.body["status"] == status {
        true => Ok(reply),
        false => Err(format!("{} {}", reply.status, reply.body)),
    }
}

#[tokio::test]
async fn a_start_that_waits_answers_the_ended_execution_with_its_receipt() {
    let stack = Stack::from_env().await;
    let reply = eventually("an execution ends while its start waits", || async {
        let input = hold(&unique("vendor"));
        // More than the deployment allows.
        let reply = start(&stack, DELAY, &unique("wait"), &input, "wait=99").await;
        let applied = reply.header("preference-applied").to_owned();
        let reply = in_time(reply, "EXECUTED")?;
        assert_eq!(applied, "wait=20");
        Ok(reply)
    })
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["replayed"], false);
    let id = reply.body["execution_id"].as_str().expect("an id");
    let (execution, _) = stack.api.finished(id).await;
    assert_eq!(reply.body["execution"], execution);
    let link = reply.body["links"]["receipt"].as_str().expect("a path");
    let receipt = stack.api.get(link).await.body;
    assert_eq!(receipt["sha256"], execution["receipt"]["sha256"]);
}

#[tokio::test]
async fn a_wait_that_is_shorter_than_the_execution_answers_202_also_to_a_repeated_start() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("wait"));
    let fault = json!({
        "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" },
        "match": vendor,
    });
    let notification = stack.vendor.block(fault).await;
    for replayed in [false, true] {
        let reply = start(&stack, DELAY, &key, &hold(&vendor), "respond-async, wait=1").await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        assert_eq!(reply.header("preference-applied"), "wait=1");
        assert_eq!(reply.body["replayed"], replayed);
        assert!(reply.body["execution"].is_null(), "{}", reply.body);
    }
    notification.unblock().await;
    let reply = eventually("the execution ends while its start waits", || async {
        let reply = start(&stack, DELAY, &key, &hold(&vendor), "wait=20").await;
        in_time(reply, "EXECUTED")
    })
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["replayed"], true);
    assert_eq!(reply.body["execution"]["status"], "EXECUTED");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn a_start_whose_execution_waits_for_people_is_answered_at_once() {
    let stack = Stack::from_env().await;
    let workflow = "WF-HOLD-LARGE-PAYMENTS";
    eventually("an answer before its time", || async {
        let input = json!({ "vendor_id": unique("vendor"), "hold_days": 3, "amount": 50_000 });
        let began = Instant::now();
        let reply = start(&stack, workflow, &unique("wait"), &input, "wait=20").await;
        let took = began.elapsed();
        let reply = in_time(reply, "WAITING")?;
        assert_eq!(reply.status, 202, "{}", reply.body);
        (took < Duration::from_secs(20))
            .then_some(())
            .ok_or_else(|| format!("after {took:?}"))
    })
    .await;
}

#[tokio::test]
async fn a_preference_that_is_not_honoured_changes_nothing() {
    let stack = Stack::from_env().await;
    let input = hold(&unique("vendor"));
    for (prefer, status) in [("wait=soon", 202), ("respond-async", 202)] {
        let reply = start(&stack, DELAY, &unique("wait"), &input, prefer).await;
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(reply.header("preference-applied"), "");
        assert!(reply.body["status"].is_null(), "{}", reply.body);
    }
}
