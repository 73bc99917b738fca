//! What a start finds, and how the records of a failed execution are closed.

use serde_json::json;

use super::super::{
    AttemptOutcome, Meta, Phase, Started, Status, StepRecord, StepState,
    fixtures::{at, attempt, inline, key, meta, running, step},
    settle, start,
};
use crate::task::Failure;

fn failure() -> Failure {
    Failure {
        state: "hold".to_owned(),
        error: "Permanent".to_owned(),
        cause: String::new(),
    }
}

fn ended(status: Status) -> Phase {
    Phase::Ended {
        status,
        at: at(60),
        failure: None,
    }
}

/// Every phase, and whether the owner may go on from there.
fn phases() -> Vec<(Phase, bool)> {
    vec![
        (Phase::Running, true),
        (Phase::Rejected, true),
        (Phase::Closing { failure: failure() }, false),
        (ended(Status::Executed), false),
        (ended(Status::Failed), false),
        (ended(Status::Rejected), false),
    ]
}

fn first(phase: Phase) -> Meta {
    Meta {
        phase,
        ..meta(&key("k"))
    }
}

#[test]
fn a_start_that_nobody_made_before_is_written() {
    assert_eq!(start(None, &meta(&key("k"))), Started::Write);
}

#[test]
fn the_owners_own_repeat_goes_on_only_while_there_is_something_to_go_on_with() {
    for (phase, open) in phases() {
        let expected = if open {
            Started::Resume
        } else {
            Started::Duplicate
        };
        let found = start(Some(&first(phase.clone())), &meta(&key("k")));
        assert_eq!(found, expected, "{phase:?}");
    }
}

#[test]
fn the_owners_own_repeat_goes_on_though_its_mapping_yields_another_input_each_time() {
    let asked = Meta {
        input: inline(json!({"now": 2})),
        ..meta(&key("k"))
    };
    assert_eq!(start(Some(&first(Phase::Running)), &asked), Started::Resume);
}

#[test]
fn another_owner_with_the_same_input_is_a_duplicate_whatever_became_of_the_first() {
    let asked = Meta {
        owner: "arn:other".to_owned(),
        ..meta(&key("k"))
    };
    for (phase, _) in phases() {
        let found = start(Some(&first(phase.clone())), &asked);
        assert_eq!(found, Started::Duplicate, "{phase:?}");
    }
}

#[test]
fn a_key_with_another_input_is_told_apart_whatever_became_of_the_first() {
    let asked = Meta {
        owner: "arn:other".to_owned(),
        input: inline(json!({"vendor_id": "v-2"})),
        ..meta(&key("k"))
    };
    for (phase, _) in phases() {
        let found = start(Some(&first(phase.clone())), &asked);
        assert_eq!(found, Started::KeyReused, "{phase:?}");
    }
}

#[test]
fn an_owners_name_that_is_used_again_after_the_end_does_not_hide_another_input() {
    let asked = Meta {
        input: inline(json!({"vendor_id": "v-2"})),
        ..meta(&key("k"))
    };
    let found = start(Some(&first(ended(Status::Executed))), &asked);
    assert_eq!(found, Started::KeyReused);
}

#[test]
fn only_a_running_execution_of_the_same_epoch_admits_a_task() {
    for (phase, _) in phases() {
        let running = phase == Phase::Running;
        let meta = first(phase);
        assert_eq!(meta.admits(1), running, "{:?}", meta.phase);
        assert!(!meta.admits(0) && !meta.admits(2), "{:?}", meta.phase);
    }
}

fn of(state: StepState, tainted: bool) -> StepRecord {
    StepRecord {
        tainted,
        ..step(&key("k"), state, vec![attempt("a", None)])
    }
}

#[test]
fn nothing_is_settled_while_an_attempt_may_be_at_work() {
    for tainted in [false, true] {
        let record = of(running("a", 35), tainted);
        assert_eq!(settle(&record, at(34)), Err(at(35)));
    }
}

#[test]
fn a_dead_attempt_is_settled_as_unknown_and_lost() {
    let next = settle(&of(running("a", 35), false), at(35))
        .expect("its lease is over")
        .expect("it is open");
    assert_eq!((next.rev, next.state), (8, StepState::Unknown));
    assert!(next.tainted);
    assert_eq!(next.attempts[0].outcome, Some(AttemptOutcome::Lost));
    assert_eq!(next.attempts[0].ended_at, Some(at(35)));
}

#[test]
fn a_step_between_attempts_is_settled_by_what_its_attempts_may_have_done() {
    for until in [0, 3600] {
        for (tainted, state) in [(false, StepState::FailedClean), (true, StepState::Unknown)] {
            let record = of(StepState::Waiting { until: at(until) }, tainted);
            let next = settle(&record, at(10)).expect("nobody is at work");
            let expected = StepRecord {
                rev: 8,
                state,
                ..record
            };
            assert_eq!(next, Some(expected));
        }
    }
}

#[test]
fn what_is_closed_stays_as_it_is() {
    let output = inline(json!(1));
    for state in [
        StepState::Unknown,
        StepState::FailedClean,
        StepState::Succeeded { output },
    ] {
        assert_eq!(
            settle(&of(state.clone(), true), at(99)),
            Ok(None),
            "{state:?}"
        );
    }
}
