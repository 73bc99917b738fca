//! The decision on a completion, for every outcome, by the holder of the claim and by other
//! attempts.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{
    Attempt, AttemptReport, CompletionTransition, StepRecord, StepState, UndoClaim,
    UndoClaimTransition, claim_undo, complete,
    fixtures::{at, attempt, inline, key, running, step},
};
use holdfast_receipt::AttemptOutcome;

const NOW: i64 = 10;

fn succeeded() -> AttemptReport {
    AttemptReport::Succeeded(inline(json!({"hold": "h-1"})))
}

fn transient(wait_s: i64) -> AttemptReport {
    AttemptReport::Transient {
        error: "503".to_owned(),
        wait: SignedDuration::from_secs(wait_s),
    }
}

fn permanent() -> AttemptReport {
    AttemptReport::Permanent("404".to_owned())
}

fn unknown() -> AttemptReport {
    AttemptReport::Unknown {
        error: "no answer".to_owned(),
        wait: SignedDuration::ZERO,
    }
}

fn halted() -> AttemptReport {
    AttemptReport::Halted("closing".to_owned())
}

/// The step while `a` works, after attempts with these outcomes.
fn at_work(before: &[AttemptOutcome]) -> StepRecord {
    let ended = before.iter().map(|outcome| attempt("x", Some(*outcome)));
    let attempts: Vec<Attempt> = ended.chain([attempt("a", None)]).collect();
    let mut record = step(&key("k"), running("a", 35), attempts);
    record.tainted = before
        .iter()
        .any(|outcome| matches!(outcome, AttemptOutcome::Unknown | AttemptOutcome::Lost));
    record
}

fn by(token: &str, record: &StepRecord, attempted: &AttemptReport) -> CompletionTransition {
    complete(record, token, attempted, 3, at(NOW))
}

/// The record that the holder writes.
fn written(record: &StepRecord, attempted: &AttemptReport) -> StepRecord {
    let CompletionTransition::Write(next) = by("a", record, attempted) else {
        panic!("not written: {:?}", by("a", record, attempted));
    };
    assert_eq!(next.rev, record.rev + 1, "one write, one rev");
    assert_eq!(next.attempts.len(), record.attempts.len());
    let (last, before) = next.attempts.split_last().expect("there is one");
    assert_eq!(before, &record.attempts[..before.len()], "history stays");
    assert_eq!(last.ended_at, Some(at(NOW)));
    *next
}

#[test]
fn every_outcome_of_a_first_attempt_leads_to_its_state() {
    use AttemptOutcome::{Permanent, Succeeded, Transient, Unknown};
    let waiting = |s| StepState::Waiting { until: at(NOW + s) };
    let table = [
        (succeeded(), StepState::Succeeded, Succeeded, false),
        (transient(0), waiting(0), Transient, false),
        (transient(60), waiting(60), Transient, false),
        (permanent(), StepState::FailedClean, Permanent, false),
        (unknown(), StepState::Unknown, Unknown, true),
    ];
    for (attempted, state, outcome, tainted) in table {
        let next = written(&at_work(&[]), &attempted);
        assert_eq!(next.state, state, "{attempted:?}");
        assert_eq!(next.attempts[0].outcome, Some(outcome), "{attempted:?}");
        assert_eq!(next.tainted, tainted, "{attempted:?}");
        let silent = outcome == Succeeded;
        assert_eq!(next.attempts[0].error.is_none(), silent, "{attempted:?}");
    }
}

#[test]
fn a_failure_after_an_unknown_attempt_is_unknown() {
    for before in [AttemptOutcome::Unknown, AttemptOutcome::Lost] {
        for attempted in [permanent(), halted(), unknown()] {
            let next = written(&at_work(&[before]), &attempted);
            assert_eq!(next.state, StepState::Unknown, "{before:?} {attempted:?}");
            assert!(next.tainted, "{before:?} {attempted:?}");
        }
        let exhausted = at_work(&[before, AttemptOutcome::Transient]);
        assert_eq!(written(&exhausted, &transient(0)).state, StepState::Unknown);
    }
}

#[test]
fn a_halted_attempt_is_recorded_unless_it_is_the_only_one() {
    let next = written(&at_work(&[AttemptOutcome::Transient]), &halted());
    let last = next.attempts.last().and_then(|attempt| attempt.outcome);
    assert_eq!(last, Some(AttemptOutcome::Halted));
    assert_eq!(next.state, StepState::FailedClean);
    let alone = at_work(&[]);
    let CompletionTransition::Write(next) = by("a", &alone, &halted()) else {
        panic!("{:?}", by("a", &alone, &halted()));
    };
    assert!(!next.was_claimed() && next.is_closed(0), "{next:?}");
    assert_eq!(
        (&*next.attempts, &next.state),
        (&[][..], &StepState::FailedClean)
    );
    assert_eq!(by("a", &next, &halted()), CompletionTransition::Mine);
}

