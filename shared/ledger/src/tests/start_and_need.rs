//! The decision on a start, and the work that steps need during a rollback.

use jiff::SignedDuration;
use serde_json::json;

use super::super::{
    AttemptReport, ClaimTransition, CompletionTransition, ExecutionRecord, Phase, StartTransition,
    StepRecord, StepState, UndoNeed, claim, complete,
    fixtures::{at, attempt, claim_by, execution, inline, key, running, step},
    need, start,
};
use holdfast_receipt::{AttemptOutcome, Status};
use holdfast_task::Failure;

fn failure() -> Failure {
    Failure {
        state: "hold".to_owned(),
        error: "Permanent".to_owned(),
        cause: String::new(),
        by: None,
    }
}

fn ended(status: Status) -> Phase {
    Phase::Ended {
        status,
        at: at(60),
        failure: None,
    }
}

/// Every phase, and whether the owner may resume from it.
fn phases() -> Vec<(Phase, bool)> {
    vec![
        (Phase::Running, true),
        (Phase::Rejected, true),
        (Phase::Unwinding { failure: failure() }, false),
        (ended(Status::Executed), false),
        (ended(Status::Failed), false),
        (ended(Status::Rejected), false),
    ]
}

fn first(phase: Phase) -> ExecutionRecord {
    ExecutionRecord {
        phase,
        ..execution(&key("k"))
    }
}

#[test]
fn a_new_start_is_written() {
    assert_eq!(start(None, &execution(&key("k"))), StartTransition::Write);
}

#[test]
fn the_owners_own_repeat_resumes_only_an_open_execution() {
    for (phase, open) in phases() {
        let expected = if open {
            StartTransition::Resume
        } else {
            StartTransition::Duplicate
        };
        let found = start(Some(&first(phase.clone())), &execution(&key("k")));
        assert_eq!(found, expected, "{phase:?}");
    }
}

#[test]
fn the_owners_own_repeat_resumes_even_with_another_mapped_input() {
    let asked = ExecutionRecord {
        input: inline(json!({"now": 2})),
        ..execution(&key("k"))
    };
    assert_eq!(
        start(Some(&first(Phase::Running)), &asked),
        StartTransition::Resume
    );
}

#[test]
fn another_owner_with_the_same_input_is_a_duplicate_whatever_became_of_the_first() {
    let asked = ExecutionRecord {
        owner: "arn:other".to_owned(),
        ..execution(&key("k"))
    };
    for (phase, _) in phases() {
        let found = start(Some(&first(phase.clone())), &asked);
        assert_eq!(found, StartTransition::Duplicate, "{phase:?}");
    }
}

#[test]
fn a_key_with_another_input_is_key_reused_whatever_became_of_the_first() {
    let asked = ExecutionRecord {
        owner: "arn:other".to_owned(),
        input: inline(json!({"vendor_id": "v-2"})),
        ..execution(&key("k"))
    };
    for (phase, _) in phases() {
        let found = start(Some(&first(phase.clone())), &asked);
        assert_eq!(found, StartTransition::KeyReused, "{phase:?}");
    }
}

#[test]
fn an_owners_name_that_is_used_again_after_the_end_does_not_hide_another_input() {
    let asked = ExecutionRecord {
        input: inline(json!({"vendor_id": "v-2"})),
        ..execution(&key("k"))
    };
    let found = start(Some(&first(ended(Status::Executed))), &asked);
    assert_eq!(found, StartTransition::KeyReused);
}

#[test]
fn only_a_running_execution_of_the_same_epoch_admits_a_task() {
    for (phase, _) in phases() {
        let running = phase == Phase::Running;
        let execution = first(phase);
        assert_eq!(execution.admits(1), running, "{:?}", execution.phase);
        assert!(
            !execution.admits(0) && !execution.admits(2),
            "{:?}",
            execution.phase
        );
    }
}

fn of(state: StepState, tainted: bool) -> StepRecord {
    StepRecord {
        tainted,
        ..step(&key("k"), state, vec![attempt("a", None)])
    }
}

