//! Tests of the record of a start that `begin` did not record.

use super::*;
use crate::{LostOwner, LostStart, testing::engine};
use holdfast_ids::keys::execution_id;
use holdfast_ledger::{Phase, RequestTransition, redrive};
use holdfast_receipt::evidence::NoSigner;
use holdfast_task::payload::Payload;

const WORKFLOW: &str = "WF-DELAY-VENDOR-PAYMENTS-ACME";

fn owner() -> LostOwner {
    LostOwner {
        arn: "arn:owner".to_owned(),
        machine: "arn:machine".to_owned(),
        started_at: "2025-09-29T13:00:00Z".parse().ok(),
    }
}

/// Records a lost start of a registered tenant.
fn recorded(
    engine: &TestEngine,
    lost: &LostStart,
    owner: &LostOwner,
    gate: &AdmissionSpec,
) -> ExecutionRecord {
    let recorded = run(engine.record_lost_start(lost, owner, gate));
    recorded.expect("it answers").expect("a record")
}

/// Records a lost start and recovers it, and returns the status and the cause of the receipt.
pub(super) fn ended(engine: &TestEngine, lost: &LostStart) -> (String, String) {
    let record = recorded(engine, lost, &owner(), &gate());
    assert_eq!(record.phase, Phase::Running);
    let plan = PlanTask {
        owner: "arn:recovery".to_owned(),
        failure: Failure {
            state: String::new(),
            error: "Lambda.Unknown".to_owned(),
            cause: "begin died".to_owned(),
            by: None,
        },
        steps: steps(),
        ..plan_task(&record.reference(), "")
    };
    let planned = run(engine.plan(&plan)).expect("a plan");
    assert_eq!(planned.undo, []);
    let end = run(engine.finish(&finish_task(&planned.execution), &NoSigner)).expect("an end");
    let ended = snapshot(engine, &planned.execution).execution;
    let Phase::Ended {
        failure: Some(failure),
        ..
    } = ended.phase
    else {
        panic!("it ends with a failure");
    };
    assert!(ended.receipt.is_some());
    (end.status, failure.error)
}

