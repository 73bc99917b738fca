//! Tests of status events: what `DescribeExecution` says rules, whatever an event claims.

use super::{owners::TestMachines, *};
use crate::{
    EndCursor, Engine, MachineExecution, Recovery, RecoveryError, StatusEvent,
    testing::{Clock, TestStore},
};
use holdfast_admission::ApprovalKeys;
use holdfast_ledger::{MemoryLedger, NextLook};
use holdfast_task::RECOVERY;

pub(super) type LedgerEngine = Engine<MemoryLedger, TestStore, Clock>;

const OWNER: &str = "arn:owner";

pub(super) fn ledger_engine() -> LedgerEngine {
    let ledger = MemoryLedger::default();
    ledger.register("acme");
    Engine {
        ledger,
        payloads: TestStore::default(),
        receipts: TestStore::default(),
        host: Clock::default(),
        approval_keys: ApprovalKeys::default(),
        deployment: None,
    }
}

pub(super) fn described(running: bool) -> Option<MachineExecution> {
    Some(MachineExecution {
        running,
        input: start_of(usual_input()).to_string(),
        started_at: "2025-09-29T13:00:00Z".to_owned(),
        error: Some("Lambda.Unknown".to_owned()),
        cause: Some("it died".to_owned()),
        version: None,
    })
}

/// An event that claims the end of `arn`, an execution of `machine`.
fn event(arn: &str, machine: &str, input: Value) -> StatusEvent {
    StatusEvent {
        execution_arn: arn.to_owned(),
        state_machine_arn: machine.to_owned(),
        status: "FAILED".to_owned(),
        input: Some(input.to_string()),
        error: Some("Claimed".to_owned()),
        cause: Some("by the event".to_owned()),
    }
}

/// Handles an event while Step Functions describes every execution in one way. Returns what was
/// started.
fn handled(
    engine: &LedgerEngine,
    described: Option<MachineExecution>,
    event: &StatusEvent,
) -> (Result<(), RecoveryError>, Vec<String>) {
    let machines = TestMachines {
        described,
        ..TestMachines::default()
    };
    let recovery = Recovery {
        engine,
        machines: &machines,
        cursor: &EndCursor::default(),
        notice: &|_| {},
    };
    let result = run(recovery.ended(event));
    (result, machines.starts.into_inner().unwrap())
}

fn recorded(engine: &LedgerEngine) -> ExecutionRecord {
    let begun = run(engine.begin(&begin_task(start_of(usual_input())))).unwrap();
    let at = partition(&begun.execution);
    run(engine.ledger.read(&at)).unwrap().unwrap()
}

/// An event about the owner, and one about a recovery that names the execution.
fn claims(execution: &ExecutionRecord) -> [StatusEvent; 2] {
    let recovery = json!({
        "execution": execution.reference(),
        "failure": Failure::lost_owner(),
        "steps": steps(),
    });
    [
        event(OWNER, &execution.workflow, start_of(usual_input())),
        event("arn:recovery", RECOVERY, recovery),
    ]
}

#[test]
fn an_event_about_a_running_execution_starts_no_recovery_and_brings_the_next_look_forward() {
    for seen in [described(true), None] {
        for number in 0..2 {
            let engine = ledger_engine();
            let execution = recorded(&engine);
            let claim = &claims(&execution)[number];
            let handled = handled(&engine, seen.clone(), claim);
            assert_eq!(handled, (Ok(()), vec![]), "{claim:?}");
            let looks = engine.ledger.open_entries();
            let soon = NextLook::of_recovery(engine.host.now());
            assert!(looks.iter().any(|(look, _)| *look == soon), "{looks:?}");
        }
    }
}

#[test]
fn a_recovery_has_the_error_that_step_functions_describes() {
    let engine = ledger_engine();
    let execution = recorded(&engine);
    let (result, started) = handled(&engine, described(false), &claims(&execution)[0]);
    assert_eq!(result, Ok(()));
    let name = crate::recovery_name(&execution, 1);
    assert_eq!(started, [format!("{name}: Lambda.Unknown, it died")]);
}

#[test]
fn an_event_about_an_unrecorded_start_that_has_not_ended_records_nothing() {
    let engine = ledger_engine();
    let claim = event(OWNER, "WF-HOLD", start_of(usual_input()));
    for seen in [described(true), None] {
        let handled = handled(&engine, seen, &claim);
        assert_eq!(handled, (Err(RecoveryError::NotEnded), vec![]));
        assert_eq!(engine.ledger.open_entries(), []);
    }
}

#[test]
fn an_unrecorded_start_is_recorded_from_the_described_input() {
    let engine = ledger_engine();
    let forged = start_of(json!({ "vendor_id": "v-2" }));
    let forged = forged.to_string().replace("risk-17", "risk-18");
    let forged = serde_json::from_str(&forged).unwrap();
    let (result, started) = handled(&engine, described(false), &event(OWNER, "WF-HOLD", forged));
    assert_eq!((result, started.len()), (Ok(()), 1));
    assert_eq!(engine.ledger.open_entries().len(), 1);
    // The same start finds the record that the event led to.
    assert!(recorded(&engine).guardrails.is_empty());
}

#[test]
fn an_end_without_an_error_is_named_by_its_status() {
    for (status, error, expected) in [
        ("TIMED_OUT", None, "States.Timeout"),
        ("ABORTED", Some(""), "Aborted"),
        ("FAILED", None, "Lost"),
        (
            "FAILED",
            Some("States.DataLimitExceeded"),
            "States.DataLimitExceeded",
        ),
    ] {
        let ended = StatusEvent {
            status: status.to_owned(),
            error: error.map(str::to_owned),
            ..event(OWNER, "WF-HOLD", json!({}))
        };
        assert_eq!(ended.failure().error, expected, "{status}");
    }
}
