//! Tests of large inputs and outputs: stored once, read back whole, and only from their own folder.

use serde_json::{Value, json};

use super::*;
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ids::keys::{ExecutionKey, payload_object};
use holdfast_task::{
    ErrorName,
    payload::{LEDGER_INLINE_BYTES, Payload, StoredPayload},
};

fn large(bytes: usize) -> Value {
    json!({"text": "é".repeat(bytes / 2), "number": 0.1 + 0.2})
}

/// The keys of the stored objects.
fn stored(engine: &TestEngine) -> Vec<String> {
    let objects = engine.payloads.objects.lock().unwrap();
    objects.keys().cloned().collect()
}

#[test]
fn a_small_input_and_output_are_kept_in_the_ledger() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.input = json!("x".repeat(LEDGER_INLINE_BYTES - 2));
    let output = task.input.clone();
    attempt(&engine, &task, &Script::of([ScriptedCall::Answers(output)])).unwrap();
    assert!(stored(&engine).is_empty());
}

#[test]
fn a_large_input_and_output_are_stored_and_read_back() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.input = large(1000);
    let script = Script::of([ScriptedCall::Answers(large(1200))]);
    for _ in 0..2 {
        let done = attempt(&engine, &task, &script).unwrap();
        assert_eq!(done.output, large(1200));
    }
    assert_eq!(script.calls.lock().unwrap()[0].1, large(1000));
    let prefix = format!("payloads/acme/{}/", task.execution.id);
    let stored = stored(&engine);
    assert_eq!(stored.len(), 2);
    assert!(
        stored.iter().all(|key| key.starts_with(&prefix)),
        "{stored:?}"
    );
    let record = record(&engine, &task);
    assert!(matches!(record.input, Payload::Stored(_)));
    assert!(matches!(record.output, Some(Payload::Stored(_))));
}

#[test]
fn the_next_step_resolves_the_reference_to_a_large_output() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::Answers(large(9000))]);
    let reference = attempt(&engine, &task, &script).unwrap().output;
    assert!(reference.to_string().len() < 400, "{reference}");
    let replayed = attempt(&engine, &task, &script).unwrap().output;
    assert_eq!(replayed, reference);
    let mut next = step_task(&task.execution, STEPS[1]);
    next.input = json!({"deep": [{"in": reference}]});
    let script = Script::default();
    attempt(&engine, &next, &script).unwrap();
    let given = script.calls.lock().unwrap()[0].1.clone();
    assert_eq!(given, json!({"deep": [{"in": large(9000)}]}));
}

#[test]
fn an_attempt_with_another_input_uses_the_stored_one() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.input = large(3000);
    let script = Script::of([ScriptedCall::Fails(StepError::transient("HTTP 503"))]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Transient);
    task.input = json!("another");
    attempt(&engine, &task, &script).unwrap();
    assert_eq!(script.calls.lock().unwrap()[1].1, large(3000));
}

#[test]
fn a_forged_reference_is_refused_before_a_claim() {
    let engine = engine();
    let mut task = first_step(&engine);
    let elsewhere = ExecutionKey {
        tenant: "umbrella".to_owned(),
        execution: task.execution.id.clone(),
    };
    let secret = b"\"another tenant's\"".to_vec();
    let sha256 = holdfast_ids::digest::sha256_hex(&secret);
    let own = partition(&task.execution);
    for (key, planted) in [
        (payload_object(&elsewhere, &sha256), true),
        (format!("{}/../x.json", payload_object(&own, &sha256)), true),
        (payload_object(&own, &sha256), false),
    ] {
        if planted {
            let objects = &engine.payloads.objects;
            objects.lock().unwrap().insert(key.clone(), secret.clone());
        }
        let reference = StoredPayload {
            key,
            sha256: sha256.clone(),
            bytes: secret.len(),
        };
        task.input = json!({"a": [reference.to_marked()]});
        let script = Script::default();
        assert_eq!(failing(&engine, &task, &script), ErrorName::Permanent);
        assert_eq!(script.times(), 0);
    }
    assert!(snapshot(&engine, &task.execution).steps.is_empty());
}

#[test]
fn a_stored_payload_that_was_changed_is_refused() {
    let engine = engine();
    let mut task = first_step(&engine);
    let script = Script::of([ScriptedCall::Answers(large(9000))]);
    task.input = attempt(&engine, &task, &script).unwrap().output;
    for bytes in engine.payloads.objects.lock().unwrap().values_mut() {
        *bytes = b"{}".to_vec();
    }
    task.step.name = STEPS[1].to_owned();
    let error = attempt(&engine, &task, &script).unwrap_err();
    assert!(error.message.contains("its content was changed"), "{error}");
    assert_eq!(error.name, ErrorName::Permanent);
}

#[test]
fn an_output_that_cannot_be_stored_now_leaves_an_unknown_outcome() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::Answers(large(1000))]);
    engine.payloads.refuse(1);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Unknown);
    assert_eq!(
        attempt(&engine, &task, &script).unwrap().output,
        large(1000)
    );
    assert_eq!(script.effects(), 1);
}

#[test]
fn a_step_succeeds_even_if_its_output_cannot_be_recorded() {
    let engine = engine();
    let task = first_step(&engine);
    let script = Script::of([ScriptedCall::Answers(json!({"id": u64::MAX}))]);
    let done = attempt(&engine, &task, &script).unwrap();
    let note = done.output["$output_not_kept"].as_str().unwrap().to_owned();
    assert!(note.contains("carry it as a string"), "{note}");
    assert_eq!(record(&engine, &task).state.name(), "SUCCESS");
}

#[test]
fn a_long_number_of_an_output_reaches_later_steps_as_its_digits() {
    let engine = engine();
    let task = first_step(&engine);
    let output = json!({ "id": 1_000_000_000_000_001_u64, "days": 14 });
    let script = Script::of([ScriptedCall::Answers(output.clone())]);
    let digits = json!({ "id": "1000000000000001", "days": 14 });
    assert_eq!(attempt(&engine, &task, &script).unwrap().output, digits);
    // A repeat of the claim answers from the ledger, which has the number.
    assert_eq!(attempt(&engine, &task, &script).unwrap().output, digits);
    match &record(&engine, &task).output {
        Some(Payload::Inline { value, .. }) => assert_eq!(value, &output),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_input_without_a_digest_fails_the_step_before_it_claims() {
    let engine = engine();
    let mut task = first_step(&engine);
    task.input = json!({"id": u64::MAX});
    assert_eq!(
        failing(&engine, &task, &Script::default()),
        ErrorName::Permanent
    );
    assert!(snapshot(&engine, &task.execution).steps.is_empty());
}
