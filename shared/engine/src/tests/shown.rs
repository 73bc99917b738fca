//! Tests of the fields that people see: evaluated once, at the start, and kept from then on.

use super::{
    requests::{undo_all, withdrawn},
    rollback::receipt_of,
    *,
};
use crate::{
    LostStart,
    testing::{ScriptedCall, engine},
};
use holdfast_action::StepError;
use holdfast_receipt::ShownField;
use holdfast_task::FieldExpression;

/// A start of this vendor under a definition that shows the vendor and the days.
fn showing(vendor: Value) -> BeginTask {
    let input = json!({ "vendor_id": vendor, "hold_days": 14 });
    let mut task = begin_task(start_of(input));
    task.gate.fields = ShownFields {
        subject: Some("'vendor ' & $input.vendor_id".to_owned()),
        show: [("vendor", "$input.vendor_id"), ("days", "$input.hold_days")]
            .map(|(label, value)| FieldExpression {
                label: label.to_owned(),
                value: value.to_owned(),
            })
            .to_vec(),
    };
    task
}

fn fields(record: &ExecutionRecord) -> (Option<&str>, Vec<(&str, &str)>) {
    let shown = record.shown.iter();
    let shown = shown.map(|(label, value)| (label.as_str(), value.as_str()));
    (record.subject.as_deref(), shown.collect())
}

#[test]
fn the_first_record_and_the_receipt_have_the_fields_of_the_start() {
    let engine = engine();
    let begun = run(engine.begin(&showing(json!("v-1")))).unwrap().execution;
    let first = snapshot(&engine, &begun).execution;
    assert_eq!(first.rev, 1, "one write");
    let all = vec![("vendor", "v-1"), ("days", "14")];
    assert_eq!(fields(&first), (Some("vendor v-1"), all));
    let action = Script::default();
    for step in STEPS {
        attempt(&engine, &step_task(&begun, step), &action).unwrap();
    }
    finish(&engine, &begun, None).unwrap();
    let receipt = receipt_of(&engine, &begun);
    assert_eq!(receipt.subject.as_deref(), Some("vendor v-1"));
    assert_eq!(receipt.shown, ShownField::all(&first.shown));
}

/// The definition may have changed between the two attempts, or may read a clock.
#[test]
fn a_repeated_begin_keeps_the_fields_of_the_first() {
    let engine = engine();
    let task = showing(json!("v-1"));
    let begun = run(engine.begin(&task)).unwrap();
    let mut changed = task;
    changed.gate.fields.subject = Some("'other'".to_owned());
    assert_eq!(run(engine.begin(&changed)), Ok(begun.clone()));
    let record = snapshot(&engine, &begun.execution).execution;
    assert_eq!(record.subject.as_deref(), Some("vendor v-1"));
}

/// `recover` evaluates nothing. The redrive evaluates the whole start, so that it has the fields.
#[test]
fn a_start_that_recover_recorded_gets_its_fields_at_the_first_redrive_alone() {
    let engine = engine();
    let task = showing(json!("v-1"));
    let lost = LostStart::read(&task.start.to_string(), &task.gate.workflow).expect("a start");
    super::lost_start::ended(&engine, &lost);
    let recorded = || {
        run(engine.ledger.read(&lost.at))
            .unwrap()
            .expect("a record")
    };
    assert_eq!(fields(&recorded()), (None, vec![]));
    let all = vec![("vendor", "v-1"), ("days", "14")];
    for subject in ["'vendor ' & $input.vendor_id", "'other'"] {
        super::closing::redriven(&engine, &recorded().reference());
        let mut again = BeginTask {
            owner: "arn:again".to_owned(),
            ..task.clone()
        };
        again.gate.fields.subject = Some(subject.to_owned());
        let begun = run(engine.begin(&again)).expect("it is admitted").execution;
        assert_eq!(
            fields(&recorded()),
            (Some("vendor v-1"), all.clone()),
            "{subject}"
        );
        super::closing::recover(&engine, &begun).expect("an end");
    }
}

/// A redrive sends no long input.
#[test]
fn the_fields_of_a_lost_start_come_from_its_recorded_input() {
    let engine = engine();
    let mut task = showing(json!("v-1"));
    task.start["input"]["note"] = "x".repeat(300).into();
    let lost = LostStart::read(&task.start.to_string(), &task.gate.workflow).expect("a start");
    super::lost_start::ended(&engine, &lost);
    let recorded = || {
        run(engine.ledger.read(&lost.at))
            .unwrap()
            .expect("a record")
    };
    super::closing::redriven(&engine, &recorded().reference());
    let mut again = BeginTask {
        owner: "arn:again".to_owned(),
        ..task
    };
    again.start["input"] = json!({});
    run(engine.begin(&again)).expect("it is admitted");
    let all = vec![("vendor", "v-1"), ("days", "14")];
    assert_eq!(fields(&recorded()), (Some("vendor v-1"), all));
}

