//! Tests of questions whose `Ask` died, or came to its end after the execution: nothing stays open,
//! and what people must see is open.

use super::{
    closing::{cancelled, recover, redriven, request},
    *,
};
use crate::{
    cases,
    testing::{Fault, Op, ScriptedCall, engine},
};
use holdfast_action::StepError;
use holdfast_ledger::{
    Incident, IncidentKey, IncidentStatus, Link, Question, QuestionState, Request, WAITING, handle,
};
use holdfast_task::{Ask, AskTask, QuestionKind};

const KINDS: [QuestionKind; 2] = [QuestionKind::Approval, QuestionKind::Escalation];

/// The task of a question about the first step.
fn question(execution: &ExecutionRef, kind: QuestionKind) -> AskTask {
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
        message: match approval {
            true => json!("continue?"),
            false => Value::Null,
        },
        failure: (!approval).then(|| failed_at(STEPS[0])),
        token: "task-1".to_owned(),
        entered: "2025-09-29T13:00:00Z".to_owned(),
        retry: 0,
    }
}

/// An execution whose first step has failed for this reason.
fn failed(engine: &TestEngine, reason: &str) -> ExecutionRef {
    let execution = begun(engine);
    let fails = Script::of([ScriptedCall::Fails(StepError::permanent(reason))]);
    failing(engine, &step_task(&execution, STEPS[0]), &fails);
    execution
}

/// Cancels the execution and rolls it back, a second later.
fn end(engine: &TestEngine, execution: &ExecutionRef) {
    engine.host.pass(1);
    recover(engine, &cancelled(engine, execution)).unwrap();
    engine.host.pass(1);
}

/// Ends the execution before a call.
fn ends(engine: &TestEngine, execution: &ExecutionRef) -> Fault {
    let (engine, execution) = (engine.clone(), execution.clone());
    Fault::After(Box::new(move || end(&engine, &execution)))
}

fn only_incident(engine: &TestEngine) -> (Incident, Vec<Link>) {
    let mut incidents = engine.ledger.kept.incidents("acme");
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    incidents.remove(0)
}

/// Checks that the execution is over for people: its question, its incident and its link.
fn nothing_is_open(engine: &TestEngine, execution: &ExecutionRef) {
    let question = snapshot(engine, execution).questions.remove(0);
    let state = &question.state;
    let closed = matches!(state, QuestionState::Expired { closed: true, .. });
    assert!(closed, "{state:?}");
    let (incident, links) = only_incident(engine);
    assert_eq!(incident.id, question.incident);
    assert_eq!(incident.status, IncidentStatus::Resolved, "{incident:?}");
    assert_eq!(links[0].status, "FAILED", "{links:?}");
    assert!(links[0].is_settled());
}

#[test]
fn a_question_whose_ask_died_before_its_incident_leaves_nothing_open_after_a_cancel() {
    for kind in KINDS {
        for op in [Op::PutQuestion, Op::PutIncident] {
            let engine = engine();
            let execution = failed(&engine, "no");
            engine.ledger.spoil(op, 0, Fault::AnswerLost);
            run(engine.ask(&question(&execution, kind))).unwrap_err();
            end(&engine, &execution);
            nothing_is_open(&engine, &execution);
        }
    }
}

#[test]
fn a_failure_whose_ask_died_before_its_incident_has_an_open_incident() {
    let engine = engine();
    let execution = failed(&engine, "no");
    engine.ledger.spoil(Op::PutQuestion, 0, Fault::AnswerLost);
    let ask = question(&execution, QuestionKind::Escalation);
    run(engine.ask(&ask)).unwrap_err();
    engine.host.pass(1);
    let ended = finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let (incident, links) = only_incident(&engine);
    assert_eq!(ended.incident.as_ref(), Some(&incident.id));
    assert_eq!(incident.status, IncidentStatus::Open);
    assert_eq!(
        (incident.error.as_str(), incident.message.as_str()),
        ("Permanent", "apply_vendor_hold failed: no")
    );
    assert_eq!(
        (links[0].status.as_str(), links[0].is_settled()),
        ("FAILED", false)
    );
}

#[test]
fn a_question_that_is_recorded_after_the_end_is_closed_by_its_ask() {
    for kind in KINDS {
        let engine = engine();
        let execution = failed(&engine, "no");
        let ended = ends(&engine, &execution);
        engine.ledger.spoil(Op::PutQuestion, 0, ended);
        let error = run(engine.ask(&question(&execution, kind))).unwrap_err();
        assert_eq!(error.name, ErrorName::Halted);
        nothing_is_open(&engine, &execution);
    }
}

/// An execution that ended before its question was recorded, and whose `Ask` then died.
fn asked_after_the_end(engine: &TestEngine, kind: QuestionKind) -> ExecutionRef {
    let execution = failed(engine, "no");
    let (other, again) = (engine.clone(), execution.clone());
    let ended = Fault::After(Box::new(move || {
        end(&other, &again);
        let look = Op::ExecutionRecord;
        other.ledger.spoil(look, 0, Fault::Unavailable);
    }));
    engine.ledger.spoil(Op::PutQuestion, 0, ended);
    let error = run(engine.ask(&question(&execution, kind))).unwrap_err();
    assert_eq!(error.name, ErrorName::Transient);
    execution
}

