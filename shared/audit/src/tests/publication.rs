//! Tests of the entries on the audit bus: which events have one of their own, share one or have
//! none, and where a batch begins again.

use super::*;

const MODES: [StepEvents; 4] = [
    StepEvents::Events,
    StepEvents::Archive,
    StepEvents::Batch,
    StepEvents::Off,
];

/// The events of a step that is retried, fails and succeeds, after a start, each of its own change.
fn story() -> Vec<Event> {
    let of = key("k");
    let outcomes = [
        Some(AttemptOutcome::Transient),
        Some(AttemptOutcome::Succeeded),
    ];
    let done = step(&of, StepState::Succeeded, attempts(&outcomes));
    let mut events = events_of_versions(&[execution(&fixture_execution(&of))]);
    events.extend(events_of_versions(&[recorded(&done)]));
    events
}

fn published(step_events: StepEvents, events: &[Event]) -> Vec<Entry> {
    let mut publication = Publication::new(step_events, "holdfast/test");
    for (n, event) in events.iter().enumerate() {
        publication.event(n, event);
    }
    publication.entries()
}

fn kinds(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.kind).collect()
}

#[test]
fn every_event_that_the_specification_names_has_an_entry_of_its_type_in_every_mode() {
    for kind in [
        "workflow.started",
        "workflow.step.completed",
        "workflow.receipt.generated",
    ] {
        let kind = Kind::ALL.into_iter().find(|one| one.name() == kind);
        assert!(!kind.expect("it exists").is_step_detail());
    }
    for mode in MODES {
        let entries = published(mode, &story());
        for kind in ["workflow.started", "workflow.step.completed"] {
            let own = entries.iter().filter(|entry| entry.kind == kind);
            assert_eq!(own.count(), 1, "{mode:?} {kind}");
        }
    }
}

#[test]
fn other_step_events_have_entries_share_one_or_have_none() {
    let events = story();
    let details: Vec<_> = events
        .iter()
        .filter(|event| event.kind().is_step_detail())
        .map(|event| event.cloud_event("holdfast/test"))
        .collect();
    assert_eq!(
        names(&events),
        [
            "workflow.started",
            "workflow.step.started",
            "workflow.step.retried",
            "workflow.step.failed",
            "workflow.step.completed"
        ]
    );
    assert_eq!(
        kinds(&published(StepEvents::Events, &events)),
        names(&events)
    );
    let own = ["workflow.started", "workflow.step.completed"];
    assert_eq!(kinds(&published(StepEvents::Off, &events)), own);
    let shared = published(StepEvents::Archive, &events);
    assert_eq!(kinds(&shared), [own[0], STEP_EVENTS, own[1]]);
    assert_eq!(shared[1].detail, json!({ "events": details }));
}

#[test]
fn completed_steps_of_one_execution_share_an_entry_of_their_type_in_a_batch() {
    let of_execution = |id: &str| {
        let done = step(
            &key(id),
            StepState::Succeeded,
            attempts(&[Some(AttemptOutcome::Succeeded)]),
        );
        let mut events = events_of_versions(&[recorded(&done)]);
        events.retain(|event| event.kind() == Kind::StepCompleted);
        events.remove(0)
    };
    let (one, other) = (of_execution("k"), of_execution("l"));
    let entries = published(
        StepEvents::Batch,
        &[one.clone(), other.clone(), one.clone()],
    );
    let detail = |event: &Event, times: usize| {
        let events = vec![event.cloud_event("holdfast/test"); times];
        let About {
            tenant, workflow, ..
        } = &event.about;
        json!({ "tenant": tenant, "workflow": workflow, "subject": event.subject, "events": events })
    };
    let name = Kind::StepCompleted.name();
    assert_eq!(kinds(&entries), [name, name]);
    assert_eq!(entries[0].detail, detail(&one, 2));
    assert_eq!(entries[1].detail, detail(&other, 1));
    // The change of the second event must be delivered again, if its entry was refused.
    assert_eq!(first_unpublished(&entries, 1), Some(1));
}

#[test]
fn ten_full_entries_of_step_events_fit_into_one_call() {
    let events: Vec<_> = std::iter::repeat_n(story(), 100).flatten().collect();
    let entries = published(StepEvents::Archive, &events);
    let shared = entries.iter().filter(|entry| entry.kind == STEP_EVENTS);
    let sizes: Vec<_> = shared.map(|entry| entry.detail.to_string().len()).collect();
    assert!(sizes.len() > 1, "{sizes:?}");
    assert!(sizes.iter().all(|size| size * 10 < 256 * 1024), "{sizes:?}");
    let carried = entries.iter().flat_map(|entry| {
        let events = entry.detail["events"].as_array();
        events.map_or(vec![&entry.detail], |events| events.iter().collect())
    });
    assert_eq!(carried.count(), events.len());
}

#[test]
fn a_batch_begins_again_with_the_first_change_that_has_an_unpublished_part() {
    let again = |step_events| {
        let entries = published(step_events, &story());
        let places = 0..=entries.len();
        places
            .map(|from| first_unpublished(&entries, from))
            .collect::<Vec<_>>()
    };
    let each = [0, 1, 2, 3, 4].map(Some);
    assert_eq!(again(StepEvents::Events), [&each[..], &[None]].concat());
    // The shared entry has a part of the changes 1, 2 and 3, and is published with the first.
    let shared = [Some(0), Some(1), Some(4), None];
    assert_eq!(again(StepEvents::Archive), shared);
    assert_eq!(again(StepEvents::Off), [Some(0), Some(4), None]);
}

#[test]
fn a_mode_is_parsed_from_its_name() {
    let names = ["events", "archive", "batch", "off"];
    assert_eq!(names.map(|name| name.parse()), MODES.map(Ok));
    let error = "on".parse::<StepEvents>().expect_err("it is none");
    assert!(error.contains("events, archive, batch, off"), "{error}");
}
