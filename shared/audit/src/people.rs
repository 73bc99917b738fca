//! What the records of questions, incidents, controls and refusals say: what people were told, decided and did. Their reasons stay
//! in ledger and receipt, except why something was paused.

use super::{About, Event, Kind};
use holdfast_ids::keys::event_id;
use holdfast_ledger::{
    Control, Incident, IncidentStatus, Meanwhile, Question, Refusal, Scope, Switch,
};
use holdfast_task::QuestionKind;

/// That an execution waits for a decision on a step, and every decision that was given on it.
pub(super) fn asked(question: &Question, about: &About) -> Vec<Event> {
    let new = |kind, at: jiff::Timestamp| {
        let parts = [question.step.as_str(), &at.to_string()];
        Event::new(kind, at, about, &question.at.execution, &parts)
            .with("step", question.step.as_str())
            .with("incident", question.incident.as_str())
    };
    let kind = match question.kind {
        QuestionKind::Escalation => "escalation",
        QuestionKind::Approval => "approval",
    };
    let waiting = new(Kind::IncidentWaiting, question.entered)
        .with("kind", kind)
        .with("until", question.until.to_string());
    let rulings = question.earlier.iter().chain(question.ruling());
    let decided = rulings.map(|ruling| {
        new(Kind::IncidentDecided, ruling.at)
            .by(Some(&ruling.by))
            .with("decision", ruling.decision.name())
    });
    std::iter::once(waiting).chain(decided).collect()
}

/// Its last opening, and what people did about it.
pub(super) fn handled(incident: &Incident, about: &About) -> Vec<Event> {
    let new = |kind, at: jiff::Timestamp| {
        Event::new(kind, at, about, &incident.id, &[at.to_string().as_str()])
    };
    let opened = new(Kind::IncidentOpened, incident.opened_at)
        .with("execution_id", incident.execution.as_str())
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

/// Whom a control is about; `*` stands for every tenant and every workflow.
pub(super) fn under(control: &Control) -> About {
    let all = || "*".to_owned();
    let (tenant, workflow) = match &control.scope {
        Scope::Platform => (all(), all()),
        Scope::Tenant(tenant) => (tenant.clone(), all()),
        Scope::Workflow(workflow) => (all(), workflow.clone()),
    };
    About {
        tenant,
        workflow,
        version: None,
    }
}

/// What was last said of the platform, a tenant or a workflow.
pub(super) fn controlled(control: &Control, about: &About) -> Vec<Event> {
    let scope = control.scope.name();
    let kind = match control.state {
        Switch::Paused => Kind::Paused,
        Switch::Running => Kind::Resumed,
    };
    let subject = event_id("control", &[&scope]);
    let mut event = Event::new(
        kind,
        control.at,
        about,
        &subject,
        &[&control.rev.to_string()],
    )
    .by(Some(&control.by))
    .with("scope", scope)
    .with("reason", control.reason.as_str());
    if control.state == Switch::Paused {
        let meanwhile = match control.running_executions {
            Meanwhile::Wait => "wait",
            Meanwhile::Rollback => "rollback",
        };
        event = event.with("running_executions", meanwhile);
    }
    vec![event]
}

/// That a start was turned away. Its subject is the execution that it would have become.
pub(super) fn turned_away(refusal: &Refusal, about: &About) -> Event {
    let Refusal { id, execution, .. } = refusal;
    let at = refusal.at;
    Event::new(Kind::StartRefused, at, about, execution, &[id])
        .by(Some(&refusal.by))
        .with("guardrails", refusal.guardrails.clone())
}
