//! A function's process is killed in the middle of a step: one effect, and a finished execution.

use std::{fs, process::Command};

use holdfast_tests::{DELAY, Stack, eventually, unique, variable};
use serde_json::json;

use crate::hold;

/// The processes of this stack that perform `action`.
fn workers(action: &str) -> Vec<u32> {
    let (action, endpoint) = (
        format!("HOLDFAST_ACTION={action}"),
        format!("AWS_ENDPOINT_URL={}", variable("AWS_ENDPOINT_URL")),
    );
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|entry| {
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let mut variables = environment.split(|byte| *byte == 0);
            let has = |text: &str| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|one| one == text.as_bytes())
            };
            variables.next()?;
            (has(&action) && has(&endpoint))
                .then(|| entry.file_name().to_str()?.parse().ok())
                .flatten()
        })
        .collect()
}

/// Kills whoever performs `action`, again and again until `done`.
fn kill(action: &str) -> usize {
    let found = workers(action);
    for pid in &found {
        let killed = Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status();
        assert!(killed.is_ok_and(|status| status.success()));
    }
    found.len()
}

#[tokio::test]
async fn a_worker_killed_after_its_effect_leaves_one_effect_and_a_finished_execution() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    // The effect is committed, and the answer is still on its way when the worker dies.
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "delay_after_ms": 60_000 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("crash"), &hold(&vendor))
        .await;
    eventually("the hold is committed", 30, || async {
        (stack.vendor.effects_on(&vendor).await == ["hold_placed"]).then_some(())
    })
    .await;
    assert!(kill("vendor-hold") > 0, "there is a worker to kill");
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["steps"][0]["attempts"], 2);
    assert_eq!(
        holdfast_tests::texts(&execution["steps"][0]["attempts"], "outcome"),
        ["lost", "succeeded"]
    );
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}
