//! `POST /v1/executions/{execution_id}/{cancel|rollback|redrive}`: what people may ask of an execution.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use holdfast_access::Operation;
use holdfast_admission::Envelope;
use holdfast_aws::{MachineError, SystemHost};
use holdfast_engine::Host;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    self, ExecutionRecord, Ledger, Request, RequestOutcome, RequestTransition, Snapshot, ask,
    withdraw,
};
use holdfast_task::RECOVERY;
use holdfast_task::{Failure, RecoveryInput, error_name, payload::Payload};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    App,
    answer::{ExecutionLinks, RequestResult},
    extract::{JsonBody, QueryParams, TenantQuery},
    principal::{AuthorizedCaller, Principal, Resource},
    problem::Problem,
};

/// Longest reason, in characters.
const REASON_MAX: usize = 500;

/// What a reason looks like: something to read, and no control characters.
pub(crate) const REASON: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// The body of a request: why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// In your own words, without control characters.
    #[schemars(length(min = 1, max = 500), extend("pattern" = REASON))]
    pub(crate) reason: String,
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    visitor: Principal,
    Path(id): Path<String>,
    QueryParams(TenantQuery { tenant }): QueryParams<TenantQuery>,
    JsonBody(Reason { reason }): JsonBody<Reason>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .authorize(&app, Operation::Cancel, named, Resource::Execution(&id))
        .await?;
    let (at, request) = (caller.key(&id)?, given(&caller, &reason)?);
    let before = caller.ledger.read(&at).await?;
    let decide = |found: &Snapshot| {
        let owner = recovery(&app, &found.execution);
        holdfast_ledger::cancel(&found.execution, &request, &owner, SystemHost.now())
    };
    let answer = ask(&caller.ledger, &at, decide).await?;
    if let (RequestOutcome::Done(_), Some(before)) = (&answer, before) {
        // Whatever still runs can claim nothing any more; stopping it spares its waiting.
        let stopped = app
            .machines
            .stop(&before.owner, error_name::CANCELLED, &request.reason)
            .await;
        if let Err(error) = stopped {
            tracing::warn!(owner = before.owner, ?error, "its machine was not stopped");
        }
    }
    answered(&app, &caller, "cancel", &id, &request, answer).await
}

pub(crate) async fn rollback(
    State(app): State<Arc<App>>,
    visitor: Principal,
    Path(id): Path<String>,
    QueryParams(TenantQuery { tenant }): QueryParams<TenantQuery>,
    JsonBody(Reason { reason }): JsonBody<Reason>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .authorize(&app, Operation::RollBack, named, Resource::Execution(&id))
        .await?;
    let (at, request) = (caller.key(&id)?, given(&caller, &reason)?);
    let decide = |found: &Snapshot| {
        let owner = recovery(&app, &found.execution);
        withdraw(&found.execution, &request, &owner, SystemHost.now())
    };
    let answer = ask(&caller.ledger, &at, decide).await?;
    answered(&app, &caller, "rollback", &id, &request, answer).await
}

pub(crate) async fn redrive(
    State(app): State<Arc<App>>,
    visitor: Principal,
    Path(id): Path<String>,
    QueryParams(TenantQuery { tenant }): QueryParams<TenantQuery>,
    JsonBody(Reason { reason }): JsonBody<Reason>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .authorize(&app, Operation::Redrive, named, Resource::Execution(&id))
        .await?;
    let (at, request) = (caller.key(&id)?, given(&caller, &reason)?);
    let answer = redriven(&app, &caller, &at, &request).await?;
    answered(&app, &caller, "redrive", &id, &request, answer).await
}

/// Starts whoever acts now, and says what came of the request.
async fn answered(
    app: &App,
    caller: &AuthorizedCaller,
    what: &str,
    id: &str,
    request: &Request,
    answer: RequestOutcome,
) -> Result<Response, Problem> {
    let (execution, note, status) = match answer {
        RequestOutcome::Unknown => return Err(caller.unknown(id)),
        RequestOutcome::Refused(why) => return Err(Problem::conflict(why)),
        RequestOutcome::Already(execution, note) => (execution, Some(note), StatusCode::OK),
        RequestOutcome::Done(execution) => (execution, None, StatusCode::ACCEPTED),
    };
    if note.is_none() {
        tracing::warn!(
            audit = format!("workflow.{what}.requested"),
            tenant = caller.tenant,
            execution = id,
            trace = %execution.trace,
            workflow = execution.workflow,
            by = request.by,
            "somebody asked"
        );
    }
    begin(app, &execution, request).await?;
    let body = RequestResult {
        execution_id: id.to_owned(),
        status: execution.phase.name().to_owned(),
        generation: execution.generation,
        replayed: note.is_some(),
        note,
        links: ExecutionLinks {
            execution: format!("/v1/executions/{id}"),
        },
    };
    Ok((status, Json(body)).into_response())
}

/// A reason as it may be recorded.
pub(crate) fn given(caller: &AuthorizedCaller, reason: &str) -> Result<Request, Problem> {
    Ok(Request {
        reason: reason_of(reason)?,
        by: caller.actor.clone(),
    })
}

