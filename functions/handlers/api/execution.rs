//! `GET /v1/executions/{execution_id}` and its events: an execution as the ledger records it now.

use axum::Json;
use holdfast_audit as audit;
use holdfast_aws::SystemHost;
use holdfast_engine::{Host, MachineError, failure_reason, residuals};
use holdfast_ids::names::is_workflow_id;
use holdfast_ledger::{
    ExecutionOutput, ExecutionRecord, Ledger, Phase, Snapshot, StepRecord, StepState,
};
use holdfast_receipt::{GuardrailOutcome, ShownField, Status};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{
        Attempt, Execution, ExecutionFailure, ExecutionView, ReceiptLink, Redrive, Starting, Step,
        StepPayloads, Story, TargetAnswer,
    },
    extract::{NamesTenant, TENANT},
    incident::shown_question,
    principal::AuthorizedCaller,
    problem::Problem,
    progress::{Progress, linked, progress_of},
    route::AuthorizedRequest,
    workflow::trouble,
};

/// The query of a request for one execution.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecutionQuery {
    #[schemars(extend("description" = TENANT))]
    tenant: Option<String>,
    /// The workflow that was started. With it, a start is found before `begin` records it.
    workflow_id: Option<String>,
}

impl NamesTenant for ExecutionQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn read(
    AuthorizedRequest {
        app,
        caller,
        id,
        query,
        ..
    }: AuthorizedRequest<ExecutionQuery>,
) -> Result<Json<ExecutionView>, Problem> {
    let at = caller.key(&id)?;
    if let Some(mut snapshot) = caller.ledger.snapshot(&at).await? {
        snapshot.questions = linked(&caller.ledger, snapshot.questions).await?;
        let progress = progress_of(&app, &snapshot).await?;
        let shown = shown(snapshot, progress, &caller);
        return Ok(Json(ExecutionView::Recorded(Box::new(shown))));
    }
    let workflow = query
        .workflow_id
        .filter(|workflow| is_workflow_id(workflow))
        .ok_or_else(|| caller.unknown(&id))?;
    match app.machines.input_of(&workflow, &id).await {
        Ok(Some(envelope)) if envelope.tenant == caller.tenant => {
            Ok(Json(ExecutionView::Starting(Starting {
                execution_id: id,
                workflow_id: workflow,
                tenant: caller.tenant,
                status: "STARTING",
                steps: Vec::new(),
            })))
        }
        Err(error @ MachineError::Unavailable(_)) => Err(trouble(error, &workflow)),
        Ok(_) | Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => {
            Err(caller.unknown(&id))
        }
    }
}

/// `GET /v1/executions/{execution_id}/events`: the audit events that follow from the records so
/// far.
pub(crate) async fn events(
    AuthorizedRequest {
        app, caller, id, ..
    }: AuthorizedRequest,
) -> Result<Json<Story>, Problem> {
    let snapshot = caller.ledger.snapshot(&caller.key(&id)?).await?;
    let snapshot = snapshot.ok_or_else(|| caller.unknown(&id))?;
    let source = format!("holdfast/{}", app.stack);
    let links = audit::Links::new("/v1");
    let mut story = audit::story(&caller.ledger, &snapshot).await?;
    if !caller.sees_payloads {
        for event in &mut story {
            event.remove_inputs();
        }
    }
    let events: Vec<_> = story
        .into_iter()
        .map(|event| event.linked(&links).cloud_event(&source))
        .collect();
    Ok(Json(Story {
        execution_id: id,
        status: snapshot.execution.phase.name().to_owned(),
        events,
    }))
}