#[test]
fn a_question_of_an_earlier_generation_is_linked_to_the_end_of_that_generation() {
    for kind in KINDS {
        let engine = engine();
        let execution = redriven(&engine, &asked_after_the_end(&engine, kind));
        let left = snapshot(&engine, &execution);
        run(engine.close_late(&left.questions[0], &left.execution)).unwrap();
        nothing_is_open(&engine, &execution);
        let (_, links) = only_incident(&engine);
        assert_eq!((links.len(), links[0].generation), (1, 0), "{links:?}");
    }
}

#[test]
fn a_question_that_is_recorded_after_the_end_and_whose_ask_died_is_closed_by_a_look() {
    for kind in KINDS {
        let engine = engine();
        let execution = asked_after_the_end(&engine, kind);
        let left = snapshot(&engine, &execution);
        assert_eq!(left.questions[0].state, QuestionState::Open);
        assert!(left.questions[0].due().is_some(), "the sweep finds it");
        for _ in 0..2 {
            run(engine.close_late(&left.questions[0], &left.execution)).unwrap();
            nothing_is_open(&engine, &execution);
        }
        assert_eq!(snapshot(&engine, &execution).questions[0].due(), None);
    }
}

#[test]
fn an_ask_that_reports_after_the_end_opens_no_incident() {
    for kind in KINDS {
        // The execution ends before the report reads the incident, the link, or writes.
        for op in [Op::Incident, Op::Link, Op::PutIncident] {
            let engine = engine();
            let execution = failed(&engine, "no");
            engine.ledger.spoil(op, 0, ends(&engine, &execution));
            assert_eq!(run(engine.ask(&question(&execution, kind))), Ok(None));
            nothing_is_open(&engine, &execution);
        }
    }
}

#[test]
fn an_ask_that_reports_after_the_end_does_not_open_a_resolved_incident_again() {
    for op in [Op::Incident, Op::Link, Op::PutIncident] {
        let engine = engine();
        let execution = failed(&engine, "no");
        let ask = question(&execution, QuestionKind::Escalation);
        run(engine.ask(&ask)).unwrap();
        let id = snapshot(&engine, &execution).questions[0].incident.clone();
        engine.host.pass(1);
        resolve(&engine, &id, &request());
        engine.host.pass(1);
        let retried = AskTask {
            token: "task-2".to_owned(),
            retry: 1,
            ..ask
        };
        engine.ledger.spoil(op, 0, ends(&engine, &execution));
        assert_eq!(run(engine.ask(&retried)), Ok(None));
        let (incident, links) = only_incident(&engine);
        assert_eq!(incident.status, IncidentStatus::Resolved, "{op:?}");
        assert!(links.iter().all(|link| link.status != WAITING), "{links:?}");
    }
}

fn resolve(engine: &TestEngine, id: &str, by: &Request) {
    handle_by(engine, id, IncidentStatus::Resolved, by);
}

fn handle_by(engine: &TestEngine, id: &str, status: IncidentStatus, by: &Request) {
    let key = IncidentKey::new("acme", id);
    let ledger = &*engine.ledger.kept;
    let found = run(ledger.read(&key)).unwrap().unwrap();
    let next = handle(&found, status, by, now(engine));
    let next = next.unwrap().unwrap();
    assert_eq!(
        run(ledger.put(&next, Expect::Rev(found.rev))),
        Ok(Put::Done)
    );
}

#[test]
fn an_incident_that_a_person_handles_before_its_link_shows_the_question_is_open_again() {
    for status in [IncidentStatus::Acknowledged, IncidentStatus::Resolved] {
        let engine = engine();
        let first = failed(&engine, "no");
        run(engine.ask(&question(&first, QuestionKind::Escalation))).unwrap();
        let id = snapshot(&engine, &first).questions[0].incident.clone();
        end(&engine, &first);
        let mut start = start_of(usual_input());
        start["idempotency_key"] = json!("second");
        let second = run(engine.begin(&begin_task(start))).unwrap().execution;
        let fails = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
        failing(&engine, &step_task(&second, STEPS[0]), &fails);
        let ask = question(&second, QuestionKind::Escalation);
        let (other, incident) = (engine.clone(), id.clone());
        let handles = move || handle_by(&other, &incident, status, &request());
        let handles = Fault::After(Box::new(handles));
        engine.ledger.spoil(Op::PutLink, 0, handles);
        assert_eq!(run(engine.ask(&ask)), Ok(None));
        let (incident, links) = only_incident(&engine);
        assert_eq!(incident.id, id);
        assert_eq!(incident.status, IncidentStatus::Open, "{incident:?}");
        assert!(links.iter().any(|link| link.status == WAITING), "{links:?}");
        // A person who handles it now has seen both executions, and a repeat changes nothing.
        handle_by(&engine, &id, IncidentStatus::Acknowledged, &request());
        assert_eq!(run(engine.ask(&ask)), Ok(None));
        let (incident, _) = only_incident(&engine);
        assert_eq!(incident.status, IncidentStatus::Acknowledged);
    }
}