#[test]
fn a_field_without_a_text_rejects_the_start_and_the_receipt_says_which() {
    let engine = engine();
    let mut task = showing(json!(["v-1"]));
    task.gate.fields.subject = Some("$uppercase($input.vendor_id)".to_owned());
    let error = run(engine.begin(&task)).expect_err("it is rejected");
    assert_eq!(error.name, ErrorName::Rejected, "{error}");
    let read: Value = serde_json::from_str(&error.message).unwrap();
    let execution: ExecutionRef = serde_json::from_value(read["execution"].clone()).unwrap();
    let record = snapshot(&engine, &execution).execution;
    assert_eq!(fields(&record), (None, vec![("days", "14")]));
    finish(&engine, &execution, None).unwrap();
    let receipt = receipt_of(&engine, &execution);
    let broken = receipt.guardrails.iter().filter(|one| !one.held);
    let broken: Vec<_> = broken
        .map(|one| (&*one.name, one.message.as_deref().unwrap()))
        .collect();
    let show = "`vendor`: it must yield a text, a number or a boolean";
    let subject = "it cannot be evaluated for this input";
    assert_eq!(broken, [("subject", subject), ("show", show)]);
    assert_eq!(receipt.status.name(), "REJECTED");
}

#[test]
fn an_input_that_does_not_fit_has_no_fields_and_one_violation() {
    let engine = engine();
    let mut task = showing(json!("v-1"));
    task.start["input"] = json!({ "hold_days": 14 });
    let error = run(engine.begin(&task)).expect_err("it is rejected");
    let read: Value = serde_json::from_str(&error.message).unwrap();
    assert_eq!(read["guardrails"], json!(["input"]));
    let execution: ExecutionRef = serde_json::from_value(read["execution"].clone()).unwrap();
    assert_eq!(
        fields(&snapshot(&engine, &execution).execution),
        (None, vec![])
    );
}

/// A receipt of an earlier release has none of the new members, and keeps its bytes.
#[test]
fn a_receipt_without_fields_has_no_member_for_them() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    finish(&engine, &execution, None).unwrap();
    let receipt = json!(receipt_of(&engine, &execution));
    for absent in ["subject", "shown", "earlier"] {
        assert_eq!(receipt.get(absent), None, "{absent}");
    }
}

/// Stores a receipt as a `finish` does that dies before it records it. Returns its SHA-256.
fn left_unrecorded(
    engine: &TestEngine,
    execution: &ExecutionRef,
    object: &str,
    receipt: &Value,
) -> String {
    let bytes = holdfast_ids::digest::canonical(receipt).unwrap();
    let sha256 = holdfast_ids::digest::sha256_hex(&bytes);
    let objects = engine.receipts.objects.clone();
    objects.lock().unwrap().insert(object.to_owned(), bytes);
    change(engine, &partition(execution), |execution| {
        execution.receipt = None;
    });
    sha256
}

#[test]
fn a_receipt_with_the_reason_in_other_words_is_adopted() {
    let engine = engine();
    let execution = begun(&engine);
    let no = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    attempt(&engine, &step_task(&execution, STEPS[0]), &no).unwrap_err();
    let ended = finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let mut earlier = json!(receipt_of(&engine, &execution));
    earlier["failure"]["reason"] = json!("no, by an earlier release");
    let sha256 = left_unrecorded(&engine, &execution, &ended.receipt, &earlier);
    let adopted = finish(&engine, &execution, Some(STEPS[0])).unwrap();
    assert_eq!(
        (adopted.receipt, adopted.receipt_sha256),
        (ended.receipt, sha256)
    );
}

/// The function `finish` of an earlier release stored the receipt, and died before it recorded it.
#[test]
fn a_receipt_that_an_earlier_release_stored_is_adopted() {
    let engine = engine();
    let action = Script::default();
    let execution = begun(&engine);
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    finish(&engine, &execution, None).unwrap();
    let execution = withdrawn(&engine, &execution);
    let ended = undo_all(&engine, &execution, &action);
    let mut earlier = json!(receipt_of(&engine, &execution));
    let members = earlier.as_object_mut().unwrap();
    let removed = members.remove("earlier");
    assert!(removed.is_some());
    let failure = members["failure"].as_object_mut().unwrap();
    assert!(failure.remove("requested_at").is_some());
    let sha256 = left_unrecorded(&engine, &execution, &ended.receipt, &earlier);
    let adopted = undo_all(&engine, &execution, &action);
    assert_eq!(
        (adopted.receipt, adopted.receipt_sha256),
        (ended.receipt, sha256)
    );
}
