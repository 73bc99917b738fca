//! A function's process that is killed in the middle of a step leaves one effect and a finished
//! execution.

use holdfast_tests::{DELAY, Stack, eventually, kill, unique, workers};
use serde_json::json;

use crate::hold;

#[tokio::test]
async fn a_worker_killed_after_its_effect_leaves_one_effect_and_a_finished_execution() {
    let stack = Stack::alone().await;
    let vendor = unique("vendor");
    // The vendor system commits the effect and blocks its answer, and the worker dies meanwhile.
    let fault = json!({
        "route": "POST /holds", "count": 1, "kind": { "block": "after_commit" },
        "vendor_id": vendor,
    });
    let answer = stack.vendor.block(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("crash"), &hold(&vendor))
        .await;
    eventually("the hold is committed", || async {
        let effects = stack.vendor.effects_on(&vendor).await;
        (effects == ["hold_placed"])
            .then_some(())
            .ok_or_else(|| format!("{effects:?}"))
    })
    .await;
    let at_work = workers(&["step-vendor-hold"]);
    assert!(!at_work.is_empty(), "there is a worker to kill");
    kill(&at_work);
    answer.unblock().await;
    let stack = stack.share();
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["steps"][0]["attempts"], 2);
    assert_eq!(
        holdfast_tests::texts(&execution["steps"][0]["attempts"], "outcome"),
        ["lost", "succeeded"]
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}
