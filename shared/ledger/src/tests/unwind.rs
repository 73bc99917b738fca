//! The claim, the completion and the giving up of an undo.

use jiff::SignedDuration;
use serde_json::json;

use super::super::{
    Attempt, AttemptReport, CompletionTransition, StepRecord, StepState, UndoClaim,
    UndoClaimTransition, UndoCompletionTransition, UndoReport, claim_undo, complete, complete_undo,
    fixtures::{at, attempt, inline, key, running, step},
    give_up,
};
use AttemptOutcome::{Halted, Lost, Permanent, Succeeded, Transient, Unknown};
use holdfast_action::Verdict;
use holdfast_receipt::AttemptOutcome;

const NOW: i64 = 100;

fn claim(epoch: u64, execution_generation: u32) -> UndoClaim {
    UndoClaim {
        token: "u".to_owned(),
        epoch,
        execution_generation,
    }
}

fn of(state: StepState) -> StepRecord {
    let ended = !matches!(state, StepState::Running { .. });
    step(
        &key("k"),
        state,
        vec![attempt("a", ended.then_some(Succeeded))],
    )
}

fn undoing(token: &str, until_s: i64) -> StepState {
    StepState::Undoing {
        token: token.to_owned(),
        lease_until: at(until_s),
    }
}

fn waiting(until_s: i64) -> StepState {
    StepState::UndoWaiting { until: at(until_s) }
}

/// The step while `u` undoes it, after undo attempts with these outcomes; the maximum is five.
fn at_work(before: &[AttemptOutcome]) -> StepRecord {
    let ended = before.iter().map(|outcome| attempt("x", Some(*outcome)));
    StepRecord {
        undo_attempts: ended.chain([attempt("u", None)]).collect(),
        epoch: 2,
        ..of(undoing("u", NOW + 35))
    }
}

fn found(record: &StepRecord) -> UndoClaimTransition {
    claim_undo(record, &claim(2, 0), at(NOW))
}

fn written(record: &StepRecord, claim: &UndoClaim) -> StepRecord {
    let UndoClaimTransition::Write(next) = claim_undo(record, claim, at(NOW)) else {
        panic!("not free: {:?}", claim_undo(record, claim, at(NOW)));
    };
    assert_eq!(next.rev, record.rev + 1, "one write, one rev");
    *next
}

fn outcomes(attempts: &[Attempt]) -> Vec<Option<AttemptOutcome>> {
    attempts.iter().map(|attempt| attempt.outcome).collect()
}

#[test]
fn an_effect_that_may_remain_is_claimed_with_a_lease_in_the_plans_epoch() {
    for state in [
        StepState::Unknown,
        StepState::Succeeded,
        waiting(NOW),
        running("a", NOW),
        StepState::UndoFailed,
    ] {
        let next = written(&of(state.clone()), &claim(2, 1));
        assert_eq!(next.state, undoing("u", NOW + 35), "{state:?}");
        assert_eq!((next.epoch, next.execution_generation), (2, 1), "{state:?}");
        assert_eq!(outcomes(&next.undo_attempts), [None], "{state:?}");
        assert_eq!(next.undo_attempts[0].started_at, at(NOW), "{state:?}");
    }
}

#[test]
fn a_live_lease_excludes_an_undo_until_it_ends() {
    for holder in [running("a", NOW + 1), undoing("other", NOW + 1)] {
        assert_eq!(found(&of(holder)), UndoClaimTransition::Held(at(NOW + 1)));
    }
}

#[test]
fn an_attempt_whose_lease_ended_is_fenced_and_stays_in_the_record() {
    let next = written(&of(running("a", NOW)), &claim(2, 0));
    assert_eq!(outcomes(&next.attempts), [Some(Lost)]);
    assert!(next.tainted, "it may have acted");
    for woken in [
        AttemptReport::Succeeded(inline(json!(1))),
        AttemptReport::Permanent("no".to_owned()),
    ] {
        let end = complete(&next, "a", &woken, 3, at(NOW));
        assert_eq!(end, CompletionTransition::Fenced, "{woken:?}");
    }
}

#[test]
fn an_undo_whose_claims_answer_was_lost_recognizes_its_own_record() {
    for until in [NOW + 35, NOW, NOW - 1] {
        assert_eq!(found(&of(undoing("u", until))), UndoClaimTransition::Mine);
    }
}

#[test]
fn an_undo_of_an_earlier_plan_is_superseded() {
    for state in [
        StepState::Succeeded,
        StepState::Unknown,
        waiting(0),
        undoing("other", NOW + 35),
        undoing("other", NOW),
        StepState::Undone,
    ] {
        let mut record = of(state.clone());
        record.epoch = 3;
        assert_eq!(found(&record), UndoClaimTransition::Superseded, "{state:?}");
    }
}

