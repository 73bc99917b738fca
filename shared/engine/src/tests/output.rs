//! Tests of the output of an execution: in its record and in its receipt.

use serde_json::{Value, json};

use super::{finish::receipt, *};
use crate::{OUTPUT_FAILED, testing::engine};
use holdfast_ledger::{ExecutionOutput, RequestTransition, withdraw};
use holdfast_receipt::{Receipt, evidence::NoSigner};
use holdfast_task::{EvaluatedOutput, MAX_OUTPUT_BYTES, payload::Payload};

/// Ends an execution whose steps are all done, with this output; returns the record's.
fn ended(
    engine: &TestEngine,
    execution: &ExecutionRef,
    output: Option<EvaluatedOutput>,
) -> Option<ExecutionOutput> {
    let mut task = finish_task(execution);
    task.steps.last_mut().expect("a step").output = true;
    task.output = output;
    let ended = run(engine.finish(&task, &NoSigner)).expect("an end");
    assert_eq!(ended.status, "EXECUTED");
    snapshot(engine, execution).execution.output
}

fn all_done(engine: &TestEngine) -> ExecutionRef {
    let execution = begun(engine);
    for step in STEPS {
        attempt(engine, &step_task(&execution, step), &Script::default()).expect("a success");
    }
    execution
}

fn kept(value: Value) -> (Option<ExecutionOutput>, Receipt) {
    let engine = engine();
    let execution = all_done(&engine);
    let output = ended(&engine, &execution, Some(EvaluatedOutput::Value(value)));
    (output, receipt(&engine))
}

#[test]
fn an_output_is_kept_and_the_receipt_has_its_digest() {
    let value = json!({ "id": "o-1" });
    let (output, receipt) = kept(value.clone());
    let Some(ExecutionOutput::Value(Payload::Inline {
        value: found,
        sha256,
    })) = output
    else {
        panic!("no value: {output:?}");
    };
    assert_eq!(found, value);
    assert_eq!(receipt.output_sha256, Some(sha256));
    assert_eq!(receipt.output_missing, None);
}

#[test]
fn an_output_without_a_value_ends_the_execution_and_the_receipt_says_why() {
    let reference = json!({ "$stored": { "key": "k", "sha256": "5e", "bytes": 9 } });
    let values = [
        (
            json!({ "id": "x".repeat(MAX_OUTPUT_BYTES) }),
            "it has 8201 bytes",
        ),
        (json!({ "id": [reference] }), "kept in the payload store"),
        (
            json!({ "id": 9_007_199_254_740_993_u64 }),
            "an integer is beyond",
        ),
    ];
    let values = values.map(|(value, why)| (Some(EvaluatedOutput::Value(value)), why));
    let others = [
        (
            Some(EvaluatedOutput::TooLong(9000)),
            "it has 9000 characters",
        ),
        (Some(EvaluatedOutput::Failed), OUTPUT_FAILED),
        (None, "only Finish evaluates it"),
    ];
    for (output, why) in values.into_iter().chain(others) {
        let engine = engine();
        let execution = all_done(&engine);
        ended(&engine, &execution, output);
        let receipt = receipt(&engine);
        let missing = receipt.output_missing.expect("a reason");
        assert!(missing.contains(why), "{missing}");
        assert_eq!(receipt.output_sha256, None);
    }
}

#[test]
fn a_later_finish_keeps_the_output_of_the_first() {
    let engine = engine();
    let execution = all_done(&engine);
    let output = |id: &str| Some(EvaluatedOutput::Value(json!({ "id": id })));
    let first = ended(&engine, &execution, output("one"));
    assert_eq!(ended(&engine, &execution, output("two")), first);
    assert_eq!(ended(&engine, &execution, None), first);
}

#[test]
fn an_execution_that_is_rolled_back_later_has_no_output() {
    let engine = engine();
    let execution = all_done(&engine);
    ended(&engine, &execution, Some(EvaluatedOutput::Value(json!({}))));
    let record = snapshot(&engine, &execution).execution;
    let request = holdfast_ledger::Request {
        by: "zoe".to_owned(),
        reason: "wrong".to_owned(),
    };
    let RequestTransition::Write(next) = withdraw(&record, &request, "arn:next", now(&engine))
    else {
        panic!("it is refused");
    };
    assert!(record.output.is_some());
    assert_eq!(next.output, None);
}

#[test]
fn an_execution_that_is_not_executed_has_no_output_and_no_reason_for_its_lack() {
    let engine = engine();
    let execution = begun(&engine);
    let planned = run(engine.plan(&plan_task(&execution, ""))).expect("a plan");
    let mut task = finish_task(&planned.execution);
    task.steps.last_mut().expect("a step").output = true;
    task.output = Some(EvaluatedOutput::Value(json!({ "id": "o-1" })));
    let end = run(engine.finish(&task, &NoSigner)).expect("an end");
    assert_eq!(end.status, "FAILED");
    assert_eq!(snapshot(&engine, &execution).execution.output, None);
    let receipt = receipt(&engine);
    assert_eq!(
        (receipt.output_sha256, receipt.output_missing),
        (None, None)
    );
}
