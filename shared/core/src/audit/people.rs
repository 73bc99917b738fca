//! What the records of questions and incidents say: what people were told, decided and did. Their reasons stay in
//! ledger and receipt.

use super::{About, Event, Kind};
use crate::ledger::{Incident, IncidentStatus, Question};

/// Every decision on a step's question.
pub(super) fn decided(question: &Question, about: &About) -> Vec<Event> {
    let rulings = question.earlier.iter().chain(question.ruling());
    let decided = rulings.map(|ruling| {
        let at = ruling.at.to_string();
        let parts = [question.step.as_str(), at.as_str()];
        Event::new(
            Kind::IncidentDecided,
            ruling.at,
            about,
            &question.at.execution,
            &parts,
        )
        .by(Some(&ruling.by))
        .with("step", question.step.as_str())
        .with("decision", ruling.decision.name())
        .with("incident", question.incident.as_str())
    });
    decided.collect()
}

/// Its last opening, and what people did about it.
pub(super) fn handled(incident: &Incident, about: &About) -> Vec<Event> {
    let new = |kind, at: jiff::Timestamp| {
        Event::new(kind, at, about, &incident.id, &[at.to_string().as_str()])
    };
    let opened = new(Kind::IncidentOpened, incident.opened_at)
        .with("state", incident.state.as_str())
        .with("error", incident.error.as_str());
    let handled = incident.handled.iter().filter_map(|handled| {
        let kind = match handled.status {
            IncidentStatus::Open => return None,
            IncidentStatus::Acknowledged => Kind::IncidentAcknowledged,
            IncidentStatus::Resolved => Kind::IncidentResolved,
        };
        Some(new(kind, handled.at).by(Some(&handled.by)))
    });
    std::iter::once(opened).chain(handled).collect()
}
