//! `POST /v1/executions/{execution_id}/{cancel|rollback|redrive}`: requests that change the course
//! of an execution.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use holdfast_audit::LogEntry;
use holdfast_aws::SystemHost;
use holdfast_engine::{Host, MachineError, recovery_name, redrive_name, start_owner};
use holdfast_ids::{arn::express_owner, keys::ExecutionKey};
use holdfast_ledger::{
    self, ExecutionRecord, Ledger, Request, RequestOutcome, RequestTransition, Snapshot, ask,
    not_registered, withdraw,
};
use holdfast_task::{ErrorName, RECOVERY, Tier};

use crate::api::{
    answer::{ExecutionLinks, RequestResult},
    app::App,
    extract::JsonBody,
    principal::AuthorizedCaller,
    problem::Problem,
    reason::{Reason, ReasonRequest, request_of},
    route::AuthorizedRequest,
    tenant::{Registration, registration_of},
};

pub(crate) async fn cancel(
    AuthorizedRequest {
        app,
        caller,
        id,
        body: JsonBody(Reason { reason }),
        ..
    }: ReasonRequest,
) -> Result<Response, Problem> {
    let (at, request) = (caller.key(&id)?, request_of(&caller, &reason)?);
    let before = caller.ledger.read(&at).await?;
    let decide = |found: &Snapshot| {
        let owner = recovery(&app, &found.execution);
        holdfast_ledger::cancel(&found.execution, &request, &owner, SystemHost.now())
    };
    let answer = ask(&caller.ledger, &at, decide).await?;
    if let (RequestOutcome::Done(_), Some(before)) = (&answer, before) {
        // The former owner can claim nothing any more. Stopping it saves its waiting time.
        let stopped = app
            .machines
            .stop(&before.owner, ErrorName::Cancelled, &request.reason)
            .await;
        if let Err(error) = stopped {
            tracing::warn!(
                owner = before.owner,
                ?error,
                "the former owner was not stopped"
            );
        }
    }
    answered(
        &app,
        &caller,
        LogEntry::CancelRequested,
        &id,
        &request,
        answer,
    )
    .await
}

pub(crate) async fn rollback(
    AuthorizedRequest {
        app,
        caller,
        id,
        body: JsonBody(Reason { reason }),
        ..
    }: ReasonRequest,
) -> Result<Response, Problem> {
    let (at, request) = (caller.key(&id)?, request_of(&caller, &reason)?);
    let decide = |found: &Snapshot| {
        let owner = recovery(&app, &found.execution);
        withdraw(&found.execution, &request, &owner, SystemHost.now())
    };
    let answer = ask(&caller.ledger, &at, decide).await?;
    answered(
        &app,
        &caller,
        LogEntry::RollbackRequested,
        &id,
        &request,
        answer,
    )
    .await
}

pub(crate) async fn redrive(
    AuthorizedRequest {
        app,
        caller,
        id,
        body: JsonBody(Reason { reason }),
        ..
    }: ReasonRequest,
) -> Result<Response, Problem> {
    let (at, request) = (caller.key(&id)?, request_of(&caller, &reason)?);
    let answer = record_redrive(&app, &caller, &at, &request).await?;
    answered(
        &app,
        &caller,
        LogEntry::RedriveRequested,
        &id,
        &request,
        answer,
    )
    .await
}

/// Starts the new owner of the execution and answers the request.
async fn answered(
    app: &App,
    caller: &AuthorizedCaller,
    entry: LogEntry,
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
            audit = entry.name(),
            tenant = caller.tenant,
            execution = id,
            trace = %execution.trace,
            workflow = execution.workflow,
            by = request.by,
            "request recorded"
        );
    }
    // A repeated request so completes one that was cut off after the record was written.
    let started = start_owner(&app.machines, &execution).await;
    started.map_err(unavailable)?;
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

/// Records a redrive under the current definition.
async fn record_redrive(
    app: &App,
    caller: &AuthorizedCaller,
    at: &ExecutionKey,
    request: &Request,
) -> Result<RequestOutcome, Problem> {
    let Some(execution) = caller.ledger.read(at).await? else {
        return Ok(RequestOutcome::Unknown);
    };
    match registration_of(app, &at.tenant).await? {
        Registration::Open => {}
        Registration::Closed(why) => return Ok(RequestOutcome::Refused(why)),
        Registration::Unknown => return Ok(RequestOutcome::Refused(not_registered(&at.tenant))),
    }
    let current = app.machines.described(&execution.workflow).await;
    let current = current.map_err(unavailable)?;
    let (gate, steps) = (&current.compiled.gate, &current.compiled.steps);
    let decide = |found: &Snapshot| -> RequestTransition {
        let name = redrive_name(&found.execution, found.execution.generation + 1);
        let standard = app.machines.execution_arn(&found.execution.workflow, &name);
        let owner = match gate.tier {
            Tier::Standard => standard,
            Tier::Express => express_owner(&standard),
        };
        let now = SystemHost.now();
        holdfast_ledger::redrive(found, gate, steps, request, &owner, now)
            .under_version(&current.arn)
    };
    Ok(ask(&caller.ledger, at, decide).await?)
}

/// ARN of the recovery execution that would become the next owner.
fn recovery(app: &App, execution: &ExecutionRecord) -> String {
    let name = recovery_name(execution, execution.epoch + 1);
    app.machines.execution_arn(RECOVERY, &name)
}

fn unavailable(error: MachineError) -> Problem {
    match error {
        MachineError::NoSuchWorkflow | MachineError::NotOurs => Problem::conflict(
            "the workflow of this execution is not deployed any more: \
             deploy it, then send the request again",
        ),
        MachineError::Unavailable(reason) => Problem::unavailable("Step Functions", &reason),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use schemars::generate::SchemaSettings;
    use serde_json::{Value, json};

    use super::*;

    /// The request and the answer of `POST /v1/executions/{execution_id}/rollback`, for systems
    /// that request a rollback.
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
            "description": "POST /v1/executions/{execution_id}/rollback undoes the effects of an \
                execution that has ended, or those that an earlier rollback left. \
                202: the request is recorded and takes effect. \
                200: it was requested before, or happens in any case. \
                Other answers are problem documents (RFC 9457).",
            "oneOf": [{ "$ref": "#/$defs/request" }, { "$ref": "#/$defs/answer" }],
            "$defs": definitions,
        })
    }

    /// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-functions published` updates the file.
    #[test]
    fn the_published_schema_of_the_rollback_interface_equals_the_schema_of_the_code() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/rollback.json");
        let expected = format!("{:#}\n", schema());
        if env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
            fs::write(&file, &expected).expect("docs can be written");
        }
        let published = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(published, expected, "{} is stale", file.display());
    }
}
