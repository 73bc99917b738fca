//! The decision on a claim, for every state of a step.

use serde_json::json;

use super::super::{
    ClaimTransition, StepRecord, StepState, claim,
    fixtures::{at, attempt, claim_by, inline, key, running, step},
};
use holdfast_receipt::AttemptOutcome::{Halted, Lost, Permanent, Transient, Unknown};

const NOW: i64 = 100;

/// The decision on the claim of attempt `b` at second 100.
fn found(record: &StepRecord) -> ClaimTransition {
    claim(Some(record), &claim_by(&record.at, "b", NOW), at(NOW))
}

fn of(state: StepState, attempts: Vec<super::super::Attempt>) -> StepRecord {
    step(&key("k"), state, attempts)
}

/// The record after a takeover: the next revision, held by `b`, with one more attempt.
fn taken(record: &StepRecord) -> StepRecord {
    let ClaimTransition::Write(next) = found(record) else {
        panic!("not free: {:?}", found(record));
    };
    assert_eq!(next.rev, record.rev + 1, "one write, one rev");
    assert_eq!(next.state, running("b", NOW + 35));
    assert_eq!(next.attempts.len(), record.attempts.len() + 1);
    let last = next.attempts.last().expect("one was added");
    assert_eq!((last.token.as_str(), last.started_at), ("b", at(NOW)));
    assert_eq!((last.ended_at, last.outcome), (None, None));
    *next
}

/// The record whose outcome remains unknown.
fn given_up(record: &StepRecord) -> StepRecord {
    let ClaimTransition::Unknown(Some(next)) = found(record) else {
        panic!("not given up: {:?}", found(record));
    };
    assert_eq!(next.rev, record.rev + 1, "one write, one rev");
    assert_eq!(next.state, StepState::Unknown);
    assert!(next.tainted);
    assert_eq!(next.attempts.len(), record.attempts.len());
    *next
}

#[test]
fn the_first_claim_writes_its_own_record() {
    let mine = claim_by(&key("k"), "b", NOW);
    let found = claim(None, &mine, at(NOW));
    assert_eq!(found, ClaimTransition::Write(Box::new(mine.first)));
}

#[test]
fn a_claim_whose_answer_was_lost_recognizes_its_own_record() {
    for until in [NOW + 35, NOW, NOW - 1] {
        let record = of(running("b", until), vec![attempt("b", None)]);
        assert_eq!(found(&record), ClaimTransition::Mine, "lease until {until}");
    }
}

#[test]
fn a_live_lease_excludes_other_attempts_until_it_ends() {
    let record = of(running("a", NOW + 1), vec![attempt("a", None)]);
    assert_eq!(found(&record), ClaimTransition::Held(at(NOW + 1)));
    taken(&of(running("a", NOW), vec![attempt("a", None)]));
}

#[test]
fn a_takeover_records_the_dead_attempt_as_lost_and_taints_the_step() {
    let next = taken(&of(running("a", NOW - 1), vec![attempt("a", None)]));
    assert!(next.tainted);
    assert_eq!(next.attempts[0].outcome, Some(Lost));
    assert_eq!(next.attempts[0].ended_at, Some(at(NOW)));
    assert!(next.attempts[0].error.is_some());
}

#[test]
fn a_takeover_keeps_the_first_claims_input_key_and_undo() {
    let mut record = of(running("a", NOW), vec![attempt("a", None)]);
    record.input = inline(json!("the first"));
    record.undo_input = Some(inline(json!("the first undo")));
    record.action = "first-action".to_owned();
    let next = taken(&record);
    assert_eq!(
        StepRecord {
            rev: record.rev,
            state: record.state.clone(),
            tainted: record.tainted,
            attempts: record.attempts.clone(),
            ..next
        },
        record
    );
}

