//! Requests to an execution: every request in every phase, repeats and races.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;

use super::{
    super::{
        ExecutionRecord, Expect, Ledger, MemoryLedger, Phase, Put, Request, RequestOutcome,
        RequestTransition, Snapshot, ask, cancel,
        fixtures::{at, execution, key},
        withdraw,
    },
    redrive::redriven,
};
use holdfast_receipt::{ReceiptRef, Status};
use holdfast_task::{ErrorName, Failure, timing::UNWINDING_OVERDUE};

pub(super) const NOW: i64 = 100;
const ENDS: [Status; 5] = [
    Status::Executed,
    Status::RolledBack,
    Status::PartiallyRolledBack,
    Status::Failed,
    Status::Rejected,
];

pub(super) fn request() -> Request {
    Request {
        by: "ann@acme".to_owned(),
        reason: "wrong vendor".to_owned(),
    }
}

fn asked_for(error: ErrorName) -> Failure {
    Failure {
        state: String::new(),
        error: error.to_string(),
        cause: "wrong vendor".to_owned(),
        by: Some("ann@acme".to_owned()),
    }
}

pub(super) fn receipt() -> ReceiptRef {
    ReceiptRef {
        object: "receipts/r-0".to_owned(),
        sha256: "0".to_owned(),
    }
}

pub(super) fn of(phase: Phase) -> ExecutionRecord {
    ExecutionRecord {
        rev: 5,
        epoch: 3,
        receipt: matches!(phase, Phase::Ended { .. }).then(receipt),
        phase,
        ..execution(&key("k"))
    }
}

pub(super) fn ended(status: Status) -> ExecutionRecord {
    of(Phase::Ended {
        status,
        at: at(60),
        failure: None,
    })
}

pub(super) fn unwinding() -> ExecutionRecord {
    let failure = asked_for(ErrorName::Permanent);
    of(Phase::Unwinding { failure })
}

pub(super) fn written(found: RequestTransition) -> ExecutionRecord {
    match found {
        RequestTransition::Write(next) => *next,
        other => panic!("not written: {other:?}"),
    }
}

pub(super) fn refused(found: &RequestTransition, why: &str) {
    assert!(
        matches!(found, RequestTransition::Refused(note) if note.contains(why)),
        "{found:?} does not say: {why}"
    );
}

pub(super) fn already(found: &RequestTransition, why: &str) {
    assert!(
        matches!(found, RequestTransition::Already(note) if note.contains(why)),
        "{found:?} does not say: {why}"
    );
}

fn cancelled(execution: &ExecutionRecord) -> RequestTransition {
    cancel(execution, &request(), "arn:recovery", at(NOW))
}

fn withdrawn(execution: &ExecutionRecord) -> RequestTransition {
    withdraw(execution, &request(), "arn:recovery", at(NOW))
}

#[test]
fn a_cancelled_execution_unwinds_at_once_in_the_same_generation() {
    let running = of(Phase::Running);
    let right = ExecutionRecord {
        rev: 6,
        epoch: 4,
        origin: Some("arn:owner".to_owned()),
        owner: "arn:recovery".to_owned(),
        deadline: at(NOW) + UNWINDING_OVERDUE,
        unwound_at: Some(at(NOW)),
        phase: Phase::Unwinding {
            failure: asked_for(ErrorName::Cancelled),
        },
        ..running.clone()
    };
    assert_eq!(written(cancelled(&running)), right);
}

#[test]
fn a_cancel_during_a_rollback_changes_nothing_and_says_so() {
    already(&cancelled(&unwinding()), "because of Permanent");
    let twice = written(cancelled(&of(Phase::Running)));
    already(&cancelled(&twice), "because of Cancelled");
}

#[test]
fn an_ended_or_rejected_execution_cannot_be_cancelled() {
    refused(
        &cancelled(&of(Phase::Rejected)),
        "there is no effect to undo",
    );
    for status in ENDS {
        refused(&cancelled(&ended(status)), status.name());
    }
}

