//! Tests of a receipt's truth: it says what the ledger says, and late calls change neither.

use super::{finish::receipt, *};
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{
    IncidentKey, IncidentStatus, QuestionState, Request, StepState, Voter, cancel, enact, handle,
    redrive, rule,
};
use holdfast_receipt::{
    Decision, Status, StepStatus as Shown,
    evidence::{MemorySigner, Seal},
};
use holdfast_task::{Ask, AskTask, QuestionKind};

pub(super) fn request() -> Request {
    Request {
        by: "ann@acme".to_owned(),
        reason: "so".to_owned(),
    }
}

/// Writes the next record of the execution, and returns its reference.
pub(super) fn put(engine: &TestEngine, next: ExecutionRecord) -> ExecutionRef {
    let expect = Expect::Rev(next.rev - 1);
    assert_eq!(run(engine.ledger.kept.put(&next, expect)), Ok(Put::Done));
    next.reference()
}

pub(super) fn cancelled(engine: &TestEngine, execution: &ExecutionRef) -> ExecutionRef {
    let before = snapshot(engine, execution).execution;
    match cancel(&before, &request(), "arn:recovery", now(engine)) {
        holdfast_ledger::RequestTransition::Write(next) => put(engine, *next),
        other => panic!("{other:?}"),
    }
}

pub(super) fn redriven(engine: &TestEngine, execution: &ExecutionRef) -> ExecutionRef {
    let before = snapshot(engine, execution);
    let now = now(engine);
    match redrive(&before, &gate(), &steps(), &request(), "arn:again", now) {
        holdfast_ledger::RequestTransition::Write(next) => put(engine, *next),
        other => panic!("{other:?}"),
    }
}

/// Rolls a cancelled execution back, as the recovery that owns it does.
pub(super) fn recover(
    engine: &TestEngine,
    execution: &ExecutionRef,
) -> Result<FinishResult, TaskError> {
    let task = PlanTask {
        owner: "arn:recovery".to_owned(),
        ..plan_task(execution, "elsewhere")
    };
    let PlanResult { execution, undo } = run(engine.plan(&task))?;
    for undo in undo {
        let execution = execution.clone();
        run(engine.undo(&UndoTask { execution, undo }, &Script::default()))?;
    }
    run(engine.finish(&finish_task(&execution), &NoSigner))
}

fn succeeded(engine: &TestEngine) -> ExecutionRef {
    let execution = begun(engine);
    for step in STEPS {
        attempt(engine, &step_task(&execution, step), &Script::default()).unwrap();
    }
    execution
}

fn shown(engine: &TestEngine) -> Vec<Shown> {
    receipt(engine)
        .steps
        .iter()
        .map(|step| step.status)
        .collect()
}

/// Puts the question of the first step, and records this decision of a person.
pub(super) fn asked(engine: &TestEngine, execution: &ExecutionRef, decision: Option<Decision>) {
    let ask = AskTask {
        execution: execution.clone(),
        ask: Ask {
            step: STEPS[0].to_owned(),
            kind: QuestionKind::Escalation,
            within_s: 600,
            approvers: None,
            when: None,
        },
        when: true,
        message: Value::Null,
        failure: Some(failed_at(STEPS[0])),
        token: "task-1".to_owned(),
        entered: "2025-09-29T13:00:00Z".to_owned(),
        retry: 0,
    };
    assert_eq!(run(engine.ask(&ask)), Ok(None));
    if let Some(decision) = decision {
        decided(engine, execution, decision);
    }
}

/// Records the decision of a person on the question about the first step.
pub(super) fn decided(engine: &TestEngine, execution: &ExecutionRef, decision: Decision) {
    let (ledger, at, now) = (&*engine.ledger.kept, partition(execution), now(engine));
    let voter = Voter::platform_admin(&request().by);
    run(rule(
        ledger,
        &at,
        STEPS[0],
        decision,
        &voter,
        &request(),
        now,
    ))
    .unwrap();
    let question = snapshot(engine, execution).questions.remove(0);
    run(enact(ledger, &question, decision, now)).unwrap();
}

#[test]
fn a_finish_that_loses_to_a_rollback_publishes_what_the_rollback_recorded() {
    let engine = engine();
    let execution = succeeded(&engine);
    let (other, again) = (engine.clone(), execution.clone());
    let overtakes = Fault::After(Box::new(move || {
        let execution = cancelled(&other, &again);
        other.receipts.refuse(1);
        recover(&other, &execution).expect_err("its receipt is not written");
    }));
    engine.ledger.spoil(Op::PutExecution, 0, overtakes);
    let ended = finish(&engine, &execution, None).unwrap();
    assert_eq!(ended.status, "ROLLED_BACK");
    assert_eq!(receipt(&engine).status, Status::RolledBack);
    assert_eq!(shown(&engine), [Shown::Undone, Shown::Undone]);
}

