//! Tests of the registry of tenants at the start: an unknown tenant leaves nothing, a closed one a
//! receipt.

use super::*;
use crate::{
    LostOwner, LostStart,
    testing::{Fault, Op, engine},
};
use holdfast_ledger::{Phase, TenantKey, TenantRecord, TenantState, registration};

const UNKNOWN: &str = "umbrella";

fn start_of_tenant(tenant: &str) -> Value {
    let mut start = start_of(usual_input());
    start["tenant"] = json!(tenant);
    start
}

fn refused(engine: &TestEngine, start: Value) -> TaskError {
    run(engine.begin(&begin_task(start))).expect_err("it is refused")
}

/// Changes the state of the registered tenant `acme`.
fn set(engine: &TestEngine, state: TenantState) {
    let ledger = &engine.ledger.kept;
    let stored = run(ledger.read(&TenantKey("acme".to_owned()))).expect("it answers");
    let now = engine.host.now();
    let next: TenantRecord =
        registration(stored.as_ref(), "acme", state, "root", now).expect("a change");
    let expect = Expect::after(stored.as_ref());
    assert_eq!(run(ledger.put(&next, expect)), Ok(Put::Done));
}

#[test]
fn a_start_of_an_unknown_tenant_is_malformed_and_writes_nothing() {
    let event = json!({"id": "e-1", "detail": {"tenant": UNKNOWN, "vendor": "v-9"}});
    for start in [
        start_of_tenant(UNKNOWN),
        json!({"trigger": "risk", "event": event}),
        json!({"trigger": "nightly", "scheduled_time": "2026-11-29T02:00:00Z"}),
    ] {
        let engine = engine();
        let mut task = begin_task(start);
        task.gate.tenants.clear();
        task.gate.triggers[1].tenant = Template(json!(UNKNOWN));
        let error = run(engine.begin(&task)).expect_err("it is refused");
        assert_eq!(
            (error.name, error.unregistered),
            (ErrorName::Malformed, true)
        );
        assert!(
            error.message.contains("PUT /v1/tenants/umbrella"),
            "{error}"
        );
        assert_eq!(engine.ledger.calls(), [Op::ReadWithControls, Op::Tenant]);
        assert!(engine.payloads.objects.lock().unwrap().is_empty());
    }
}

#[test]
fn a_lost_start_of_an_unknown_tenant_is_not_recorded() {
    let engine = engine();
    let start = start_of_tenant(UNKNOWN).to_string();
    let lost = LostStart::read(&start, &gate().workflow).expect("a start");
    let owner = LostOwner {
        arn: "arn:owner".to_owned(),
        machine: "arn:machine".to_owned(),
        started_at: None,
    };
    assert_eq!(
        run(engine.record_lost_start(&lost, &owner, &gate())),
        Ok(None)
    );
    assert_eq!(engine.ledger.calls(), [Op::ExecutionRecord, Op::Tenant]);
    assert!(engine.payloads.objects.lock().unwrap().is_empty());
}

#[test]
fn a_start_of_a_closed_tenant_is_rejected_until_the_tenant_is_open_again() {
    let engine = engine();
    set(&engine, TenantState::Closed);
    let error = refused(&engine, start_of_tenant("acme"));
    assert_eq!(error.name, ErrorName::Rejected);
    let read: Value = serde_json::from_str(&error.message).unwrap();
    let execution: ExecutionRef = serde_json::from_value(read["execution"].clone()).unwrap();
    let execution = snapshot(&engine, &execution).execution;
    assert_eq!(execution.phase, Phase::Rejected);
    let broken = execution.guardrails.iter().filter(|outcome| !outcome.held);
    let broken: Vec<_> = broken.map(|outcome| outcome.name.as_str()).collect();
    assert_eq!(broken, ["closed"]);
    set(&engine, TenantState::Open);
    let mut again = start_of_tenant("acme");
    again["idempotency_key"] = json!("risk-18");
    run(engine.begin(&begin_task(again))).expect("the tenant is open");
}

/// An execution that has begun finishes, also by a repeat of its begin.
#[test]
fn a_tenant_that_is_closed_meanwhile_keeps_its_executions() {
    let engine = engine();
    let first = begun(&engine);
    set(&engine, TenantState::Closed);
    engine.ledger.calls();
    let again = run(engine.begin(&begin_task(start_of(usual_input())))).expect("a repeat");
    assert_eq!(again.execution, first);
    assert!(!engine.ledger.calls().contains(&Op::Tenant));
}

#[test]
fn a_registry_that_does_not_answer_refuses_nothing_for_good() {
    let engine = engine();
    engine.ledger.spoil(Op::Tenant, 0, Fault::Unavailable);
    let error = refused(&engine, start_of_tenant("acme"));
    assert_eq!(error.name, ErrorName::Transient);
    begun(&engine);
}
