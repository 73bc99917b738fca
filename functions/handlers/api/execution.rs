//! `GET /v1/executions/{execution_id}`: what the ledger knows of an execution, at this moment.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_core::{
    access::Operation,
    audit,
    ledger::{Attempt, Ledger, Meta, Phase, Snapshot, StepRecord},
    names::is_workflow_id,
    payload::Payload,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App,
    caller::{Thing, Visitor},
    given::{Asked, Named},
    incident::shown_question,
    problem::Problem,
};

/// What may follow the `?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    tenant: Option<String>,
    /// The workflow that was started: it lets a start be seen before `begin` has recorded it.
    workflow_id: Option<String>,
}

pub(crate) async fn read(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<Value>, Problem> {
    let named = which.tenant.as_deref();
    let caller = visitor
        .may(
            &app,
            Operation::ReadExecutions,
            named,
            Thing::Execution(&id),
        )
        .await?;
    let at = caller.key(&id)?;
    if let Some(snapshot) = caller.ledger.snapshot(&at).await? {
        return Ok(Json(shown(&snapshot, caller.sees_payloads)));
    }
    let workflow = which
        .workflow_id
        .filter(|workflow| is_workflow_id(workflow))
        .ok_or_else(|| caller.unknown(&id))?;
    match app.machines.input_of(&workflow, &id).await {
        Ok(Some(envelope)) if envelope.tenant == caller.tenant => Ok(Json(json!({
            "execution_id": id, "workflow_id": workflow, "tenant": caller.tenant, "status": "STARTING", "steps": [],
        }))),
        _ => Err(caller.unknown(&id)),
    }
}

/// `GET /v1/executions/{execution_id}/events`: its story so far, as the audit events that its records tell.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<Value>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(
            &app,
            Operation::ReadExecutions,
            named,
            Thing::Execution(&id),
        )
        .await?;
    let snapshot = caller.ledger.snapshot(&caller.key(&id)?).await?;
    let snapshot = snapshot.ok_or_else(|| caller.unknown(&id))?;
    let source = format!("holdfast/{}", app.stack);
    let mut told = audit::told(&snapshot);
    if !caller.sees_payloads {
        for event in &mut told {
            // The only member that comes from an input.
            event.data.remove("item");
        }
    }
    let events: Vec<_> = told.iter().map(|one| one.cloud_event(&source)).collect();
    Ok(Json(json!({
        "execution_id": id,
        "status": snapshot.meta.phase.name(),
        "events": events,
    })))
}

/// An execution; what comes from inputs, outputs or targets only with `payloads`.
fn shown(snapshot: &Snapshot, payloads: bool) -> Value {
    let Meta {
        at,
        workflow,
        version,
        trigger,
        trace,
        started_at,
        deadline,
        phase,
        guardrails,
        generation,
        input,
        ..
    } = &snapshot.meta;
    let (ended_at, failure) = match phase {
        Phase::Ended { at, failure, .. } => (Some(at), failure.as_ref()),
        Phase::Unwinding { failure } => (None, Some(failure)),
        Phase::Running | Phase::Rejected => (None, None),
    };
    let questions = snapshot.questions.iter();
    let steps = snapshot.steps.iter();
    let mut body = json!({
        "execution_id": at.execution,
        "workflow_id": workflow,
        "workflow_version": version,
        "tenant": at.tenant,
        "status": phase.name(),
        "trigger": trigger,
        "trace_id": trace,
        "generation": generation,
        "started_at": started_at,
        "ended_at": ended_at,
        "deadline": deadline,
        "guardrails": guardrails,
        "failure": failure.map(|failure| json!({
            "state": failure.state, "error": failure.error, "requested_by": failure.by,
        })),
        "duplicates_prevented": snapshot.duplicates,
        "questions": questions.map(|one| shown_question(one, payloads)).collect::<Vec<_>>(),
        "steps": steps.map(|step| shown_step(step, payloads)).collect::<Vec<_>>(),
        "receipt": snapshot.meta.receipt.as_ref().map(|receipt| json!({
            "href": format!("/v1/executions/{}/receipt", at.execution), "sha256": receipt.sha256,
        })),
    });
    if payloads {
        body["input"] = shown_payload(input);
    }
    body
}

fn shown_step(step: &StepRecord, payloads: bool) -> Value {
    let attempts = |all: &[Attempt]| all.iter().map(|one| shown_attempt(one, payloads)).collect();
    let (attempts, undo_attempts): (Vec<_>, Vec<_>) =
        (attempts(&step.attempts), attempts(&step.undo_attempts));
    let mut body = json!({
        "name": step.step,
        "number": step.number,
        "action": step.action,
        "status": step.state.name(),
        "idempotency_key": step.key,
        "started_at": step.started_at(),
        "ended_at": step.ended_at(),
        "attempts": attempts,
        "undo_attempts": undo_attempts,
    });
    if payloads {
        body["item"] = step.item.as_deref().into();
        body["input"] = shown_payload(&step.input);
        body["output"] = step.output.as_ref().map_or(Value::Null, shown_payload);
    }
    body
}

fn shown_attempt(attempt: &Attempt, payloads: bool) -> Value {
    let Attempt {
        started_at,
        ended_at,
        outcome,
        error,
        ..
    } = attempt;
    let mut body = json!({ "started_at": started_at, "ended_at": ended_at, "outcome": outcome });
    if payloads {
        body["error"] = error.as_deref().into();
    }
    body
}

/// A payload: small ones themselves, of larger ones the digest and the size.
fn shown_payload(payload: &Payload) -> Value {
    match payload {
        Payload::Inline { value, sha256 } => json!({ "value": value, "sha256": sha256 }),
        Payload::Stored(stored) => json!({ "sha256": stored.sha256, "bytes": stored.bytes }),
    }
}
