//! Everything that can be told of one execution: what its records say, and the incidents that it opened.

use super::{Event, Record, all, events_of};
use holdfast_engine::cases;
use holdfast_ledger::{IncidentKey, Ledger, LedgerError, Snapshot};

/// What the records of an execution tell ([`told`]) and, of the incidents that it was the last to open, what has
/// happened since; in order.
pub async fn story<L: Ledger>(ledger: &L, snapshot: &Snapshot) -> Result<Vec<Event>, LedgerError> {
    let at = &snapshot.execution.at;
    let mut story = events_of(snapshot);
    for id in cases(snapshot) {
        let incident = ledger.read(&IncidentKey::new(&at.tenant, &id)).await?;
        let Some(incident) = incident.filter(|one| one.execution == at.execution) else {
            continue;
        };
        let opened_at = incident.opened_at;
        let record = Record::Incident(Box::new(incident));
        if let Some(about) = record.about() {
            let events = all(&record, &about, opened_at).into_iter();
            story.extend(events.filter(|event| event.at >= opened_at));
        }
    }
    story.sort_by_key(Event::sequence);
    Ok(story)
}