/// A start with this input as JSON text.
fn text(input: &str) -> String {
    format!(r#"{{"tenant":"acme","idempotency_key":"k-1","input":{input},"via":"api"}}"#)
}

#[test]
fn a_start_that_begin_could_not_read_ends_with_a_receipt() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(125), "}".repeat(125));
    let abyss = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let blank = r#"{"tenant":"acme","idempotency_key":"k-1","input":{},"requested_by":"   "}"#;
    let unknown = r#"{"tenant":"acme","idempotency_key":"k-1","input":{},"later":1}"#;
    for start in [
        text(r#"{"vendor_id":"v-1"}"#),
        text(r#"{"half_an_emoji":"\ud83d"}"#),
        text(r#"{"number":9007199254740993}"#),
        text(&deep),
        text(&abyss),
        blank.to_owned(),
        unknown.to_owned(),
    ] {
        let shown: String = start.chars().take(90).collect();
        let lost = LostStart::read(&start, WORKFLOW).unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(lost.at.execution, execution_id("acme", WORKFLOW, "k-1"));
        let end = ended(&engine(), &lost);
        assert_eq!(
            end,
            ("FAILED".to_owned(), "Lambda.Unknown".to_owned()),
            "{shown}"
        );
    }
}

#[test]
fn a_lost_start_keeps_its_input_if_it_can_be_read() {
    let engine = engine();
    for (start, expected) in [
        (text(r#"{"vendor_id":"v-1"}"#), json!({"vendor_id": "v-1"})),
        (text(r#"{"half_an_emoji":"\ud83d"}"#), Value::Null),
    ] {
        let start = start.replace("k-1", &format!("k-{}", start.len()));
        let lost = LostStart::read(&start, WORKFLOW).expect("a start");
        let record = recorded(&engine, &lost, &owner(), &gate());
        let Payload::Inline { value, .. } = record.input else {
            panic!("a short input is in the ledger");
        };
        assert_eq!(value, expected);
    }
}

#[test]
fn a_lost_start_is_the_apis_only_under_the_name_that_the_api_gives() {
    let id = execution_id("acme", WORKFLOW, "k-1");
    for (arn, expected) in [
        ("arn:owner".to_owned(), "direct"),
        (format!("arn:{id}"), "api"),
    ] {
        let lost = LostStart::read(&text("{}"), WORKFLOW).expect("a start");
        let owner = LostOwner { arn, ..owner() };
        let record = recorded(&engine(), &lost, &owner, &gate());
        assert_eq!(record.trigger, expected);
    }
}

#[test]
fn nothing_of_a_lost_start_is_evaluated() {
    let mut gate = gate();
    gate.tenants = vec!["another".to_owned()];
    gate.input_schema = json!({ "type": "string" });
    let lost = LostStart::read(&text("{}"), WORKFLOW).expect("a start");
    let engine = engine();
    let record = recorded(&engine, &lost, &owner(), &gate);
    assert_eq!((record.guardrails, record.reservations), (vec![], vec![]));
}

#[test]
fn a_start_that_has_a_record_keeps_it() {
    let engine = engine();
    let execution = begun(&engine);
    let first = snapshot(&engine, &execution).execution;
    let start = start_of(json!({ "other": 1 })).to_string();
    let lost = LostStart::read(&start, &first.workflow).expect("a start");
    assert_eq!(lost.at, first.at);
    let found = recorded(&engine, &lost, &owner(), &gate());
    assert_eq!(found, first);
}

#[test]
fn a_start_without_literal_names_is_not_read() {
    for start in [
        r#"{"trigger":"nightly","event":{}}"#,
        r#"{"trigger":"nightly","tenant":"acme","idempotency_key":"k"}"#,
        r#"{"tenant":"acme","input":{}}"#,
        r#"{"tenant":"no tenant","idempotency_key":"k"}"#,
        r#"{"tenant":"acme","idempotency_key":""}"#,
        "{",
        "null",
    ] {
        assert_eq!(LostStart::read(start, WORKFLOW), None, "{start}");
    }
}

/// Redrives a lost start that ended, and returns the result of the redrive's `begin`.
fn redriven_start(start: &str) -> Result<holdfast_task::BeginResult, TaskError> {
    let engine = engine();
    let lost = LostStart::read(start, &gate().workflow).expect("it names its execution");
    ended(&engine, &lost);
    let record = run(engine.ledger.read(&lost.at))
        .unwrap()
        .expect("it is recorded");
    super::closing::redriven(&engine, &record.reference());
    let task = BeginTask {
        owner: "arn:again".to_owned(),
        ..begin_task(serde_json::from_str(start).unwrap_or_default())
    };
    run(engine.begin(&task))
}

#[test]
fn the_redrive_of_a_lost_start_is_admitted_only_by_the_whole_check() {
    let long = text(r#"{"vendor_id":"v-1","hold_days":31}"#);
    let refused = redriven_start(&long).expect_err("its guardrail refuses it");
    assert_eq!(refused.name, ErrorName::Rejected);
    assert!(
        refused.message.contains("short_hold"),
        "{}",
        refused.message
    );
    let fine = text(&usual_input().to_string());
    assert_eq!(
        redriven_start(&fine).expect("it is admitted").input,
        usual_input()
    );
}

#[test]
fn a_start_that_could_not_be_read_is_not_redriven() {
    for start in [
        text(r#"{"half_an_emoji":"\ud83d"}"#),
        r#"{"tenant":"acme","idempotency_key":"k-1","input":{},"later":1}"#.to_owned(),
    ] {
        let engine = engine();
        let lost = LostStart::read(&start, WORKFLOW).expect("it names its execution");
        ended(&engine, &lost);
        let record = run(engine.ledger.read(&lost.at))
            .unwrap()
            .expect("a record");
        assert!(record.lacks_input());
        let snapshot = snapshot(&engine, &record.reference());
        let by = super::closing::request();
        let decision = redrive(
            &snapshot,
            &gate(),
            &steps(),
            &by,
            "arn:again",
            record.started_at,
        );
        let why = "its start could not be read (Lambda.Unknown), so that no input is recorded: \
                   start another execution, with another idempotency key";
        assert_eq!(decision, RequestTransition::Refused(why.to_owned()));
    }
}