#[test]
fn a_finish_of_an_earlier_generation_publishes_nothing() {
    let engine = engine();
    let execution = begun(&engine);
    let no = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    attempt(&engine, &step_task(&execution, STEPS[0]), &no).unwrap_err();
    let ended = finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let frozen = snapshot(&engine, &execution).execution.reference();
    let again = redriven(&engine, &execution);
    for step in STEPS {
        attempt(&engine, &step_task(&again, step), &Script::default()).unwrap();
    }
    engine.receipts.refuse(1);
    finish(&engine, &again, None).unwrap_err();
    let late = FinishTask {
        execution: frozen,
        steps: Vec::new(),
        ..finish_task(&execution)
    };
    let error = run(engine.finish(&late, &NoSigner)).unwrap_err();
    assert_eq!(error.name, ErrorName::Halted);
    assert_eq!(engine.receipts.objects.lock().unwrap().len(), 1);
    let second = finish(&engine, &again, None).unwrap();
    assert_eq!(second.status, "EXECUTED");
    assert_ne!(second.receipt, ended.receipt);
}

#[test]
fn a_stored_receipt_that_says_something_else_is_not_adopted() {
    let engine = engine();
    let execution = succeeded(&engine);
    let object = format!("receipts/acme/2025/09/29/{}-0.json", execution.id);
    let planted = json!({"status": "ROLLED_BACK"}).to_string().into_bytes();
    let objects = engine.receipts.objects.clone();
    objects.lock().unwrap().insert(object.clone(), planted);
    let error = finish(&engine, &execution, None).unwrap_err();
    assert_eq!(error.name, ErrorName::Permanent);
    assert!(error.message.contains("not adopted"), "{error}");
    assert!(snapshot(&engine, &execution).execution.is_open());
    objects.lock().unwrap().remove(&object);
    finish(&engine, &execution, None).expect("a person removed it");
}

#[test]
fn a_receipt_names_its_deployment_and_one_of_another_deployment_is_not_adopted() {
    let at = |engine: &TestEngine, deployment: Option<&str>| TestEngine {
        deployment: deployment.map(str::to_owned),
        ..engine.clone()
    };
    let (here, there) = (
        "210987654321/eu-central-1/holdfast",
        "210987654321/eu-central-1/other",
    );
    for (wrote, finishes, adopted) in [
        (Some(here), Some(here), true),
        (Some(there), Some(here), false),
        // An earlier release named none.
        (None, Some(here), true),
    ] {
        let engine = engine();
        let execution = succeeded(&engine);
        finish(&at(&engine, wrote), &execution, None).unwrap();
        assert_eq!(receipt(&engine).deployment.as_deref(), wrote);
        change(&engine, &partition(&execution), |execution| {
            execution.receipt = None;
        });
        match finish(&at(&engine, finishes), &execution, None) {
            Ok(_) => assert!(adopted, "{wrote:?}"),
            Err(error) => {
                assert!(!adopted, "{error}");
                assert!(error.message.contains("its deployment is not"), "{error}");
            }
        }
    }
}

#[test]
fn a_stored_receipt_with_the_signature_of_another_key_is_not_adopted() {
    let engine = engine();
    let execution = succeeded(&engine);
    let [ours, theirs] = [1, 2].map(|byte| MemorySigner::new(&[byte; 32]).unwrap());
    let ended = run(engine.finish(&finish_task(&execution), &ours)).unwrap();
    let open_again = || {
        change(&engine, &partition(&execution), |execution| {
            execution.receipt = None;
        });
    };
    open_again();
    let adopted = run(engine.finish(&finish_task(&execution), &ours)).unwrap();
    assert_eq!(adopted, ended, "our own is adopted");
    open_again();
    let mut value = serde_json::to_value(receipt(&engine)).unwrap();
    value.as_object_mut().unwrap().remove("signature");
    let forged = run(theirs.receipt(value)).unwrap();
    let objects = engine.receipts.objects.clone();
    objects.lock().unwrap().insert(ended.receipt, forged);
    let error = run(engine.finish(&finish_task(&execution), &ours)).unwrap_err();
    assert_eq!(error.name, ErrorName::Permanent);
    assert!(error.message.contains("not in the key set"), "{error}");
}

#[test]
fn a_skipped_step_that_no_attempt_claimed_never_acts() {
    let engine = engine();
    let execution = begun(&engine);
    asked(&engine, &execution, Some(Decision::Skip));
    let second = step_task(&execution, STEPS[1]);
    attempt(&engine, &second, &Script::default()).unwrap();
    let (other, late) = (engine.clone(), step_task(&execution, STEPS[0]));
    let action = Script::default();
    let acts = action.clone();
    let beside = Fault::After(Box::new(move || {
        assert_eq!(failing(&other, &late, &acts), ErrorName::Halted);
    }));
    engine.ledger.spoil(Op::PutExecution, 0, beside);
    let ended = finish(&engine, &execution, None).unwrap();
    assert_eq!((ended.status.as_str(), action.times()), ("EXECUTED", 0));
    assert_eq!(shown(&engine), [Shown::Skipped, Shown::Success]);
    assert_eq!(receipt(&engine).residual_effects, []);
}

