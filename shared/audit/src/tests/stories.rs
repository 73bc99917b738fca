//! Stories of executions, and the ids of their events.

use super::{kinds::duplicates, *};
use holdfast_ledger::{Cause, Duplicate, Duplicates, IncidentStatus, fixtures::question};

#[test]
fn a_repeat_has_its_own_time_in_the_stream_and_when_it_is_read_again() {
    let of = key("k");
    let mut counted = Duplicates::default();
    for n in 0..2 {
        counted.count(&Duplicate {
            id: n.to_string(),
            at: at(n),
        });
    }
    let refused = duplicates(&of, 2);
    let about = refused.about().expect("the record names the workflow");
    let streamed = events(None, &refused, &about, at(99));
    let times: Vec<_> = streamed.iter().map(|event| event.at).collect();
    assert_eq!(times, [at(0), at(1)]);
    let snapshot = Snapshot::new(fixture_execution(&of), vec![], 0).repeated(&counted);
    let stored = events_of(&snapshot);
    assert!(streamed.iter().all(|event| stored.contains(event)));
}

#[test]
fn the_story_of_an_execution_has_the_events_of_an_incident_since_the_execution_opened_it() {
    use futures_util::FutureExt;
    use holdfast_ledger::{Expect, Ledger, MemoryLedger, handle, open};

    let ledger = MemoryLedger::default();
    let failed = |key: &ExecutionKey, by: i64| {
        let ended = Phase::Ended {
            status: Status::Failed,
            at: at(by),
            failure: Some(failure()),
        };
        let record = ExecutionRecord {
            phase: ended,
            ..fixture_execution(key)
        };
        Snapshot::new(record, vec![], 0)
    };
    let (first, second) = (failed(&key("1"), 10), failed(&key("2"), 30));
    let cause = Cause {
        tenant: "acme",
        workflow: "WF-HOLD",
        state: "hold",
        error: "Permanent",
        reason: "the machine caught Permanent",
        standing: false,
        execution: None,
    };
    let put =
        |incident: &holdfast_ledger::Incident, expect| ledger.put(incident, expect).now_or_never();
    let story = |of: &Snapshot| {
        let story = story(&ledger, of).now_or_never().expect("at once");
        let story = story.expect("the ledger answers");
        names(&story)
            .into_iter()
            .filter(|name| name.contains("incident"))
            .collect::<Vec<_>>()
    };
    let opened = cause.incident(&first.execution, "it is locked", at(10));
    put(&opened, Expect::Absent);
    let request = holdfast_ledger::Request {
        by: "bob".to_owned(),
        reason: "on it".to_owned(),
    };
    let acknowledged = handle(&opened, IncidentStatus::Acknowledged, &request, at(20));
    let acknowledged = acknowledged.expect("allowed").expect("a change");
    put(&acknowledged, Expect::Rev(1));
    let both = ["workflow.incident.opened", "workflow.incident.acknowledged"];
    assert_eq!(story(&first), both);
    assert_eq!(story(&second), [""; 0]);
    let again = cause.incident(&second.execution, "it is locked", at(30));
    let again = open(Some(&acknowledged), &again, false).expect("open again");
    put(&again, Expect::Rev(2));
    assert_eq!(story(&second), ["workflow.incident.opened"]);
}

#[test]
fn an_opened_incident_and_its_question_name_the_incident_by_its_id() {
    let cause = Cause {
        tenant: "acme",
        workflow: "WF-HOLD",
        state: "hold",
        error: "Permanent",
        reason: "",
        standing: false,
        execution: None,
    };
    let incident = cause.incident(&fixture_execution(&key("k")), "it is locked", at(1));
    let id = incident.id.clone();
    let opened = events(None, &Record::Incident(Box::new(incident)), &about(), at(1));
    assert_eq!(names(&opened), ["workflow.incident.opened"]);
    assert_eq!(data(&opened[0])["incident"], id);
    let question = Record::Question(Box::new(question(&key("k"))));
    let waiting = events(None, &question, &about(), at(1));
    assert_eq!(data(&waiting[0])["incident"], "i-1");
}

#[test]
fn two_attempts_with_one_number_have_two_event_ids() {
    let of = key("k");
    let first = step(&of, running("a", 35), attempts(&[None]));
    let retried = |token: &str| {
        // The lease is over; the new attempt meets a pause, which removes it.
        let claimed = claim(Some(&first), &claim_by(&of, token, 40), at(40));
        let ClaimTransition::Write(next) = claimed else {
            panic!("the lease is over");
        };
        let events = events_of_versions(&[recorded(&next)]);
        let event = events
            .iter()
            .find(|event| event.kind() == Kind::StepRetried);
        let event = event.expect("it began again");
        (event.id.clone(), event.sequence())
    };
    assert_eq!(retried("b"), retried("b"));
    assert_ne!(retried("b").0, retried("c").0);
}