#[test]
fn a_takeover_by_another_epoch_records_the_epoch() {
    let record = of(running("a", NOW), vec![attempt("a", None)]);
    let mut mine = claim_by(&record.at, "b", NOW);
    mine.first.epoch = 2;
    let ClaimTransition::Write(next) = claim(Some(&record), &mine, at(NOW)) else {
        panic!("it is free");
    };
    assert_eq!(next.epoch, 2);
}

#[test]
fn a_dead_attempt_of_a_step_that_is_not_idempotent_is_never_followed_by_another() {
    let mut record = of(running("a", NOW), vec![attempt("a", None)]);
    record.idempotent = false;
    let next = given_up(&record);
    assert_eq!(next.attempts[0].outcome, Some(Lost));
}

#[test]
fn a_dead_last_attempt_is_not_followed_by_another() {
    let attempts = vec![
        attempt("x", Some(Transient)),
        attempt("y", Some(Transient)),
        attempt("a", None),
    ];
    let next = given_up(&of(running("a", NOW), attempts));
    assert_eq!(next.attempts[2].outcome, Some(Lost));
}

#[test]
fn the_last_allowed_attempt_is_made() {
    let attempts = vec![attempt("x", Some(Transient)), attempt("a", None)];
    assert_eq!(taken(&of(running("a", NOW), attempts)).attempts.len(), 3);
}

#[test]
fn an_unknown_outcome_of_an_idempotent_step_is_retried_and_stays_tainted() {
    let mut record = of(StepState::Unknown, vec![attempt("a", Some(Unknown))]);
    record.tainted = true;
    assert!(taken(&record).tainted, "only a success clears it");
}

#[test]
fn an_unknown_outcome_of_a_step_that_is_not_idempotent_is_never_retried() {
    let mut record = of(StepState::Unknown, vec![attempt("a", Some(Unknown))]);
    record.tainted = true;
    record.idempotent = false;
    assert_eq!(found(&record), ClaimTransition::Unknown(None));
}

#[test]
fn an_unknown_outcome_of_the_last_attempt_is_never_retried() {
    let attempts = ["x", "y", "z"].map(|token| attempt(token, Some(Unknown)));
    let mut record = of(StepState::Unknown, attempts.to_vec());
    record.tainted = true;
    assert_eq!(found(&record), ClaimTransition::Unknown(None));
}

#[test]
fn no_attempt_follows_a_permanent_failure_after_an_unknown_one() {
    let attempts = vec![attempt("x", Some(Unknown)), attempt("y", Some(Permanent))];
    let mut record = of(StepState::Unknown, attempts);
    record.tainted = true;
    assert_eq!(found(&record), ClaimTransition::Unknown(None));
}

#[test]
fn a_waiting_step_can_be_claimed_once_its_wait_ends() {
    let record = |until| {
        of(
            StepState::Waiting { until: at(until) },
            vec![attempt("a", Some(Transient))],
        )
    };
    assert_eq!(
        found(&record(NOW + 1)),
        ClaimTransition::NotBefore(at(NOW + 1))
    );
    for until in [NOW, NOW - 1] {
        assert!(!taken(&record(until)).tainted);
    }
}

#[test]
fn a_wait_does_not_clear_the_taint_of_an_earlier_attempt() {
    let mut record = of(
        StepState::Waiting { until: at(NOW) },
        vec![attempt("x", Some(Unknown)), attempt("a", Some(Transient))],
    );
    record.tainted = true;
    assert!(taken(&record).tainted);
}

#[test]
fn a_recorded_success_is_replayed_to_every_later_claim() {
    let output = inline(json!({"hold": "h-1"}));
    let record = of(StepState::Succeeded, vec![attempt("b", None)]);
    assert_eq!(found(&record), ClaimTransition::Succeeded(output));
}

#[test]
fn a_clean_failure_is_replayed_even_with_attempts_left() {
    for outcome in [Permanent, Transient, Halted] {
        let record = of(StepState::FailedClean, vec![attempt("a", Some(outcome))]);
        assert_eq!(found(&record), ClaimTransition::Failed, "{outcome:?}");
    }
}