fn needs(state: StepState, tainted: bool) -> UndoNeed {
    need(&of(state, tainted), 0, at(10))
}

#[test]
fn nothing_is_undone_while_an_attempt_may_be_at_work() {
    for tainted in [false, true] {
        assert_eq!(needs(running("a", 35), tainted), UndoNeed::Wait(at(35)));
        assert_eq!(needs(running("a", 10), tainted), UndoNeed::Undo);
    }
}

#[test]
fn a_step_between_attempts_is_closed_unless_one_of_them_may_have_acted() {
    for until in [0, 3600] {
        let waiting = StepState::Waiting { until: at(until) };
        let closed = StepRecord {
            rev: 8,
            state: StepState::FailedClean,
            ..of(waiting.clone(), false)
        };
        assert_eq!(
            needs(waiting.clone(), false),
            UndoNeed::Close(Box::new(closed))
        );
        assert_eq!(needs(waiting, true), UndoNeed::Undo);
    }
}

#[test]
fn effects_that_may_remain_are_undone_and_closed_steps_are_left() {
    let undoing = StepState::Undoing {
        token: "u".to_owned(),
        lease_until: at(99),
    };
    for (state, right) in [
        (StepState::Unknown, UndoNeed::Undo),
        (StepState::Succeeded, UndoNeed::Undo),
        (undoing, UndoNeed::Undo),
        (StepState::UndoWaiting { until: at(99) }, UndoNeed::Undo),
        (StepState::FailedClean, UndoNeed::Nothing),
        (StepState::Undone, UndoNeed::Nothing),
        (StepState::UndoFailed, UndoNeed::Nothing),
    ] {
        assert_eq!(needs(state.clone(), false), right, "{state:?}");
    }
}

#[test]
fn an_irreversible_step_is_verified_once() {
    let irreversible = |state, asked: bool| StepRecord {
        undo: None,
        undo_attempts: asked
            .then(|| attempt("u", Some(AttemptOutcome::Permanent)))
            .into_iter()
            .collect(),
        ..of(state, true)
    };
    let need = |record| need(&record, 0, at(10));
    assert_eq!(
        need(irreversible(StepState::Succeeded, false)),
        UndoNeed::Nothing
    );
    assert_eq!(
        need(irreversible(StepState::Unknown, false)),
        UndoNeed::Undo
    );
    assert_eq!(
        need(irreversible(StepState::Unknown, true)),
        UndoNeed::Nothing
    );
}

#[test]
fn a_verified_step_is_verified_again_after_a_redrive_retried_it() {
    let before = [attempt("u", Some(AttemptOutcome::Permanent))];
    for (end, tainted) in [(StepState::Unknown, true), (StepState::FailedClean, true)] {
        let verified = StepRecord {
            undo: None,
            undo_attempts: before.to_vec(),
            ..of(end, tainted)
        };
        let mut again = claim_by(&key("k"), "b", 10);
        again.first.execution_generation = 1;
        let ClaimTransition::Write(tried) = claim(Some(&verified), &again, at(10)) else {
            panic!("a redrive tries it again: {verified:?}");
        };
        let lost = AttemptReport::Unknown {
            error: "no answer".to_owned(),
            wait: SignedDuration::ZERO,
        };
        let CompletionTransition::Write(unknown) = complete(&tried, "b", &lost, 3, at(11)) else {
            panic!("it holds the claim");
        };
        assert_eq!(need(&unknown, 1, at(12)), UndoNeed::Undo);
        assert_eq!(unknown.undo_attempts, before, "history stays");
    }
}

#[test]
fn a_failed_undo_is_attempted_again_only_in_a_later_generation() {
    let failed = of(StepState::UndoFailed, false);
    assert_eq!(need(&failed, 0, at(10)), UndoNeed::Nothing);
    assert_eq!(need(&failed, 1, at(10)), UndoNeed::Undo);
}
