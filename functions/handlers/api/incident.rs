//! `GET /v1/incidents` and one of them: what people must know of or decide.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_core::{
    access::Operation,
    keys::ExecutionKey,
    ledger::{Incident, IncidentStatus, Ledger, Link, Question, QuestionState, Ruling, WAITING},
    names::is_execution_id,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App,
    caller::{Caller, Thing, Visitor, no_such},
    given::{Asked, Named},
    page::{cursor, limit, place},
    problem::Problem,
};

/// Executions of an incident whose question is looked up.
const WAITING_MAX: usize = 25;

/// What may follow the `?` of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    tenant: Option<String>,
    status: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(asked): Asked<Listing>,
) -> Result<Json<Value>, Problem> {
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
    let incidents: Vec<_> = incidents
        .map(|one| shown(one, caller.sees_payloads))
        .collect();
    Ok(Json(json!({ "incidents": incidents, "next": next })))
}

pub(crate) async fn one(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<Value>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadIncidents, named, Thing::Incident(&id))
        .await?;
    let payloads = caller.sees_payloads;
    let incident = find(&caller, &id).await?;
    let links = caller.ledger.links(&caller.tenant, &id).await?;
    let mut waiting = 0;
    let mut executions = Vec::new();
    for link in &links {
        let mut execution = json!({
            "execution_id": link.execution,
            "generation": link.generation,
            "at": link.at,
            "status": link.status,
            "href": format!("/v1/executions/{}", link.execution),
        });
        if payloads {
            // Names items, which come from inputs.
            execution["stands"] = json!(link.stands);
        }
        if link.status == WAITING && waiting < WAITING_MAX {
            waiting += 1;
            execution["question"] = question(&caller, link, &incident.state)
                .await?
                .map_or(Value::Null, |question| shown_question(&question, payloads));
        }
        executions.push(execution);
    }
    let mut body = shown(&incident, payloads);
    body["executions"] = executions.into();
    Ok(Json(body))
}

/// What was asked of people about one execution.
pub(crate) async fn question(
    caller: &Caller,
    link: &Link,
    step: &str,
) -> Result<Option<Question>, Problem> {
    let at = ExecutionKey {
        tenant: link.tenant.clone(),
        execution: link.execution.clone(),
    };
    let snapshot = caller.ledger.snapshot(&at).await?;
    let questions = snapshot.map(|snapshot| snapshot.questions);
    Ok(questions.and_then(|all| all.into_iter().find(|one| one.step == step)))
}

pub(crate) async fn find(caller: &Caller, id: &str) -> Result<Incident, Problem> {
    let found = match is_execution_id(id) {
        true => caller.ledger.incident(&caller.tenant, id).await?,
        false => None,
    };
    found.ok_or_else(|| no_such(Thing::Incident(id), &caller.tenant))
}

/// An incident; what targets and people said only with `payloads`.
pub(crate) fn shown(incident: &Incident, payloads: bool) -> Value {
    let mut body = json!({
        "incident_id": incident.id,
        "workflow_id": incident.workflow,
        "tenant": incident.tenant,
        "state": incident.state,
        "error": incident.error,
        "status": incident.status,
        "opened_at": incident.opened_at,
        "handled": incident.handled,
        "href": format!("/v1/incidents/{}", incident.id),
    });
    if payloads {
        body["message"] = incident.message.as_str().into();
    } else {
        for handled in body["handled"].as_array_mut().into_iter().flatten() {
            handled.as_object_mut().map(|one| one.remove("reason"));
        }
    }
    body
}

pub(crate) fn shown_question(question: &Question, payloads: bool) -> Value {
    let (state, ruling) = match &question.state {
        QuestionState::Open => ("OPEN", None),
        QuestionState::Ruled { ruling, .. } => ("DECIDED", Some(ruling)),
        QuestionState::Expired { .. } => ("EXPIRED", None),
    };
    let reason = |ruling: &Ruling| payloads.then(|| ruling.reason.clone());
    let mut body = json!({
        "step": question.step,
        "kind": question.kind,
        "status": state,
        "until": question.until,
        "decisions": question.kind.decisions().iter().map(|one| one.name()).collect::<Vec<_>>(),
        "decision": ruling.map(|ruling| json!({
            "decision": ruling.decision.name(), "by": ruling.by, "reason": reason(ruling), "at": ruling.at,
        })),
        "incident": format!("/v1/incidents/{}", question.incident),
    });
    if payloads {
        body["message"] = question.message.as_str().into();
    }
    body
}
