//! Tests of the time at which the sweep looks at an open execution.

use super::super::{
    ExecutionRecord, List, NextLook, Phase, Record,
    fixtures::{at, execution, key},
};
use holdfast_receipt::{ReceiptRef, Status};
use holdfast_task::{Failure, timing::UNWINDING_OVERDUE};
use jiff::SignedDuration;

fn started() -> ExecutionRecord {
    let mut record = execution(&key("k"));
    record.started_at = at(0);
    record
}

/// An execution with this deadline, in seconds after its start.
fn with_deadline(deadline: i64) -> ExecutionRecord {
    ExecutionRecord {
        deadline: at(deadline),
        ..started()
    }
}

fn unwinding(by: Option<&str>) -> Phase {
    Phase::Unwinding {
        failure: Failure {
            by: by.map(str::to_owned),
            ..Failure::rejected()
        },
    }
}

/// The record after its end, `s` seconds after the start.
fn ended(before: ExecutionRecord, status: Status, s: i64) -> ExecutionRecord {
    let failure = match &before.phase {
        Phase::Unwinding { failure } => Some(failure.clone()),
        _ => None,
    };
    ExecutionRecord {
        phase: Phase::Ended {
            status,
            at: at(s),
            failure,
        },
        ..before
    }
}

#[test]
fn an_execution_with_a_timeout_of_a_year_is_looked_at_within_fifteen_minutes() {
    let year = with_deadline(365 * 86_400);
    let first = NextLook::of(&year);
    assert_eq!((first.due, first.urgent), (at(900), false));
    let second = NextLook::of_running(&year, at(930));
    assert_eq!((second.due, second.urgent), (at(1830), false));
}

#[test]
fn an_execution_is_looked_at_when_its_deadline_passes() {
    assert_eq!(NextLook::of(&with_deadline(60)).due, at(60));
    let near = with_deadline(1000);
    assert_eq!(NextLook::of_running(&near, at(900)).due, at(1000));
    // A deadline that has passed brings no look for every sweep.
    assert_eq!(NextLook::of_running(&near, at(1000)).due, at(1900));
}

#[test]
fn an_end_without_a_receipt_is_looked_at_five_minutes_after_it_or_by_an_earlier_look() {
    for (ended_at, look) in [
        // The look of the start comes at most fifteen minutes later, and stays.
        (50, (at(900), false)),
        (899, (at(900), false)),
        (900, (at(1200), true)),
        (7200, (at(7500), true)),
    ] {
        let ended = ended(with_deadline(86_400), Status::Executed, ended_at);
        let NextLook { due, urgent } = NextLook::of(&ended);
        assert_eq!((due, urgent), look, "{ended_at}");
    }
    let ended = ended(with_deadline(86_400), Status::Executed, 50);
    assert_eq!(NextLook::of_running(&ended, at(360)).due, at(660));
}

#[test]
fn the_end_of_a_short_execution_moves_no_entry_of_the_sweep() {
    let before = |phase| ExecutionRecord {
        phase,
        ..with_deadline(60)
    };
    let rolled_back = ExecutionRecord {
        unwound_at: Some(at(5)),
        deadline: at(5) + UNWINDING_OVERDUE,
        ..before(unwinding(None))
    };
    let withdrawn = ExecutionRecord {
        phase: unwinding(Some("op@acme")),
        ..rolled_back.clone()
    };
    let mut express = before(Phase::Running);
    express.owner = "arn:aws:states:us-east-1:123456789012:express:m:n".to_owned();
    for (record, status) in [
        (before(Phase::Running), Status::Executed),
        (before(Phase::Rejected), Status::Rejected),
        (rolled_back, Status::RolledBack),
        (withdrawn, Status::RolledBack),
        (express, Status::Executed),
    ] {
        let ended = ended(record.clone(), status, 20);
        assert_eq!(ended.lists(), record.lists(), "{status:?}");
        assert_eq!(ended.list_status(), record.list_status(), "{status:?}");
    }
}

#[test]
fn an_owner_that_a_request_names_is_looked_for_after_a_minute() {
    let mut cancelled = with_deadline(0);
    cancelled.phase = unwinding(Some("op@acme"));
    cancelled.deadline = at(40) + UNWINDING_OVERDUE;
    let look = NextLook::of(&cancelled);
    assert_eq!((look.due, look.urgent), (at(100), true));
    let own = ExecutionRecord {
        phase: unwinding(None),
        ..cancelled
    };
    let look = NextLook::of(&own);
    assert_eq!((look.due, look.urgent), (at(940), false));
}

#[test]
fn a_started_recovery_has_two_minutes_to_take_over() {
    let look = NextLook::of_recovery(at(10));
    assert_eq!(look.due, at(10) + SignedDuration::from_mins(2));
    assert!(look.urgent);
}

#[test]
fn the_record_is_in_the_list_of_its_urgency_until_it_has_a_receipt() {
    let open = |record: &ExecutionRecord| {
        let lists = record.lists().into_iter();
        let mut open = lists.filter(|(list, _)| list.index() == "open");
        open.next().map(|(list, due)| (list.hash(), due))
    };
    let mut record = with_deadline(86_400);
    let routine = List::open(&record.at, false);
    assert_eq!(open(&record), Some((routine.hash(), at(900))));
    record.phase = Phase::Ended {
        status: Status::Executed,
        at: at(1000),
        failure: None,
    };
    let urgent = List::open(&record.at, true);
    assert_ne!(urgent.hash(), routine.hash());
    assert_eq!(open(&record), Some((urgent.hash(), at(1300))));
    record.receipt = Some(ReceiptRef {
        object: "receipts/x".to_owned(),
        sha256: "00".to_owned(),
    });
    assert_eq!(open(&record), None);
}
