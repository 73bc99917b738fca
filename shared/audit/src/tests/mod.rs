//! Tests of events and metrics: each event is derived once, in order, under a stable id.

mod again;
mod alarms;
mod approvals;
mod contributions;
mod generations;
mod kinds;
mod measurements;
mod metric_batch;
mod publication;
mod spans;
mod stories;
mod subjects;
mod template;

use super::*;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Attempt, AttemptReport, ClaimTransition, CompletionTransition, Duplicate, Duplicates,
    ExecutionRecord, Phase, Redrive, Request, RequestTransition, Snapshot, StepRecord, StepState,
    claim, complete,
    fixtures::{at, attempt, claim_by, execution as fixture_execution, inline, key, running, step},
    withdraw,
};
use holdfast_receipt::{AttemptOutcome, GuardrailOutcome, ReceiptRef, Status};
use holdfast_task::Failure;
use serde_json::{Value, json};

fn about() -> About {
    About::of(&fixture_execution(&key("k")))
}

fn execution(record: &ExecutionRecord) -> Record {
    Record::Execution(Box::new(record.clone()))
}

fn recorded(step: &StepRecord) -> Record {
    Record::Step(Box::new(step.clone()))
}

/// The events of successive versions of one record, in order.
fn events_of_versions(versions: &[Record]) -> Vec<Event> {
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
fn an_execution_yields_one_event_each_for_start_end_and_receipt() {
    let begun = fixture_execution(&key("k"));
    let executed = ended(&begun, Status::Executed, None);
    let derived = events_of_versions(&[
        execution(&begun),
        execution(&begun),
        execution(&executed),
        execution(&receipted(&executed)),
        execution(&receipted(&executed)),
    ]);
    let expected = [
        "workflow.started",
        "workflow.completed",
        "workflow.receipt.generated",
    ];
    assert_eq!(names(&derived), expected);
    assert_eq!(data(&derived[1])["status"], "EXECUTED");
    assert_eq!(data(&derived[1])["duration_ms"], 60_000);
}

#[test]
fn a_rollback_and_a_redrive_have_events_and_a_takeover_has_none() {
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
            machine: None,
        }),
        ..begun.clone()
    };
    let versions = [begun, unwinding, taken_over, rolled_back, redriven];
    let derived = events_of_versions(&versions.map(|version| execution(&version)));
    assert_eq!(
        names(&derived),
        [
            "workflow.started",
            "workflow.rollback.started",
            "workflow.completed",
            "workflow.receipt.generated",
            "workflow.started"
        ]
    );
    assert_eq!(derived[4].actor.as_deref(), Some("zoe"));
    assert_ne!(derived[0].id, derived[4].id);
}

#[test]
fn a_rejected_start_names_every_guardrail_that_did_not_hold() {
    let mut rejected = fixture_execution(&key("k"));
    rejected.phase = Phase::Rejected;
    rejected.guardrails.push(GuardrailOutcome {
        name: "short_hold".to_owned(),
        held: false,
        message: Some("too long".to_owned()),
    });
    let done = ended(&rejected, Status::Rejected, Some(failure()));
    let derived = events_of_versions(&[execution(&rejected), execution(&done)]);
    assert_eq!(
        names(&derived),
        [
            "workflow.started",
            "workflow.rejected",
            "workflow.completed"
        ]
    );
    assert_eq!(data(&derived[1])["guardrails"], json!(["short_hold"]));
}

fn attempts(outcomes: &[Option<AttemptOutcome>]) -> Vec<Attempt> {
    let numbered = outcomes.iter().enumerate();
    numbered
        .map(|(n, outcome)| attempt(&format!("t{n}"), *outcome))
        .collect()
}

#[test]
fn every_attempt_has_events_and_an_undo_has_one_once_it_is_over() {
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
    let derived = events_of_versions(&[
        recorded(&version(running("t0", 30), &[None])),
        recorded(&version(StepState::Unknown, &[transient])),
        recorded(&version(running("t1", 60), &[transient, None])),
        recorded(&succeeded),
        recorded(&undoing),
        recorded(&undone),
    ]);
    assert_eq!(
        names(&derived),
        [
            "workflow.step.started",
            "workflow.step.failed",
            "workflow.step.retried",
            "workflow.step.completed",
            "workflow.step.undone"
        ]
    );
    assert_eq!(data(&derived[1])["outcome"], "unknown");
    assert_eq!(data(&derived[3])["attempt"], 2);
}

