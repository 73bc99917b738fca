//! What changes of records tell: each thing once, in order, under ids that stay.

mod kinds;
mod template;

use serde_json::{Value, json};

use super::*;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Attempt, AttemptReport, ClaimTransition, CompletionTransition, ExecutionRecord, Phase, Redrive,
    Snapshot, StepRecord, StepState, claim, complete,
    fixtures::{at, attempt, claim_by, execution as fixture_execution, inline, key, running, step},
};
use holdfast_receipt::{AttemptOutcome, GuardrailOutcome, ReceiptRef, Status};
use holdfast_task::Failure;

fn about() -> About {
    About::of(&fixture_execution(&key("k")))
}

fn execution(record: &ExecutionRecord) -> Record {
    Record::Execution(Box::new(record.clone()))
}

fn recorded(step: &StepRecord) -> Record {
    Record::Step(Box::new(step.clone()))
}

/// What each of a row of versions of one record tells, in order.
fn row(versions: &[Record]) -> Vec<Event> {
    let before = std::iter::once(None).chain(versions.iter().map(Some));
    before
        .zip(versions)
        .flat_map(|(old, new)| events(old, new, &about(), at(99)))
        .collect()
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().name()).collect()
}

/// The data of an event, as it is published.
fn data(event: &Event) -> Value {
    event.cloud_event("holdfast/test")["data"].clone()
}

fn failure() -> Failure {
    Failure {
        state: "hold".to_owned(),
        error: "Permanent".to_owned(),
        cause: "{}".to_owned(),
        by: None,
    }
}

fn ended(of: &ExecutionRecord, status: Status, failure: Option<Failure>) -> ExecutionRecord {
    ExecutionRecord {
        phase: Phase::Ended {
            status,
            at: at(60),
            failure,
        },
        ..of.clone()
    }
}

fn receipted(of: &ExecutionRecord) -> ExecutionRecord {
    ExecutionRecord {
        receipt: Some(ReceiptRef {
            object: "receipts/acme/1.json".to_owned(),
            sha256: "0".repeat(64),
        }),
        ..of.clone()
    }
}

#[test]
fn an_execution_tells_its_start_its_end_and_its_receipt_once_each() {
    let begun = fixture_execution(&key("k"));
    let executed = ended(&begun, Status::Executed, None);
    let told = row(&[
        execution(&begun),
        execution(&begun),
        execution(&executed),
        execution(&receipted(&executed)),
        execution(&receipted(&executed)),
    ]);
    assert_eq!(
        names(&told),
        [
            "workflow.started",
            "workflow.completed",
            "workflow.receipt.generated"
        ]
    );
    assert_eq!(data(&told[1])["status"], "EXECUTED");
    assert_eq!(data(&told[1])["duration_ms"], 60_000);
}

#[test]
fn a_rollback_a_redrive_and_a_takeover_are_told_as_what_they_are() {
    let begun = fixture_execution(&key("k"));
    let unwinding = ExecutionRecord {
        phase: Phase::Unwinding { failure: failure() },
        ..begun.clone()
    };
    let taken_over = ExecutionRecord {
        epoch: 3,
        ..unwinding.clone()
    };
    let rolled_back = receipted(&ended(&begun, Status::RolledBack, Some(failure())));
    let redriven = ExecutionRecord {
        generation: 1,
        receipt: None,
        phase: Phase::Running,
        redriven: Some(Redrive {
            generation: 1,
            by: "zoe".to_owned(),
            reason: "mended".to_owned(),
            at: at(70),
        }),
        ..begun.clone()
    };
    let versions = [begun, unwinding, taken_over, rolled_back, redriven];
    let told = row(&versions.map(|version| execution(&version)));
    assert_eq!(
        names(&told),
        [
            "workflow.started",
            "workflow.rollback.started",
            "workflow.completed",
            "workflow.receipt.generated",
            "workflow.started"
        ]
    );
    assert_eq!(told[4].actor.as_deref(), Some("zoe"));
    assert_ne!(told[0].id, told[4].id);
}

#[test]
fn a_rejected_start_names_every_guardrail_that_said_no() {
    let mut rejected = fixture_execution(&key("k"));
    rejected.phase = Phase::Rejected;
    rejected.guardrails.push(GuardrailOutcome {
        name: "short_hold".to_owned(),
        held: false,
        message: Some("too long".to_owned()),
    });
    let done = ended(&rejected, Status::Rejected, Some(failure()));
    let told = row(&[execution(&rejected), execution(&done)]);
    assert_eq!(
        names(&told),
        [
            "workflow.started",
            "workflow.rejected",
            "workflow.completed"
        ]
    );
    assert_eq!(data(&told[1])["guardrails"], json!(["short_hold"]));
}

fn attempts(outcomes: &[Option<AttemptOutcome>]) -> Vec<Attempt> {
    let numbered = outcomes.iter().enumerate();
    numbered
        .map(|(n, outcome)| attempt(&format!("t{n}"), *outcome))
        .collect()
}

