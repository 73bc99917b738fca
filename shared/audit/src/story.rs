//! The story of one execution: the events of its records and of the incidents that it opened.

use crate::{
    about::About,
    derive::{events_of, events_of_record},
    event::Event,
    people::link_events,
    record::Record,
};
use holdfast_engine::{cases, standing};
use holdfast_ledger::{IncidentKey, Ledger, LedgerError, Link, Snapshot};

/// The story of an execution: the events of its records ([`events_of`]), of the effects that
/// remained after each generation, and of the incidents that it was the last to open. An incident's
/// events begin with that opening.
pub async fn story<L: Ledger>(ledger: &L, snapshot: &Snapshot) -> Result<Vec<Event>, LedgerError> {
    let at = &snapshot.execution.at;
    let mut story = events_of(snapshot);
    let execution = &snapshot.execution;
    // An end is recorded before its incident and the link.
    if let Some(link) = standing(snapshot)
        && ledger
            .read_link(&link)
            .await?
            .is_some_and(|link| link.standing)
    {
        story.extend(link_events(&link, &About::of(execution)));
    }
    for past in &execution.past {
        let of = execution.as_of(past);
        for incident in &past.standing {
            let link = Link::waiting(incident, &of, "", past.at);
            if let Some(link) = ledger.read_link(&link).await? {
                story.extend(link_events(&link, &About::of(&of)));
            }
        }
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
