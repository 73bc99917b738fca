//! Tests of Express runs, which Step Functions neither describes nor reports.

use super::{
    owners::TestMachines,
    status_events::{LedgerEngine, described, ledger_engine},
    *,
};
use crate::{
    EndCursor, Recovery, RecoveryError, StateMachines, StatusEvent, recovery_name, redrive_name,
    testing::{Clock, TestStore},
};
use holdfast_ids::{arn::express_owner, keys::execution_id};
use holdfast_ledger::{MemoryLedger, Phase, Redrive};

const OWNER: &str = "arn:aws:states:eu-central-1:123456789012:express:WF-HOLD:x";

fn run_task(run: &str) -> BeginTask {
    BeginTask {
        owner: format!("{OWNER}:{run}"),
        ..begin_task(start_of(usual_input()))
    }
}

fn recorded(engine: &LedgerEngine, of: &ExecutionRef) -> ExecutionRecord {
    let found = run(engine.ledger.read(&partition(of))).unwrap();
    found.expect("it is recorded")
}

/// Does what `recover` does. The result has what was started.
fn recovers(
    engine: &LedgerEngine,
    work: impl AsyncFnOnce(
        Recovery<'_, MemoryLedger, TestStore, Clock, TestMachines>,
    ) -> Result<(), RecoveryError>,
) -> Vec<String> {
    // A description would be wrong: the owner must not be looked up.
    let machines = TestMachines {
        described: described(true),
        ..TestMachines::default()
    };
    let recovery = Recovery {
        engine,
        machines: &machines,
        cursor: &EndCursor::default(),
        notice: &|_| {},
    };
    run(work(recovery)).expect("it answers");
    machines.starts.into_inner().unwrap()
}

fn sweeps(engine: &LedgerEngine) -> Vec<String> {
    recovers(engine, async |recovery: Recovery<'_, _, _, _, _>| {
        recovery.sweep().await.map(drop)
    })
}

#[test]
fn two_runs_of_an_express_start_are_one_owner_of_one_execution() {
    let engine = ledger_engine();
    let first = run(engine.begin(&run_task("a"))).expect("it begins");
    let second = run(engine.begin(&run_task("b"))).expect("it continues");
    assert_eq!(first.execution, second.execution);
    assert_eq!(recorded(&engine, &first.execution).owner, OWNER);
    let plan = |run: &str| PlanTask {
        owner: format!("{OWNER}:{run}"),
        ..plan_task(&first.execution, "apply_vendor_hold")
    };
    let planned = run(engine.plan(&plan("a"))).expect("it takes over");
    // The other run met the new epoch, and helps with the rollback.
    let helps = run(engine.plan(&plan("b"))).expect("it plans");
    assert_eq!((planned.execution.epoch, &helps), (2, &planned));
}

#[test]
fn only_a_caller_who_repeats_an_ended_express_start_is_counted() {
    let engine = ledger_engine();
    let begun = run(engine.begin(&run_task("a"))).expect("it begins");
    let at = partition(&begun.execution);
    run(engine.finish(&finish_task(&begun.execution), &NoSigner)).expect("it ends");
    let direct = OWNER.replace(":x", ":direct");
    let cases = [
        (format!("{OWNER}:b"), usual_input(), ErrorName::Duplicate, 0),
        (
            format!("{direct}:c"),
            usual_input(),
            ErrorName::Duplicate,
            1,
        ),
        // Step Functions accepts the name again, so that a caller sent another input.
        (
            format!("{OWNER}:d"),
            json!({"vendor_id": "v-2"}),
            ErrorName::KeyReused,
            2,
        ),
    ];
    for (owner, input, name, duplicates) in cases {
        let task = BeginTask {
            owner,
            ..begin_task(start_of(input))
        };
        let error = run(engine.begin(&task)).expect_err("it has ended");
        let snapshot = run(engine.ledger.snapshot(&at)).unwrap();
        let counted = snapshot.expect("it is recorded").duplicates;
        assert_eq!((error.name, counted), (name, duplicates), "{}", task.owner);
    }
}

