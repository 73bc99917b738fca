//! Tests of incidents at the end of executions: which executions share one, when it is resolved.

use super::{
    requests::{cancelled, redriven, undo_all, withdrawn},
    *,
};
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::{ENGINE, Incident, IncidentStatus, Link};

/// An execution of its own, started under `key`.
fn started(engine: &TestEngine, key: &str) -> ExecutionRef {
    let mut start = start_of(usual_input());
    start["idempotency_key"] = key.into();
    run(engine.begin(&begin_task(start))).unwrap().execution
}

fn refusing(why: &str) -> Script {
    Script::of([ScriptedCall::Fails(StepError::permanent(why))])
}

/// An execution whose second step is refused, and that is rolled back. Its first step cannot be
/// undone if `remains`.
fn failed(engine: &TestEngine, key: &str, why: &str, remains: bool) -> ExecutionRef {
    let execution = started(engine, key);
    let mut first = step_task(&execution, STEPS[0]);
    if remains {
        first.step.undo = None;
    }
    attempt(engine, &first, &Script::default()).unwrap();
    failing(engine, &step_task(&execution, STEPS[1]), &refusing(why));
    finish(engine, &execution, Some(STEPS[1])).unwrap();
    execution
}

/// Redrives an execution, and every step succeeds.
fn redriven_well(engine: &TestEngine, execution: &ExecutionRef) {
    let execution = redriven(engine, execution);
    for step in STEPS {
        attempt(engine, &step_task(&execution, step), &Script::default()).unwrap();
    }
    let ended = finish(engine, &execution, None).unwrap();
    assert_eq!(ended.status, "EXECUTED");
}

fn incidents(engine: &TestEngine) -> Vec<(Incident, Vec<Link>)> {
    engine.ledger.kept.incidents("acme")
}

/// The one incident that `standing` describes.
fn incident(engine: &TestEngine, standing: bool) -> (Incident, Vec<Link>) {
    let mut found = incidents(engine);
    found.retain(|(incident, _)| incident.standing == standing);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn what_remains_shares_no_incident_with_what_leaves_nothing() {
    let engine = engine();
    failed(&engine, "a", "it answered 400", false);
    for key in ["b", "c", "d"] {
        failed(&engine, key, "it answered 400", true);
    }
    let (_, harmless) = incident(&engine, false);
    assert_eq!((harmless.len(), harmless[0].standing), (1, false));
    let (_, links) = incident(&engine, true);
    assert_eq!(links.len(), 3);
    for link in links {
        assert!(link.standing, "people are notified of each: {link:?}");
        assert_eq!(link.stands, ["apply_vendor_hold"]);
        assert_eq!((link.stands_total, link.certain), (1, Some(1)));
        assert_eq!(link.workflow.as_deref(), Some("WF-HOLD"));
    }
}

#[test]
fn failures_for_different_reasons_are_different_incidents() {
    let engine = engine();
    failed(
        &engine,
        "a",
        "PUT https://a.example answered 400 Bad Request",
        false,
    );
    failed(
        &engine,
        "b",
        "PUT https://a.example answered 400 Bad Request: amount 17",
        false,
    );
    failed(
        &engine,
        "c",
        "PUT https://a.example answered 403 Forbidden",
        false,
    );
    let found = incidents(&engine);
    let mut executions: Vec<_> = found.iter().map(|(_, links)| links.len()).collect();
    executions.sort();
    assert_eq!(executions, [1, 2]);
    let links = found.iter().flat_map(|(_, links)| links);
    let reasons: Vec<_> = links.filter_map(|link| link.reason.as_deref()).collect();
    let own = reasons.iter().filter(|reason| reason.contains("amount 17"));
    assert_eq!(own.count(), 1, "each link has its own reason: {reasons:?}");
}

#[test]
fn an_incident_is_resolved_once_every_execution_came_to_a_good_end() {
    let engine = engine();
    let all = ["a", "b", "c", "d", "e"].map(|key| failed(&engine, key, "it is locked", false));
    for (n, execution) in all.iter().enumerate() {
        let (incident, _) = incident(&engine, false);
        assert_eq!(
            incident.status,
            IncidentStatus::Open,
            "{n} of 5 are redriven"
        );
        redriven_well(&engine, execution);
    }
    let (incident, links) = incident(&engine, false);
    assert_eq!(incident.status, IncidentStatus::Resolved);
    assert_eq!(incident.handled[0].by, ENGINE);
    assert_eq!(links.len(), 10, "five failures and five good ends");
    assert!(snapshot(&engine, &all[0]).execution.incidents.is_empty());
}

#[test]
fn a_redrive_that_fails_again_leaves_its_incident_open() {
    let engine = engine();
    let first = failed(&engine, "a", "it is locked", false);
    let second = redriven(&engine, &first);
    attempt(&engine, &step_task(&second, STEPS[0]), &Script::default()).unwrap();
    failing(
        &engine,
        &step_task(&second, STEPS[1]),
        &refusing("it is closed"),
    );
    finish(&engine, &second, Some(STEPS[1])).unwrap();
    let found = incidents(&engine);
    let open = |(incident, _): &&(Incident, _)| incident.status == IncidentStatus::Open;
    assert_eq!(found.iter().filter(open).count(), 2);
    redriven_well(&engine, &second);
    assert_eq!(incidents(&engine).iter().filter(open).count(), 0);
}

#[test]
fn a_redrive_that_a_person_cancels_resolves_the_incident() {
    let engine = engine();
    let execution = failed(&engine, "a", "it is locked", false);
    redriven(&engine, &execution);
    let execution = cancelled(&engine, &execution);
    undo_all(&engine, &execution, &Script::default());
    let (incident, _) = incident(&engine, false);
    assert_eq!(incident.status, IncidentStatus::Resolved);
}

#[test]
fn a_rollback_that_leaves_nothing_resolves_the_incident_of_what_remained() {
    let engine = engine();
    let execution = started(&engine, "a");
    let mut first = step_task(&execution, STEPS[0]);
    first.step.undo.as_mut().unwrap().max_attempts = 1;
    let busy = ScriptedCall::Fails(StepError::permanent("busy"));
    let action = Script::default().undoing([busy]);
    attempt(&engine, &first, &action).unwrap();
    let ended = unwind(&engine, &execution, STEPS[1], &action).unwrap();
    assert_eq!(ended.status, "PARTIALLY_ROLLED_BACK");
    let (opened, _) = incident(&engine, true);
    assert_eq!(opened.status, IncidentStatus::Open);
    let execution = withdrawn(&engine, &execution);
    assert_eq!(undo_all(&engine, &execution, &action).status, "ROLLED_BACK");
    let (resolved, _) = incident(&engine, true);
    assert_eq!(resolved.status, IncidentStatus::Resolved);
}

#[test]
fn a_failure_that_is_linked_while_the_engine_resolves_opens_the_incident_again() {
    let engine = engine();
    let execution = failed(&engine, "a", "it is locked", false);
    let other = engine.clone();
    let meanwhile = move || {
        failed(&other, "b", "it is locked", false);
    };
    // The engine has read the links, and writes that the incident is resolved.
    let fault = Fault::After(Box::new(meanwhile));
    engine.ledger.spoil(Op::PutIncident, 0, fault);
    redriven_well(&engine, &execution);
    let (incident, links) = incident(&engine, false);
    assert_eq!(links.len(), 3);
    assert_eq!(incident.status, IncidentStatus::Open);
    assert_eq!(
        incident.execution,
        links
            .iter()
            .find(|link| !link.is_settled() && link.execution != execution.id)
            .unwrap()
            .execution
    );
}
