//! The events of questions, incidents, controls and refusals.
//!
//! Reasons stay in the ledger and in the receipt. The reason of a pause is the one exception.

use jiff::Timestamp;

use crate::{
    about::About,
    data::{
        DecidedData, EventData, NoData, OpenedData, PausedData, ResumedData, StartRefusedData,
        WaitingData,
    },
    event::Event,
};
use holdfast_ids::keys::event_id;
use holdfast_ledger::{Control, Incident, IncidentStatus, Question, Refusal, Switch};

/// The event of the question, and one for every decision on it.
pub(crate) fn question_events(question: &Question, about: &About) -> Vec<Event> {
    let event = |at: Timestamp, data| {
        let parts = [question.step.as_str(), &at.to_string()];
        Event::new(at, about, &question.at.execution, &parts, data)
    };
    let waiting = EventData::IncidentWaiting(WaitingData {
        step: question.step.clone(),
        kind: question.kind,
        until: question.until,
        incident: question.incident.clone(),
    });
    let rulings = question.earlier.iter().chain(question.ruling());
    let decided = rulings.map(|ruling| {
        let data = EventData::IncidentDecided(DecidedData {
            step: question.step.clone(),
            decision: ruling.decision,
            incident: question.incident.clone(),
        });
        event(ruling.at, data).by(Some(&ruling.by))
    });
    std::iter::once(event(question.entered, waiting))
        .chain(decided)
        .collect()
}

/// The event of the last opening, and one for every time that a person handled the incident.
pub(crate) fn incident_events(incident: &Incident, about: &About) -> Vec<Event> {
    let event =
        |at: Timestamp, data| Event::new(at, about, &incident.id, &[at.to_string().as_str()], data);
    let opened = EventData::IncidentOpened(OpenedData {
        execution_id: incident.execution.clone(),
        state: incident.state.clone(),
        error: incident.error.clone(),
    });
    let handled = incident.handled.iter().filter_map(|handled| {
        let data = match handled.status {
            IncidentStatus::Open => return None,
            IncidentStatus::Acknowledged => EventData::IncidentAcknowledged(NoData {}),
            IncidentStatus::Resolved => EventData::IncidentResolved(NoData {}),
        };
        Some(event(handled.at, data).by(Some(&handled.by)))
    });
    std::iter::once(event(incident.opened_at, opened))
        .chain(handled)
        .collect()
}

/// The event of the last pause or resume.
pub(crate) fn control_event(control: &Control, about: &About) -> Event {
    let scope = control.scope.name();
    let subject = event_id("control", &[&scope]);
    let reason = control.reason.clone();
    let data = match control.state {
        Switch::Paused => EventData::Paused(PausedData {
            scope,
            reason,
            running_executions: control.running_executions,
        }),
        Switch::Running => EventData::Resumed(ResumedData { scope, reason }),
    };
    let parts = [&*control.rev.to_string()];
    Event::new(control.at, about, &subject, &parts, data).by(Some(&control.by))
}

/// The event of a refused start. Its subject is the execution that the start would have become.
pub(crate) fn refusal_event(refusal: &Refusal, about: &About) -> Event {
    let Refusal { id, execution, .. } = refusal;
    let data = EventData::StartRefused(StartRefusedData {
        guardrails: refusal.guardrails.clone(),
    });
    Event::new(refusal.at, about, execution, &[id], data).by(Some(&refusal.by))
}