#[test]
fn an_undo_waits_for_the_time_that_its_target_named() {
    let early = found(&of(waiting(NOW + 1)));
    assert_eq!(early, UndoClaimTransition::NotBefore(at(NOW + 1)));
}

#[test]
fn a_closed_step_is_never_undone_again() {
    for state in [
        StepState::FailedClean,
        StepState::Undone,
        StepState::UndoFailed,
    ] {
        assert_eq!(
            found(&of(state.clone())),
            UndoClaimTransition::Over,
            "{state:?}"
        );
    }
    let mut irreversible = of(StepState::Succeeded);
    irreversible.undo = None;
    assert_eq!(found(&irreversible), UndoClaimTransition::Over);
}

#[test]
fn a_step_between_clean_attempts_is_closed_without_an_attempt_to_undo_it() {
    let next = written(&of(StepState::Waiting { until: at(NOW + 9) }), &claim(2, 0));
    assert_eq!(next.state, StepState::FailedClean);
    assert!(next.undo_attempts.is_empty());
}

#[test]
fn a_dead_undo_is_recorded_as_lost_and_another_begins_while_one_is_left() {
    let mut dead = at_work(&[Transient]);
    dead.state = undoing("dead", NOW);
    let next = written(&dead, &claim(3, 0));
    assert_eq!(next.state, undoing("u", NOW + 35));
    let ends = [Some(Transient), Some(Lost), None];
    assert_eq!(outcomes(&next.undo_attempts), ends);
    let mut last = at_work(&[Transient; 4]);
    last.state = undoing("dead", NOW);
    for (undo, end) in [
        (last.undo, StepState::UndoFailed),
        (None, StepState::Unknown),
    ] {
        last.undo = undo;
        let next = written(&last, &claim(3, 0));
        assert_eq!(next.state, end);
        assert_eq!(next.undo_attempts.len(), 5, "no further attempt");
    }
}

#[test]
fn a_later_generation_counts_attempts_from_zero_and_keeps_them_recorded() {
    let failed = StepRecord {
        undo_attempts: vec![attempt("x", Some(Transient)); 5],
        ..of(StepState::UndoFailed)
    };
    let next = written(&failed, &claim(2, 1));
    assert_eq!((next.undo_forgiven, next.undo_attempts.len()), (5, 6));
    let busy = UndoReport::Transient {
        error: "503".to_owned(),
        wait: SignedDuration::ZERO,
    };
    assert_eq!(ended(&next, &busy).state, waiting(NOW));
}

fn ended(record: &StepRecord, undid: &UndoReport) -> StepRecord {
    let found = complete_undo(record, "u", undid, at(NOW));
    let UndoCompletionTransition::Write(next) = found else {
        panic!("not written: {found:?}");
    };
    assert_eq!(next.rev, record.rev + 1, "one write, one rev");
    assert_eq!(next.attempts, record.attempts, "history stays");
    let last = next.undo_attempts.last().expect("there is one");
    assert_eq!(last.ended_at, Some(at(NOW)));
    *next
}

fn transient(wait_s: i64) -> UndoReport {
    UndoReport::Transient {
        error: "503".to_owned(),
        wait: SignedDuration::from_secs(wait_s),
    }
}

fn unknown() -> UndoReport {
    UndoReport::Unknown {
        error: "no answer".to_owned(),
        wait: SignedDuration::ZERO,
    }
}

fn permanent() -> UndoReport {
    UndoReport::Permanent("locked".to_owned())
}

fn halted() -> UndoReport {
    UndoReport::Halted("a later plan".to_owned())
}

#[test]
fn every_outcome_of_an_undo_leads_to_its_state() {
    for (undid, state, outcome) in [
        (UndoReport::Undone, StepState::Undone, Succeeded),
        (transient(0), waiting(NOW), Transient),
        (transient(60), waiting(NOW + 60), Transient),
        (unknown(), waiting(NOW), Unknown),
        (permanent(), StepState::UndoFailed, Permanent),
        (halted(), waiting(NOW), Halted),
    ] {
        let next = ended(&at_work(&[]), &undid);
        assert_eq!(next.state, state, "{undid:?}");
        assert_eq!(outcomes(&next.undo_attempts), [Some(outcome)], "{undid:?}");
        let silent = outcome == Succeeded;
        assert_eq!(next.last_undo_error().is_none(), silent, "{undid:?}");
    }
}