#[test]
fn the_sweep_takes_an_express_execution_over_after_five_minutes() {
    let engine = ledger_engine();
    let begun = run(engine.begin(&run_task("a"))).expect("it begins");
    let record = recorded(&engine, &begun.execution);
    let passed = engine.host.now().duration_since(record.started_at);
    engine.host.pass(299 - passed.as_secs());
    assert_eq!(sweeps(&engine), [""; 0]);
    engine.host.pass(2);
    let started = sweeps(&engine);
    let name = recovery_name(&record, 1);
    assert_eq!(started.len(), 1, "{started:?}");
    assert!(started[0].starts_with(&name), "{started:?}");
}

#[test]
fn a_run_that_recorded_nothing_reports_its_error_and_no_other_run_continues_with_it() {
    let engine = ledger_engine();
    let event = StatusEvent {
        execution_arn: format!("{OWNER}:a"),
        state_machine_arn: "WF-HOLD".to_owned(),
        status: "FAILED".to_owned(),
        input: Some(start_of(usual_input()).to_string()),
        error: Some("Malformed".to_owned()),
        cause: Some("by the run".to_owned()),
    };
    let handle = async |recovery: Recovery<'_, _, _, _, _>| recovery.ended(&event).await;
    let id = execution_id("acme", "WF-HOLD", "risk-17");
    assert_eq!(
        recovers(&engine, handle),
        [format!("{id}-1: Malformed, by the run")]
    );
    let other = run(engine.begin(&run_task("b"))).expect_err("nothing was evaluated");
    assert_eq!(other.name, ErrorName::Duplicate);
    let open = engine.ledger.open_entries();
    assert_eq!(open.len(), 1, "it is recorded once");
}

#[test]
fn a_report_of_one_run_changes_nothing_of_what_another_run_began() {
    let engine = ledger_engine();
    let begun = run(engine.begin(&run_task("b"))).expect("it begins");
    let event = StatusEvent {
        execution_arn: format!("{OWNER}:a"),
        state_machine_arn: begun.execution.workflow.clone(),
        status: "FAILED".to_owned(),
        input: Some(start_of(usual_input()).to_string()),
        error: Some("Transient".to_owned()),
        cause: None,
    };
    let handle = async |recovery: Recovery<'_, _, _, _, _>| recovery.ended(&event).await;
    assert_eq!(recovers(&engine, handle), [""; 0]);
    let record = recorded(&engine, &begun.execution);
    assert_eq!((record.rev, record.phase), (1, Phase::Running));
}

#[test]
fn the_sweep_starts_an_express_redrive_that_its_requester_did_not_start() {
    let engine = ledger_engine();
    let begun = run(engine.begin(&run_task("a"))).expect("it begins");
    let mut redriven = recorded(&engine, &begun.execution);
    let (rev, now) = (redriven.rev, engine.host.now());
    redriven.rev += 1;
    redriven.generation = 1;
    let name = redrive_name(&redriven, 1);
    let standard = TestMachines::default().execution_arn(&redriven.workflow, &name);
    redriven.owner = express_owner(&standard);
    redriven.redriven = Some(Redrive {
        generation: 1,
        by: "ada".to_owned(),
        reason: "mended".to_owned(),
        at: now,
        machine: None,
    });
    let written = run(engine.ledger.put(&redriven, Expect::Rev(rev)));
    assert_eq!(written, Ok(Put::Done));
    engine.host.pass(90);
    assert_eq!(sweeps(&engine), ["machine:live"]);
    engine.host.pass(299);
    assert_eq!(
        sweeps(&engine),
        [""; 0],
        "the run that was started may live"
    );
    engine.host.pass(2);
    let started = sweeps(&engine);
    let recovery = recovery_name(&redriven, redriven.epoch);
    assert!(started[0].starts_with(&recovery), "{started:?}");
}
