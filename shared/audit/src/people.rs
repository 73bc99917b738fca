//! The events of questions, incidents, their links, controls, tenants and refusals.
//!
//! Reasons stay in the ledger and in the receipt. The reason of a pause is the one exception. The
//! question of an approval is in its events, since people decide on it.

use jiff::Timestamp;

use crate::{
    about::About,
    approval::approval_events,
    data::{DelegationData, EventData, NoData, PausedData, ResumedData, StartRefusedData},
    event::Event,
    notice::{Notice, minute, whose},
    people_data::{DecidedData, HandledData, OpenedData, StandingData, WaitingData},
};
use holdfast_ids::{
    keys::{ExecutionKey, event_id, item_digest},
    names::step_label,
};
use holdfast_ledger::{
    Control, ControlState, Delegation, Incident, IncidentStatus, Link, Question, QuestionState,
    Refusal, TenantRecord, TenantState,
};
use holdfast_task::QuestionKind;

/// The event of the question, unless its rule asks no person, and one for every decision on it.
pub(crate) fn question_events(question: &Question, about: &About) -> Vec<Event> {
    let event = |at: Timestamp, data| {
        let parts = [question.step.as_str(), &at.to_string()];
        Event::new(at, about, &question.at.execution, &parts, data)
    };
    let (whose, step) = (whose(about), &question.step);
    let asks = match question.kind {
        QuestionKind::Escalation => "failed, and a person decides what follows",
        QuestionKind::Approval => "waits for an approval",
    };
    let text = format!(
        "Step {step} of {whose} {asks}, until {}",
        minute(question.until)
    );
    let waiting = EventData::IncidentWaiting(WaitingData {
        step: question.step.clone(),
        kind: question.kind,
        until: question.until,
        incident: question.incident.clone(),
        about: Notice::new(&text),
    });
    let rulings = question.earlier.iter().chain(question.ruling());
    let decided = rulings.map(|ruling| {
        let (by, decision) = (&ruling.by, ruling.decision.name());
        let text = format!("{by} decided {decision} for step {step} of {whose}");
        let data = EventData::IncidentDecided(DecidedData {
            step: question.step.clone(),
            decision: ruling.decision,
            incident: ruling
                .incident
                .as_ref()
                .unwrap_or(&question.incident)
                .clone(),
            about: Notice::new(&text),
        });
        event(ruling.at, data).by(Some(&ruling.by))
    });
    let asks = !matches!(question.state, QuestionState::Skipped { .. });
    let waiting = asks.then(|| event(question.entered, waiting));
    waiting
        .into_iter()
        .chain(decided)
        .chain(approval_events(question, about))
        .collect()
}

/// The event of the last opening, and one for every time that a person handled the incident.
pub(crate) fn incident_events(incident: &Incident, about: &About) -> Vec<Event> {
    let event =
        |at: Timestamp, data| Event::new(at, about, &incident.id, &[at.to_string().as_str()], data);
    let whose = whose(about);
    let Incident { state, error, .. } = incident;
    let remains = match incident.standing {
        true => ", and an effect remains or may remain",
        false => "",
    };
    let text = format!("Incident in {whose}: {error} at {state}{remains}");
    let opened = EventData::IncidentOpened(OpenedData {
        incident: Some(incident.id.clone()),
        standing: incident.standing.then_some(true),
        execution_id: incident.execution.clone(),
        state: incident.state.clone(),
        error: incident.error.clone(),
        about: Notice::new(&text),
    });
    let handled = incident.handled.iter().filter_map(|handled| {
        let data = |verb: &str| HandledData {
            about: Notice::new(&format!(
                "{} {verb} the incident in {whose}: {error} at {state}",
                handled.by
            )),
        };
        let data = match handled.status {
            IncidentStatus::Open => return None,
            IncidentStatus::Acknowledged => EventData::IncidentAcknowledged(data("acknowledged")),
            IncidentStatus::Resolved => EventData::IncidentResolved(data("resolved")),
        };
        Some(event(handled.at, data).by(Some(&handled.by)))
    });
    std::iter::once(event(incident.opened_at, opened))
        .chain(handled)
        .collect()
}

/// The event of the effects that remain after an execution, if the link notifies of them. It names
/// items by their digest, since their names come from inputs.
pub(crate) fn link_events(link: &Link, about: &About) -> Vec<Event> {
    if !link.standing {
        return Vec::new();
    }
    let at = ExecutionKey {
        tenant: link.tenant.clone(),
        execution: link.execution.clone(),
    };
    let names = link.stands.iter().map(|label| match label.split_once('[') {
        Some((step, item)) => {
            let item = item.strip_suffix(']').unwrap_or(item);
            step_label(step, Some(&item_digest(&at, item)))
        }
        None => label.clone(),
    });
    let (whose, status, total) = (whose(about), &link.status, link.stands_total);
    let text = format!("{whose} ended {status}, and {total} effects remain or may remain");
    let data = EventData::IncidentStanding(StandingData {
        generation: link.generation,
        status: link.status.clone(),
        incident: link.incident.clone(),
        stands: names.collect(),
        stands_total: link.stands_total,
        certain: link.certain.unwrap_or_default(),
        about: Notice::new(&text),
    });
    let parts = [&*link.generation.to_string(), &link.incident];
    vec![Event::new(link.at, about, &link.execution, &parts, data)]
}

/// The event of the last pause or resume.
pub(crate) fn control_event(control: &Control, about: &About) -> Event {
    let scope = control.scope.name();
    let subject = event_id("control", &[&scope]);
    let reason = control.reason.clone();
    let data = match control.state {
        ControlState::Paused => EventData::Paused(PausedData {
            scope,
            reason,
            running_executions: control.running_executions,
        }),
        ControlState::Running => EventData::Resumed(ResumedData { scope, reason }),
    };
    let parts = [&*control.rev.to_string()];
    Event::new(control.at, about, &subject, &parts, data).by(Some(&control.by))
}

/// The event of the last change of a tenant's registration.
pub(crate) fn tenant_event(tenant: &TenantRecord, about: &About) -> Event {
    let subject = event_id("tenant", &[&tenant.tenant]);
    let data = match tenant.state {
        TenantState::Open => EventData::TenantRegistered(NoData {}),
        TenantState::Closed => EventData::TenantClosed(NoData {}),
    };
    let parts = [&*tenant.rev.to_string()];
    Event::new(tenant.at, about, &subject, &parts, data).by(Some(&tenant.by))
}

/// The event of the last change of a delegation.
pub(crate) fn delegation_event(delegation: &Delegation, about: &About) -> Event {
    let data = DelegationData {
        group: delegation.group.clone(),
        to: delegation.to.clone(),
        from: delegation.from,
        until: delegation.until,
    };
    let data = match delegation.removed {
        false => EventData::DelegationSet(data),
        true => EventData::DelegationRemoved(data),
    };
    let parts = [&*delegation.rev.to_string()];
    let id = delegation.key().id;
    Event::new(delegation.at, about, &id, &parts, data).by(Some(&delegation.by))
}

/// The event of a refused start. Its subject is the execution that the start would have become.
pub(crate) fn refusal_event(refusal: &Refusal, about: &About) -> Event {
    let Refusal { id, execution, .. } = refusal;
    let data = EventData::StartRefused(StartRefusedData {
        guardrails: refusal.guardrails.clone(),
    });
    Event::new(refusal.at, about, execution, &[id], data).by(Some(&refusal.by))
}
