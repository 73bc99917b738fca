//! The story of one execution: the events of its records and of the incidents that it opened.

use crate::{
    about::About,
    derive::{events_of, events_of_record},
    event::Event,
    record::Record,
};
use holdfast_engine::{cases, standing};
use holdfast_ledger::{IncidentKey, Ledger, LedgerError, Snapshot};

/// The events of an execution's records ([`events_of`]) and of the incidents that it was the last
/// to open, in order. An incident's events begin with that opening.
pub async fn story<L: Ledger>(ledger: &L, snapshot: &Snapshot) -> Result<Vec<Event>, LedgerError> {
    let at = &snapshot.execution.at;
    let mut story = events_of(snapshot);
    if let Some(link) = standing(snapshot) {
        let link = Record::Link(Box::new(link));
        let about = About::of(&snapshot.execution);
        story.extend(events_of_record(
            &link,
            &about,
            snapshot.execution.started_at,
        ));
    }
    for id in cases(snapshot) {
        let incident = ledger.read(&IncidentKey::new(&at.tenant, &id)).await?;
        let Some(incident) = incident.filter(|incident| incident.execution == at.execution) else {
            continue;
        };
        let opened_at = incident.opened_at;
        let record = Record::Incident(Box::new(incident));
        if let Some(about) = record.about() {
            let events = events_of_record(&record, &about, opened_at).into_iter();
            story.extend(events.filter(|event| event.at >= opened_at));
        }
    }
    story.sort_by_key(Event::sequence);
    Ok(story)
}
