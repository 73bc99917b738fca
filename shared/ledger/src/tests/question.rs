//! The rules of questions and incidents, case by case.

use crate::{
    Cause, ClaimTransition, ExecutionRecord, ExpiryTransition, Incident, IncidentStatus, Phase,
    Question, QuestionState, QuestionTransition, Request, Ruling, RulingTransition, StepRecord,
    StepState, Voter,
    apply_decision::step_after_decision,
    claim, closed_question, decide, expire,
    fixtures::{at, attempt, claim_by, execution, key, question, running, step},
    handle, open, put_question,
};
use holdfast_receipt::{AttemptOutcome, Decision};
use jiff::Timestamp;

fn bob(reason: &str) -> Request {
    Request {
        by: "bob".to_owned(),
        reason: reason.to_owned(),
    }
}

/// The outcome of a decision of bob, a platform admin.
fn decided(
    question: &Question,
    execution: &ExecutionRecord,
    decision: Decision,
    reason: &str,
    now: Timestamp,
) -> RulingTransition {
    let admin = Voter::platform_admin("bob");
    decide(question, execution, decision, &admin, &bob(reason), now)
}

fn asked() -> Question {
    question(&key("q"))
}

fn ruled(decision: Decision) -> Question {
    let ruling = Ruling {
        decision,
        by: "bob".to_owned(),
        reason: "so".to_owned(),
        at: at(9),
        incident: None,
    };
    Question {
        rev: 2,
        state: QuestionState::Ruled {
            ruling,
            delivered: false,
        },
        ..asked()
    }
}

#[test]
fn a_newer_token_replaces_an_older_one_and_never_the_other_way_round() {
    let first = asked();
    let again = Question {
        token: "task-2".to_owned(),
        retry: 1,
        ..asked()
    };
    let QuestionTransition::Write(next) = put_question(Some(&first), &again) else {
        panic!("the newer token rules");
    };
    assert_eq!((next.rev, next.token.as_str()), (2, "task-2"));
    assert_eq!(
        put_question(Some(&next), &first),
        QuestionTransition::Unchanged
    );
    assert_eq!(
        put_question(Some(&next), &again),
        QuestionTransition::Unchanged
    );
}

#[test]
fn a_decision_whose_task_token_died_is_returned_to_the_next_task() {
    let stored = ruled(Decision::Retry);
    let again = Question {
        token: "task-2".to_owned(),
        retry: 1,
        ..asked()
    };
    let found = put_question(Some(&stored), &again);
    let ruling = stored.ruling().cloned().expect("it is ruled");
    assert_eq!(found, QuestionTransition::Ruled(ruling));
}

#[test]
fn a_step_that_fails_again_puts_a_new_question_and_keeps_earlier_decisions() {
    let stored = ruled(Decision::Retry);
    let later = Question {
        entered: at(30),
        attempts: 2,
        ..asked()
    };
    let QuestionTransition::Write(next) = put_question(Some(&stored), &later) else {
        panic!("it is another question");
    };
    assert_eq!(next.state, QuestionState::Open);
    assert_eq!((next.rev, next.earlier.len(), next.attempts), (3, 1, 2));
}

#[test]
fn a_question_keeps_the_other_incidents_of_its_step_and_execution_generation() {
    let again = |stored: &Question, incident: &str, generation: u32| {
        let later = Question {
            entered: at(stored.entered.as_second() - at(0).as_second() + 30),
            incident: incident.to_owned(),
            execution_generation: generation,
            ..asked()
        };
        match put_question(Some(stored), &later) {
            QuestionTransition::Write(next) => *next,
            other => panic!("{other:?}"),
        }
    };
    let same = again(&asked(), "i-1", 0);
    assert_eq!(same.earlier_incidents, [""; 0]);
    let second = again(&same, "i-2", 0);
    assert_eq!(second.earlier_incidents, ["i-1"]);
    let third = again(&second, "i-1", 0);
    assert_eq!(third.earlier_incidents, ["i-2"]);
    assert_eq!(again(&third, "i-3", 1).earlier_incidents, [""; 0]);
}

#[test]
fn the_sweep_looks_at_a_new_question_and_at_an_undelivered_decision() {
    assert_eq!(asked().due(), Some(at(120)));
    let decided = ruled(Decision::Retry);
    assert_eq!(decided.due(), Some(at(24)));
    assert_eq!(decided.delivered().and_then(|one| one.due()), None);
    let closed = closed_question(&asked(), at(30)).expect("it was open");
    assert_eq!(closed.due(), None);
}

#[test]
fn a_question_is_closed_by_the_end_of_the_wait_and_expires_by_its_timeout() {
    let closed = closed_question(&asked(), at(59)).expect("it was open");
    let state = |at, closed| QuestionState::Expired { at, closed };
    assert_eq!(closed.state, state(at(59), true));
    let ExpiryTransition::Write(expired) = expire(&asked(), at(50)) else {
        panic!("its time is over");
    };
    assert_eq!(expired.state, state(at(50), false));
}