#[test]
fn every_attempt_is_told_and_an_undo_once_it_is_over() {
    let of = key("k");
    let version = |state, outcomes: &[_]| step(&of, state, attempts(outcomes));
    let transient = Some(AttemptOutcome::Unknown);
    let done = Some(AttemptOutcome::Succeeded);
    let succeeded = version(StepState::Succeeded, &[transient, done]);
    let mut undoing = succeeded.clone();
    undoing.undo_attempts = attempts(&[None]);
    let mut undone = undoing.clone();
    undone.state = StepState::Undone;
    undone.undo_attempts = attempts(&[done]);
    let told = row(&[
        recorded(&version(running("t0", 30), &[None])),
        recorded(&version(StepState::Unknown, &[transient])),
        recorded(&version(running("t1", 60), &[transient, None])),
        recorded(&succeeded),
        recorded(&undoing),
        recorded(&undone),
    ]);
    assert_eq!(
        names(&told),
        [
            "workflow.step.failed",
            "workflow.step.retried",
            "workflow.step.completed",
            "workflow.step.undone"
        ]
    );
    assert_eq!(data(&told[0])["outcome"], "unknown");
    assert_eq!(data(&told[2])["attempt"], 2);
}

#[test]
fn a_lost_attempt_is_told_before_the_one_that_took_over_and_that_one_before_its_own_end() {
    let of = key("k");
    let first = step(&of, running("a", 35), attempts(&[None]));
    // The lease is over: the record of the takeover ends the one attempt and begins the other at the same instant.
    let ClaimTransition::Write(second) = claim(Some(&first), &claim_by(&of, "b", 40), at(40))
    else {
        panic!("nobody holds it");
    };
    // And so does the third, which a clock that stands still lets succeed at once.
    let ClaimTransition::Write(third) = claim(Some(&second), &claim_by(&of, "c", 80), at(80))
    else {
        panic!("nobody holds it");
    };
    let CompletionTransition::Write(done) = complete(
        &third,
        "c",
        &AttemptReport::Succeeded(inline(json!(null))),
        3,
        at(80),
    ) else {
        panic!("it holds the claim");
    };
    let told = row(&[recorded(&done)]);
    let in_order: Vec<_> = told
        .iter()
        .map(|event| (event.kind(), data(event)["attempt"].as_u64()))
        .collect();
    assert_eq!(
        in_order,
        [
            (Kind::StepFailed, Some(1)),
            (Kind::StepRetried, Some(2)),
            (Kind::StepFailed, Some(2)),
            (Kind::StepRetried, Some(3)),
            (Kind::StepCompleted, Some(3)),
        ]
    );
    assert_eq!(told[0].at, told[1].at);
}

#[test]
fn a_batch_begins_again_with_the_change_whose_event_was_the_first_not_published() {
    // The second and the last change tell nothing.
    let lengths = [2, 0, 1, 3, 0];
    let again: Vec<_> = (0..7)
        .map(|from| first_unpublished(&lengths, from))
        .collect();
    let right = [0, 0, 2, 3, 3, 3].map(Some);
    assert_eq!(again[..6], right);
    assert_eq!(again[6], None, "all were published");
    assert_eq!(first_unpublished(&[], 0), None);
}

#[test]
fn versions_that_are_seen_together_tell_what_they_tell_one_by_one() {
    let of = key("k");
    let done = Some(AttemptOutcome::Succeeded);
    let last = step(
        &of,
        StepState::Succeeded,
        attempts(&[Some(AttemptOutcome::Transient), done]),
    );
    let first = step(&of, running("t0", 30), attempts(&[None]));
    let second = step(
        &of,
        running("t1", 60),
        attempts(&[Some(AttemptOutcome::Transient), None]),
    );
    let ids = |events: &[Event]| {
        let mut ids: Vec<_> = events.iter().map(|event| event.id.clone()).collect();
        ids.sort();
        ids
    };
    let one_by_one = row(&[recorded(&first), recorded(&second), recorded(&last)]);
    assert_eq!(ids(&one_by_one), ids(&row(&[recorded(&last)])));
    let snapshot = Snapshot::new(fixture_execution(&of), vec![last], 2);
    let all = events_of(&snapshot);
    assert!(
        ids(&one_by_one)
            .iter()
            .all(|id| all.iter().any(|event| event.id == *id))
    );
    let refused = all
        .iter()
        .filter(|event| event.kind() == Kind::DuplicatePrevented);
    assert_eq!(refused.count(), 2);
}

#[test]
fn a_finished_execution_counts_once_and_a_rollback_on_request_is_no_failure() {
    let begun = fixture_execution(&key("k"));
    let count = |of: &ExecutionRecord| {
        let told = row(&[execution(of)]);
        told.iter().flat_map(metrics).collect::<Vec<_>>()
    };
    let executed = ended(&begun, Status::Executed, None);
    assert_eq!(
        count(&executed),
        [(Metric::SuccessRate, 1), (Metric::TimeToComplete, 60_000)]
    );
    let failed = ended(&begun, Status::Failed, Some(failure()));
    assert_eq!(
        count(&failed),
        [(Metric::SuccessRate, 0), (Metric::TimeToComplete, 60_000)]
    );
    let withdrawn = Failure {
        error: "Withdrawn".to_owned(),
        ..failure()
    };
    assert_eq!(
        count(&ended(&begun, Status::RolledBack, Some(withdrawn))),
        []
    );
}

#[test]
fn a_metrics_line_declares_what_it_carries() {
    let line = emf(
        "Holdfast/test",
        &[(Metric::SuccessRate, 1)],
        Some(&about()),
        true,
        at(0),
    );
    assert_eq!(
        line["_aws"]["CloudWatchMetrics"][0],
        json!({
            "Namespace": "Holdfast/test",
            "Dimensions": [[], ["workflow"], ["tenant"]],
            "Metrics": [{ "Name": "workflow_success_rate", "Unit": "None" }],
        })
    );
    assert_eq!(line["workflow_success_rate"], 1);
    assert_eq!(line["workflow"], "WF-HOLD");
}
