//! Tests of questions: put once, decided once, and answered to the task that waits.

use serde_json::{Value, json};

use super::{STEPS, attempt, begun, failing, finish, partition, record, snapshot, step_task};
use crate::testing::{Fault, Op, Script, ScriptedCall, TestEngine, engine, run};
use holdfast_action::StepError;
use holdfast_ledger::{IncidentStatus, Request, RulingTransition, Voter, WAITING, enact, rule};
use holdfast_receipt::Decision;
use holdfast_task::{Ask, AskTask, ErrorName, ExecutionRef, ExpireTask, Failure, QuestionKind};

pub(super) fn ask_task(execution: &ExecutionRef, kind: QuestionKind) -> AskTask {
    let approval = kind == QuestionKind::Approval;
    AskTask {
        execution: execution.clone(),
        ask: Ask {
            step: STEPS[0].to_owned(),
            kind,
            within_s: 600,
            approvers: None,
            when: None,
        },
        when: true,
        message: if approval {
            json!("continue?")
        } else {
            Value::Null
        },
        failure: (!approval).then(|| Failure {
            state: STEPS[0].to_owned(),
            error: "Permanent".to_owned(),
            cause: String::new(),
            by: None,
        }),
        token: "task-1".to_owned(),
        entered: "2025-09-29T13:00:00Z".to_owned(),
        retry: 0,
    }
}

/// Fails the first step permanently and puts its question.
fn escalated(engine: &TestEngine, action: &Script) -> (ExecutionRef, AskTask) {
    let execution = begun(engine);
    failing(engine, &step_task(&execution, STEPS[0]), action);
    let ask = ask_task(&execution, QuestionKind::Escalation);
    assert_eq!(run(engine.ask(&ask)), Ok(None));
    (execution, ask)
}

fn decided(engine: &TestEngine, execution: &ExecutionRef, decision: Decision) -> RulingTransition {
    decided_on(engine, execution, STEPS[0], decision)
}

pub(super) fn decided_on(
    engine: &TestEngine,
    execution: &ExecutionRef,
    step: &str,
    decision: Decision,
) -> RulingTransition {
    let request = Request {
        by: "bob".to_owned(),
        reason: "so".to_owned(),
    };
    let now = super::now(engine);
    let ledger = &*engine.ledger.kept;
    let decided = run(rule(
        ledger,
        &partition(execution),
        step,
        decision,
        &Voter::platform_admin(&request.by),
        &request,
        now,
    ));
    let decided = decided.unwrap().expect("the question exists");
    if let RulingTransition::Write(question) = &decided {
        run(enact(ledger, question, decision, now)).unwrap();
    }
    decided
}

fn expired(execution: &ExecutionRef) -> ExpireTask {
    ExpireTask {
        execution: execution.clone(),
        expired: STEPS[0].to_owned(),
    }
}

fn refuses() -> Script {
    Script::of([ScriptedCall::Fails(StepError::permanent("it is locked"))])
}

#[test]
fn a_question_opens_an_incident_with_execution_and_failure() {
    let engine = engine();
    let (execution, ask) = escalated(&engine, &refuses());
    assert_eq!(run(engine.ask(&ask)), Ok(None), "a repeat changes nothing");
    let incidents = engine.ledger.kept.incidents("acme");
    let [(incident, links)] = &incidents[..] else {
        panic!("{incidents:?}");
    };
    assert!(incident.message.contains("it is locked"), "{incident:?}");
    assert_eq!(
        (links[0].execution.as_str(), links[0].status.as_str()),
        (&*execution.id, WAITING)
    );
    assert_eq!(
        snapshot(&engine, &execution).questions[0].incident,
        incident.id
    );
}

#[test]
fn a_retry_decision_lets_the_step_act_once_and_the_execution_succeed() {
    let engine = engine();
    let action = refuses();
    let (execution, _) = escalated(&engine, &action);
    assert!(matches!(
        decided(&engine, &execution, Decision::Retry),
        RulingTransition::Write(_)
    ));
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &action).unwrap();
    }
    assert_eq!(action.effects(), 2);
    let finished = finish(&engine, &execution, None).unwrap();
    assert_eq!(
        (finished.status.as_str(), finished.incident),
        ("EXECUTED", None)
    );
    let (_, links) = &engine.ledger.kept.incidents("acme")[0];
    assert_eq!(
        links[0].status, "EXECUTED",
        "its incident knows how it ended"
    );
}