#[test]
fn the_first_decision_in_time_takes_effect_and_can_be_repeated() {
    let running = execution(&key("q"));
    let first = decided(&asked(), &running, Decision::Skip, "so", at(59));
    let RulingTransition::Write(next) = first else {
        panic!("{first:?}");
    };
    assert_eq!(
        next.undelivered().map(|ruling| ruling.decision),
        Some(Decision::Skip)
    );
    let again = decided(&next, &running, Decision::Skip, "again", at(99));
    assert_eq!(again, RulingTransition::Already(next.clone()));
    let other = decided(&next, &running, Decision::Retry, "no", at(59));
    assert!(matches!(other, RulingTransition::Refused(_)), "{other:?}");
}

#[test]
fn a_decision_counts_only_while_the_execution_waits_for_it() {
    let running = execution(&key("q"));
    let late = decided(&asked(), &running, Decision::Retry, "so", at(60));
    assert!(matches!(late, RulingTransition::Refused(_)), "{late:?}");
    let taken_over = ExecutionRecord {
        epoch: 2,
        ..running.clone()
    };
    let rejected = ExecutionRecord {
        phase: Phase::Rejected,
        ..running.clone()
    };
    for gone in [taken_over, rejected] {
        let found = decided(&asked(), &gone, Decision::Retry, "so", at(1));
        assert!(matches!(found, RulingTransition::Refused(_)), "{found:?}");
    }
    let expired = Question {
        state: QuestionState::Expired {
            at: at(60),
            closed: false,
        },
        ..asked()
    };
    let found = decided(&expired, &running, Decision::Retry, "so", at(1));
    assert!(matches!(found, RulingTransition::Refused(_)), "{found:?}");
}

#[test]
fn a_timeout_takes_effect_after_the_deadline_and_never_against_a_decision() {
    let ExpiryTransition::Write(expired) = expire(&asked(), at(60)) else {
        panic!("no decision");
    };
    assert_eq!(
        expired.state,
        QuestionState::Expired {
            at: at(60),
            closed: false
        }
    );
    assert_eq!(expire(&expired, at(61)), ExpiryTransition::Over);
    assert_eq!(expire(&asked(), at(20)), ExpiryTransition::Early(at(60)));
    let found = expire(&ruled(Decision::Skip), at(99));
    assert!(matches!(found, ExpiryTransition::Ruled(ruling) if ruling.decision == Decision::Skip));
}

#[test]
fn a_retry_decision_opens_a_failed_step_once_and_forgives_its_attempts() {
    let of = key("q");
    let failed = attempt("a", Some(AttemptOutcome::Permanent));
    for state in [StepState::FailedClean, StepState::Unknown] {
        let record = step(&of, state, vec![failed.clone()]);
        let next = step_after_decision(Some(&record), &asked(), Decision::Retry, at(5))
            .expect("no attempt is at work");
        let next = next.expect("it is opened");
        assert_eq!(next.state, StepState::Waiting { until: at(5) });
        assert_eq!((next.rev, next.forgiven), (record.rev + 1, 1));
        let clean = record.state == StepState::FailedClean;
        assert_eq!(next.effect_generation, u32::from(clean));
        assert_eq!(next.key != record.key, clean, "a refusal may be stored");
        assert_eq!(next.call_of(1).0, record.key, "an attempt keeps its key");
        assert_eq!(
            step_after_decision(Some(&next), &asked(), Decision::Retry, at(6)),
            Ok(None)
        );
    }
    // A later failure is another question.
    let twice = step(&of, StepState::FailedClean, vec![failed.clone(), failed]);
    assert_eq!(
        step_after_decision(Some(&twice), &asked(), Decision::Retry, at(5)),
        Ok(None)
    );
}

#[test]
fn a_retry_decision_keeps_the_key_of_an_effect_that_may_have_happened() {
    let mut record = step(
        &key("q"),
        StepState::FailedClean,
        vec![attempt("a", Some(AttemptOutcome::Unknown))],
    );
    record.tainted = true;
    let next = step_after_decision(Some(&record), &asked(), Decision::Retry, at(5));
    let next = next.expect("no attempt is at work").expect("it is opened");
    assert_eq!((next.key, next.effect_generation), (record.key, 0));
}

#[test]
fn no_decision_applies_while_an_attempt_may_be_at_work() {
    let at_work = attempt("a", None);
    let record = step(&key("q"), running("a", 35), vec![at_work]);
    for decision in [Decision::Retry, Decision::Skip] {
        let found = step_after_decision(Some(&record), &asked(), decision, at(34));
        assert_eq!(found, Err(at(35)), "{decision:?}");
        let over = step_after_decision(Some(&record), &asked(), decision, at(35))
            .expect("its lease is over");
        assert!(over.expect("it is closed").tainted, "{decision:?}");
    }
}

