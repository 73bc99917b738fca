//! `POST /v1/workflows/{workflow_id}/executions`: starts a workflow once per idempotency key. The
//! function `start` serves this route and the check of a start, since only these two evaluate
//! schemas and expressions (docs/decisions/0154-starts-have-their-own-function.md).

mod admission;
mod check;
#[cfg(test)]
mod doors;
mod routes;
mod wait;

#[cfg(test)]
pub(crate) use self::routes::routes;
use self::{
    admission::{check_start, refused},
    wait::{Wait, WaitOutcome},
};
pub(crate) use self::{
    routes::{placeholder_router, run},
    wait::WAIT_MAX_S,
};
use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_admission::{Envelope, SentApproval, Start, check_envelope};
use holdfast_audit::Kind;
use holdfast_aws::trace;
use holdfast_engine::StartOutcome;
use holdfast_ids::{
    digest::{canonical, sha256_hex},
    joined::is_joined,
    keys::{ExecutionKey, execution_id},
    names::{check_idempotency_key, is_workflow_id, quoted},
};
use holdfast_ledger::{Duplicate, Ledger, WAITING};
use holdfast_receipt::Approval;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::api::{
    answer::{Execution, StartLinks, StartResult},
    app::App,
    execution::shown,
    extract::{JsonBody, TenantQuery, trace_of},
    principal::AuthorizedCaller,
    problem::Problem,
    progress::Progress,
    route::AuthorizedRequest,
    workflow::{no_such, trouble},
};

const KEY_HEADER: &str = "idempotency-key";

/// The body of a start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StartRequest")]
pub(crate) struct StartBody {
    /// The input, as the workflow's schema requires; at most 200,000 bytes of JSON, 20,000 members
    /// and items, 64 levels, and whole numbers of 15 digits.
    #[schemars(with = "serde_json::Map<String, Value>")]
    input: Value,
    approval: Option<SentApproval>,
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

async fn start(
    AuthorizedRequest {
        app,
        caller,
        id: workflow,
        headers,
        body: JsonBody(body),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<StartBody>>,
) -> Result<Response, Problem> {
    let wait = Wait::of(&headers, app.wait_max_s);
    let request = read(&caller.tenant, &caller.actor, workflow, &headers, body)?;
    let replayed = accepted(&app, &caller, &request, &headers).await?;
    let Some(wait) = wait else {
        let status = match replayed {
            true => StatusCode::OK,
            false => StatusCode::ACCEPTED,
        };
        return Ok(answer(status, &request, replayed, None, None));
    };
    let outcome = wait.outcome(&caller.ledger, &request.at).await;
    let code = outcome.status();
    let (status, execution) = match outcome {
        WaitOutcome::Open => (None, None),
        WaitOutcome::ForPeople => (Some(WAITING.to_owned()), None),
        WaitOutcome::Ended(snapshot) => {
            // Step Functions accepts each start of an Express execution, and `begin` refuses all
            // but the first.
            if snapshot.execution.fingerprint() != request.fingerprint {
                return Err(reused(&request));
            }
            let ended = shown(*snapshot, Progress::default(), &caller);
            (Some(ended.status.clone()), Some(Box::new(ended)))
        }
    };
    let answer = answer(code, &request, replayed, status, execution);
    let applied = [("preference-applied", format!("wait={}", wait.seconds))];
    Ok((applied, answer).into_response())
}

/// Starts the execution, and returns whether an earlier start with this key began it.
async fn accepted(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
    headers: &HeaderMap,
) -> Result<bool, Problem> {
    if let Some(execution) = caller.ledger.read(&request.at).await? {
        return repeated(caller, request, execution.fingerprint()).await;
    }
    if let Err(no) = check_start(app, caller, request).await {
        return Err(refused(caller, request, no).await);
    }
    let envelope = Envelope {
        tenant: caller.tenant.clone(),
        idempotency_key: request.key.clone(),
        input: request.input.clone(),
        via: "api".to_owned(),
        requested_by: Some(caller.actor.clone()),
        approval: request.approval.clone().map(SentApproval::of),
        request_id: Some(Uuid::now_v7().to_string()),
        trace: trace_of(headers),
    };
    match app
        .machines
        .start(&request.workflow, &request.at.execution, &envelope)
        .await
    {
        Ok(StartOutcome::Started) => Ok(false),
        Ok(StartOutcome::Exists) => started_before(app, caller, request, &envelope).await,
        Err(error) => Err(trouble(error, &request.workflow)),
    }
}

/// Reads a start of `tenant` that `actor` requests, and checks its form as every door does.
fn read(
    tenant: &str,
    actor: &str,
    workflow: String,
    headers: &HeaderMap,
    StartBody { input, approval }: StartBody,
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
    check_idempotency_key(&key).map_err(Problem::bad_request)?;
    let approval = approval.map(|sent| sent.read()).transpose();
    let approval = approval.map_err(Problem::bad_request)?;
    let start = Start {
        tenant: tenant.to_owned(),
        idempotency_key: key,
        input,
        trigger: "api".to_owned(),
        requested_by: Some(actor.to_owned()),
        trace: None,
        approval,
        unmapped: None,
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

/// Accepts a start that Step Functions has and the ledger did not have a moment ago.
async fn started_before(
    app: &App,
    caller: &AuthorizedCaller,
    request: &StartRequest,
    envelope: &Envelope,
) -> Result<bool, Problem> {
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
        return Ok(false);
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

/// Accepts a repeated start: the same execution if the input is the same, otherwise 422.
async fn repeated(
    caller: &AuthorizedCaller,
    request: &StartRequest,
    first_fingerprint: &str,
) -> Result<bool, Problem> {
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
        return Ok(true);
    }
    Err(reused(request))
}

/// The answer to a start whose key began an execution with another input.
fn reused(request: &StartRequest) -> Problem {
    Problem::key_reused(format!(
        "key {} started execution {} with another input: send a new key for a new input",
        quoted(&request.key),
        request.at.execution
    ))
}

/// The answer to an accepted start. `status` and `execution` are those of a wait.
fn answer(
    code: StatusCode,
    request: &StartRequest,
    replayed: bool,
    status: Option<String>,
    execution: Option<Box<Execution>>,
) -> Response {
    let StartRequest { workflow, at, .. } = request;
    let id = &at.execution;
    let here = format!("/v1/executions/{id}?workflow_id={workflow}");
    let body = StartResult {
        execution_id: id.clone(),
        workflow_id: workflow.clone(),
        tenant: at.tenant.clone(),
        replayed,
        status,
        execution,
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
    (code, headers, Json(body)).into_response()
}
