//! Executions that no Step Functions execution acts for: an owner that never began, an end without
//! a receipt, a stopped recovery, and a start that `begin` refused to read.

use holdfast_ids::keys::execution_id;
use holdfast_ledger::{
    ExecutionRecord, Expect, Ledger, NextLook, OpenIndex as _, Phase, Put, Redrive, Request,
    RequestTransition,
};
use holdfast_receipt::Status;
use holdfast_task::RECOVERY;
use holdfast_tests::{DELAY, EnvironmentChange, Stack, eventually, unique};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    hold,
    recovery::{at, ledger},
    rollback::{hanging, released, undone},
};

async fn recorded(id: &str) -> ExecutionRecord {
    let execution = ledger().await.read(&at(id)).await;
    execution
        .expect("the ledger answers")
        .expect("it is recorded")
}

/// Writes a record as a function would that dies right after, and lets the sweep look at it.
async fn abandoned(stack: &Stack, before: &ExecutionRecord, after: &ExecutionRecord) {
    let ledger = ledger().await;
    let put = ledger.put(after, Expect::Rev(before.rev)).await;
    assert_eq!(put, Ok(Put::Done));
    sweep(stack, after).await;
}

/// Makes the look at an execution due, and sweeps.
async fn sweep(stack: &Stack, execution: &ExecutionRecord) {
    let look = NextLook {
        due: Timestamp::now() - SignedDuration::from_secs(1),
        urgent: true,
    };
    let ledger = ledger().await;
    let due = ledger.look_again(execution, look).await;
    due.expect("the index is written");
    let aws = stack.aws.clone();
    let swept = tokio::task::spawn_blocking(move || aws.invoke("recover", &json!({})));
    swept.await.expect("recover answers");
}

fn request() -> Request {
    Request {
        by: "op@acme".to_owned(),
        reason: "it was a mistake".to_owned(),
    }
}

fn written(transition: RequestTransition) -> ExecutionRecord {
    match transition {
        RequestTransition::Write(next) => *next,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cancellation_whose_owner_never_began_is_carried_out_by_that_owner() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, notification) = hanging(&stack, &vendor, &unique("orphan")).await;
    let before = recorded(&id).await;
    let owner = stack
        .aws
        .execution(RECOVERY, &format!("{id}-{}", before.epoch + 1));
    let after = holdfast_ledger::cancel(&before, &request(), &owner, Timestamp::now());
    abandoned(&stack, &before, &written(after)).await;
    notification.unblock().await;
    let (_, receipt) = stack.api.finished(&id).await;
    assert_eq!(receipt["failure"]["error"], "Cancelled", "{receipt}");
    assert_eq!(receipt["failure"]["requested_by"], "op@acme", "{receipt}");
    assert!(recorded(&id).await.owner.starts_with(&owner));
    released(&stack, &vendor, &receipt).await;
}

#[tokio::test]
async fn a_redrive_whose_owner_never_began_is_carried_out_and_not_rolled_back() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = undone(&stack, &vendor).await;
    let before = recorded(&id).await;
    let owner = stack.aws.execution(DELAY, &format!("{id}-r1"));
    let after = ExecutionRecord {
        rev: before.rev + 1,
        epoch: before.epoch + 1,
        generation: 1,
        origin: None,
        owner,
        deadline: Timestamp::now() + SignedDuration::from_hours(1),
        phase: Phase::Running,
        previous: before.receipt.clone(),
        receipt: None,
        redriven: Some(Redrive {
            generation: 1,
            by: "tests".to_owned(),
            reason: "mended".to_owned(),
            at: Timestamp::now(),
            machine: None,
        }),
        ..before.clone()
    };
    abandoned(&stack, &before, &after).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["redriven"]["by"], "tests", "{receipt}");
}

#[tokio::test]
async fn an_end_without_a_receipt_gets_one() {
    let stack = Stack::from_env().await;
    let id = stack
        .api
        .started(DELAY, &unique("unsigned"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    let before = recorded(&id).await;
    // `Finish` died after it committed the end of another generation.
    let after = ExecutionRecord {
        rev: before.rev + 1,
        generation: 1,
        previous: before.receipt.clone(),
        receipt: None,
        phase: Phase::Ended {
            status: Status::Executed,
            at: Timestamp::now() - SignedDuration::from_mins(6),
            failure: None,
        },
        ..before.clone()
    };
    abandoned(&stack, &before, &after).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["generation"], 1, "{receipt}");
}

#[tokio::test]
async fn a_machine_that_was_stopped_after_its_last_step_is_finished_and_not_undone() {
    let stack = Stack::alone().await;
    let vendor = unique("vendor");
    // No program listens there, so that `finish` does not reach the ledger.
    let (variable, nowhere) = ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9");
    let away = EnvironmentChange::new(&stack.aws, "finish", variable, nowhere);
    let id = stack
        .api
        .started(DELAY, &unique("done"), &hold(&vendor))
        .await;
    eventually("the last step is done", || async {
        let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
        let done = execution["steps"][1]["status"] == "SUCCESS";
        done.then_some(()).ok_or(execution.to_string())
    })
    .await;
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    drop(away);
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn a_recovery_that_is_stopped_in_its_work_is_followed_by_another() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, notification) = hanging(&stack, &vendor, &unique("twice")).await;
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    let recovery = stack.aws.execution(RECOVERY, &format!("{id}-1"));
    eventually("a recovery owns it", || async {
        let owner = recorded(&id).await.owner;
        (owner == recovery).then_some(()).ok_or(owner)
    })
    .await;
    stack.aws.stop(&recovery).await;
    notification.unblock().await;
    let (_, receipt) = stack.api.finished(&id).await;
    assert_eq!(receipt["failure"]["error"], "Aborted", "{receipt}");
    released(&stack, &vendor, &receipt).await;
}

#[tokio::test]
async fn a_start_that_begin_refuses_to_read_ends_with_a_receipt_that_says_so() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("blank"));
    let start = json!({
        "tenant": "acme", "idempotency_key": key, "input": hold(&vendor), "requested_by": "   ",
    });
    let id = execution_id("acme", DELAY, &key);
    stack.aws.start(DELAY, &id, &start).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(receipt["failure"]["error"], "Malformed", "{receipt}");
    assert_eq!(execution["input"]["value"], hold(&vendor), "{execution}");
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn the_api_refuses_an_input_that_no_function_could_read() {
    let stack = Stack::from_env().await;
    let deep = (0..65).fold(Value::Null, |inner, _| json!([inner]));
    let input = json!({ "vendor_id": deep });
    let reply = stack.api.start(DELAY, &unique("deep"), &input).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(reply.body["detail"].to_string().contains("64 levels"));
}