#[test]
fn a_skip_decision_closes_a_waiting_step_as_clean_or_unknown() {
    let mut record = step(
        &key("q"),
        StepState::Waiting { until: at(3) },
        vec![attempt("a", Some(AttemptOutcome::Transient))],
    );
    for (tainted, state) in [(false, StepState::FailedClean), (true, StepState::Unknown)] {
        record.tainted = tainted;
        let next = step_after_decision(Some(&record), &asked(), Decision::Skip, at(5))
            .expect("no attempt is at work");
        assert_eq!(next.expect("it is closed").state, state);
    }
}

#[test]
fn a_skip_decision_leaves_a_record_that_no_late_attempt_can_claim() {
    let of = key("q");
    let tried = |state| {
        let mut record = step(
            &of,
            state,
            vec![attempt("a", Some(AttemptOutcome::Unknown))],
        );
        record.tainted = true;
        record
    };
    let undone_before = StepRecord {
        execution_generation: 0,
        ..tried(StepState::Undone)
    };
    let stored = [
        None,
        Some(tried(StepState::FailedClean)),
        Some(tried(StepState::Unknown)),
        Some(undone_before),
    ];
    let mut question = asked();
    question.execution_generation = 1;
    for record in stored {
        let next = step_after_decision(record.as_ref(), &question, Decision::Skip, at(5));
        let next = next.expect("no attempt is at work").expect("it is closed");
        let mut late = claim_by(&of, "late", 6);
        late.first.execution_generation = 1;
        assert_eq!(
            claim(Some(&next), &late, at(6)),
            ClaimTransition::Withdrawn,
            "{record:?}"
        );
        let again = step_after_decision(Some(&next), &question, Decision::Skip, at(7));
        assert_eq!(again, Ok(None), "{record:?}");
        late.first.execution_generation = 2;
        let redriven = claim(Some(&next), &late, at(6));
        assert!(
            matches!(redriven, ClaimTransition::Write(_)),
            "{redriven:?}"
        );
    }
}

#[test]
fn a_decision_changes_no_closed_record() {
    let failed = attempt("a", Some(AttemptOutcome::Permanent));
    let mut record = step(&key("q"), StepState::FailedClean, vec![failed]);
    record.closed = Some(0);
    let next = step_after_decision(Some(&record), &asked(), Decision::Retry, at(5));
    assert_eq!(next, Ok(None));
}

fn incident() -> Incident {
    let cause = Cause {
        tenant: "acme",
        workflow: "WF-HOLD",
        state: "hold",
        error: "Permanent",
        reason: "",
        standing: false,
        execution: None,
    };
    cause.incident(&execution(&key("q")), "it is locked", at(0))
}

#[test]
fn an_incident_opens_again_only_for_a_failure_after_a_persons_action() {
    let met = incident();
    assert_eq!(open(None, &met, false), Some(met.clone()));
    assert_eq!(open(Some(&met), &met, false), None);
    for status in [IncidentStatus::Acknowledged, IncidentStatus::Resolved] {
        let handled = handle(&met, status, &bob("seen"), at(10));
        let handled = handled.expect("allowed").expect("a change");
        assert_eq!(
            open(Some(&handled), &met, true),
            None,
            "a failure that was known"
        );
        let later = Incident {
            opened_at: at(11),
            execution: "another".to_owned(),
            version: 2,
            subject: Some("order 4711".to_owned()),
            ..met.clone()
        };
        let again = open(Some(&handled), &later, true).expect("it is open again");
        assert_eq!(
            (again.status, again.rev),
            (IncidentStatus::Open, handled.rev + 1)
        );
        assert_eq!((&*again.execution, again.version), ("another", 2));
        assert_eq!(again.subject.as_deref(), Some("order 4711"));
        assert_eq!(again.handled, handled.handled, "its history stays");
        let unknown = open(Some(&handled), &met, false);
        let unknown = unknown.expect("no person could know of it");
        assert_eq!(unknown.status, IncidentStatus::Open);
    }
}

#[test]
fn an_incident_is_acknowledged_then_resolved_and_each_only_once() {
    let met = incident();
    let seen = handle(&met, IncidentStatus::Acknowledged, &bob("on it"), at(1));
    let seen = seen.expect("allowed").expect("a change");
    assert_eq!(
        handle(&seen, IncidentStatus::Acknowledged, &bob("me too"), at(2)),
        Ok(None)
    );
    let done = handle(&seen, IncidentStatus::Resolved, &bob("mended"), at(3));
    let done = done.expect("allowed").expect("a change");
    assert_eq!(done.handled.len(), 2);
    handle(&done, IncidentStatus::Acknowledged, &bob("late"), at(4)).expect_err("it is resolved");
}
