//! `POST /v1/workflows/{workflow_id}/executions`: starts a workflow once per idempotency key.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_admission::{Envelope, Start, bounded, check_envelope, open_to, violations};
use holdfast_audit::Kind;
use holdfast_aws::{DeployedWorkflow, trace};
use holdfast_engine::{MachineError, StartOutcome};
use holdfast_ids::{
    digest::{canonical, sha256_hex},
    keys::{ExecutionKey, execution_id},
    names::{is_workflow_id, quoted},
};
use holdfast_ledger::{Duplicate, Ledger, Refusal, paused};
use holdfast_receipt::Approval;
use holdfast_task::StartConditions;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::api::{
    answer::{StartLinks, StartResult},
    app::App,
    extract::{JsonBody, TenantQuery, is_joined, trace_of},
    principal::AuthorizedCaller,
    problem::Problem,
    route::AuthorizedRequest,
    workflow::{no_such, trouble},
};

const KEY_HEADER: &str = "idempotency-key";

/// The body of a start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The input, as the workflow's schema requires; at most 200,000 bytes of JSON, 20,000 members
    /// and items, 64 levels, and whole numbers of 15 digits.
    #[schemars(with = "serde_json::Map<String, Value>")]
    input: Value,
    approval: Option<Approval>,
}

/// A start whose headers and body were read and checked.
struct StartRequest {
    workflow: String,
    at: ExecutionKey,
    key: String,
    input: Value,
    approval: Option<Approval>,
    fingerprint: String,
}

pub(crate) async fn start(
    AuthorizedRequest {
        app,
        caller,
        id: workflow,
        headers,
        body: JsonBody(body),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<Body>>,
) -> Result<Response, Problem> {
    let request = read(&caller.tenant, &caller.actor, workflow, &headers, body)?;
    if let Some(execution) = caller.ledger.read(&request.at).await? {
        return repeated(&caller, &request, execution.fingerprint()).await;
    }
    if let Err(no) = check_start(&app, &caller, &request).await {
        return Err(refused(&caller, &request, no).await);
    }
    let envelope = Envelope {
        tenant: caller.tenant.clone(),
        idempotency_key: request.key.clone(),
        input: request.input.clone(),
        via: "api".to_owned(),
        requested_by: Some(caller.actor.clone()),
        approval: request.approval.clone(),
        request_id: Some(Uuid::now_v7().to_string()),
        trace: trace_of(&headers),
    };
    match app
        .machines
        .start(&request.workflow, &request.at.execution, &envelope)
        .await
    {
        Ok(StartOutcome::Started) => Ok(answer(StatusCode::ACCEPTED, &request, false)),
        Ok(StartOutcome::Exists) => started_before(&app, &caller, &request, &envelope).await,
        Err(error) => Err(trouble(error, &request.workflow)),
    }
}

/// Reads a start of `tenant` that `actor` requests, and checks its form as every door does.
fn read(
    tenant: &str,
    actor: &str,
    workflow: String,
    headers: &HeaderMap,
    Body { input, approval }: Body,
) -> Result<StartRequest, Problem> {
    if !is_workflow_id(&workflow) {
        return Err(no_such(&workflow));
    }
    let mut keys = headers.get_all(KEY_HEADER).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) if !is_joined(key.as_bytes()) => {
            String::from_utf8_lossy(key.as_bytes()).into_owned()
        }
        (None, _) => {
            return Err(Problem::bad_request(
                "header Idempotency-Key is missing: send a text that stays the same when you \
                 repeat this start, such as a UUID",
            ));
        }
        (Some(_), _) => {
            return Err(Problem::bad_request("send the header Idempotency-Key once"));
        }
    };
    let start = Start {
        tenant: tenant.to_owned(),
        idempotency_key: key,
        input,
        trigger: "api".to_owned(),
        requested_by: Some(actor.to_owned()),
        trace: None,
        approval,
    };
    check_envelope(&start)?;
    let Start {
        tenant,
        idempotency_key: key,
        input,
        approval,
        ..
    } = start;
    let bytes = canonical(&input).map_err(|error| Problem::bad_request(error.to_string()))?;
    let execution = execution_id(&tenant, &workflow, &key);
    let at = ExecutionKey { tenant, execution };
    Ok(StartRequest {
        workflow,
        at,
        key,
        input,
        approval,
        fingerprint: sha256_hex(&bytes),
    })
}

