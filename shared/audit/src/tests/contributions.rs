//! Tests of contributions: statistics count what metrics count, at the hour of the event.

use holdfast_ledger::{Statistics, hour_of};
use holdfast_task::ErrorName;
use jiff::Timestamp;

use super::measurements::{origin, tried};
use super::*;
use crate::contributions;

/// The sums of the changes between successive versions, each with its hour.
fn added(versions: &[Record]) -> Vec<(Timestamp, Statistics)> {
    let before = std::iter::once(None).chain(versions.iter().map(Some));
    let all = before.zip(versions).flat_map(|(old, new)| {
        let events = events(old, new, &about(), at(0));
        let measured = measurements(old, new, &origin());
        contributions(&events, &measured, &about())
    });
    all.map(|(place, sums)| {
        assert_eq!(
            (place.tenant.as_str(), place.workflow.as_str()),
            ("acme", "WF-HOLD")
        );
        (place.hour, sums)
    })
    .collect()
}

fn ended(status: Status, error: Option<ErrorName>, end_s: i64) -> ExecutionRecord {
    let failure = error.map(|error| Failure {
        state: String::new(),
        error: error.to_string(),
        cause: String::new(),
        by: None,
    });
    ExecutionRecord {
        rev: 2,
        phase: Phase::Ended {
            status,
            at: at(end_s),
            failure,
        },
        ..fixture_execution(&key("k"))
    }
}

fn of_executions(versions: &[ExecutionRecord]) -> Vec<(Timestamp, Statistics)> {
    let records = versions.iter().cloned();
    let records: Vec<_> = records
        .map(|one| Record::Execution(Box::new(one)))
        .collect();
    added(&records)
}

#[test]
fn a_start_counts_at_its_hour_and_an_end_at_its_own_with_its_duration() {
    let started = fixture_execution(&key("k"));
    let sums = of_executions(&[started, ended(Status::Executed, None, 7_200)]);
    let [(first, start), (last, end)] = &sums[..] else {
        panic!("{sums:?}");
    };
    assert_eq!((*first, start.started), (hour_of(at(0)), 1));
    assert_eq!(*last, hour_of(at(7_200)));
    assert_eq!((end.ended["EXECUTED"], end.completed_ms), (1, 7_200_000));
}

#[test]
fn a_receipt_after_the_end_adds_nothing_and_a_rollback_on_request_is_apart() {
    let end = ended(Status::Executed, None, 60);
    let with_receipt = ExecutionRecord {
        rev: 3,
        receipt: Some(ReceiptRef {
            object: "receipts/x".to_owned(),
            sha256: "0".repeat(64),
        }),
        ..end.clone()
    };
    let records = [fixture_execution(&key("k")), end, with_receipt];
    assert_eq!(of_executions(&records).len(), 2);
    let withdrawn = ended(Status::RolledBack, Some(ErrorName::Withdrawn), 90);
    let sums = of_executions(&[fixture_execution(&key("k")), withdrawn]);
    let (_, last) = sums.last().expect("an end");
    assert_eq!(
        (last.withdrawn, last.ended.len(), last.completed_ms),
        (1, 0, 0)
    );
}

#[test]
fn a_step_counts_once_with_its_attempts_when_it_ends_for_good() {
    let of = key("k");
    let refused = tried("a", 2, 3, AttemptOutcome::Transient);
    let done = tried("b", 10, 14, AttemptOutcome::Succeeded);
    let waiting = StepState::Waiting { until: at(10) };
    let versions = [
        step(&of, waiting, vec![refused.clone()]),
        step(
            &of,
            StepState::Succeeded,
            vec![refused.clone(), done.clone()],
        ),
        step(&of, StepState::Succeeded, vec![refused, done]),
    ];
    let versions: Vec<_> = versions.iter().map(recorded).collect();
    let sums = added(&versions);
    assert_eq!(sums.len(), 1, "{sums:?}");
    let step = sums[0].1.steps["hold"];
    assert_eq!((step.ended, step.attempts, step.ms), (1, 2, 12_000));
}