#[test]
fn a_lost_attempt_ends_before_the_next_attempt_begins_and_that_begins_before_it_ends() {
    let of = key("k");
    let first = step(&of, running("a", 35), attempts(&[None]));
    // The lease is over: the takeover ends one attempt and begins the next at the same instant.
    let ClaimTransition::Write(second) = claim(Some(&first), &claim_by(&of, "b", 40), at(40))
    else {
        panic!("the lease is over");
    };
    // The third attempt takes over in the same way, and succeeds at the same instant.
    let ClaimTransition::Write(third) = claim(Some(&second), &claim_by(&of, "c", 80), at(80))
    else {
        panic!("the lease is over");
    };
    let CompletionTransition::Write(done) = complete(
        &third,
        "c",
        &AttemptReport::Succeeded(inline(json!(null))),
        3,
        at(80),
    ) else {
        panic!("the attempt holds the claim");
    };
    let derived = events_of_versions(&[recorded(&done)]);
    let in_order: Vec<_> = derived
        .iter()
        .map(|event| (event.kind(), data(event)["attempt"].as_u64()))
        .collect();
    assert_eq!(
        in_order,
        [
            (Kind::StepStarted, Some(1)),
            (Kind::StepFailed, Some(1)),
            (Kind::StepRetried, Some(2)),
            (Kind::StepFailed, Some(2)),
            (Kind::StepRetried, Some(3)),
            (Kind::StepCompleted, Some(3)),
        ]
    );
    assert_eq!(derived[1].at, derived[2].at);
}

#[test]
fn an_attempt_after_a_pause_begins_with_an_event_of_its_own() {
    let of = key("k");
    let begun = |token: &str| {
        let mut attempts = attempts(&[None]);
        attempts[0].token = token.to_owned();
        recorded(&step(&of, running(token, 30), attempts))
    };
    // The first attempt met a pause, and was removed from the record.
    let paused = recorded(&step(&of, StepState::Waiting { until: at(9) }, vec![]));
    let derived = events_of_versions(&[begun("a"), paused, begun("b")]);
    let started = ["workflow.step.started", "workflow.step.started"];
    assert_eq!(names(&derived), started);
    assert_ne!(derived[0].id, derived[1].id);
}

#[test]
fn the_story_after_a_later_rollback_has_the_generation_before_it() {
    let begun = fixture_execution(&key("k"));
    let first = receipted(&ended(&begun, Status::Executed, None));
    let request = Request {
        by: "zoe".to_owned(),
        reason: "wrong vendor".to_owned(),
    };
    let withdrawn = withdraw(&first, &request, "arn:recovery", at(90));
    let RequestTransition::Write(second) = withdrawn else {
        panic!("{withdrawn:?}");
    };
    let story = events_of(&Snapshot::new((*second).clone(), vec![], 0));
    assert_eq!(
        names(&story),
        [
            "workflow.started",
            "workflow.completed",
            "workflow.receipt.generated",
            "workflow.rollback.started"
        ]
    );
    let before = events_of(&Snapshot::new(first.clone(), vec![], 0));
    assert_eq!(story[..3], before, "an id means one fact");
    let streamed = events_of_versions(&[execution(&first), execution(&second)]);
    assert_eq!(streamed.len(), 4, "the stream repeats nothing");
}

#[test]
fn versions_that_are_read_together_yield_the_events_that_they_yield_one_by_one() {
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
    let one_by_one = events_of_versions(&[recorded(&first), recorded(&second), recorded(&last)]);
    assert_eq!(
        ids(&one_by_one),
        ids(&events_of_versions(&[recorded(&last)]))
    );
    let mut repeats = Duplicates::default();
    for n in 0..2 {
        repeats.count(&Duplicate {
            id: n.to_string(),
            at: at(n),
        });
    }
    let snapshot = Snapshot::new(fixture_execution(&of), vec![last], 0).repeated(&repeats);
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
fn an_ended_execution_counts_once_and_a_rollback_on_request_is_no_failure() {
    let begun = fixture_execution(&key("k"));
    let count = |of: &ExecutionRecord| {
        let derived = events_of_versions(&[execution(of)]);
        derived.iter().flat_map(metrics).collect::<Vec<_>>()
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