/// The reason why a start does not reach its state machine.
struct RefusalReason {
    /// The guardrail that refused; none if the workflow does not exist or cannot be read.
    guardrail: Option<&'static str>,
    /// The version of the definition, if known.
    version: Option<u32>,
    problem: Problem,
}

impl RefusalReason {
    /// A reason that is no guardrail's.
    fn unjudged(why: impl Into<Problem>) -> Self {
        Self {
            guardrail: None,
            version: None,
            problem: why.into(),
        }
    }
}

/// Records the refused start before answering, so that every refusal a caller sees has an audit
/// event.
async fn refused(
    caller: &AuthorizedCaller,
    request: &StartRequest,
    reason: RefusalReason,
) -> Problem {
    let Some(guardrail) = reason.guardrail else {
        return reason.problem;
    };
    let refusal = Refusal {
        id: Uuid::now_v7().to_string(),
        tenant: caller.tenant.clone(),
        workflow: request.workflow.clone(),
        version: reason.version,
        execution: request.at.execution.clone(),
        guardrails: vec![guardrail.to_owned()],
        by: caller.actor.clone(),
        at: Timestamp::now(),
    };
    if let Err(error) = caller.ledger.record_refusal(&refusal).await {
        return error.into();
    }
    tracing::warn!(
        audit = Kind::StartRefused.name(),
        tenant = refusal.tenant,
        execution = refusal.execution,
        trace = trace().map(tracing::field::display),
        workflow = refusal.workflow,
        guardrail,
        "start refused"
    );
    reason.problem
}

/// Refuses a start that `begin` would reject for its tenant or input, and one that a control
/// pauses.
async fn check_start(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
) -> Result<(), RefusalReason> {
    let (rules, version) = check_form(app, caller, request).await?;
    let around = app.tenants.controls();
    let controls = around.controls_around(&caller.tenant, &request.workflow);
    let controls = controls.await.map_err(RefusalReason::unjudged)?;
    match paused(&controls).filter(|control| control.refuses(&rules)) {
        None => Ok(()),
        Some(control) => Err(RefusalReason {
            guardrail: Some("paused"),
            version,
            problem: Problem::paused(control.says()),
        }),
    }
}

/// Oldest description of a state machine that may refuse a start. It is above zero, since a caller
/// that repeats a wrong start must not use up the rate limit of DescribeStateMachine.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// The other conditions of a start, and the version of the definition. If the state machine cannot
/// be described, `begin` decides alone.
async fn check_form(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
) -> Result<(StartConditions, Option<u32>), RefusalReason> {
    let workflow = &request.workflow;
    let mut deployed = app.machines.deployed(workflow).await;
    if let Ok(remembered) = &deployed
        && check_against(remembered, caller, request).is_err()
    {
        // A newer definition may admit it.
        deployed = app.machines.deployed_within(FRESH_FOR, workflow).await;
    }
    match deployed {
        Ok(deployed) => {
            check_against(&deployed, caller, request)?;
            let gate = &deployed.compiled.gate;
            Ok((gate.rules.clone(), Some(gate.version)))
        }
        Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => {
            Err(RefusalReason::unjudged(no_such(workflow)))
        }
        Err(MachineError::Unavailable(reason)) => {
            tracing::warn!(
                workflow,
                reason,
                "the state machine could not be described: begin decides on the start"
            );
            Ok((StartConditions::default(), None))
        }
    }
}