#[test]
fn the_last_attempt_at_an_undo_is_final_unless_it_was_halted() {
    for undid in [transient(0), transient(3600), unknown()] {
        assert_eq!(
            ended(&at_work(&[Transient; 4]), &undid).state,
            StepState::UndoFailed
        );
        let halts = [Transient, Halted, Transient, Halted, Transient];
        assert_eq!(ended(&at_work(&halts), &undid).state.name(), "UNDOING");
    }
    let next = ended(&at_work(&[Transient; 4]), &halted());
    assert_eq!(next.state, waiting(NOW), "a later plan may try");
}

#[test]
fn a_verification_decides_the_state_of_an_irreversible_step() {
    let output = inline(json!({"sent": true}));
    for (verdict, state, tainted) in [
        (
            Verdict::Happened(output.clone()),
            StepState::Succeeded,
            false,
        ),
        (Verdict::DidNotHappen, StepState::FailedClean, true),
        (Verdict::CannotTell, StepState::Unknown, true),
    ] {
        let asked = StepRecord {
            undo: None,
            tainted: true,
            ..at_work(&[])
        };
        let next = ended(&asked, &UndoReport::Verified(verdict.clone()));
        assert_eq!(next.state, state, "{verdict:?}");
        assert_eq!(next.tainted, tainted, "{verdict:?}");
        let happened = state == StepState::Succeeded;
        assert_eq!(next.output, happened.then(|| output.clone()));
    }
}

#[test]
fn only_the_attempt_that_holds_the_claim_ends_it() {
    for state in [
        undoing("other", NOW + 35),
        undoing("other", NOW),
        waiting(NOW),
        StepState::Undone,
        StepState::Succeeded,
    ] {
        let mut record = at_work(&[]);
        record.state = state.clone();
        record.undo_attempts = vec![attempt("u", Some(Lost)), attempt("other", None)];
        for undid in [UndoReport::Undone, permanent(), halted()] {
            let end = complete_undo(&record, "u", &undid, at(NOW));
            assert_eq!(end, UndoCompletionTransition::Fenced, "{state:?} {undid:?}");
        }
    }
}

#[test]
fn a_completion_whose_answer_was_lost_is_recognized_after_later_attempts() {
    for undid in [
        UndoReport::Undone,
        transient(0),
        unknown(),
        permanent(),
        halted(),
    ] {
        let mut record = ended(&at_work(&[]), &undid);
        let again = complete_undo(&record, "u", &undid, at(NOW));
        assert_eq!(again, UndoCompletionTransition::Mine, "{undid:?}");
        record.undo_attempts.push(attempt("other", None));
        record.state = undoing("other", NOW + 35);
        let again = complete_undo(&record, "u", &undid, at(NOW));
        assert_eq!(again, UndoCompletionTransition::Mine, "{undid:?}");
    }
}

#[test]
fn an_undo_without_an_answer_is_given_up_in_one_write() {
    for (undo, end) in [
        (of(StepState::Succeeded).undo, StepState::UndoFailed),
        (None, StepState::Unknown),
    ] {
        for state in [StepState::Unknown, running("a", NOW), waiting(NOW + 3600)] {
            let open = StepRecord {
                undo,
                ..of(state.clone())
            };
            let next = give_up(&open, &claim(2, 0), "Lambda.Unknown", at(NOW));
            let next = next.expect("no attempt is at work").expect("it is open");
            assert_eq!((&next.state, next.rev), (&end, open.rev + 1), "{state:?}");
            assert_eq!(outcomes(&next.undo_attempts), [Some(Unknown)], "{state:?}");
            assert_eq!(next.last_undo_error(), Some("Lambda.Unknown"));
            let again = give_up(&next, &claim(2, 0), "Lambda.Unknown", at(NOW));
            assert_eq!(again, Ok(None), "{state:?}");
        }
    }
}

#[test]
fn giving_up_waits_for_a_live_lease_and_leaves_closed_steps() {
    for state in [running("a", NOW + 1), undoing("other", NOW + 1)] {
        let found = give_up(&of(state), &claim(2, 0), "gone", at(NOW));
        assert_eq!(found, Err(at(NOW + 1)));
    }
    let mut later = of(StepState::Unknown);
    later.epoch = 3;
    for over in [of(StepState::Undone), of(StepState::FailedClean), later] {
        assert_eq!(give_up(&over, &claim(2, 0), "gone", at(NOW)), Ok(None));
    }
}

#[test]
fn giving_up_the_last_dead_undo_records_it_as_lost() {
    let mut dead = at_work(&[Transient; 4]);
    dead.state = undoing("dead", NOW);
    let next = give_up(&dead, &claim(3, 0), "gone", at(NOW));
    let next = next.expect("no attempt is at work").expect("it is open");
    assert_eq!(next.state, StepState::UndoFailed);
    assert_eq!(next.undo_attempts.last().unwrap().outcome, Some(Lost));
}
