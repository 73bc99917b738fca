//! Tests of starts and redrives whose check takes longer than its limit.

use serde_json::{Value, json};

use super::{begin::refused, closing::redriven, *};
use crate::{
    LostOwner, LostStart,
    testing::{ScriptedCall, engine},
};
use holdfast_action::StepError;
use holdfast_ledger::Phase;
use holdfast_receipt::evidence::NoSigner;
use holdfast_task::{Budget, ErrorName, Period};

/// The text about an expression that takes longer than it may.
const TOO_SLOW: &str = "takes more than 250 ms of processor time";

/// The error of a start that is refused for good. A machine that runs no check for five seconds has
/// no verdict, and is asked again.
fn refused_for_good(engine: &TestEngine, task: &BeginTask) -> TaskError {
    let verdicts = (0..4).map(|_| refused(engine, task));
    let mut verdicts = verdicts.filter(|error| error.name != ErrorName::Transient);
    verdicts.next().expect("a verdict")
}

#[test]
fn a_check_that_takes_too_long_rejects_the_start_with_a_record() {
    let engine = engine();
    let mut task = begin_task(start_of(usual_input()));
    let endless = "$contains($string([1..40]), /^(.*,)*x$/)";
    task.gate.guardrails[0].assert = endless.to_owned();
    let error = refused_for_good(&engine, &task);
    assert_eq!(error.name, ErrorName::Rejected);
    assert!(error.message.contains(TOO_SLOW), "{error:?}");
}

/// An event of the trigger `risk`, and an expression that takes longer than its limit.
fn slow_event() -> (Value, Template) {
    let event = json!({ "id": "e-1", "detail": { "tenant": "acme", "vendor": "v-9" } });
    let endless = "$contains($string([1..40]), /^(.*,)*x$/) ? 'a' : 'b'";
    let start = json!({ "trigger": "risk", "event": event });
    (start, Template(json!({ "$jsonata": endless })))
}

#[test]
fn a_mapping_that_takes_too_long_rejects_the_start_with_a_record() {
    let engine = engine();
    let (start, endless) = slow_event();
    let mut task = begin_task(start);
    task.gate.triggers[0].input = endless;
    let error = refused_for_good(&engine, &task);
    assert_eq!(error.name, ErrorName::Rejected);
    assert!(error.message.contains(TOO_SLOW), "{error:?}");
    let message: Value = serde_json::from_str(&error.message).unwrap();
    let execution: ExecutionRef = serde_json::from_value(message["execution"].clone()).unwrap();
    let recorded = snapshot(&engine, &execution).execution;
    assert_eq!(recorded.phase, Phase::Rejected);
    assert_eq!((&*recorded.at.tenant, &*recorded.trigger), ("acme", "risk"));
    assert!(!recorded.guardrails[0].held && recorded.guardrails[0].name == "input");
}

#[test]
fn a_mapping_that_takes_too_long_rejects_the_start_that_recover_records_too() {
    let engine = engine();
    let (start, endless) = slow_event();
    let mut gate = gate();
    gate.triggers[0].input = endless;
    let at = "2025-09-29T13:00:00Z";
    let start = holdfast_admission::read_start(&start, &gate, at, "arn:owner").expect("a start");
    let lost = LostStart::mapped(start, &gate.workflow);
    let owner = LostOwner {
        arn: "arn:owner".to_owned(),
        machine: "arn:machine".to_owned(),
        started_at: at.parse().ok(),
    };
    let recorded = run(engine.record_lost_start(&lost, &owner, &gate));
    let recorded = recorded.expect("it answers").expect("a record");
    assert_eq!(recorded.phase, Phase::Rejected);
    let plan = PlanTask {
        owner: "arn:recovery".to_owned(),
        ..plan_task(&recorded.reference(), "")
    };
    let planned = run(engine.plan(&plan)).expect("a plan").execution;
    let end = run(engine.finish(&finish_task(&planned), &NoSigner)).expect("an end");
    assert_eq!(end.status, "REJECTED");
    let outcome = &snapshot(&engine, &planned).execution.guardrails[0];
    let why = outcome.message.as_deref().unwrap_or_default();
    assert!(!outcome.held && why.contains(TOO_SLOW), "{why}");
}

#[test]
fn a_mapping_whose_key_takes_too_long_is_malformed_and_says_so() {
    let engine = engine();
    let (start, endless) = slow_event();
    let mut task = begin_task(start);
    task.gate.triggers[0].idempotency_key = endless;
    let error = refused_for_good(&engine, &task);
    assert_eq!(error.name, ErrorName::Malformed);
    let said = format!("idempotency_key {TOO_SLOW} for this event");
    assert!(error.message.contains(&said), "{error:?}");
}

#[test]
fn the_budgets_of_a_redrive_share_one_time_limit() {
    let engine = engine();
    let execution = begun(&engine);
    let no = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    failing(&engine, &step_task(&execution, STEPS[0]), &no);
    finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let execution = redriven(&engine, &execution);
    let mut task = BeginTask {
        owner: "arn:again".to_owned(),
        ..begin_task(start_of(usual_input()))
    };
    task.gate.rules.budgets = (0..25)
        .map(|n| Budget {
            name: format!("budget_{n}"),
            amount: "$contains($string([1..40]), /^(.*,)*x$/) ? 1 : 2".to_owned(),
            limit: 1_000_000,
            per: Period::Day,
            zone: "UTC".to_owned(),
        })
        .collect();
    assert_eq!(refused_for_good(&engine, &task).name, ErrorName::Rejected);
    let refused = snapshot(&engine, &execution).execution;
    let last = refused.guardrails.iter().find(|no| no.name == "budget_24");
    let last = last.expect("an outcome of the last budget");
    // One budget alone may take 250 ms, and all of them together 600 ms.
    let why = last.message.as_deref().unwrap_or_default();
    assert!(
        !last.held && why.contains("takes more than is left of 600 ms"),
        "{why}"
    );
}
