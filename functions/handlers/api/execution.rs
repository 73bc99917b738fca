//! `GET /v1/executions/{execution_id}`: what the ledger knows of an execution, at this moment.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use holdfast_core::{
    audit,
    keys::ExecutionKey,
    ledger::{Attempt, Ledger, Meta, Phase, Snapshot, StepRecord},
    names::{is_execution_id, is_workflow_id, quoted},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{App, caller::Caller, incident::shown_question, problem::Problem};

/// What may follow the `?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The workflow that was started: it lets a start be seen before `begin` has recorded it.
    workflow_id: Option<String>,
}

pub(crate) async fn read(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(asked) = query
        .map_err(|error| Problem::bad_request(format!("{error}; workflow_id may be given")))?;
    let at = key(&caller, &id)?;
    if let Some(snapshot) = app.ledger.snapshot(&at).await? {
        return Ok(Json(shown(&snapshot)));
    }
    let workflow = asked
        .workflow_id
        .filter(|workflow| is_workflow_id(workflow))
        .ok_or_else(|| unknown(&id))?;
    match app.machines.input_of(&workflow, &id).await {
        Ok(Some(envelope)) if envelope.tenant == caller.tenant => Ok(Json(json!({
            "execution_id": id, "workflow_id": workflow, "tenant": caller.tenant, "status": "STARTING", "steps": [],
        }))),
        _ => Err(unknown(&id)),
    }
}

/// `GET /v1/executions/{execution_id}/events`: its story so far, as the audit events that its records tell.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let snapshot = app.ledger.snapshot(&key(&caller, &id)?).await?;
    let snapshot = snapshot.ok_or_else(|| unknown(&id))?;
    let source = format!("holdfast/{}", app.stack);
    let told = audit::told(&snapshot);
    let events: Vec<_> = told.iter().map(|one| one.cloud_event(&source)).collect();
    Ok(Json(json!({
        "execution_id": id,
        "status": snapshot.meta.phase.name(),
        "events": events,
    })))
}

/// The partition of an execution of the caller's own tenant.
pub(crate) fn key(caller: &Caller, id: &str) -> Result<ExecutionKey, Problem> {
    if !is_execution_id(id) {
        return Err(Problem::not_found(format!(
            "{} is not an execution id: those have 40 hex digits",
            quoted(id)
        )));
    }
    Ok(ExecutionKey {
        tenant: caller.tenant.clone(),
        execution: id.to_owned(),
    })
}

/// 404 for an execution that this tenant does not have.
pub(crate) fn unknown(id: &str) -> Problem {
    Problem::not_found(format!(
        "there is no execution {} for this tenant; one started a moment ago may not be recorded yet",
        quoted(id)
    ))
}

fn shown(snapshot: &Snapshot) -> Value {
    let Meta {
        at,
        workflow,
        version,
        trigger,
        started_at,
        deadline,
        phase,
        guardrails,
        generation,
        ..
    } = &snapshot.meta;
    let (ended_at, failure) = match phase {
        Phase::Ended { at, failure, .. } => (Some(at), failure.as_ref()),
        Phase::Unwinding { failure } => (None, Some(failure)),
        Phase::Running | Phase::Rejected => (None, None),
    };
    json!({
        "execution_id": at.execution,
        "workflow_id": workflow,
        "workflow_version": version,
        "tenant": at.tenant,
        "status": phase.name(),
        "trigger": trigger,
        "generation": generation,
        "started_at": started_at,
        "ended_at": ended_at,
        "deadline": deadline,
        "guardrails": guardrails,
        "failure": failure.map(|failure| json!({
            "state": failure.state, "error": failure.error, "requested_by": failure.by,
        })),
        "duplicates_prevented": snapshot.duplicates,
        "questions": snapshot.questions.iter().map(shown_question).collect::<Vec<_>>(),
        "steps": snapshot.steps.iter().map(shown_step).collect::<Vec<_>>(),
        "receipt": snapshot.meta.receipt.as_ref().map(|receipt| json!({
            "href": format!("/v1/executions/{}/receipt", at.execution), "sha256": receipt.sha256,
        })),
    })
}

fn shown_step(step: &StepRecord) -> Value {
    json!({
        "name": step.step,
        "item": step.item,
        "number": step.number,
        "action": step.action,
        "status": step.state.name(),
        "idempotency_key": step.key,
        "started_at": step.started_at(),
        "ended_at": step.ended_at(),
        "attempts": step.attempts.iter().map(shown_attempt).collect::<Vec<_>>(),
        "undo_attempts": step.undo_attempts.iter().map(shown_attempt).collect::<Vec<_>>(),
    })
}

fn shown_attempt(attempt: &Attempt) -> Value {
    let Attempt {
        started_at,
        ended_at,
        outcome,
        error,
        ..
    } = attempt;
    json!({ "started_at": started_at, "ended_at": ended_at, "outcome": outcome, "error": error })
}
