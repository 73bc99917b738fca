//! One start makes one execution and one effect, however often and through whichever entry it
//! arrives.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use holdfast_tests::{DELAY, Stack, eventually, unique};
use serde_json::json;

use crate::hold;

#[tokio::test]
async fn fifty_concurrent_starts_with_one_key_commit_one_effect() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("fifty"));
    let input = hold(&vendor);
    let repeated = AtomicBool::new(false);
    let answered = || async {
        eventually("a start is answered", || async {
            let reply = stack.api.start(DELAY, &key, &input).await;
            // The function or the gateway did not answer in time.
            let lost = reply.status >= 500;
            repeated.fetch_or(lost, Ordering::SeqCst);
            if lost { Err(reply.text) } else { Ok(reply) }
        })
        .await
    };
    let replies = join_all((0..50).map(|_| answered())).await;
    let id = replies[0].body["execution_id"].clone();
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 202), "{}", reply.body);
        assert_eq!(reply.body["execution_id"], id);
    }
    let started = replies.iter().filter(|reply| reply.status == 202).count();
    let lost = repeated.load(Ordering::SeqCst);
    assert!(started == 1 || lost && started == 0, "one started it");
    let (execution, _) = stack.api.finished(id.as_str().expect("an id")).await;
    assert_eq!(execution["status"], "EXECUTED");
    let prevented = execution["duplicates_prevented"].as_u64();
    assert!(
        prevented == Some(49) || lost && prevented > Some(49),
        "{execution}"
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn a_direct_start_of_the_same_key_ends_as_a_duplicate() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("direct"));
    let id = stack.api.started(DELAY, &key, &hold(&vendor)).await;
    stack.api.finished(&id).await;
    let start = json!({ "tenant": "acme", "idempotency_key": key, "input": hold(&vendor) });
    let arn = stack.aws.start(DELAY, &unique("again"), &start).await;
    let ended = stack.aws.ended(&arn).await;
    assert_eq!(ended.status.as_str(), "SUCCEEDED");
    assert_eq!(ended.states, ["Begin", "Duplicate"]);
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["duplicates_prevented"], 1);
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn twenty_concurrent_direct_starts_of_one_key_have_one_owner() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("direct"));
    let start = json!({ "tenant": "acme", "idempotency_key": key, "input": hold(&vendor) });
    let names: Vec<_> = (0..20).map(|_| unique("race")).collect();
    let arns = join_all(
        names
            .iter()
            .map(|name| stack.aws.start(DELAY, name, &start)),
    )
    .await;
    let ended = join_all(arns.iter().map(|arn| stack.aws.ended(arn))).await;
    assert!(
        ended.iter().all(|end| end.status.as_str() == "SUCCEEDED"),
        "{ended:?}"
    );
    assert_eq!(
        ended
            .iter()
            .filter(|end| end.states.last().is_some_and(|last| last == "Finish"))
            .count(),
        1
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn a_direct_start_of_a_used_key_with_another_input_is_refused() {
    let stack = Stack::from_env().await;
    let key = unique("direct");
    let id = stack
        .api
        .started(DELAY, &key, &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    let other = unique("vendor");
    let start = json!({ "tenant": "acme", "idempotency_key": key, "input": hold(&other) });
    let ended = stack
        .aws
        .ended(&stack.aws.start(DELAY, &unique("reuse"), &start).await)
        .await;
    assert_eq!(
        (ended.status.as_str(), ended.error.as_str()),
        ("FAILED", "KeyReused")
    );
    assert!(stack.vendor.effects_on(&other).await.is_empty());
}
