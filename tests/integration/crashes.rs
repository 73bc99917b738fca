//! A function's process is killed in the middle of a step: one effect, and a finished execution.

use std::{fs, process::Command};

use holdfast_tests::{DELAY, Stack, eventually, unique, variable};
use serde_json::json;

use crate::hold;

/// The processes of this stack that perform `action`.
fn workers(action: &str) -> Vec<String> {
    let ours = [
        format!("HOLDFAST_ACTION={action}"),
        format!("AWS_ENDPOINT_URL={}", variable("AWS_ENDPOINT_URL")),
    ];
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            let variables: Vec<_> = environment.split(|byte| *byte == 0).collect();
            ours.iter()
                .all(|variable| variables.contains(&variable.as_bytes()))
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Kills whoever performs `action`, and says how many did.
fn kill(action: &str) -> usize {
    let found = workers(action);
    let killed = Command::new("kill").arg("-KILL").args(&found).status();
    assert!(killed.is_ok_and(|status| status.success()), "{found:?}");
    found.len()
}

#[tokio::test]
async fn a_worker_killed_after_its_effect_leaves_one_effect_and_a_finished_execution() {
    let stack = Stack::alone().await;
    let vendor = unique("vendor");
    // The effect is committed, and the answer is still on its way when the worker dies.
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "delay_after_ms": 60_000 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("crash"), &hold(&vendor))
        .await;
    eventually("the hold is committed", 30, || async {
        let effects = stack.vendor.effects_on(&vendor).await;
        (effects == ["hold_placed"])
            .then_some(())
            .ok_or_else(|| format!("{effects:?}"))
    })
    .await;
    assert!(kill("vendor-hold") > 0, "there is a worker to kill");
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