/// The answer for an execution. Without payloads it has nothing that comes from inputs, outputs or
/// targets, except what a question shows to the caller whom it asks.
pub(crate) fn shown(
    snapshot: Snapshot,
    mut progress: Progress,
    caller: &AuthorizedCaller,
) -> Execution {
    let payloads = caller.sees_payloads;
    let questions = snapshot.current_questions(SystemHost.now());
    // A vote is signed with the digest of these texts, so that the person who votes sees them.
    let texts = payloads || questions.iter().any(|one| caller.is_asked(one));
    let tier = snapshot.execution.tier();
    let lacks_input = snapshot.execution.lacks_input();
    // Effects name items, which come from inputs, and reasons quote targets.
    let (residual_effects, reason) = match &snapshot.execution.phase {
        Phase::Ended {
            status, failure, ..
        } if payloads => {
            let failure = failure.as_ref();
            let reason = failure.map(|failure| failure_reason(&snapshot, failure));
            let executed = *status == Status::Executed;
            (Some(residuals(&snapshot.steps, executed)), reason)
        }
        Phase::Unwinding { failure } if payloads => {
            (None, Some(failure_reason(&snapshot, failure)))
        }
        _ => (None, None),
    };
    let ExecutionRecord {
        at,
        workflow,
        version,
        trigger,
        trace,
        started_at,
        deadline,
        phase,
        guardrails,
        requested_by,
        subject,
        shown,
        generation,
        input,
        output,
        receipt,
        redriven,
        incidents,
        ..
    } = snapshot.execution;
    let (output, output_missing) = match output.filter(|_| payloads) {
        Some(ExecutionOutput::Value(output)) => (Some((&output).into()), None),
        Some(ExecutionOutput::Missing(why)) => (None, Some(why)),
        None => (None, None),
    };
    let status = progress.status(&at, phase.name()).to_owned();
    let (ended_at, failure) = match phase {
        Phase::Ended { at, failure, .. } => (Some(at), failure),
        Phase::Unwinding { failure } => (None, Some(failure)),
        Phase::Running | Phase::Rejected => (None, None),
    };
    let steps = snapshot.steps.into_iter().filter(StepRecord::was_claimed);
    Execution {
        workflow_id: workflow,
        workflow_version: version,
        tier,
        tenant: at.tenant.clone(),
        status,
        waiting: progress.waiting(&at),
        paused: progress.paused(&at, payloads),
        trigger,
        requested_by,
        subject: subject.filter(|_| texts),
        shown: texts.then(|| ShownField::all(&shown)),
        input_sha256: (texts && !lacks_input).then(|| input.sha256().to_owned()),
        trace_id: trace,
        generation,
        started_at,
        ended_at,
        deadline,
        guardrails: guardrails
            .into_iter()
            .map(|outcome| GuardrailOutcome {
                // A message can quote the input, an approval or the reason of a pause.
                message: outcome.message.filter(|_| payloads),
                ..outcome
            })
            .collect(),
        failure: failure.map(|failure| ExecutionFailure {
            state: failure.state,
            error: failure.error,
            reason,
            requested_by: failure.by,
        }),
        redriven: redriven.map(|redriven| Redrive {
            generation: redriven.generation,
            by: redriven.by,
            reason: payloads.then_some(redriven.reason),
            at: redriven.at,
        }),
        duplicates_prevented: snapshot.duplicates,
        residual_effects,
        questions: questions
            .iter()
            .map(|question| shown_question(question, caller.sees_texts_of(question)))
            .collect(),
        incidents: incidents
            .iter()
            .map(|met| format!("/v1/incidents/{}", met.id))
            .collect(),
        steps: steps.map(|step| shown_step(step, payloads)).collect(),
        receipt: receipt.map(|receipt| ReceiptLink {
            href: format!("/v1/executions/{}/receipt", at.execution),
            sha256: receipt.sha256,
        }),
        input: (payloads && !lacks_input).then(|| (&input).into()),
        output,
        output_missing,
        execution_id: at.execution,
    }
}

fn shown_step(step: StepRecord, payloads: bool) -> Step {
    let attempts = |all: &[holdfast_ledger::Attempt]| {
        let all = all.iter();
        all.map(|attempt| shown_attempt(attempt, payloads))
            .collect()
    };
    Step {
        number: step.number,
        // As in a receipt: a pause or the end kept every attempt from acting.
        status: match step.state {
            StepState::FailedClean if step.attempts.is_empty() => "NOT_RUN",
            _ => step.state.name(),
        },
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

fn shown_attempt(attempt: &holdfast_ledger::Attempt, payloads: bool) -> Attempt {
    Attempt {
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        outcome: attempt.outcome,
        error: payloads.then(|| attempt.error.clone()),
        answer: attempt
            .answer
            .as_deref()
            .filter(|_| payloads)
            .map(|answer| TargetAnswer {
                path: answer.path.clone(),
                body: answer.body.clone(),
                cut: answer.cut,
            }),
    }
}
