//! Tests of finish: what it closes and waits for, and one end under retries and races.

use std::collections::BTreeMap;

use super::*;
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ids::digest::sha256_hex;
use holdfast_ledger::Phase;
use holdfast_receipt::{Receipt, Status};
use holdfast_task::ErrorName;

fn permanent() -> ScriptedCall {
    ScriptedCall::Fails(StepError::permanent("HTTP 404"))
}

fn busy() -> ScriptedCall {
    ScriptedCall::Fails(StepError::transient("HTTP 503"))
}

/// The only receipt in the store.
pub(super) fn receipt(engine: &TestEngine) -> Receipt {
    let objects = engine.receipts.objects.lock().unwrap();
    assert_eq!(objects.len(), 1, "one receipt");
    serde_json::from_slice(objects.values().next().unwrap()).unwrap()
}

fn statuses(engine: &TestEngine) -> Vec<String> {
    receipt(engine)
        .steps
        .into_iter()
        .map(|step| step.status.name().to_owned())
        .collect()
}

/// Begins an execution and attempts its two steps with this script.
fn executed(engine: &TestEngine, does: [Option<ScriptedCall>; 2]) -> ExecutionRef {
    let execution = begun(engine);
    for (name, does) in STEPS.iter().zip(does) {
        let _ = attempt(engine, &step_task(&execution, name), &Script::of(does));
    }
    execution
}

#[test]
fn the_ledger_records_the_digest_of_the_receipt() {
    let engine = engine();
    let execution = executed(&engine, [None, None]);
    let ended = finish(&engine, &execution, None).unwrap();
    assert_eq!(ended.status, "EXECUTED");
    assert_eq!(
        ended.receipt,
        format!("receipts/acme/2025/09/29/{}-0.json", execution.id)
    );
    let bytes = engine.receipts.objects.lock().unwrap()[&ended.receipt].clone();
    assert_eq!(ended.receipt_sha256, sha256_hex(&bytes));
    let execution = snapshot(&engine, &execution).execution;
    let recorded = execution.receipt.unwrap();
    assert_eq!(
        (recorded.object, recorded.sha256),
        (ended.receipt, ended.receipt_sha256)
    );
    assert_eq!(execution.rev, 3);
}

#[test]
fn an_execution_of_two_steps_makes_the_budgeted_number_of_calls() {
    let engine = engine();
    let execution = executed(&engine, [None, None]);
    finish(&engine, &execution, None).unwrap();
    let mut count = BTreeMap::new();
    for op in engine.ledger.calls() {
        *count.entry(op).or_insert(0) += 1;
    }
    let n = STEPS.len();
    let right = [
        (Op::PutExecution, 3),
        (Op::PutStep, 2 * n),
        (Op::ReadWithControls, n + 1),
        (Op::Snapshot, 1),
        (Op::Tenant, 1),
    ];
    assert_eq!(
        count,
        right.into(),
        "2N + 3 writes, N + 1 reads, one of the registry and one query"
    );
    assert!(engine.payloads.objects.lock().unwrap().is_empty());
}

#[test]
fn a_repeated_finish_returns_the_same() {
    for failed_at in [None, Some(STEPS[1])] {
        let engine = engine();
        let execution = executed(&engine, [None, failed_at.map(|_| permanent())]);
        let first = finish(&engine, &execution, failed_at);
        engine.host.pass(86_400);
        let before = snapshot(&engine, &execution);
        assert_eq!(finish(&engine, &execution, failed_at), first);
        assert_eq!(snapshot(&engine, &execution), before);
        receipt(&engine);
    }
}

/// Runs a second `finish` before and after every call that the first one makes.
#[test]
fn two_concurrent_finishes_return_the_same() {
    for failed_at in [None, Some(STEPS[1])] {
        for op in [Op::Snapshot, Op::PutExecution, Op::PutStep] {
            for pass in 0..2 {
                let engine = engine();
                let execution = executed(&engine, [None, failed_at.map(|_| busy())]);
                let (other, again) = (engine.clone(), execution.clone());
                let second = Fault::After(Box::new(move || {
                    other.host.pass(1);
                    let _ = finish(&other, &again, failed_at);
                }));
                engine.ledger.spoil(op, pass, second);
                let mut first = finish(&engine, &execution, failed_at);
                for _ in 0..3 {
                    if first.is_err() {
                        engine.host.pass(36);
                        first = finish(&engine, &execution, failed_at);
                    }
                }
                let found = snapshot(&engine, &execution).execution.receipt.unwrap();
                assert_eq!(first.unwrap().receipt_sha256, found.sha256, "{op:?} {pass}");
                receipt(&engine);
            }
        }
    }
}