/// Checks the tenant and the input of a start against a deployed workflow.
fn check_against(
    deployed: &DeployedWorkflow,
    caller: &AuthorizedCaller,
    request: &StartRequest,
) -> Result<(), RefusalReason> {
    let gate = &deployed.compiled.gate;
    let refusal = |guardrail, problem| RefusalReason {
        guardrail: Some(guardrail),
        version: Some(gate.version),
        problem,
    };
    if !open_to(&gate.tenants, &caller.tenant) {
        return Err(refusal("tenant", no_such(&request.workflow)));
    }
    let (schema, input) = (gate.input_schema.clone(), request.input.clone());
    match bounded(move || violations(&schema, &input)) {
        Ok(Ok(found)) if found.is_empty() => Ok(()),
        Ok(Ok(found)) => Err(refusal("input", Problem::bad_input(found))),
        Ok(Err(_)) => Ok(()),
        Err(why) => Err(refusal("input", Problem::bad_input(vec![why]))),
    }
}

/// Answers a start that Step Functions has and the ledger did not have a moment ago.
async fn started_before(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
    envelope: &Envelope,
) -> Result<Response, Problem> {
    let first = app
        .machines
        .input_of(&request.workflow, &request.at.execution)
        .await
        .map_err(|error| trouble(error, &request.workflow))?;
    // The answer to this request was lost, and the SDK repeated it.
    if first
        .as_ref()
        .is_some_and(|first| first.request_id == envelope.request_id)
    {
        return Ok(answer(StatusCode::ACCEPTED, request, false));
    }
    if let Some(execution) = caller.ledger.read(&request.at).await? {
        return repeated(caller, request, execution.fingerprint()).await;
    }
    let first = first
        .and_then(|envelope| canonical(&envelope.input).ok())
        .ok_or_else(|| {
            Problem::unavailable("the first start of this key", "its input cannot be read")
        })?;
    repeated(caller, request, &sha256_hex(&first)).await
}

/// Answers a repeated start: the same execution if the input is the same, otherwise 422.
async fn repeated(
    caller: &AuthorizedCaller,
    request: &StartRequest,
    first_fingerprint: &str,
) -> Result<Response, Problem> {
    // Made once, so that a repeat of the write by the SDK is recognized.
    let duplicate = Duplicate {
        id: Uuid::now_v7().simple().to_string(),
        at: Timestamp::now(),
    };
    caller
        .ledger
        .count_duplicate(&request.at, &request.workflow, &duplicate)
        .await?;
    let same = request.fingerprint == first_fingerprint;
    tracing::warn!(
        audit = Kind::DuplicatePrevented.name(),
        tenant = request.at.tenant,
        execution = request.at.execution,
        trace = trace().map(tracing::field::display),
        workflow = request.workflow,
        same_input = same,
        "duplicate refused"
    );
    if same {
        return Ok(answer(StatusCode::OK, request, true));
    }
    Err(Problem::key_reused(format!(
        "key {} started execution {} with another input: send a new key for a new input",
        quoted(&request.key),
        request.at.execution
    )))
}

fn answer(status: StatusCode, request: &StartRequest, replayed: bool) -> Response {
    let StartRequest { workflow, at, .. } = request;
    let id = &at.execution;
    let here = format!("/v1/executions/{id}?workflow_id={workflow}");
    let body = StartResult {
        execution_id: id.clone(),
        workflow_id: workflow.clone(),
        tenant: at.tenant.clone(),
        replayed,
        links: StartLinks {
            execution: here.clone(),
            receipt: format!("/v1/executions/{id}/receipt"),
        },
    };
    let headers = [
        (header::LOCATION, here.as_str()),
        (
            header::HeaderName::from_static("idempotency-replayed"),
            if replayed { "true" } else { "false" },
        ),
    ];
    (status, headers, Json(body)).into_response()
}

#[cfg(test)]
mod doors;
