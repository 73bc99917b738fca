//! Starts that wait for the end of their execution by `Prefer: wait=N`.

use std::time::{Duration, Instant};

use holdfast_tests::{DELAY, Injury, Reply, Stack, eventually, unique};
use serde_json::{Value, json};

use crate::{express, hold};

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

/// Sends a start of the Express copy.
async fn start_express(stack: &Stack, one: &express::Start, prefer: &str) -> Reply {
    start(
        stack,
        express::WORKFLOW,
        &one.key,
        &hold(&one.vendor),
        prefer,
    )
    .await
}

/// Repeats new Express starts with this injury until one ends while it waits, and returns it.
async fn ended_in_time(stack: &Stack, injury: Option<Injury>) -> (express::Start, Reply) {
    eventually(
        "an Express execution ends while its start waits",
        || async {
            let one = express::Start::new();
            if let Some(injury) = injury {
                stack.aws.injure(&one.id, injury).await;
            }
            let reply = start_express(stack, &one, "wait=20").await;
            Ok((one, in_time(reply, "EXECUTED")?))
        },
    )
    .await
}

#[tokio::test]
async fn an_express_start_that_waits_and_its_repeat_answer_the_ended_execution_with_its_receipt() {
    let stack = express::stack().await;
    let (one, first) = ended_in_time(&stack, None).await;
    let repeat = start_express(&stack, &one, "wait=20").await;
    for (reply, replayed) in [(&first, false), (&repeat, true)] {
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.header("preference-applied"), "wait=20");
        assert_eq!(reply.body["replayed"], replayed);
        assert_eq!(reply.body["execution_id"], one.id);
        let execution = &reply.body["execution"];
        let link = reply.body["links"]["receipt"].as_str().expect("a path");
        let receipt = stack.api.get(link).await.body;
        assert_eq!(execution["receipt"]["sha256"], receipt["sha256"]);
        assert_eq!(execution["status"], "EXECUTED");
    }
    assert_eq!(one.judged(&stack).await, "EXECUTED");
    assert_eq!(repeat.body["execution"]["duplicates_prevented"], 1);
}

#[tokio::test]
async fn a_wait_that_is_shorter_than_an_express_execution_answers_202() {
    let stack = express::stack().await;
    let one = express::Start::new();
    let fault = json!({
        "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" },
        "match": one.vendor,
    });
    let notification = stack.vendor.block(fault).await;
    for replayed in [false, true] {
        let reply = start_express(&stack, &one, "wait=1").await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        assert_eq!(reply.header("preference-applied"), "wait=1");
        assert_eq!(reply.body["replayed"], replayed);
        assert!(reply.body["execution"].is_null(), "{}", reply.body);
        // The execution has begun, so that the next start is a repeat for the API.
        notification.arrived().await;
    }
    notification.unblock().await;
    let reply = eventually("the execution ends while its start waits", || async {
        in_time(start_express(&stack, &one, "wait=20").await, "EXECUTED")
    })
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(one.judged(&stack).await, "EXECUTED");
}

#[tokio::test]
async fn a_wait_for_an_express_start_that_runs_twice_answers_its_one_end() {
    let stack = express::stack().await;
    let (one, reply) = ended_in_time(&stack, Some(Injury::Twice)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["replayed"], false);
    one.ended(&stack, 2).await;
    assert_eq!(one.judged(&stack).await, "EXECUTED");
    let execution = one.execution(&stack).await;
    assert_eq!(execution["receipt"], reply.body["execution"]["receipt"]);
    assert_eq!(execution["duplicates_prevented"], 0);
}

#[tokio::test]
async fn a_wait_for_an_express_start_that_never_runs_answers_202_and_its_repeat_runs_it() {
    let stack = express::stack().await;
    let one = express::Start::new();
    stack.aws.injure(&one.id, Injury::Never).await;
    let reply = start_express(&stack, &one, "wait=1").await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    assert_eq!(reply.header("preference-applied"), "wait=1");
    assert!(reply.body["status"].is_null(), "{}", reply.body);
    let path = format!("/v1/executions/{}", one.id);
    assert_eq!(stack.api.get(&path).await.status, 404);
    let mut repeats = 0;
    let reply = eventually("a repeat ends while it waits", || {
        repeats += 1;
        let (stack, one, first) = (&stack, &one, repeats == 1);
        async move {
            let reply = start_express(stack, one, "wait=20").await;
            // Nothing is recorded before the first repeat.
            assert!(!first || reply.body["replayed"] != true, "{}", reply.body);
            in_time(reply, "EXECUTED")
        }
    })
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(one.judged(&stack).await, "EXECUTED");
}