#[test]
fn the_loser_of_a_race_for_the_receipt_adopts_the_winners() {
    let engine = engine();
    let execution = executed(&engine, [None, None]);
    let ended = finish(&engine, &execution, None).unwrap();
    let mut theirs = serde_json::to_value(receipt(&engine)).unwrap();
    theirs["signature"] = "another".into();
    theirs["duplicates_prevented"] = 7.into();
    let theirs = theirs.to_string().into_bytes();
    let objects = &engine.receipts.objects;
    objects
        .lock()
        .unwrap()
        .insert(ended.receipt.clone(), theirs.clone());
    change(&engine, &partition(&execution), |execution| {
        execution.receipt = None
    });
    let adopted = finish(&engine, &execution, None).unwrap();
    assert_eq!(adopted.receipt_sha256, sha256_hex(&theirs));
    let recorded = snapshot(&engine, &execution).execution.receipt.unwrap();
    assert_eq!(recorded.sha256, adopted.receipt_sha256);
}

#[test]
fn a_finish_that_fails_at_any_call_ends_the_same_after_a_retry() {
    for failed_at in [None, Some(STEPS[1])] {
        for op in [Op::Snapshot, Op::PutExecution, Op::PutStep] {
            for pass in 0..3 {
                for lost in [false, true] {
                    let engine = engine();
                    let execution = executed(&engine, [None, failed_at.map(|_| busy())]);
                    let fault = if lost {
                        Fault::AnswerLost
                    } else {
                        Fault::Unavailable
                    };
                    engine.ledger.spoil(op, pass, fault);
                    let again = || {
                        engine.host.pass(36);
                        finish(&engine, &execution, failed_at).ok()
                    };
                    let status = (0..3).find_map(|_| again()).unwrap().status;
                    let right = if failed_at.is_some() {
                        "ROLLED_BACK"
                    } else {
                        "EXECUTED"
                    };
                    assert_eq!(status, right, "{op:?} {pass} {lost}");
                    receipt(&engine);
                }
            }
        }
    }
}

#[test]
fn a_retried_receipt_keeps_the_end_time() {
    let engine = engine();
    let execution = executed(&engine, [None, None]);
    engine.receipts.refuse(1);
    let error = finish(&engine, &execution, None).unwrap_err();
    assert_eq!(error.name, ErrorName::Transient);
    let end = now(&engine);
    engine.host.pass(3600);
    finish(&engine, &execution, None).unwrap();
    assert_eq!(receipt(&engine).timestamp, end.to_string());
}

#[test]
fn a_late_receipt_has_a_mark() {
    for (minutes, named) in [
        (59, None),
        (61, Some("late/acme/2025-09-29/2025-09-29.json")),
        (49 * 60, Some("late/acme/2025-10-01/2025-09-29.json")),
    ] {
        let engine = engine();
        let execution = executed(&engine, [None, None]);
        engine.receipts.refuse(1);
        finish(&engine, &execution, None).unwrap_err();
        engine.host.pass(minutes * 60);
        finish(&engine, &execution, None).unwrap();
        let objects = engine.receipts.objects.lock().unwrap();
        let late = objects.keys().find(|key| key.starts_with("late/"));
        assert_eq!(late.map(String::as_str), named);
    }
}

#[test]
fn a_failed_execution_closes_waiting_steps_and_lists_unreached_ones() {
    let engine = engine();
    let execution = begun(&engine);
    let task = step_task(&execution, STEPS[0]);
    assert_eq!(
        failing(&engine, &task, &Script::of([busy()])),
        ErrorName::Transient
    );
    assert_eq!(
        finish(&engine, &execution, Some(STEPS[0])).unwrap().status,
        "FAILED"
    );
    assert_eq!(statuses(&engine), ["FAILED", "NOT_RUN"]);
    assert_eq!(record(&engine, &task).state.name(), "FAILED");
}

#[test]
fn a_step_without_a_record_is_skipped_after_success_and_not_run_after_failure() {
    for (failed_at, right) in [(None, "SKIPPED"), (Some("elsewhere"), "NOT_RUN")] {
        let engine = engine();
        let execution = begun(&engine);
        attempt(
            &engine,
            &step_task(&execution, STEPS[0]),
            &Script::default(),
        )
        .unwrap();
        finish(&engine, &execution, failed_at).unwrap();
        let first = failed_at.map_or("SUCCESS", |_| "UNDONE");
        assert_eq!(statuses(&engine), [first, right]);
    }
}

#[test]
fn finish_waits_for_a_live_lease_and_keeps_new_attempts_from_acting() {
    let engine = engine();
    let execution = begun(&engine);
    let task = step_task(&execution, STEPS[0]);
    let (other, again) = (engine.clone(), execution.clone());
    let closes = move || {
        let error = finish(&other, &again, Some(STEPS[1])).unwrap_err();
        assert_eq!(error.name, ErrorName::Conflict);
        let next = step_task(&again, STEPS[1]);
        let script = Script::default();
        assert_eq!(failing(&other, &next, &script), ErrorName::Halted);
        assert_eq!(script.times(), 0);
    };
    attempt(
        &engine,
        &task,
        &Script::of([ScriptedCall::Meanwhile(Box::new(closes))]),
    )
    .unwrap();
    assert_eq!(
        finish(&engine, &execution, Some(STEPS[1])).unwrap().status,
        "ROLLED_BACK"
    );
    assert_eq!(statuses(&engine), ["UNDONE", "NOT_RUN"]);
}

