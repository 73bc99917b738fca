//! Tests of the story of an execution with several generations: it repeats what was published.

use futures_util::FutureExt;
use holdfast_engine::standing;
use holdfast_ids::keys::effect_key;
use holdfast_ledger::{Ledger, Link, MemoryLedger, MetIncident};

use super::*;

/// The record with its attempts and undo over, each with this outcome.
fn over(record: &StepRecord, state: StepState, outcome: AttemptOutcome) -> StepRecord {
    let mut over = record.clone();
    over.state = state;
    let last = over.attempts.last_mut().expect("an attempt");
    last.outcome = Some(outcome);
    last.ended_at = Some(last.started_at);
    over
}

#[test]
fn an_attempt_has_the_key_of_its_effect_generation_in_every_later_story() {
    let of = key("k");
    let keys = [0, 1, 2].map(|generation| effect_key(&of, "hold", None, generation));
    let mut record = step(&of, running("t0", 35), attempts(&[None]));
    record.key = keys[0].clone();
    let mut versions = vec![record.clone()];
    for generation in 1..=2 {
        // It succeeds, is undone, and a redrive claims it under another key.
        let mut undone = over(&record, StepState::Undone, AttemptOutcome::Succeeded);
        undone
            .undo_attempts
            .push(attempt("u", Some(AttemptOutcome::Succeeded)));
        versions.push(undone.clone());
        let token = format!("t{generation}");
        let mut by = claim_by(&of, &token, 40 * i64::from(generation));
        by.first.execution_generation = generation;
        let claimed = claim(Some(&undone), &by, at(40 * i64::from(generation)));
        let ClaimTransition::Write(next) = claimed else {
            panic!("{claimed:?}");
        };
        record = *next;
        versions.push(record.clone());
    }
    let records: Vec<_> = versions.iter().map(recorded).collect();
    let streamed = events_of_versions(&records);
    let of_kind = |kind: Kind| {
        let events = streamed.iter().filter(|event| event.kind() == kind);
        events
            .map(|event| data(event)["idempotency_key"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of_kind(Kind::StepStarted), [json!(keys[0])]);
    assert_eq!(of_kind(Kind::StepRetried), [json!(keys[1]), json!(keys[2])]);
    assert_eq!(of_kind(Kind::StepUndone).len(), 2);
    let story = events_of(&Snapshot::new(fixture_execution(&of), vec![record], 0));
    for event in &streamed {
        assert!(story.contains(event), "{event:?}");
    }
}

#[test]
fn the_story_has_the_effects_that_remained_after_an_earlier_generation() {
    let ledger = MemoryLedger::default();
    let incident = MetIncident {
        id: "i-1".to_owned(),
        standing: true,
    };
    let first = ExecutionRecord {
        incidents: vec![incident],
        ..receipted(&ended(
            &fixture_execution(&key("k")),
            Status::Executed,
            None,
        ))
    };
    let link = Link {
        standing: true,
        stands: vec!["hold".to_owned()],
        stands_total: 1,
        ..Link::waiting("i-1", &first, "", at(60))
    };
    let put = ledger.put_link(&link).now_or_never().expect("at once");
    put.expect("the ledger answers");
    let request = Request {
        by: "zoe".to_owned(),
        reason: "wrong vendor".to_owned(),
    };
    let RequestTransition::Write(mut second) = withdraw(&first, &request, "arn:recovery", at(90))
    else {
        panic!("an executed one can be rolled back");
    };
    // The later generation came to a good end, and so the record names no incident any more.
    second.incidents.clear();
    let snapshot = Snapshot::new(*second, vec![], 0);
    let story = story(&ledger, &snapshot).now_or_never().expect("at once");
    let story = story.expect("the ledger answers");
    let standing = events(None, &Record::Link(Box::new(link)), &about(), at(99));
    assert_eq!(names(&standing), ["workflow.incident.standing"]);
    let found: Vec<_> = story
        .iter()
        .filter(|event| event.kind() == Kind::IncidentStanding)
        .collect();
    assert_eq!(found, standing.iter().collect::<Vec<_>>());
}

#[test]
fn the_story_has_an_effect_that_remains_once_its_incident_can_be_read() {
    let ledger = MemoryLedger::default();
    let of = key("k");
    let hold = step(
        &of,
        StepState::Succeeded,
        attempts(&[Some(AttemptOutcome::Succeeded)]),
    );
    let failed = Some(failure());
    let record = ended(&fixture_execution(&of), Status::PartiallyRolledBack, failed);
    let snapshot = Snapshot::new(record, vec![hold], 0);
    let remains = || {
        let story = story(&ledger, &snapshot).now_or_never().expect("at once");
        let story = story.expect("the ledger answers");
        let kinds = story.iter().map(Event::kind);
        kinds.filter(|kind| *kind == Kind::IncidentStanding).count()
    };
    assert_eq!(remains(), 0);
    let link = standing(&snapshot).expect("an effect remains");
    let put = ledger.put_link(&link).now_or_never().expect("at once");
    put.expect("the ledger answers");
    assert_eq!(remains(), 1);
}
