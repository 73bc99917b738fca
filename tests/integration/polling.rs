//! The job monitor on the stack: it polls, takes a path by the outcome, and yields an output.

use holdfast_tests::{Stack, eventually, unique};
use serde_json::json;

use crate::steps;

const MONITOR: &str = "WF-TEST-JOB-MONITOR";

async fn deployed() -> Stack {
    let stack = Stack::from_env().await;
    let workflow = include_str!("../workflows/job-monitor.yaml");
    stack.aws.deploy(workflow).await;
    stack
}

/// Starts the monitor of a new job and waits until it has polled once. Returns the job and the id
/// of the execution.
async fn polled(stack: &Stack) -> (String, String) {
    let job = unique("job");
    let input = json!({ "job_id": job });
    let id = stack.api.started(MONITOR, &job, &input).await;
    let looks = format!("vendor_id={job}&route=GET%20/vendors/%7Bid%7D");
    eventually("the first attempt", async || {
        match stack.vendor.requests(&looks).await.len() {
            0 => Err("no attempt yet".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    (job, id)
}

#[tokio::test]
async fn a_job_is_polled_until_it_is_done_and_its_state_is_the_output() {
    let stack = deployed().await;
    for (state, told, skipped) in [
        ("done", "tell_done", "tell_failed"),
        ("failed", "tell_failed", "tell_done"),
    ] {
        let (job, id) = polled(&stack).await;
        stack.vendor.put(&job, &json!({ "state": state })).await;
        let (execution, receipt) = stack.api.finished(&id).await;
        assert_eq!(execution["status"], "EXECUTED", "{execution}");
        assert_eq!(
            execution["output"]["value"],
            json!({ "job_id": job, "state": state })
        );
        assert_eq!(receipt["output_sha256"], execution["output"]["sha256"]);
        let steps = steps(&receipt);
        assert!(steps.contains(&format!("{told} SUCCESS")), "{steps:?}");
        assert!(steps.contains(&format!("{skipped} SKIPPED")), "{steps:?}");
        let polls = &receipt["steps"][1];
        assert!(polls["attempts"].as_u64() > Some(1), "{polls}");
        assert_eq!(polls["history"][0]["outcome"], "transient");
    }
}

#[tokio::test]
async fn a_job_that_the_target_does_not_know_takes_the_path_of_its_code() {
    let stack = deployed().await;
    let job = unique("job");
    let fault = json!({ "route": "GET /vendors/{id}", "count": 1, "kind": { "status": 404 }, "vendor_id": job });
    stack.vendor.plan(fault).await;
    let input = json!({ "job_id": job });
    let id = stack.api.started(MONITOR, &job, &input).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(execution["output"]["value"]["state"], "missing");
    assert_eq!(
        steps(&receipt),
        [
            "submit SUCCESS",
            "job FAILED",
            "tell_done SKIPPED",
            "tell_failed SUCCESS"
        ]
    );
    assert_eq!(receipt["steps"][1]["continued_on"], "404");
}

#[tokio::test]
async fn another_failure_of_a_poll_rolls_back_and_has_no_output() {
    let stack = deployed().await;
    let job = unique("job");
    let fault = json!({ "route": "GET /vendors/{id}", "count": 1, "kind": { "status": 403 }, "vendor_id": job });
    stack.vendor.plan(fault).await;
    let input = json!({ "job_id": job });
    let id = stack.api.started(MONITOR, &job, &input).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    assert_eq!(execution.get("output"), None);
    assert_eq!(receipt.get("output_sha256"), None);
    assert_eq!(receipt["steps"][1].get("continued_on"), None);
}
