//! The cause of each alarm, produced on the stack.

use std::cell::Cell;

use holdfast_ids::keys::execution_id;
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Phase, Put};
use holdfast_receipt::chain::Hour;
use holdfast_tests::{
    DELAY, Outage, PATIENCE, Queue, StatusEvents, Throttle, eventually, execution_key, hold,
    unique, variable,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Drive;
use crate::{
    recovery::{at, ledger},
    standing::failed,
};

/// Every alarm of the stack; each is driven by a test of this folder.
pub(super) const ALARMS: [&str; 18] = [
    "ApiErrorAlarm",
    "AuditLagAlarm",
    "AuditStalledAlarm",
    "DigestsOverdueAlarm",
    "FailedInvocationAlarm",
    "FunctionThrottleAlarm",
    "MalformedStartsAlarm",
    "ReadThrottleAlarm",
    "StandingEffectAlarm",
    "StartErrorAlarm",
    "StatusEventAlarm",
    "StatusEventDeadAlarm",
    "StuckExecutionAlarm",
    "SuccessRateAlarm",
    "UndeliveredAlarm",
    "UndoFailureAlarm",
    "UntoldAlarm",
    "WriteThrottleAlarm",
];

#[tokio::test]
async fn an_effect_that_remains_rings_three_alarms_and_a_good_end_none() {
    let drive = Drive::new().await;
    let stack = &drive.stack;
    stack
        .aws
        .deploy(include_str!("../../workflows/stands.yaml"))
        .await;
    let since = drive.only_a_good_end().await;
    let names = [
        "SuccessRateAlarm",
        "StandingEffectAlarm",
        "UndoFailureAlarm",
    ];
    for name in names {
        drive.quiet(name, since);
    }
    // A tenant of its own, so that no other test meets its incident.
    failed(
        stack,
        &stack.api.as_tenant(&stack.aws.new_tenant("tenant")),
        true,
    )
    .await;
    for name in names {
        drive.rings(name, since).await;
    }
}

#[tokio::test]
async fn a_dropped_start_rings_the_alarm_for_malformed_starts() {
    let drive = Drive::new().await;
    let since = Timestamp::now();
    let cause = drive.quiet("MalformedStartsAlarm", since);
    let aws = &drive.stack.aws;
    let arn = aws
        .start(DELAY, &unique("malformed"), &json!({ "tenant": 7 }))
        .await;
    aws.ended(&arn).await;
    drive.rings("MalformedStartsAlarm", cause).await;
}

#[tokio::test]
async fn an_execution_that_no_sweep_can_look_at_rings_the_alarm_for_stuck_executions() {
    let drive = Drive::new().await;
    let stack = &drive.stack;
    // A sweep that met the outage of another test may be counted after it.
    let since = Cell::new(Timestamp::now());
    eventually("a sweep counts nothing that is overdue", || async {
        stack.aws.invoke("recover", &json!({}));
        let counted = drive.emitted("StuckExecutionAlarm", since.get());
        if drive.alarm("StuckExecutionAlarm").rings_with(&counted) {
            since.set(Timestamp::now());
            return Err(format!("{counted:?}"));
        }
        (!counted.is_empty()).then_some(()).ok_or("not yet".into())
    })
    .await;
    let cause = drive.quiet("StuckExecutionAlarm", since.get());
    // Without the metric the sweep itself has stopped.
    assert!(drive.alarm("StuckExecutionAlarm").rings(&[]));

    let id = stack
        .api
        .started(DELAY, &unique("stuck"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    let ledger = ledger().await;
    let execution = ledger.read(&at(&id)).await.expect("the ledger answers");
    let ended = execution.expect("it is recorded");
    let stuck = ExecutionRecord {
        rev: ended.rev + 1,
        generation: 1,
        phase: Phase::Running,
        receipt: None,
        deadline: ended.started_at,
        started_at: ended.started_at - SignedDuration::from_hours(1),
        ..ended.clone()
    };
    assert_eq!(
        ledger.put(&stuck, Expect::Rev(ended.rev)).await,
        Ok(Put::Done)
    );
    // Nothing can read the record any more.
    let key = execution_key("acme", &id);
    let update = json!({
        "TableName": variable("HOLDFAST_LEDGER_TABLE"),
        "Key": { "pk": { "S": key.pk() }, "sk": { "S": key.sk() } },
        "UpdateExpression": "SET phase = :unreadable",
        "ExpressionAttributeValues": { ":unreadable": { "S": "of a later release" } },
    });
    let operation = "DynamoDB_20120810.UpdateItem";
    stack.aws.json("dynamodb", operation, &update);
    let swept = stack.aws.try_invoke("recover", &json!({}));
    let mended = ExecutionRecord {
        rev: stuck.rev + 1,
        ..ended
    };
    assert_eq!(
        ledger.put(&mended, Expect::Rev(stuck.rev)).await,
        Ok(Put::Done)
    );
    swept.expect("the sweep counts what it cannot look at");
    drive.rings("StuckExecutionAlarm", cause).await;
}

#[tokio::test]
async fn a_broken_chain_rings_the_alarm_for_overdue_digests() {
    let drive = Drive::new().await;
    let stack = &drive.stack;
    let tenant = stack.aws.new_tenant("tenant");
    let api = stack.api.as_tenant(&tenant);
    let group = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let id = api
        .started("WF-HOLD-VENDOR-GROUP", &unique("chain"), &group)
        .await;
    api.finished(&id).await;
    let since = Timestamp::now();
    let until = Hour::of(since).next();
    let due = |until: Hour| json!({ "tenant": tenant, "until": until.from() });
    stack.aws.invoke("digest", &due(until));
    eventually("the run is counted", || async {
        let counted = drive.emitted("DigestsOverdueAlarm", since);
        (!counted.is_empty())
            .then_some(())
            .ok_or("not yet".to_owned())
    })
    .await;
    let cause = drive.quiet("DigestsOverdueAlarm", since);
    assert!(
        drive.alarm("DigestsOverdueAlarm").rings(&[]),
        "the function has stopped"
    );
    let object = until.before(1).object(&tenant);
    let delete = stack
        .aws
        .s3
        .delete_object()
        .bucket(variable("HOLDFAST_RECEIPT_BUCKET"));
    delete.key(&object).send().await.expect("a delete marker");
    stack
        .aws
        .try_invoke("digest", &due(until.next()))
        .expect_err("the chain is broken");
    drive.rings("DigestsOverdueAlarm", cause).await;
}

#[tokio::test]
async fn a_late_change_rings_both_alarms_for_late_audit_events() {
    let drive = Drive::new().await;
    let stack = &drive.stack;
    let id = stack
        .api
        .started(DELAY, &unique("late"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    let key = execution_key("acme", &id);
    let key = json!({ "pk": { "S": key.pk() }, "sk": { "S": key.sk() } });
    let get = json!({ "TableName": variable("HOLDFAST_LEDGER_TABLE"), "Key": key });
    let item = stack
        .aws
        .json("dynamodb", "DynamoDB_20120810.GetItem", &get)["Item"]
        .clone();
    let change = |age_s: i64| {
        let committed = Timestamp::now().as_second() - age_s;
        json!({ "Records": [{ "eventName": "MODIFY", "dynamodb": {
            "ApproximateCreationDateTime": committed, "Keys": key, "OldImage": item,
            "NewImage": item, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES",
        } }] })
    };
    let stalled = drive.alarm("AuditStalledAlarm");
    // `IteratorAge` is the age of the last record of a batch (Lambda developer guide, page
    // `monitoring-metrics-types`).
    assert_eq!(stalled.dimension, Some(function_named("audit")));
    for (age_s, rings) in [(0, false), (301, true)] {
        let since = Timestamp::now();
        let batch = change(age_s);
        stack.aws.invoke("audit", &batch);
        let committed = batch["Records"][0]["dynamodb"]["ApproximateCreationDateTime"].as_i64();
        let age_ms = Timestamp::now().as_millisecond() - committed.expect("a time") * 1000;
        assert_eq!(stalled.rings_with(&[age_ms as f64]), rings, "{age_ms}");
        if rings {
            drive.rings("AuditLagAlarm", since).await;
        } else {
            drive.quiet("AuditLagAlarm", since);
        }
    }
}

/// The dimension of a function of the stack.
pub(super) fn function_named(function: &str) -> (String, String) {
    let name = format!("{}-{function}", variable("HOLDFAST_STACK"));
    ("FunctionName".to_owned(), name)
}

#[tokio::test]
async fn throttling_by_the_table_rings_its_alarms_for_reads_and_writes() {
    let drive = Drive::new().await;
    let table = ("TableName".to_owned(), variable("HOLDFAST_LEDGER_TABLE"));
    let reads = ["BatchGetItem", "GetItem", "Query"];
    let counted = |operations: &[String]| {
        let read = |operation: &&String| reads.contains(&operation.as_str());
        let read = operations.iter().filter(read).count();
        [read, operations.len() - read].map(|count| count as f64)
    };
    let alarms = ["ReadThrottleAlarm", "WriteThrottleAlarm"].map(|name| drive.alarm(name));
    let stack = &drive.stack;
    let throttle = Throttle::begin(&stack.aws, &["begin", "finish"], 5).await;
    for (alarm, count) in alarms.iter().zip(counted(&throttle.throttled_operations())) {
        assert_eq!(alarm.dimension, Some(table.clone()));
        assert!(!alarm.rings_with(&[count]), "{}", alarm.name);
    }
    for _ in 0..3 {
        let key = unique("throttled");
        let id = stack
            .api
            .started(DELAY, &key, &hold(&unique("vendor")))
            .await;
        stack.api.finished(&id).await;
    }
    let operations = throttle.throttled_operations();
    for (alarm, count) in alarms.iter().zip(counted(&operations)) {
        assert!(alarm.rings_with(&[count]), "{}: {operations:?}", alarm.name);
        // CloudWatch ignores missing data of this namespace, whatever the alarm says.
        assert!(!alarm.rings(&[]));
    }
}

/// The queue that an alarm watches, and the number of its messages that wait.
fn watched(drive: &Drive, alarm: &str) -> Queue {
    let dimension = drive.alarm(alarm).dimension.as_ref().expect("a dimension");
    assert_eq!(dimension.0, "QueueName");
    Queue::named(&drive.stack.aws, &dimension.1)
}

/// Asserts that an alarm for waiting messages is quiet once its queue is empty.
fn emptied(drive: &Drive, alarm: &str) -> Queue {
    let queue = watched(drive, alarm);
    queue.drain();
    assert!(!rings_now(drive, alarm, &queue), "{alarm} before its cause");
    queue
}

/// True if an alarm for waiting messages rings with those of its queue.
/// `ApproximateNumberOfMessagesVisible` counts the messages that can be received.
fn rings_now(drive: &Drive, alarm: &str, queue: &Queue) -> bool {
    let (waiting, _) = queue.depth();
    drive.alarm(alarm).rings_with(&[waiting as f64])
}

async fn comes_to_ring(drive: &Drive, alarm: &str, queue: &Queue) {
    eventually(&format!("{alarm} rings"), || async {
        let rings = rings_now(drive, alarm, queue);
        rings.then_some(()).ok_or(format!("{:?}", queue.depth()))
    })
    .await;
}

#[tokio::test]
async fn a_change_that_cannot_be_read_rings_the_alarm_for_missing_audit_events() {
    let drive = Drive::new().await;
    let queue = emptied(&drive, "UntoldAlarm");
    let key = execution_key("acme", &unique("alien")).pk();
    let table = variable("HOLDFAST_LEDGER_TABLE");
    let item = json!({ "pk": { "S": key }, "sk": { "S": "NOTE" } });
    let aws = &drive.stack.aws;
    let put = json!({ "TableName": table, "Item": item });
    aws.json("dynamodb", "DynamoDB_20120810.PutItem", &put);
    comes_to_ring(&drive, "UntoldAlarm", &queue).await;
    let delete = json!({ "TableName": table, "Key": item });
    aws.json("dynamodb", "DynamoDB_20120810.DeleteItem", &delete);
    queue.drain();
}

/// EventBridge and SQS move what they give up after an hour or a day, so that the test sends the
/// message in their place. The alarm's dimension names the queue.
#[tokio::test]
async fn a_message_that_was_given_up_rings_the_alarm_of_its_queue() {
    let drive = Drive::new().await;
    for alarm in ["StatusEventDeadAlarm", "UndeliveredAlarm"] {
        let queue = emptied(&drive, alarm);
        queue.send(&json!({ "detail": {} }));
        comes_to_ring(&drive, alarm, &queue).await;
        queue.drain();
    }
}

#[tokio::test]
async fn an_outage_of_the_ledger_rings_the_alarms_for_status_events_and_failed_sweeps() {
    let drive = Drive::new().await;
    let stack = &drive.stack;
    let failed = emptied(&drive, "FailedInvocationAlarm");
    let (events, age_alarm) = (
        StatusEvents::delivered_again(watched(&drive, "StatusEventAlarm")),
        drive.alarm("StatusEventAlarm"),
    );
    let key = unique("outage");
    let start =
        json!({ "tenant": "acme", "idempotency_key": key, "requested_by": " ", "input": {} });
    let outage = Outage::begin("dynamodb", 2 * PATIENCE).await;
    let name = execution_id("acme", DELAY, &key);
    let arn = stack.aws.start(DELAY, &name, &start).await;
    stack.aws.stop(&arn).await;
    stack.aws.invoke_later("recover", &json!({}));
    comes_to_ring(&drive, "FailedInvocationAlarm", &failed).await;
    eventually("recover cannot handle the status event", || async {
        let (waiting, received) = events.depth();
        let tried = stack
            .aws
            .logged("recover", "the status event is handled again later");
        let held = waiting + received > 0 && !tried.is_empty();
        held.then_some(()).ok_or(format!("{waiting} {received}"))
    })
    .await;
    // The event stays, and ages, as long as the outage lasts.
    assert!(!age_alarm.rings_with(&[0.0]));
    assert!(age_alarm.rings_with(&[180.0]));
    outage.end().await;
    let (_, receipt) = stack.api.finished(&name).await;
    assert_eq!(receipt["status"], Value::from("FAILED"), "{receipt}");
    failed.drain();
}