#[test]
fn an_attempt_with_an_expired_lease_is_undone_and_cannot_complete() {
    let engine = engine();
    let execution = begun(&engine);
    let task = step_task(&execution, STEPS[0]);
    let (other, again) = (engine.clone(), execution.clone());
    let closes = move || {
        other.host.pass(35);
        finish(&other, &again, Some(STEPS[0])).unwrap();
    };
    let script = Script::of([ScriptedCall::Meanwhile(Box::new(closes))]);
    assert_eq!(failing(&engine, &task, &script), ErrorName::Conflict);
    assert_eq!(statuses(&engine), ["UNDONE", "NOT_RUN"]);
    assert_eq!(receipt(&engine).residual_effects, []);
    assert_eq!(record(&engine, &task).state.name(), "UNDONE");
}

#[test]
fn a_claim_during_finish_is_seen_or_never_acts() {
    for pass in 0..2 {
        let engine = engine();
        let execution = begun(&engine);
        let task = step_task(&execution, STEPS[0]);
        let (other, late, script) = (engine.clone(), task.clone(), Script::default());
        let acts = script.clone();
        let slips_in = Fault::After(Box::new(move || {
            let _ = attempt(&other, &late, &acts);
        }));
        engine.ledger.spoil(Op::Snapshot, pass, slips_in);
        finish(&engine, &execution, Some("elsewhere")).unwrap();
        let listed = receipt(&engine).residual_effects.len();
        assert_eq!(listed, script.effects(), "the receipt names what remains");
    }
}

#[test]
fn a_late_finish_cannot_overwrite_a_close() {
    let engine = engine();
    let execution = executed(&engine, [None, None]);
    let at = partition(&execution);
    let failure = failed_at("Finish");
    change(&engine, &at, |execution| {
        execution.epoch += 1;
        execution.phase = Phase::Unwinding { failure };
    });
    let error = finish(&engine, &execution, None).unwrap_err();
    assert_eq!(error.name, ErrorName::Halted);
    assert!(engine.receipts.objects.lock().unwrap().is_empty());
    let ended = finish(&engine, &execution, Some("Finish")).unwrap();
    assert_eq!(ended.status, "ROLLED_BACK");
    assert_eq!(finish(&engine, &execution, None), Ok(ended));
}

#[test]
fn the_first_failure_is_recorded() {
    let engine = engine();
    let execution = begun(&engine);
    let task = step_task(&execution, STEPS[0]);
    let (other, again) = (engine.clone(), execution.clone());
    let closes = move || {
        finish(&other, &again, Some("first")).unwrap_err();
    };
    attempt(
        &engine,
        &task,
        &Script::of([ScriptedCall::Meanwhile(Box::new(closes))]),
    )
    .unwrap();
    finish(&engine, &execution, Some("second")).unwrap();
    assert_eq!(receipt(&engine).failure.unwrap().state, "first");
}

#[test]
fn an_ended_execution_stays_ended() {
    let engine = engine();
    let execution = executed(&engine, [None, None]);
    finish(&engine, &execution, None).unwrap();
    assert_eq!(
        finish(&engine, &execution, Some("late")).unwrap().status,
        "EXECUTED"
    );
    let phase = snapshot(&engine, &execution).execution.phase;
    assert!(matches!(
        phase,
        Phase::Ended {
            status: Status::Executed,
            failure: None,
            ..
        }
    ));
}

#[test]
fn an_unknown_execution_cannot_be_finished() {
    let engine = engine();
    let mut execution = begun(&engine);
    execution.id = "0".repeat(40);
    for failed_at in [None, Some("Begin")] {
        let error = finish(&engine, &execution, failed_at).unwrap_err();
        assert_eq!(error.name, ErrorName::Permanent);
    }
}

#[test]
fn the_incident_is_written_before_the_receipt_is_recorded() {
    let engine = engine();
    let execution = executed(&engine, [None, Some(permanent())]);
    engine.ledger.spoil(Op::PutIncident, 0, Fault::Unavailable);
    finish(&engine, &execution, Some(STEPS[1])).unwrap_err();
    assert!(snapshot(&engine, &execution).execution.is_open());
    let now = snapshot(&engine, &execution).execution.reference();
    finish(&engine, &now, None).unwrap();
    assert!(!snapshot(&engine, &execution).execution.is_open());
    assert_eq!(engine.ledger.kept.incidents("acme").len(), 1);
}
