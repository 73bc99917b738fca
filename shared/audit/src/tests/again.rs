//! Tests of events that are derived again from later versions of a record: each says what it said.

use super::*;
use holdfast_ledger::{
    Question, QuestionState, QuestionTransition, Ruling, fixtures::question, put_question,
};
use holdfast_receipt::Decision;

/// Checks that each event of `earlier` is derived from `later` again as it was. Returns the new
/// ones.
fn kept(earlier: &Record, later: &Record) -> Vec<Event> {
    let mut again = events(None, later, &about(), at(99));
    for event in events(None, earlier, &about(), at(50)) {
        let place = again.iter().position(|other| other.id == event.id);
        assert_eq!(again.remove(place.expect("it is derived again")), event);
    }
    again
}

/// The step after a claim by the attempt `token` in the execution generation 1, as another action.
fn redriven(before: &StepRecord, token: &str) -> StepRecord {
    let mut again = claim_by(&before.at, token, 100);
    again.first.execution_generation = 1;
    again.first.action = "another".to_owned();
    match claim(Some(before), &again, at(100)) {
        ClaimTransition::Write(next) => *next,
        other => panic!("{other:?}"),
    }
}

fn paused(before: &StepRecord, token: &str) -> StepRecord {
    let report = AttemptReport::Paused("so".to_owned());
    match complete(before, token, &report, 3, at(100)) {
        CompletionTransition::Write(next) => *next,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_of_an_attempt_keeps_its_key_and_action_after_a_redrive_under_another_key() {
    let of = key("k");
    let done = Some(AttemptOutcome::Succeeded);
    let refused = step(
        &of,
        StepState::FailedClean,
        attempts(&[Some(AttemptOutcome::Permanent)]),
    );
    let mut undone = step(&of, StepState::Undone, attempts(&[done]));
    undone.undo_attempts = attempts(&[done]);
    for before in [refused, undone] {
        let next = redriven(&before, "b");
        let new = kept(&recorded(&before), &recorded(&next));
        assert_eq!(names(&new), ["workflow.step.retried"]);
        assert_eq!(data(&new[0])["idempotency_key"], next.key.as_str());
        assert_eq!(data(&new[0])["action"], "another");
        assert_ne!(next.key, before.key);
    }
}

#[test]
fn a_pause_removes_no_attempt_whose_end_has_an_event() {
    let of = key("k");
    let lost = step(&of, running("a", 35), attempts(&[None]));
    let taken = claim(Some(&lost), &claim_by(&of, "b", 40), at(40));
    let ClaimTransition::Write(taken) = taken else {
        panic!("the lease is over");
    };
    let failed = step(
        &of,
        StepState::FailedClean,
        attempts(&[Some(AttemptOutcome::Permanent)]),
    );
    for claimed in [*taken, redriven(&failed, "b")] {
        let waiting = paused(&claimed, "b");
        assert_eq!(kept(&recorded(&waiting), &recorded(&claimed)).len(), 1);
        let again = claim_by(&of, "c", 102);
        let mut again = claim(Some(&waiting), &again, at(102));
        if claimed.execution_generation == 1 {
            again = ClaimTransition::Write(Box::new(redriven(&waiting, "c")));
        }
        let ClaimTransition::Write(again) = again else {
            panic!("{again:?}");
        };
        let report = AttemptReport::Permanent("no".to_owned());
        let CompletionTransition::Write(ended) = complete(&again, "c", &report, 3, at(103)) else {
            panic!("it holds the claim");
        };
        let new = kept(&recorded(&waiting), &recorded(&ended));
        assert_eq!(
            names(&new),
            ["workflow.step.retried", "workflow.step.failed"]
        );
    }
}

#[test]
fn an_event_of_a_decision_keeps_its_incident_after_another_question() {
    let ruling = Ruling {
        decision: Decision::Retry,
        by: "bob".to_owned(),
        reason: "so".to_owned(),
        at: at(9),
        incident: None,
    };
    let first = Question {
        state: QuestionState::Ruled {
            ruling,
            delivered: true,
        },
        ..question(&key("k"))
    };
    let later = Question {
        entered: at(30),
        incident: "i-2".to_owned(),
        ..question(&key("k"))
    };
    let QuestionTransition::Write(next) = put_question(Some(&first), &later) else {
        panic!("it is another question");
    };
    let decided = |question: &Question| {
        let record = Record::Question(Box::new(question.clone()));
        let events = events(None, &record, &about(), at(99)).into_iter();
        let decided = events.filter(|event| event.kind() == Kind::IncidentDecided);
        decided.collect::<Vec<_>>()
    };
    assert_eq!(decided(&next), decided(&first));
    assert_eq!(data(&decided(&next)[0])["incident"], "i-1");
}

#[test]
fn the_event_of_a_rollback_keeps_its_time_after_a_later_one() {
    let first = ExecutionRecord {
        unwound_at: Some(at(20)),
        ..fixture_execution(&key("k"))
    };
    let left = ended(&first, Status::PartiallyRolledBack, Some(failure()));
    let left = receipted(&left);
    let request = Request {
        by: "ann".to_owned(),
        reason: "so".to_owned(),
    };
    let withdrawn = withdraw(&left, &request, "arn:recovery", at(70));
    let RequestTransition::Write(next) = withdrawn else {
        panic!("{withdrawn:?}");
    };
    assert_eq!(next.unwound_at, Some(at(70)));
    let new = kept(&execution(&left), &execution(&next));
    assert_eq!(names(&new), ["workflow.rollback.started"]);
}