#[test]
fn an_executed_or_partly_rolled_back_execution_is_undone_in_a_generation_of_its_own() {
    for status in [Status::Executed, Status::PartiallyRolledBack] {
        let first = ended(status);
        let right = ExecutionRecord {
            rev: 6,
            epoch: 4,
            generation: 1,
            origin: Some("arn:owner".to_owned()),
            owner: "arn:recovery".to_owned(),
            deadline: at(NOW) + UNWINDING_OVERDUE,
            unwound_at: Some(at(NOW)),
            phase: Phase::Unwinding {
                failure: asked_for(ErrorName::Withdrawn),
            },
            previous: Some(receipt()),
            past: first.past_after(),
            receipt: None,
            ..first.clone()
        };
        assert_eq!(written(withdrawn(&first)), right, "{status:?}");
        already(&withdrawn(&right), "being rolled back already");
    }
}

#[test]
fn a_rollback_is_refused_twice_without_effects_and_before_the_end() {
    already(
        &withdrawn(&ended(Status::RolledBack)),
        "has been rolled back",
    );
    for status in [Status::Failed, Status::Rejected] {
        refused(&withdrawn(&ended(status)), "no effect remains");
    }
    for phase in [Phase::Running, Phase::Rejected] {
        refused(&withdrawn(&of(phase)), "cancel instead");
    }
}

#[test]
fn no_generation_begins_before_the_previous_receipt_is_written() {
    for status in ENDS {
        let mut early = ended(status);
        early.receipt = None;
        for found in [withdrawn(&early), redriven(&early, &[])] {
            let says = |why: &str| why.contains("receipt is not written yet");
            assert!(
                matches!(&found, RequestTransition::TooEarly(why) if says(why)),
                "{found:?}"
            );
        }
    }
}

fn begun() -> (MemoryLedger, ExecutionRecord) {
    let (ledger, first) = (MemoryLedger::default(), of(Phase::Running));
    assert_eq!(put(&ledger, &first, Expect::Absent), Put::Done);
    (ledger, first)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

fn put(ledger: &MemoryLedger, execution: &ExecutionRecord, expect: Expect) -> Put<ExecutionRecord> {
    run(ledger.put(execution, expect)).unwrap()
}

fn asked(ledger: &MemoryLedger) -> RequestOutcome {
    let decide = |snapshot: &Snapshot| cancelled(&snapshot.execution);
    run(ask(ledger, &key("k"), decide)).unwrap()
}

#[test]
fn a_repeated_request_is_recorded_once_and_returns_its_owner() {
    let (ledger, first) = begun();
    let RequestOutcome::Done(done) = asked(&ledger) else {
        panic!("not recorded");
    };
    assert_eq!(*done, written(cancelled(&first)));
    for _ in 0..2 {
        let RequestOutcome::Already(stored, _) = asked(&ledger) else {
            panic!("recorded twice");
        };
        assert_eq!((&stored, stored.owner.as_str()), (&done, "arn:recovery"));
    }
}

#[test]
fn a_request_to_an_absent_execution_is_unknown_and_a_refused_one_changes_nothing() {
    assert_eq!(asked(&MemoryLedger::default()), RequestOutcome::Unknown);
    let (ledger, first) = begun();
    let executed = ExecutionRecord {
        rev: 6,
        ..ended(Status::Executed)
    };
    assert_eq!(put(&ledger, &executed, Expect::Rev(first.rev)), Put::Done);
    assert!(matches!(asked(&ledger), RequestOutcome::Refused(_)));
    assert_eq!(run(ledger.read(&key("k"))), Ok(Some(executed)));
}

#[test]
fn a_request_that_loses_a_race_decides_again_on_the_stored_record() {
    let (ledger, first) = begun();
    let times = AtomicUsize::new(0);
    let answer = run(ask(&ledger, &key("k"), |snapshot: &Snapshot| {
        if times.fetch_add(1, Ordering::Relaxed) == 0 {
            let executed = ExecutionRecord {
                rev: 6,
                ..ended(Status::Executed)
            };
            assert_eq!(put(&ledger, &executed, Expect::Rev(first.rev)), Put::Done);
        }
        cancelled(&snapshot.execution)
    }));
    assert!(
        matches!(answer, Ok(RequestOutcome::Refused(_))),
        "{answer:?}"
    );
    assert_eq!(times.into_inner(), 2);
}
