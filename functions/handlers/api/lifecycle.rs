//! `POST /v1/executions/{execution_id}/{cancel|rollback|redrive}`: requests that change the course
//! of an execution.

use std::collections::{BTreeMap, btree_map::Entry};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use holdfast_audit::LogEntry;
use holdfast_aws::{DeployedWorkflow, SystemHost};
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

/// A request that changes the course of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Stop it and undo its effects.
    Cancel,
    /// Undo it after its end.
    Rollback,
    /// Continue it where it failed.
    Redrive,
}

pub(crate) async fn cancel(request: ReasonRequest) -> Result<Response, Problem> {
    answered(request, Change::Cancel).await
}

pub(crate) async fn rollback(request: ReasonRequest) -> Result<Response, Problem> {
    answered(request, Change::Rollback).await
}

pub(crate) async fn redrive(request: ReasonRequest) -> Result<Response, Problem> {
    answered(request, Change::Redrive).await
}

async fn answered(
    AuthorizedRequest {
        app,
        caller,
        id,
        body: JsonBody(Reason { reason }),
        ..
    }: ReasonRequest,
    change: Change,
) -> Result<Response, Problem> {
    let request = request_of(&caller, &reason)?;
    let result = record_request(&app, &caller, &id, &request, change).await?;
    let status = match result.replayed {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    Ok((status, Json(result)).into_response())
}

/// Records the request and starts the new owner of the execution.
pub(crate) async fn record_request(
    app: &App,
    caller: &AuthorizedCaller,
    id: &str,
    request: &Request,
    change: Change,
) -> Result<RequestResult, Problem> {
    let at = caller.key(id)?;
    let (entry, answer) = match change {
        Change::Cancel => {
            let answer = record_cancel(app, caller, &at, request).await?;
            (LogEntry::CancelRequested, answer)
        }
        Change::Rollback => {
            let decide = |found: &Snapshot| withdrawn(app, found, request);
            let answer = ask(&caller.ledger, &at, decide).await?;
            (LogEntry::RollbackRequested, answer)
        }
        Change::Redrive => {
            let answer = record_redrive(app, caller, &at, request).await?;
            (LogEntry::RedriveRequested, answer)
        }
    };
    let (execution, note) = match answer {
        RequestOutcome::Unknown => return Err(caller.unknown(id)),
        RequestOutcome::Refused(why) => return Err(Problem::conflict(why)),
        RequestOutcome::TooEarly(why) => return Err(Problem::too_early(why)),
        RequestOutcome::Already(execution, note) => (execution, Some(note)),
        RequestOutcome::Done(execution) => (execution, None),
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
    Ok(RequestResult {
        execution_id: id.to_owned(),
        status: execution.phase.name().to_owned(),
        generation: execution.generation,
        replayed: note.is_some(),
        note,
        links: ExecutionLinks {
            execution: format!("/v1/executions/{id}"),
        },
    })
}

/// Workflows as they are deployed, by id, each read once.
pub(crate) type WorkflowCache = BTreeMap<String, DeployedWorkflow>;

/// The decision of the rule on a request, without a write. A redrive's tenant must be open.
pub(crate) async fn foreseen(
    app: &App,
    found: &Snapshot,
    request: &Request,
    change: Change,
    deployed: &mut WorkflowCache,
) -> Result<RequestTransition, Problem> {
    match change {
        Change::Cancel => Ok(cancelled(app, found, request)),
        Change::Rollback => Ok(withdrawn(app, found, request)),
        Change::Redrive => {
            let workflow = &found.execution.workflow;
            let current = match deployed.entry(workflow.clone()) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(place) => place.insert(current(app, workflow).await?),
            };
            Ok(redriven(app, found, current, request))
        }
    }
}

fn cancelled(app: &App, found: &Snapshot, request: &Request) -> RequestTransition {
    let owner = recovery(app, &found.execution);
    holdfast_ledger::cancel(&found.execution, request, &owner, SystemHost.now())
}

fn withdrawn(app: &App, found: &Snapshot, request: &Request) -> RequestTransition {
    let owner = recovery(app, &found.execution);
    withdraw(&found.execution, request, &owner, SystemHost.now())
}

async fn record_cancel(
    app: &App,
    caller: &AuthorizedCaller,
    at: &ExecutionKey,
    request: &Request,
) -> Result<RequestOutcome, Problem> {
    let before = caller.ledger.read(at).await?;
    let decide = |found: &Snapshot| cancelled(app, found, request);
    let answer = ask(&caller.ledger, at, decide).await?;
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
    Ok(answer)
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
    if let Some(why) = redrivable(app, &at.tenant).await? {
        return Ok(RequestOutcome::Refused(why));
    }
    let current = current(app, &execution.workflow).await?;
    let decide = |found: &Snapshot| redriven(app, found, &current, request);
    Ok(ask(&caller.ledger, at, decide).await?)
}

/// The reason why nothing of the tenant is redriven, if there is one.
pub(crate) async fn redrivable(app: &App, tenant: &str) -> Result<Option<String>, Problem> {
    Ok(match registration_of(app, tenant).await? {
        Registration::Open => None,
        Registration::Closed(why) => Some(why),
        Registration::Unknown => Some(not_registered(tenant)),
    })
}

/// The workflow as it is deployed.
async fn current(app: &App, workflow: &str) -> Result<DeployedWorkflow, Problem> {
    let current = app.machines.described(workflow).await;
    current.map_err(unavailable)
}

fn redriven(
    app: &App,
    found: &Snapshot,
    current: &DeployedWorkflow,
    request: &Request,
) -> RequestTransition {
    let (gate, steps) = (&current.compiled.gate, &current.compiled.steps);
    let name = redrive_name(&found.execution, found.execution.generation + 1);
    let standard = app.machines.execution_arn(&found.execution.workflow, &name);
    let owner = match gate.tier {
        Tier::Standard => standard,
        Tier::Express => express_owner(&standard),
    };
    let now = SystemHost.now();
    holdfast_ledger::redrive(found, gate, steps, request, &owner, now).under_version(&current.arn)
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
