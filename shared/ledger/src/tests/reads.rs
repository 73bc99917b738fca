//! The rules of a step that only reads: nothing of it is ever in doubt, undone or named.

use jiff::SignedDuration;
use serde_json::json;

use super::super::{
    AttemptReport, ClaimTransition, CompletionTransition, Residue, StepRecord, StepState, UndoNeed,
    claim, complete,
    fixtures::{at, attempt, claim_by, inline, key, running, step},
    need,
};
use holdfast_receipt::AttemptOutcome::{Lost, Transient, Unknown};

const NOW: i64 = 100;

fn of(state: StepState, outcomes: &[Option<holdfast_receipt::AttemptOutcome>]) -> StepRecord {
    let attempts = outcomes.iter().map(|outcome| attempt("a", *outcome));
    StepRecord {
        reads: true,
        undo: None,
        ..step(&key("k"), state, attempts.collect())
    }
}

fn claimed(record: &StepRecord, generation: u32) -> ClaimTransition {
    let mut mine = claim_by(&record.at, "b", NOW);
    mine.first.reads = true;
    mine.first.execution_generation = generation;
    mine.first.input = inline(json!({ "vendor_id": "v-2" }));
    claim(Some(record), &mine, at(NOW))
}

#[test]
fn an_unknown_outcome_of_a_read_is_retried_and_at_last_fails_cleanly() {
    let unknown = AttemptReport::Unknown {
        error: "no answer".to_owned(),
        wait: SignedDuration::ZERO,
    };
    for (before, state) in [
        (&[][..], StepState::Waiting { until: at(NOW) }),
        (&[Some(Transient), Some(Unknown)], StepState::FailedClean),
    ] {
        let record = of(running("a", NOW + 35), &[before, &[None]].concat());
        let done = complete(&record, "a", &unknown, 3, at(NOW));
        let CompletionTransition::Write(next) = done else {
            panic!("the holder writes: {done:?}");
        };
        assert_eq!((next.state, next.tainted), (state, false));
        assert_eq!(next.attempts.last().unwrap().outcome, Some(Unknown));
    }
}

#[test]
fn a_lost_attempt_at_a_read_is_followed_by_another_even_if_the_step_is_not_idempotent() {
    let mut record = of(running("a", NOW), &[None]);
    record.idempotent = false;
    let ClaimTransition::Write(next) = claimed(&record, 0) else {
        panic!("it is free: {:?}", claimed(&record, 0));
    };
    assert_eq!((next.tainted, next.attempts.len()), (false, 2));
    let last = of(running("a", NOW), &[Some(Transient), Some(Transient), None]);
    let ClaimTransition::Unknown(Some(next)) = claimed(&last, 0) else {
        panic!("none is left: {:?}", claimed(&last, 0));
    };
    assert_eq!((next.state, next.tainted), (StepState::FailedClean, false));
    assert_eq!(next.attempts[2].outcome, Some(Lost));
}

#[test]
fn a_read_has_no_residue_and_needs_nothing_in_a_rollback() {
    let ends = [
        StepState::Succeeded,
        StepState::FailedClean,
        StepState::Waiting { until: at(0) },
        running("a", NOW),
    ];
    for state in ends {
        let record = of(state, &[Some(Unknown)]);
        assert_eq!(record.residue(), Residue::None, "{:?}", record.state);
        match need(&record, 0, at(NOW)) {
            UndoNeed::Nothing => {}
            UndoNeed::Close(next) => assert_eq!(next.state, StepState::FailedClean),
            other => panic!("{:?} needs {other:?}", record.state),
        }
    }
    let at_work = of(running("a", NOW + 1), &[None]);
    assert_eq!(need(&at_work, 0, at(NOW)), UndoNeed::Wait(at(NOW + 1)));
}

#[test]
fn a_redrive_with_another_input_reads_again() {
    let record = of(StepState::Succeeded, &[None]);
    let ClaimTransition::Write(next) = claimed(&record, 1) else {
        panic!("it reads again: {:?}", claimed(&record, 1));
    };
    assert_eq!(next.input, inline(json!({ "vendor_id": "v-2" })));
    assert_ne!(next.key, record.key);
    assert_eq!(next.output, None);
}
