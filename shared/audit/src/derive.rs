//! The events of a change, of a record, and of everything recorded of one execution.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::{about::About, event::Event, execution, people, record::Record, step};
use holdfast_ledger::Snapshot;

/// The events of a change from `old` to `new`, committed at `committed`, in order.
pub fn events(
    old: Option<&Record>,
    new: &Record,
    about: &About,
    committed: Timestamp,
) -> Vec<Event> {
    let mut events = match (old, new) {
        // A start can be repeated without end, so the events of repeats counted before are not
        // derived only to be dropped.
        (
            Some(Record::Duplicates {
                refused: before, ..
            }),
            Record::Duplicates {
                at, refused, times, ..
            },
        ) => {
            let numbers = before + 1..=*refused;
            execution::duplicate_events(at, numbers, times, about, committed)
        }
        _ => {
            let before = old.map_or(Vec::new(), |old| events_of_record(old, about, committed));
            let before: HashSet<_> = before.iter().map(|event| &event.id).collect();
            let mut events = events_of_record(new, about, committed);
            events.retain(|event| !before.contains(&event.id));
            events
        }
    };
    events.sort_by_key(Event::sequence);
    events
}

/// Every event that the records of one execution still show, in order.
pub fn events_of(snapshot: &Snapshot) -> Vec<Event> {
    let Snapshot {
        execution,
        steps,
        questions,
        duplicate_times,
        ..
    } = snapshot;
    let about = About::of(execution);
    let steps = steps
        .iter()
        .map(|step| Record::Step(Box::new(step.clone())));
    let questions = questions
        .iter()
        .map(|question| Record::Question(Box::new(question.clone())));
    // Later repeats have no recorded time, and their events are only in the archive.
    let duplicates = Record::Duplicates {
        at: execution.at.clone(),
        workflow: execution.workflow.clone(),
        refused: duplicate_times.len() as u64,
        times: duplicate_times.clone(),
    };
    let records = std::iter::once(Record::Execution(Box::new(execution.clone())))
        .chain(steps)
        .chain(questions)
        .chain([duplicates]);
    let mut events: Vec<_> = records
        .flat_map(|record| events_of_record(&record, &about, execution.started_at))
        .collect();
    events.sort_by_key(Event::sequence);
    events
}

/// Every event that one record shows.
pub(crate) fn events_of_record(record: &Record, about: &About, committed: Timestamp) -> Vec<Event> {
    match record {
        Record::Execution(execution) => execution::execution_events(execution),
        Record::Step(step) => step::step_events(step, about),
        Record::Question(question) => people::question_events(question, about),
        Record::Incident(incident) => people::incident_events(incident, about),
        Record::Link(link) => people::link_events(link, about),
        Record::Control(control) => vec![people::control_event(control, about)],
        Record::Tenant(tenant) => vec![people::tenant_event(tenant, about)],
        Record::Delegation(delegation) => vec![people::delegation_event(delegation, about)],
        Record::Refusal(refusal) => vec![people::refusal_event(refusal, about)],
        Record::Duplicates {
            at, refused, times, ..
        } => execution::duplicate_events(at, 1..=*refused, times, about, committed),
    }
}
