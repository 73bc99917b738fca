//! Snapshots of one receipt for each way in which an execution can end.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::testing::{ScriptedCall, engine};
use holdfast_action::StepError;

/// The only receipt, one member on each line, with digests and keys cut to eight digits.
fn shown(engine: &TestEngine) -> String {
    let objects = engine.receipts.objects.lock().unwrap();
    let bytes = objects.values().next().unwrap().clone();
    let receipt: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        holdfast_ids::digest::canonical(&receipt),
        Ok(bytes),
        "canonical JSON"
    );
    let mut lines = Vec::new();
    for (name, value) in receipt.as_object().unwrap() {
        match value.as_array().filter(|items| !items.is_empty()) {
            Some(items) => {
                lines.push(format!("{name}:"));
                lines.extend(items.iter().map(|item| format!("  {}", cut(item))));
            }
            None => lines.push(format!("{name}: {}", cut(value))),
        }
    }
    lines.join("\n")
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() >= 40 => {
            let digest = text.trim_start_matches("sha256:");
            match digest.chars().all(|c| c.is_ascii_hexdigit()) {
                true => json!(format!("{}…", &digest[..8])),
                false => value.clone(),
            }
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), cut(member)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn executed_with_a_retry() {
    let engine = engine();
    let execution = begun(&engine);
    let hold = step_task(&execution, STEPS[0]);
    let script = Script::of([ScriptedCall::Fails(StepError::transient("HTTP 503"))]);
    attempt(&engine, &hold, &script).unwrap_err();
    engine.host.pass(1);
    attempt(&engine, &hold, &script).unwrap();
    attempt(&engine, &step_task(&execution, STEPS[1]), &script).unwrap();
    let duplicate = BeginTask {
        owner: "arn:other".to_owned(),
        ..begin_task(start_of(usual_input()))
    };
    run(engine.begin(&duplicate)).unwrap_err();
    engine.host.pass(1);
    finish(&engine, &execution, None).unwrap();
    assert_snapshot!(shown(&engine), @r#"
    definition_digest: "sha256:d1"
    duplicates_prevented: 1
    duration_ms: 2000
    execution_id: "0f53de57…"
    format: "holdfast.receipt/1"
    generation: 0
    guardrails:
      {"held":true,"name":"input"}
      {"held":true,"name":"short_hold"}
    idempotency_key: "risk-17"
    input_sha256: "650b215e…"
    policy_digest: "bed995cc…"
    residual_effects: []
    started_at: "2025-09-29T13:00:00Z"
    status: "EXECUTED"
    steps:
      {"action":"script","attempts":2,"ended_at":"2025-09-29T13:00:01Z","history":[{"ended_at":"2025-09-29T13:00:00Z","error":"HTTP 503","outcome":"transient","started_at":"2025-09-29T13:00:00Z"},{"ended_at":"2025-09-29T13:00:01Z","outcome":"succeeded","started_at":"2025-09-29T13:00:01Z"}],"idempotency_key":"ac7e8075…","input_sha256":"5264439a…","last_error":"HTTP 503","name":"apply_vendor_hold","output_sha256":"54597837…","started_at":"2025-09-29T13:00:00Z","status":"SUCCESS"}
      {"action":"script","attempts":1,"ended_at":"2025-09-29T13:00:01Z","history":[{"ended_at":"2025-09-29T13:00:01Z","outcome":"succeeded","started_at":"2025-09-29T13:00:01Z"}],"idempotency_key":"3a0b2cd7…","input_sha256":"5264439a…","name":"notify_ap_team","output_sha256":"1c72e6b2…","started_at":"2025-09-29T13:00:01Z","status":"SUCCESS"}
    tenant: "acme"
    timestamp: "2025-09-29T13:00:02Z"
    trigger: "direct"
    workflow_id: "WF-HOLD"
    workflow_version: 3
    "#);
}

#[test]
fn executed_with_items_and_a_skipped_step() {
    let engine = engine();
    let execution = begun(&engine);
    for item in ["v-2", "v-1"] {
        let mut task = step_task(&execution, STEPS[0]);
        task.item_key = Some(json!(item));
        attempt(&engine, &task, &Script::default()).unwrap();
    }
    finish(&engine, &execution, None).unwrap();
    assert_snapshot!(shown(&engine), @r#"
    definition_digest: "sha256:d1"
    duplicates_prevented: 0
    duration_ms: 0
    execution_id: "0f53de57…"
    format: "holdfast.receipt/1"
    generation: 0
    guardrails:
      {"held":true,"name":"input"}
      {"held":true,"name":"short_hold"}
    idempotency_key: "risk-17"
    input_sha256: "650b215e…"
    policy_digest: "bed995cc…"
    residual_effects: []
    started_at: "2025-09-29T13:00:00Z"
    status: "EXECUTED"
    steps:
      {"action":"script","attempts":1,"ended_at":"2025-09-29T13:00:00Z","history":[{"ended_at":"2025-09-29T13:00:00Z","outcome":"succeeded","started_at":"2025-09-29T13:00:00Z"}],"idempotency_key":"7930c615…","input_sha256":"5264439a…","item":"v-1","name":"apply_vendor_hold","output_sha256":"eda4e635…","started_at":"2025-09-29T13:00:00Z","status":"SUCCESS"}
      {"action":"script","attempts":1,"ended_at":"2025-09-29T13:00:00Z","history":[{"ended_at":"2025-09-29T13:00:00Z","outcome":"succeeded","started_at":"2025-09-29T13:00:00Z"}],"idempotency_key":"1fb96415…","input_sha256":"5264439a…","item":"v-2","name":"apply_vendor_hold","output_sha256":"553a479e…","started_at":"2025-09-29T13:00:00Z","status":"SUCCESS"}
      {"action":"script","attempts":0,"history":[],"name":"notify_ap_team","status":"SKIPPED"}
    tenant: "acme"
    timestamp: "2025-09-29T13:00:00Z"
    trigger: "direct"
    workflow_id: "WF-HOLD"
    workflow_version: 3
    "#);
}

#[test]
fn failed_with_nothing_applied() {
    let engine = engine();
    let execution = begun(&engine);
    let script = Script::of([ScriptedCall::Fails(StepError::permanent("HTTP 404"))]);
    attempt(&engine, &step_task(&execution, STEPS[0]), &script).unwrap_err();
    finish(&engine, &execution, Some(STEPS[0])).unwrap();
    assert_snapshot!(shown(&engine), @r#"
    definition_digest: "sha256:d1"
    duplicates_prevented: 0
    duration_ms: 0
    execution_id: "0f53de57…"
    failure: {"error":"Permanent","reason":"apply_vendor_hold: HTTP 404","state":"apply_vendor_hold"}
    format: "holdfast.receipt/1"
    generation: 0
    guardrails:
      {"held":true,"name":"input"}
      {"held":true,"name":"short_hold"}
    idempotency_key: "risk-17"
    incident: "4ad53525…"
    input_sha256: "650b215e…"
    policy_digest: "bed995cc…"
    residual_effects: []
    started_at: "2025-09-29T13:00:00Z"
    status: "FAILED"
    steps:
      {"action":"script","attempts":1,"ended_at":"2025-09-29T13:00:00Z","history":[{"ended_at":"2025-09-29T13:00:00Z","error":"HTTP 404","outcome":"permanent","started_at":"2025-09-29T13:00:00Z"}],"idempotency_key":"ac7e8075…","input_sha256":"5264439a…","last_error":"HTTP 404","name":"apply_vendor_hold","started_at":"2025-09-29T13:00:00Z","status":"FAILED"}
      {"action":"script","attempts":0,"history":[],"name":"notify_ap_team","status":"NOT_RUN"}
    tenant: "acme"
    timestamp: "2025-09-29T13:00:00Z"
    trigger: "direct"
    workflow_id: "WF-HOLD"
    workflow_version: 3
    "#);
}

#[test]
fn rolled_back_certain_and_possible_effects() {
    let engine = engine();
    let execution = begun(&engine);
    attempt(
        &engine,
        &step_task(&execution, STEPS[0]),
        &Script::default(),
    )
    .unwrap();
    let mut notify = step_task(&execution, STEPS[1]);
    notify.step.idempotent = false;
    attempt(&engine, &notify, &Script::of([ScriptedCall::Hangs])).unwrap_err();
    finish(&engine, &execution, Some(STEPS[1])).unwrap();
    assert_snapshot!(shown(&engine), @r#"
    definition_digest: "sha256:d1"
    duplicates_prevented: 0
    duration_ms: 30000
    execution_id: "0f53de57…"
    failure: {"error":"Permanent","reason":"notify_ap_team: no answer within 30 s","state":"notify_ap_team"}
    format: "holdfast.receipt/1"
    generation: 0
    guardrails:
      {"held":true,"name":"input"}
      {"held":true,"name":"short_hold"}
    idempotency_key: "risk-17"
    incident: "430a717b…"
    input_sha256: "650b215e…"
    policy_digest: "bed995cc…"
    residual_effects: []
    started_at: "2025-09-29T13:00:00Z"
    status: "ROLLED_BACK"
    steps:
      {"action":"script","attempts":1,"ended_at":"2025-09-29T13:00:00Z","history":[{"ended_at":"2025-09-29T13:00:00Z","outcome":"succeeded","started_at":"2025-09-29T13:00:00Z"}],"idempotency_key":"ac7e8075…","input_sha256":"5264439a…","name":"apply_vendor_hold","output_sha256":"54597837…","started_at":"2025-09-29T13:00:00Z","status":"UNDONE","undo":{"attempts":1,"ended_at":"2025-09-29T13:00:30Z","history":[{"ended_at":"2025-09-29T13:00:30Z","outcome":"succeeded","started_at":"2025-09-29T13:00:30Z"}],"idempotency_key":"ed034c8b…","started_at":"2025-09-29T13:00:30Z"}}
      {"action":"script","attempts":1,"ended_at":"2025-09-29T13:00:30Z","history":[{"ended_at":"2025-09-29T13:00:30Z","error":"no answer within 30 s","outcome":"unknown","started_at":"2025-09-29T13:00:00Z"}],"idempotency_key":"3a0b2cd7…","input_sha256":"5264439a…","last_error":"no answer within 30 s","name":"notify_ap_team","started_at":"2025-09-29T13:00:00Z","status":"UNDONE","undo":{"attempts":1,"ended_at":"2025-09-29T13:00:30Z","history":[{"ended_at":"2025-09-29T13:00:30Z","outcome":"succeeded","started_at":"2025-09-29T13:00:30Z"}],"idempotency_key":"a06354d9…","started_at":"2025-09-29T13:00:30Z"}}
    tenant: "acme"
    timestamp: "2025-09-29T13:00:30Z"
    trigger: "direct"
    workflow_id: "WF-HOLD"
    workflow_version: 3
    "#);
}

#[test]
fn rejected_by_a_guardrail() {
    let engine = engine();
    let input = json!({"vendor_id": "v-1", "hold_days": 31});
    let error = run(engine.begin(&begin_task(start_of(input)))).unwrap_err();
    let read: Value = serde_json::from_str(&error.message).unwrap();
    let execution = serde_json::from_value(read["execution"].clone()).unwrap();
    finish(&engine, &execution, Some("Begin")).unwrap();
    assert_snapshot!(shown(&engine), @r#"
    definition_digest: "sha256:d1"
    duplicates_prevented: 0
    duration_ms: 0
    execution_id: "0f53de57…"
    failure: {"error":"Rejected","reason":"short_hold: a hold lasts 30 days at most","state":"Begin"}
    format: "holdfast.receipt/1"
    generation: 0
    guardrails:
      {"held":true,"name":"input"}
      {"held":false,"message":"a hold lasts 30 days at most","name":"short_hold"}
    idempotency_key: "risk-17"
    input_sha256: "1cc24c4e…"
    policy_digest: "bed995cc…"
    residual_effects: []
    started_at: "2025-09-29T13:00:00Z"
    status: "REJECTED"
    steps:
      {"action":"script","attempts":0,"history":[],"name":"apply_vendor_hold","status":"NOT_RUN"}
      {"action":"script","attempts":0,"history":[],"name":"notify_ap_team","status":"NOT_RUN"}
    tenant: "acme"
    timestamp: "2025-09-29T13:00:00Z"
    trigger: "direct"
    workflow_id: "WF-HOLD"
    workflow_version: 3
    "#);
}

#[test]
fn a_receipt_names_the_requester_that_its_start_names() {
    for by in [Some("ann@acme"), None] {
        let engine = engine();
        let mut task = begin_task(start_of(json!({ "vendor_id": "v-1", "hold_days": 45 })));
        if let Some(by) = by {
            task.start["requested_by"] = json!(by);
        }
        let rejected = run(engine.begin(&task)).expect_err("it is rejected");
        let rejected: Value = serde_json::from_str(&rejected.message).unwrap();
        let execution = serde_json::from_value(rejected["execution"].clone()).unwrap();
        finish(&engine, &execution, None).unwrap();
        let line = by.map(|by| format!("\nrequested_by: \"{by}\"\n"));
        let shown = shown(&engine);
        let line = line.as_deref().unwrap_or("\nresidual_effects: []\n");
        assert!(shown.contains(line), "{shown}");
        assert_eq!(shown.contains("requested_by"), by.is_some());
    }
}