#[test]
fn a_later_question_about_a_step_has_another_digest() {
    let engine = engine();
    let (execution, ask) = escalated(&engine, &refuses());
    let digest = || {
        snapshot(&engine, &execution).questions[0]
            .shown_sha256
            .clone()
    };
    let first = digest();
    assert_eq!(first.len(), 64);
    decided(&engine, &execution, Decision::Retry);
    failing(&engine, &step_task(&execution, STEPS[0]), &refuses());
    let later = AskTask {
        entered: "2025-09-29T13:05:00Z".to_owned(),
        token: "task-2".to_owned(),
        ..ask
    };
    assert_eq!(run(engine.ask(&later)), Ok(None));
    assert_ne!(digest(), first);
}

#[test]
fn an_execution_succeeds_without_a_skipped_step_and_not_without_any_other() {
    let engine = engine();
    let (execution, _) = escalated(&engine, &refuses());
    finish(&engine, &execution, None).expect_err("the step has failed");
    decided(&engine, &execution, Decision::Skip);
    assert_eq!(
        finish(&engine, &execution, None).unwrap().status,
        "EXECUTED"
    );
}

#[test]
fn a_skipped_step_with_an_unknown_outcome_is_a_possible_residual_effect() {
    let engine = engine();
    let execution = begun(&engine);
    let mut task = step_task(&execution, STEPS[0]);
    task.step.idempotent = false;
    assert_eq!(
        failing(&engine, &task, &Script::of([ScriptedCall::ActsUnheard])),
        ErrorName::Escalate
    );
    run(engine.ask(&ask_task(&execution, QuestionKind::Escalation))).unwrap();
    decided(&engine, &execution, Decision::Skip);
    let finished = finish(&engine, &execution, None).unwrap();
    let bytes = run(crate::ObjectStore::get(&engine.receipts, &finished.receipt));
    let receipt: Value = serde_json::from_slice(&bytes.unwrap().unwrap()).unwrap();
    assert_eq!(
        receipt["residual_effects"][0]["certain"],
        json!(false),
        "{receipt}"
    );
    assert_eq!(receipt["decisions"][0]["by"], "bob");
}

#[test]
fn a_step_that_is_not_idempotent_is_retried_after_a_retry_decision() {
    let engine = engine();
    let execution = begun(&engine);
    let mut task = step_task(&execution, STEPS[0]);
    task.step.idempotent = false;
    let action = Script::of([ScriptedCall::Fails(StepError::unknown("it hung up"))]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Escalate);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Escalate);
    assert_eq!(action.times(), 1, "never by itself");
    run(engine.ask(&ask_task(&execution, QuestionKind::Escalation))).unwrap();
    decided(&engine, &execution, Decision::Retry);
    attempt(&engine, &task, &action).unwrap();
    assert_eq!(action.times(), 2);
}

#[test]
fn an_expired_question_yields_its_decision_if_there_is_one() {
    for (decision, expected) in [
        (Some(Decision::Retry), Err(ErrorName::Retry)),
        (Some(Decision::Rollback), Err(ErrorName::Declined)),
        (Some(Decision::Skip), Ok(Value::Null)),
        (None, Err(ErrorName::Expired)),
    ] {
        let engine = engine();
        let (execution, _) = escalated(&engine, &refuses());
        if let Some(decision) = decision {
            decided(&engine, &execution, decision);
        }
        engine.host.pass(600);
        for _ in 0..2 {
            let found = run(engine.expire(&expired(&execution)));
            let found = found
                .map(|result| result.output)
                .map_err(|error| error.name);
            assert_eq!(found, expected, "{decision:?}");
        }
    }
}

#[test]
fn a_question_does_not_expire_before_its_time() {
    let engine = engine();
    let (execution, _) = escalated(&engine, &refuses());
    let early = run(engine.expire(&expired(&execution)));
    assert_eq!(early.map_err(|error| error.name), Err(ErrorName::Conflict));
}

#[test]
fn a_repeated_question_returns_the_decision_and_reopens_the_step() {
    let engine = engine();
    let (execution, ask) = escalated(&engine, &refuses());
    let request = Request {
        by: "bob".to_owned(),
        reason: "so".to_owned(),
    };
    let at = partition(&execution);
    let now = super::now(&engine);
    let voter = Voter::platform_admin(&request.by);
    // The API died after the decision was recorded, and before the step's record was reopened.
    let ruled = rule(
        &*engine.ledger.kept,
        &at,
        STEPS[0],
        Decision::Retry,
        &voter,
        &request,
        now,
    );
    run(ruled).unwrap();
    let again = AskTask {
        token: "task-2".to_owned(),
        retry: 1,
        ..ask
    };
    let answer = run(engine.ask(&again)).unwrap().expect("it is decided");
    assert_eq!(answer.expect_err("retry").name, ErrorName::Retry);
    attempt(
        &engine,
        &step_task(&execution, STEPS[0]),
        &Script::default(),
    )
    .unwrap();
}

