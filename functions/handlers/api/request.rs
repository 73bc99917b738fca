//! `POST /v1/executions/{execution_id}/{cancel|rollback|redrive}`: what people may ask of an execution.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use holdfast_aws::{MachineError, SystemHost};
use holdfast_core::{
    access::Operation,
    compile::RECOVERY,
    engine::Host,
    gate::Envelope,
    keys::ExecutionKey,
    ledger::{self, Answer, Asked as Wish, Ledger, Meta, Request, Snapshot, ask, withdraw},
    payload::Payload,
    task::{Failure, RecoveryInput, error_name},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::api::{
    App,
    answer::{ExecutionLinks, Requested},
    caller::{Caller, Thing, Visitor},
    given::{Asked, Given, Named},
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
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
    Given(Reason { reason }): Given<Reason>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::Cancel, named, Thing::Execution(&id))
        .await?;
    let (at, request) = (caller.key(&id)?, given(&caller, &reason)?);
    let before = caller.ledger.meta(&at).await?;
    let decide = |found: &Snapshot| {
        let owner = recovery(&app, &found.meta);
        ledger::cancel(&found.meta, &request, &owner, SystemHost.now())
    };
    let answer = ask(&caller.ledger, &at, decide).await?;
    if let (Answer::Done(_), Some(before)) = (&answer, before) {
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
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
    Given(Reason { reason }): Given<Reason>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::RollBack, named, Thing::Execution(&id))
        .await?;
    let (at, request) = (caller.key(&id)?, given(&caller, &reason)?);
    let decide = |found: &Snapshot| {
        let owner = recovery(&app, &found.meta);
        withdraw(&found.meta, &request, &owner, SystemHost.now())
    };
    let answer = ask(&caller.ledger, &at, decide).await?;
    answered(&app, &caller, "rollback", &id, &request, answer).await
}

pub(crate) async fn redrive(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
    Given(Reason { reason }): Given<Reason>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::Redrive, named, Thing::Execution(&id))
        .await?;
    let (at, request) = (caller.key(&id)?, given(&caller, &reason)?);
    let answer = redriven(&app, &caller, &at, &request).await?;
    answered(&app, &caller, "redrive", &id, &request, answer).await
}

/// Starts whoever acts now, and says what came of the request.
async fn answered(
    app: &App,
    caller: &Caller,
    what: &str,
    id: &str,
    request: &Request,
    answer: Answer,
) -> Result<Response, Problem> {
    let (meta, note, status) = match answer {
        Answer::Unknown => return Err(caller.unknown(id)),
        Answer::Refused(why) => return Err(Problem::conflict(why)),
        Answer::Already(meta, note) => (meta, Some(note), StatusCode::OK),
        Answer::Done(meta) => (meta, None, StatusCode::ACCEPTED),
    };
    if note.is_none() {
        tracing::warn!(
            audit = format!("workflow.{what}.requested"),
            tenant = caller.tenant,
            execution = id,
            trace = %meta.trace,
            workflow = meta.workflow,
            by = request.by,
            "somebody asked"
        );
    }
    begin(app, &meta, request).await?;
    let body = Requested {
        execution_id: id.to_owned(),
        status: meta.phase.name().to_owned(),
        generation: meta.generation,
        replayed: note.is_some(),
        note,
        links: ExecutionLinks {
            execution: format!("/v1/executions/{id}"),
        },
    };
    Ok((status, Json(body)).into_response())
}

/// A reason as it may be recorded.
pub(crate) fn given(caller: &Caller, reason: &str) -> Result<Request, Problem> {
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
    caller: &Caller,
    at: &ExecutionKey,
    request: &Request,
) -> Result<Answer, Problem> {
    let Some(meta) = caller.ledger.meta(at).await? else {
        return Ok(Answer::Unknown);
    };
    let compiled = app
        .machines
        .current(&meta.workflow)
        .await
        .map_err(unavailable)?;
    let decide = |found: &Snapshot| -> Wish {
        let name = redrive_name(&found.meta, found.meta.generation + 1);
        let owner = app.machines.execution_arn(&found.meta.workflow, &name);
        let now = SystemHost.now();
        ledger::redrive(found, &compiled.gate, &compiled.steps, request, &owner, now)
    };
    Ok(ask(&caller.ledger, at, decide).await?)
}

/// Starts whoever the record says acts for it, unless it was started: a repeat of a request heals one that was cut off.
async fn begin(app: &App, meta: &Meta, request: &Request) -> Result<(), Problem> {
    let recovery = recovery_name(meta, meta.epoch);
    let redrive = redrive_name(meta, meta.generation);
    if meta.owner == app.machines.execution_arn(RECOVERY, &recovery) {
        let compiled = app.machines.compiled(&meta.origin, &meta.machine).await;
        let input = RecoveryInput {
            execution: meta.reference(),
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
    if meta.owner == app.machines.execution_arn(&meta.workflow, &redrive) {
        let envelope = Envelope {
            tenant: meta.at.tenant.clone(),
            idempotency_key: meta.idempotency_key.clone(),
            // `begin` goes on with the input that is recorded.
            input: match &meta.input {
                Payload::Inline { value, .. } => value.clone(),
                Payload::Stored(_) => json!({}),
            },
            via: "redrive".to_owned(),
            requested_by: meta.requested_by.clone(),
            approval: None,
            request_id: None,
            trace: Some(meta.trace.clone()),
        };
        let started = app
            .machines
            .start(&meta.workflow, &redrive, &envelope)
            .await;
        started.map_err(unavailable)?;
    }
    Ok(())
}

/// Who would take over from whoever acts for an execution now.
fn recovery(app: &App, meta: &Meta) -> String {
    let name = recovery_name(meta, meta.epoch + 1);
    app.machines.execution_arn(RECOVERY, &name)
}

fn recovery_name(meta: &Meta, epoch: u64) -> String {
    format!("{}-{epoch}", meta.at.execution)
}

fn redrive_name(meta: &Meta, generation: u32) -> String {
    format!("{}-r{generation}", meta.at.execution)
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
        let answer = writes.subschema_for::<Requested>();
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
