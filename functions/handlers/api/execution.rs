//! `GET /v1/executions/{execution_id}`: what the ledger knows of an execution, at this moment.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_core::{
    access::Operation,
    audit,
    ledger::{self, GuardrailOutcome, Ledger, Meta, Phase, Snapshot, StepRecord},
    names::is_workflow_id,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    App,
    answer::{
        Attempt, Execution, Failed, ReceiptLink, Redriven, Seen, Starting, Step, StepPayloads,
        Story,
    },
    caller::{Thing, Visitor},
    given::{Asked, Named},
    incident::shown_question,
    problem::Problem,
};

/// What may follow the `?`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// The workflow that was started: it lets a start be seen before `begin` has recorded it.
    workflow_id: Option<String>,
}

pub(crate) async fn read(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<Seen>, Problem> {
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
        let shown = shown(snapshot, caller.sees_payloads);
        return Ok(Json(Seen::Recorded(Box::new(shown))));
    }
    let workflow = which
        .workflow_id
        .filter(|workflow| is_workflow_id(workflow))
        .ok_or_else(|| caller.unknown(&id))?;
    match app.machines.input_of(&workflow, &id).await {
        Ok(Some(envelope)) if envelope.tenant == caller.tenant => {
            Ok(Json(Seen::Starting(Starting {
                execution_id: id,
                workflow_id: workflow,
                tenant: caller.tenant,
                status: "STARTING",
                steps: Vec::new(),
            })))
        }
        _ => Err(caller.unknown(&id)),
    }
}

/// `GET /v1/executions/{execution_id}/events`: its story so far, as the audit events that its records tell.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
) -> Result<Json<Story>, Problem> {
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
    let mut told = audit::story(&caller.ledger, &snapshot).await?;
    if !caller.sees_payloads {
        for event in &mut told {
            // The only member that depends on an input.
            event.data.remove("item");
        }
    }
    let events: Vec<_> = told.iter().map(|one| one.cloud_event(&source)).collect();
    Ok(Json(Story {
        execution_id: id,
        status: snapshot.meta.phase.name().to_owned(),
        events,
    }))
}

/// An execution; what comes from inputs, outputs or targets only with `payloads`.
fn shown(snapshot: Snapshot, payloads: bool) -> Execution {
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
        receipt,
        redriven,
        ..
    } = snapshot.meta;
    let status = phase.name().to_owned();
    let (ended_at, failure) = match phase {
        Phase::Ended { at, failure, .. } => (Some(at), failure),
        Phase::Unwinding { failure } => (None, Some(failure)),
        Phase::Running | Phase::Rejected => (None, None),
    };
    let questions = snapshot.questions.iter();
    let steps = snapshot.steps.into_iter();
    Execution {
        workflow_id: workflow,
        workflow_version: version,
        tenant: at.tenant,
        status,
        trigger,
        trace_id: trace,
        generation,
        started_at,
        ended_at,
        deadline,
        guardrails: guardrails
            .into_iter()
            .map(|outcome| GuardrailOutcome {
                // It can quote the input, an approval, and who paused it.
                message: outcome.message.filter(|_| payloads),
                ..outcome
            })
            .collect(),
        failure: failure.map(|failure| Failed {
            state: failure.state,
            error: failure.error,
            requested_by: failure.by,
        }),
        redriven: redriven.map(|redriven| Redriven {
            generation: redriven.generation,
            by: redriven.by,
            reason: payloads.then_some(redriven.reason),
            at: redriven.at,
        }),
        duplicates_prevented: snapshot.duplicates,
        questions: questions.map(|one| shown_question(one, payloads)).collect(),
        steps: steps.map(|step| shown_step(step, payloads)).collect(),
        receipt: receipt.map(|receipt| ReceiptLink {
            href: format!("/v1/executions/{}/receipt", at.execution),
            sha256: receipt.sha256,
        }),
        input: payloads.then(|| (&input).into()),
        execution_id: at.execution,
    }
}

fn shown_step(step: StepRecord, payloads: bool) -> Step {
    let attempts = |all: &[ledger::Attempt]| {
        let all = all.iter();
        all.map(|one| shown_attempt(one, payloads)).collect()
    };
    Step {
        number: step.number,
        status: step.state.name(),
        started_at: step.started_at(),
        ended_at: step.ended_at(),
        attempts: attempts(&step.attempts),
        undo_attempts: attempts(&step.undo_attempts),
        payloads: payloads.then(|| StepPayloads {
            item: step.item,
            input: (&step.input).into(),
            output: step.output.as_ref().map(Into::into),
        }),
        name: step.step,
        action: step.action,
        idempotency_key: step.key,
    }
}

fn shown_attempt(attempt: &ledger::Attempt, payloads: bool) -> Attempt {
    Attempt {
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        outcome: attempt.outcome,
        error: payloads.then(|| attempt.error.clone()),
    }
}