#[test]
fn a_question_is_put_once_after_a_lost_answer() {
    for op in [Op::PutQuestion, Op::PutIncident, Op::PutLink] {
        let engine = engine();
        let execution = begun(&engine);
        engine.ledger.spoil(op, 0, Fault::AnswerLost);
        let ask = ask_task(&execution, QuestionKind::Approval);
        assert_eq!(
            run(engine.ask(&ask)).map_err(|error| error.name),
            Err(ErrorName::Transient)
        );
        assert_eq!(run(engine.ask(&ask)), Ok(None));
        assert_eq!(snapshot(&engine, &execution).questions.len(), 1);
        assert_eq!(engine.ledger.kept.incidents("acme").len(), 1);
    }
}

#[test]
fn an_execution_continues_without_an_optional_step_that_failed_cleanly() {
    let engine = engine();
    let execution = begun(&engine);
    let mut task = step_task(&execution, STEPS[0]);
    task.step.optional = true;
    let action = refuses();
    for _ in 0..2 {
        let result = attempt(&engine, &task, &action).expect("the workflow continues");
        assert_eq!(result.output, Value::Null);
    }
    assert_eq!(action.times(), 1);
    assert_eq!(
        finish(&engine, &execution, None).unwrap().status,
        "EXECUTED"
    );
}

#[test]
fn an_optional_step_with_an_unknown_outcome_is_a_failure() {
    let engine = engine();
    let mut task = step_task(&begun(&engine), STEPS[0]);
    task.step.optional = true;
    task.step.max_attempts = 1;
    let action = Script::of([ScriptedCall::ActsUnheard]);
    assert_eq!(failing(&engine, &task, &action), ErrorName::Permanent);
    assert!(record(&engine, &task).tainted);
}

#[test]
fn an_execution_continues_without_an_optional_read_that_never_answered() {
    let engine = engine();
    let execution = begun(&engine);
    let mut task = step_task(&execution, STEPS[0]);
    task.step.reads = true;
    task.step.undo = None;
    task.step.optional = true;
    task.step.max_attempts = 1;
    let action = Script::of([ScriptedCall::ActsUnheard]);
    for _ in 0..2 {
        let result = attempt(&engine, &task, &action).expect("the workflow continues");
        assert_eq!(result.output, Value::Null);
    }
    assert!(action.calls.lock().unwrap()[0].0.reads);
    let ended = finish(&engine, &execution, None).unwrap();
    assert_eq!(ended.status, "EXECUTED");
}

#[test]
fn a_read_that_succeeded_before_a_failure_is_no_residual_effect() {
    let engine = engine();
    let execution = begun(&engine);
    let mut look_up = step_task(&execution, STEPS[0]);
    look_up.step.reads = true;
    look_up.step.undo = None;
    attempt(&engine, &look_up, &Script::default()).unwrap();
    failing(&engine, &step_task(&execution, STEPS[1]), &refuses());
    let ended = finish(&engine, &execution, Some(STEPS[1])).unwrap();
    assert_eq!(ended.status, "FAILED");
    let receipt = super::rollback::receipt_of(&engine, &execution);
    assert_eq!(receipt.residual_effects, []);
}

#[test]
fn a_new_failure_after_a_retry_decision_opens_its_own_incident() {
    for decision in [Decision::Retry, Decision::Skip] {
        let engine = engine();
        let action = refuses();
        let (execution, _) = escalated(&engine, &action);
        decided(&engine, &execution, decision);
        let first = snapshot(&engine, &execution).questions[0].incident.clone();
        if decision == Decision::Retry {
            attempt(&engine, &step_task(&execution, STEPS[0]), &action).unwrap();
        }
        failing(&engine, &step_task(&execution, STEPS[1]), &refuses());
        let ended = finish(&engine, &execution, Some(STEPS[1])).unwrap();
        let own = ended.incident.expect("an incident of its own");
        assert_ne!(own, first, "{decision:?}");
        let incidents = engine.ledger.kept.incidents("acme");
        let found = incidents.iter().find(|(one, _)| one.id == own);
        let (incident, links) = found.expect("it is open");
        assert_eq!(incident.state, STEPS[1], "{decision:?}");
        assert_eq!(links[0].execution, execution.id, "{decision:?}");
    }
}

#[test]
fn the_incident_of_a_failure_is_resolved_if_a_person_decides_on_the_rollback_alone() {
    for (decision, status) in [
        (Decision::Rollback, IncidentStatus::Resolved),
        (Decision::Retry, IncidentStatus::Open),
    ] {
        let engine = engine();
        let (execution, _) = escalated(&engine, &refuses());
        decided(&engine, &execution, decision);
        finish(&engine, &execution, Some(STEPS[0])).unwrap();
        let (incident, _) = &engine.ledger.kept.incidents("acme")[0];
        assert_eq!(incident.status, status, "{decision:?}");
    }
}