#[test]
fn a_late_claim_after_the_end_changes_no_record() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    attempt(&engine, &step_task(&execution, STEPS[0]), &action).unwrap();
    unwind(&engine, &execution, "late", &action).unwrap();
    let again = redriven(&engine, &execution);
    recover(&engine, &cancelled(&engine, &again)).unwrap();
    let before = snapshot(&engine, &again);
    let late = step_task(&again, STEPS[0]);
    assert_eq!(failing(&engine, &late, &action), ErrorName::Halted);
    assert_eq!(snapshot(&engine, &again), before);
    assert_eq!(before.steps[0].state, StepState::Undone);
}

#[test]
fn a_first_claim_after_the_end_leaves_a_step_that_did_not_run() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    attempt(&engine, &step_task(&execution, STEPS[0]), &action).unwrap();
    unwind(&engine, &execution, "late", &action).unwrap();
    let late = step_task(&execution, STEPS[1]);
    assert_eq!(failing(&engine, &late, &action), ErrorName::Halted);
    assert_eq!(shown(&engine), [Shown::Undone, Shown::NotRun]);
    let record = record(&engine, &late);
    assert_eq!(
        (record.attempts, record.state),
        (vec![], StepState::FailedClean)
    );
    assert_eq!(action.times(), 1);
}

#[test]
fn the_ledger_yields_the_same_receipt_after_a_late_first_claim() {
    let engine = engine();
    let execution = begun(&engine);
    let action = Script::default();
    attempt(&engine, &step_task(&execution, STEPS[0]), &action).unwrap();
    unwind(&engine, &execution, "late", &action).unwrap();
    let late = step_task(&execution, STEPS[1]);
    let yielded = || crate::receipt_of(&snapshot(&engine, &execution), &steps(), None).unwrap();
    let before = yielded();
    assert_eq!(failing(&engine, &late, &action), ErrorName::Halted);
    assert_eq!(yielded(), before);
    assert_eq!(before.steps[1].idempotency_key, None);
}

#[test]
fn an_incident_that_was_resolved_before_the_report_is_open_again() {
    let engine = engine();
    let no = || Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    let execution = begun(&engine);
    attempt(&engine, &step_task(&execution, STEPS[0]), &no()).unwrap_err();
    let ended = finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let id = ended.incident.expect("an incident");
    let key = IncidentKey::new("acme", &id);
    let ledger = &*engine.ledger.kept;
    // Another execution of the same cause has ended, and its report is late.
    let mut task = begin_task(start_of(usual_input()));
    task.start["idempotency_key"] = "risk-18".into();
    let second = run(engine.begin(&task)).unwrap().execution;
    attempt(&engine, &step_task(&second, STEPS[0]), &no()).unwrap_err();
    engine.receipts.refuse(1);
    finish(&engine, &second, Some(STEPS[0])).unwrap_err();
    engine.host.pass(60);
    let found = run(ledger.read(&key)).unwrap().unwrap();
    let resolved = handle(&found, IncidentStatus::Resolved, &request(), now(&engine));
    let resolved = resolved.unwrap().unwrap();
    run(ledger.put(&resolved, Expect::Rev(found.rev))).unwrap();
    engine.host.pass(60);
    let current = snapshot(&engine, &second).execution.reference();
    assert_eq!(
        finish(&engine, &current, None).unwrap().incident,
        Some(id.clone())
    );
    let found = run(ledger.read(&key)).unwrap().unwrap();
    assert_eq!(found.status, IncidentStatus::Open);
    assert_eq!(found.execution, second.id);
}

#[test]
fn a_question_ends_with_its_execution_and_a_late_decision_changes_nothing() {
    let engine = engine();
    let execution = begun(&engine);
    let no = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    attempt(&engine, &step_task(&execution, STEPS[0]), &no).unwrap_err();
    asked(&engine, &execution, None);
    let question = snapshot(&engine, &execution).questions.remove(0);
    recover(&engine, &cancelled(&engine, &execution)).unwrap();
    let before = snapshot(&engine, &execution);
    let state = &before.questions[0].state;
    assert!(matches!(state, QuestionState::Expired { .. }), "{state:?}");
    // The decision was recorded before the cancellation, and reaches the step after the end.
    let ledger = &*engine.ledger.kept;
    run(enact(ledger, &question, Decision::Retry, now(&engine))).unwrap();
    assert_eq!(snapshot(&engine, &execution), before);
}