#[test]
fn an_incident_of_any_question_that_is_resolved_before_its_link_is_open_again() {
    for kind in KINDS {
        let engine = engine();
        let execution = failed(&engine, "no");
        let other = engine.clone();
        let resolves = move || resolve(&other, &only_incident(&other).0.id, &request());
        let resolves = Fault::After(Box::new(resolves));
        engine.ledger.spoil(Op::PutLink, 0, resolves);
        assert_eq!(run(engine.ask(&question(&execution, kind))), Ok(None));
        let (incident, _) = only_incident(&engine);
        assert_eq!(incident.status, IncidentStatus::Open, "{incident:?}");
        let handled = incident.handled.last().expect("an action");
        assert!(handled.at < incident.opened_at, "{incident:?}");
    }
}

#[test]
fn an_incident_that_is_resolved_with_its_question_stays_resolved() {
    for kind in KINDS {
        let engine = engine();
        let execution = failed(&engine, "no");
        let (other, of) = (engine.clone(), execution.clone());
        // The second look of `Ask` at the incident comes after a decision that resolves it.
        let decides = move || {
            let asked = snapshot(&other, &of).questions.remove(0);
            let over = Question {
                rev: asked.rev + 1,
                state: QuestionState::Expired {
                    at: now(&other),
                    closed: false,
                },
                ..asked.clone()
            };
            let put = run(other.ledger.kept.put(&over, Expect::Rev(asked.rev)));
            assert_eq!(put, Ok(Put::Done));
            resolve(&other, &asked.incident, &request());
        };
        let decides = Fault::After(Box::new(decides));
        engine.ledger.spoil(Op::Incident, 1, decides);
        assert_eq!(run(engine.ask(&question(&execution, kind))), Ok(None));
        let (incident, _) = only_incident(&engine);
        assert_eq!(incident.status, IncidentStatus::Resolved, "{kind:?}");
    }
}

#[test]
fn a_look_at_a_question_that_its_end_closed_changes_nothing() {
    for kind in KINDS {
        let engine = engine();
        let execution = failed(&engine, "no");
        run(engine.ask(&question(&execution, kind))).unwrap();
        let seen = snapshot(&engine, &execution).questions.remove(0);
        end(&engine, &execution);
        let (before, links) = only_incident(&engine);
        let ended = snapshot(&engine, &execution);
        run(engine.close_late(&seen, &ended.execution)).unwrap();
        let (after, links_after) = only_incident(&engine);
        assert_eq!((after.status, links_after), (before.status, links));
        assert_eq!(snapshot(&engine, &execution), ended);
    }
}

#[test]
fn a_failure_that_another_execution_resolves_before_its_link_is_open_again() {
    let engine = engine();
    let execution = failed(&engine, "no");
    let id = {
        let ask = question(&execution, QuestionKind::Escalation);
        run(engine.ask(&ask)).unwrap();
        snapshot(&engine, &execution).questions[0].incident.clone()
    };
    engine.host.pass(1);
    let (other, incident) = (engine.clone(), id.clone());
    let resolves = Fault::After(Box::new(move || {
        let by = Request {
            by: holdfast_ledger::ENGINE.to_owned(),
            ..request()
        };
        resolve(&other, &incident, &by);
    }));
    engine.ledger.spoil(Op::PutLink, 0, resolves);
    finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let (incident, _) = only_incident(&engine);
    assert_eq!((incident.id, incident.status), (id, IncidentStatus::Open));
}

/// An execution that asked twice about its first step, for two causes, and that ended.
fn asked_twice(engine: &TestEngine) -> ExecutionRef {
    let execution = failed(engine, "no");
    let ask = question(&execution, QuestionKind::Escalation);
    run(engine.ask(&ask)).unwrap();
    super::closing::decided(engine, &execution, holdfast_receipt::Decision::Retry);
    let locked = Script::of([ScriptedCall::Fails(StepError::permanent("it is locked"))]);
    failing(engine, &step_task(&execution, STEPS[0]), &locked);
    engine.host.pass(1);
    let again = AskTask {
        token: "task-2".to_owned(),
        entered: now(engine).to_string(),
        ..ask
    };
    run(engine.ask(&again)).unwrap();
    end(engine, &execution);
    execution
}

#[test]
fn the_end_settles_the_incident_of_each_question_about_a_step() {
    let engine = engine();
    asked_twice(&engine);
    let incidents = engine.ledger.kept.incidents("acme");
    assert_eq!(incidents.len(), 2, "{incidents:#?}");
    for (incident, links) in incidents {
        assert_eq!(incident.status, IncidentStatus::Resolved, "{incident:?}");
        assert_eq!(links[0].status, "FAILED", "{links:?}");
    }
}

#[test]
fn the_incident_of_an_earlier_question_is_among_those_of_the_execution() {
    let engine = engine();
    let execution = asked_twice(&engine);
    let incidents = engine.ledger.kept.incidents("acme").into_iter();
    let ids = incidents.map(|(incident, _)| incident.id).collect();
    assert_eq!(cases(&snapshot(&engine, &execution)), ids);
}