/// A reason as people may give one.
pub(crate) fn reason_of(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim().to_owned();
    let length = reason.chars().count();
    if !(1..=REASON_MAX).contains(&length) || reason.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!(
            "reason must be a text of 1 to {REASON_MAX} characters without control characters"
        )));
    }
    Ok(reason)
}

async fn redriven(
    app: &App,
    caller: &AuthorizedCaller,
    at: &ExecutionKey,
    request: &Request,
) -> Result<RequestOutcome, Problem> {
    let Some(execution) = caller.ledger.read(at).await? else {
        return Ok(RequestOutcome::Unknown);
    };
    let compiled = app
        .machines
        .current(&execution.workflow)
        .await
        .map_err(unavailable)?;
    let decide = |found: &Snapshot| -> RequestTransition {
        let name = redrive_name(&found.execution, found.execution.generation + 1);
        let owner = app.machines.execution_arn(&found.execution.workflow, &name);
        let now = SystemHost.now();
        holdfast_ledger::redrive(found, &compiled.gate, &compiled.steps, request, &owner, now)
    };
    Ok(ask(&caller.ledger, at, decide).await?)
}

/// Starts whoever the record says acts for it, unless it was started: a repeat of a request heals one that was cut off.
async fn begin(app: &App, execution: &ExecutionRecord, request: &Request) -> Result<(), Problem> {
    let recovery = recovery_name(execution, execution.epoch);
    let redrive = redrive_name(execution, execution.generation);
    if execution.owner == app.machines.execution_arn(RECOVERY, &recovery) {
        let compiled = app
            .machines
            .compiled(&execution.origin, &execution.machine)
            .await;
        let input = RecoveryInput {
            execution: execution.reference(),
            // What is recorded rules; this is for whoever reads the machine's input.
            failure: Failure {
                state: String::new(),
                error: error_name::CANCELLED.to_owned(),
                cause: request.reason.clone(),
                by: Some(request.by.clone()),
            },
            steps: compiled.map_err(unavailable)?.steps,
        };
        return app
            .machines
            .recover(&recovery, &input)
            .await
            .map_err(unavailable);
    }
    if execution.owner == app.machines.execution_arn(&execution.workflow, &redrive) {
        let envelope = Envelope {
            tenant: execution.at.tenant.clone(),
            idempotency_key: execution.idempotency_key.clone(),
            // `begin` goes on with the input that is recorded.
            input: match &execution.input {
                Payload::Inline { value, .. } => value.clone(),
                Payload::Stored(_) => json!({}),
            },
            via: "redrive".to_owned(),
            requested_by: execution.requested_by.clone(),
            approval: None,
            request_id: None,
            trace: Some(execution.trace.clone()),
        };
        let started = app
            .machines
            .start(&execution.workflow, &redrive, &envelope)
            .await;
        started.map_err(unavailable)?;
    }
    Ok(())
}

/// Who would take over from whoever acts for an execution now.
fn recovery(app: &App, execution: &ExecutionRecord) -> String {
    let name = recovery_name(execution, execution.epoch + 1);
    app.machines.execution_arn(RECOVERY, &name)
}

fn recovery_name(execution: &ExecutionRecord, epoch: u64) -> String {
    format!("{}-{epoch}", execution.at.execution)
}

fn redrive_name(execution: &ExecutionRecord, generation: u32) -> String {
    format!("{}-r{generation}", execution.at.execution)
}

fn unavailable(error: MachineError) -> Problem {
    match error {
        MachineError::NoSuchWorkflow | MachineError::NotOurs => {
            Problem::conflict("its workflow is no longer deployed, so that nothing can act for it")
        }
        MachineError::Unavailable(reason) => Problem::unavailable("Step Functions", &reason),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use schemars::generate::SchemaSettings;
    use serde_json::Value;

    use super::*;

    /// The request and the answer of `POST /v1/executions/{execution_id}/rollback`, for the system that asks for it.
    fn schema() -> Value {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
        let reads = settings.clone().for_deserialize().into_generator();
        let mut writes = settings.for_serialize().into_generator();
        let answer = writes.subschema_for::<RequestResult>();
        let mut definitions = writes.take_definitions(true);
        definitions.insert(
            "request".to_owned(),
            reads.into_root_schema_for::<Reason>().into(),
        );
        definitions.insert("answer".to_owned(), answer.into());
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "holdfast.rollback/1",
            "description": "POST /v1/executions/{execution_id}/rollback undoes an execution that has ended, or what an earlier rollback left. \
                202: it is recorded and begins. 200: it was asked before, or happens anyway. Other answers are problem documents (RFC 9457).",
            "oneOf": [{ "$ref": "#/$defs/request" }, { "$ref": "#/$defs/answer" }],
            "$defs": definitions,
        })
    }

    /// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-functions published` writes it anew.
    #[test]
    fn the_published_schema_of_the_rollback_interface_is_that_of_the_code() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/rollback.json");
        let right = format!("{:#}\n", schema());
        if env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
            fs::write(&file, &right).expect("docs can be written");
        }
        let stands = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(stands, right, "{} is stale", file.display());
    }
}
