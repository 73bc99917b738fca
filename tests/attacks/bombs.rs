//! Attacks by an input that takes long to check: backtracking, long lists, many members. Each start
//! that a door accepts ends with a receipt, soon.

use std::time::{Duration, Instant};

use futures_util::future::join;
use holdfast_ids::keys::execution_id;
use holdfast_tests::{Stack, unique};
use serde_json::{Value, json};

use crate::none_succeeded;

const BOMBED: &str = "WF-TEST-BOMBED";

/// Longest time from a start to its receipt, on a busy machine. One check has five seconds, and an
/// endless one would keep its function for half a minute at each of its attempts.
const SOON: Duration = Duration::from_secs(120);

fn inputs() -> Vec<(&'static str, Value)> {
    let lists =
        |item: fn(usize) -> Value, items: usize| -> Value { (0..items).map(item).collect() };
    vec![
        (
            "backtracking",
            json!({ "text": "a".repeat(60) + "!", "list": [] }),
        ),
        (
            "a long text",
            json!({ "text": "a".repeat(190_000), "list": [] }),
        ),
        (
            "distinct numbers",
            json!({ "text": "a", "list": lists(|n| json!(n), 19_000) }),
        ),
        (
            "distinct texts",
            json!({ "text": "a", "list": lists(|n| json!(n.to_string()), 15_000) }),
        ),
        (
            "distinct objects",
            json!({ "text": "a", "list": lists(|n| json!({ "n": n }), 9_000) }),
        ),
        (
            "distinct lists",
            json!({ "text": "a", "list": lists(|n| json!([n, [n]]), 4_000) }),
        ),
        (
            "descending",
            json!({ "text": "a", "list": lists(|n| json!(20_000 - n), 19_000) }),
        ),
    ]
}

/// Waits for the receipt of a start, and says how it ended if that is no end of a check.
async fn judged(stack: &Stack, what: &str, key: &str) -> Option<String> {
    let began = Instant::now();
    let id = execution_id("acme", BOMBED, key);
    let (execution, _) = stack.api.finished(&id).await;
    let status = execution["status"].as_str().unwrap_or_default();
    let took = began.elapsed();
    let ended = ["EXECUTED", "REJECTED"].contains(&status);
    (!ended || took > SOON).then(|| format!("{what}: {status} after {} s", took.as_secs()))
}

/// Starts by the API.
async fn by_the_api(stack: &Stack, what: &str, input: &Value) -> Option<String> {
    let key = unique("bomb");
    let mut reply = stack.api.start(BOMBED, &key, input).await;
    // A busy machine may not give a check its time.
    let repeated = reply.status == 503;
    for _ in 0..5 {
        if reply.status != 503 {
            break;
        }
        reply = stack.api.start(BOMBED, &key, input).await;
    }
    match reply.status {
        status if status == 202 || repeated && status == 200 => {
            judged(stack, &format!("{what} by the API"), &key).await
        }
        // The API's own check of the schema ran out of time.
        400 => None,
        other => Some(format!("{what} by the API: {other}")),
    }
}

/// Starts as the rule of an event does.
async fn by_an_event(stack: &Stack, what: &str, input: &Value) -> Option<String> {
    let key = unique("bomb");
    let event = json!({ "detail": { "tenant": "acme", "key": key, "input": input } });
    let sent = json!({ "trigger": "raised", "event": event });
    stack.aws.start(BOMBED, &unique("bomb"), &sent).await;
    judged(stack, &format!("{what} by an event"), &key).await
}

#[tokio::test]
async fn every_start_that_takes_long_to_check_ends_with_a_receipt_by_every_door() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/bombed.yaml"))
        .await;
    let honest = json!({ "text": "a", "list": [1, 2] });
    let id = stack.api.started(BOMBED, &unique("honest"), &honest).await;
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let mut succeeded = Vec::new();
    for (what, input) in inputs() {
        let api = by_the_api(&stack, what, &input);
        let (api, event) = join(api, by_an_event(&stack, what, &input)).await;
        succeeded.extend(api.into_iter().chain(event));
    }
    none_succeeded(&succeeded);
}