#[test]
fn an_attempt_that_could_not_read_is_never_the_last_one() {
    let unread = AttemptReport::Unread("throttled".to_owned());
    for before in [
        vec![],
        vec![AttemptOutcome::Transient; 2],
        vec![AttemptOutcome::Lost; 2],
    ] {
        let record = at_work(&before);
        let next = written(&record, &unread);
        assert_eq!(next.state, StepState::Waiting { until: at(NOW) });
        assert_eq!(next.tainted, record.tainted);
        let last = next.attempts.last().unwrap();
        assert_eq!(last.outcome, Some(AttemptOutcome::Transient));
        assert_eq!(last.error.as_deref(), Some("throttled"));
    }
}

#[test]
fn a_success_clears_the_taint_of_an_earlier_attempt() {
    let next = written(&at_work(&[AttemptOutcome::Unknown]), &succeeded());
    assert!(!next.tainted);
    assert_eq!(next.state.name(), "SUCCESS");
}

#[test]
fn a_transient_failure_between_attempts_keeps_the_taint() {
    let next = written(&at_work(&[AttemptOutcome::Lost]), &transient(0));
    assert_eq!(next.state.name(), "WAITING");
    assert!(next.tainted);
}

#[test]
fn the_last_transient_failure_ends_the_step_whatever_wait_the_target_named() {
    let before = [AttemptOutcome::Transient, AttemptOutcome::Transient];
    for wait in [0, 3600] {
        let next = written(&at_work(&before), &transient(wait));
        assert_eq!(next.state, StepState::FailedClean);
        assert_eq!(next.last_error(), Some("503"));
    }
}

#[test]
fn an_unknown_outcome_with_a_named_wait_is_retried_after_it_and_stays_tainted() {
    let attempted = AttemptReport::Unknown {
        error: "503".to_owned(),
        wait: SignedDuration::from_secs(60),
    };
    let next = written(&at_work(&[]), &attempted);
    let until = at(NOW + 60);
    assert_eq!(next.state, StepState::Waiting { until });
    assert!(next.tainted);
    let exhausted = at_work(&[AttemptOutcome::Transient, AttemptOutcome::Transient]);
    let once = StepRecord {
        idempotent: false,
        ..at_work(&[])
    };
    for last in [exhausted, once] {
        assert_eq!(written(&last, &attempted).state, StepState::Unknown);
    }
}

#[test]
fn a_wait_beyond_the_calendar_ends_with_the_calendar() {
    let attempted = AttemptReport::Transient {
        error: "503".to_owned(),
        wait: SignedDuration::MAX,
    };
    let next = written(&at_work(&[]), &attempted);
    let until = Timestamp::MAX;
    assert_eq!(next.state, StepState::Waiting { until });
}

#[test]
fn an_outcome_after_the_lease_counts_until_another_attempt_takes_over() {
    let record = at_work(&[]);
    let late = complete(&record, "a", &succeeded(), 3, at(36));
    assert!(matches!(late, CompletionTransition::Write(_)), "{late:?}");
}

#[test]
fn a_late_attempt_cannot_overwrite_its_successor() {
    let ended = [
        running("b", 80),
        StepState::Waiting { until: at(60) },
        StepState::Unknown,
        StepState::FailedClean,
        StepState::Succeeded,
    ];
    for state in ended {
        let attempts = vec![
            attempt("a", Some(AttemptOutcome::Lost)),
            attempt("b", Some(AttemptOutcome::Unknown)),
        ];
        let record = step(&key("k"), state, attempts);
        for attempted in [succeeded(), transient(0), permanent(), unknown()] {
            let found = by("a", &record, &attempted);
            assert_eq!(
                found,
                CompletionTransition::Fenced,
                "{:?} {attempted:?}",
                record.state
            );
        }
        // It did nothing, so that a later attempt cannot conflict with it.
        assert_eq!(by("a", &record, &halted()), CompletionTransition::Mine);
    }
}

#[test]
fn an_attempt_recorded_as_lost_is_fenced_even_without_a_successor() {
    let undo = UndoClaim {
        token: "undo".to_owned(),
        epoch: 2,
        execution_generation: 0,
    };
    let UndoClaimTransition::Write(record) = claim_undo(&at_work(&[]), &undo, at(35)) else {
        panic!("its lease is over");
    };
    assert_eq!(by("a", &record, &succeeded()), CompletionTransition::Fenced);
}

#[test]
fn a_completion_whose_answer_was_lost_recognizes_its_own_record() {
    for attempted in [succeeded(), transient(0), permanent(), unknown(), halted()] {
        let record = written(&at_work(&[AttemptOutcome::Transient]), &attempted);
        let again = by("a", &record, &attempted);
        assert_eq!(again, CompletionTransition::Mine, "{attempted:?}");
    }
}

#[test]
fn an_attempt_that_never_claimed_cannot_complete() {
    for record in [at_work(&[]), step(&key("k"), StepState::Unknown, vec![])] {
        let found = by("stranger", &record, &succeeded());
        assert_eq!(found, CompletionTransition::Fenced);
    }
}

#[test]
fn an_error_is_cut_to_two_hundred_characters_not_bytes() {
    let next = written(&at_work(&[]), &AttemptReport::Permanent("é".repeat(300)));
    let error = next.last_error().expect("it failed");
    assert_eq!(error.chars().count(), 200);
}
