//! `GET /v1/incidents` and one of them: what people must know of or decide.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_core::{
    access::Operation,
    keys::ExecutionKey,
    ledger::{self, IncidentStatus, Ledger, Question as Asking, QuestionState, WAITING},
    names::is_execution_id,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    App,
    answer::{Handled, Incident, IncidentInFull, Incidents, Link, Question, Taken},
    caller::{Caller, Thing, Visitor, no_such},
    given::{Asked, Named},
    page::{cursor, limit, place},
    problem::Problem,
};

/// Executions of an incident that are shown: one cause may have met tens of thousands.
const EXECUTIONS_MAX: usize = 500;
/// Executions of an incident whose question is looked up.
const WAITING_MAX: usize = 25;

/// What may follow the `?` of a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// `open` if left out.
    #[schemars(extend("enum" = ["open", "acknowledged", "resolved"]))]
    status: Option<String>,
    /// 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// What `next` of the page before said.
    #[schemars(regex(pattern = "^[0-9]{13}-[0-9a-f]{40}$"))]
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(asked): Asked<Listing>,
) -> Result<Json<Incidents>, Problem> {
    let named = asked.tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadIncidents, named, Thing::Tenant)
        .await?;
    let status = match asked.status.as_deref() {
        None | Some("open") => IncidentStatus::Open,
        Some("acknowledged") => IncidentStatus::Acknowledged,
        Some("resolved") => IncidentStatus::Resolved,
        Some(_) => {
            let why = "status is one of open, acknowledged, resolved";
            return Err(Problem::bad_request(why));
        }
    };
    let limit = limit(asked.limit)?;
    let after = asked.cursor.as_deref().map(place).transpose()?;
    let (found, more) = caller
        .ledger
        .incidents(&caller.tenant, status, limit, after)
        .await?;
    let last = found.last().filter(|_| more);
    let next = last.map(|last| cursor(&(last.opened_at, last.id.clone())));
    let incidents = found.iter();
    let payloads = caller.sees_payloads;
    Ok(Json(Incidents {
        incidents: incidents.map(|one| shown(one, payloads)).collect(),
        next,
    }))
}

pub(crate) async fn one(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<IncidentInFull>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadIncidents, named, Thing::Incident(&id))
        .await?;
    let payloads = caller.sees_payloads;
    let incident = find(&caller, &id).await?;
    let mut links = caller.ledger.links(&caller.tenant, &id).await?;
    let executions_total = links.len();
    links.sort_by_key(|link| (link.status != WAITING, Reverse(link.at)));
    links.truncate(EXECUTIONS_MAX);
    let mut waiting = 0;
    let mut executions = Vec::new();
    for link in links {
        let mut asked = None;
        if link.status == WAITING && waiting < WAITING_MAX {
            waiting += 1;
            asked = question(&caller, &link, &incident.state).await?;
        }
        executions.push(Link {
            href: format!("/v1/executions/{}", link.execution),
            execution_id: link.execution,
            generation: link.generation,
            at: link.at,
            status: link.status,
            // They name items, which come from inputs.
            stands: payloads.then_some(link.stands),
            stands_total: link.stands_total,
            question: asked.map(|asked| shown_question(&asked, payloads)),
        });
    }
    Ok(Json(IncidentInFull {
        incident: shown(&incident, payloads),
        executions,
        executions_total,
    }))
}

/// What was asked of people about one execution.
pub(crate) async fn question(
    caller: &Caller,
    link: &ledger::Link,
    step: &str,
) -> Result<Option<Asking>, Problem> {
    let at = ExecutionKey {
        tenant: link.tenant.clone(),
        execution: link.execution.clone(),
    };
    let snapshot = caller.ledger.snapshot(&at).await?;
    let questions = snapshot.map(|snapshot| snapshot.questions);
    Ok(questions.and_then(|all| all.into_iter().find(|one| one.step == step)))
}

pub(crate) async fn find(caller: &Caller, id: &str) -> Result<ledger::Incident, Problem> {
    let found = match is_execution_id(id) {
        true => caller.ledger.incident(&caller.tenant, id).await?,
        false => None,
    };
    found.ok_or_else(|| no_such(Thing::Incident(id), &caller.tenant))
}

/// An incident; what targets and people said only with `payloads`.
pub(crate) fn shown(incident: &ledger::Incident, payloads: bool) -> Incident {
    let handled = incident.handled.iter().map(|one| Handled {
        status: one.status,
        by: one.by.clone(),
        reason: payloads.then(|| one.reason.clone()),
        at: one.at,
    });
    Incident {
        incident_id: incident.id.clone(),
        workflow_id: incident.workflow.clone(),
        tenant: incident.tenant.clone(),
        state: incident.state.clone(),
        error: incident.error.clone(),
        status: incident.status,
        opened_at: incident.opened_at,
        handled: handled.collect(),
        href: format!("/v1/incidents/{}", incident.id),
        message: payloads.then(|| incident.message.clone()),
    }
}

pub(crate) fn shown_question(question: &Asking, payloads: bool) -> Question {
    let (status, ruling) = match &question.state {
        QuestionState::Open => ("OPEN", None),
        QuestionState::Ruled { ruling, .. } => ("DECIDED", Some(ruling)),
        QuestionState::Expired { .. } => ("EXPIRED", None),
    };
    let decisions = question.kind.decisions().iter();
    Question {
        step: question.step.clone(),
        kind: question.kind,
        status,
        until: question.until,
        decisions: decisions.map(|one| one.name()).collect(),
        decision: ruling.map(|ruling| Taken {
            decision: ruling.decision.name(),
            by: ruling.by.clone(),
            reason: payloads.then(|| ruling.reason.clone()),
            at: ruling.at,
        }),
        incident: format!("/v1/incidents/{}", question.incident),
        message: payloads.then(|| question.message.clone()),
    }
}
