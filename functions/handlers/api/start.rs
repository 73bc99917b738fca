//! `POST /v1/workflows/{workflow_id}/executions`: starts a workflow once per idempotency key.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_aws::{Deployed, MachineError, StartOutcome, trace};
use holdfast_core::{
    access::Operation,
    digest::{canonical, sha256_hex},
    gate::{Envelope, check_size, open_to, violations},
    keys::{ExecutionKey, execution_id},
    ledger::{Ledger, Refusal, paused},
    names::{check_idempotency_key, is_workflow_id, quoted},
    task::{Approval, Rules},
    trace::TraceId,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::api::{
    App,
    answer::{StartLinks, Started},
    caller::{Caller, Thing, Visitor},
    given::{Asked as Query, Given, Named},
    problem::Problem,
    workflow::{no_such, trouble},
};

const KEY_HEADER: &str = "idempotency-key";

/// The body of a start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// What the workflow's schema asks for; at most 200,000 bytes of JSON, and integers to 2^53.
    #[schemars(with = "serde_json::Map<String, Value>")]
    input: Value,
    approval: Option<Approval>,
}

/// A start that was read and may be asked for.
struct Asked {
    workflow: String,
    at: ExecutionKey,
    key: String,
    input: Value,
    approval: Option<Approval>,
    fingerprint: String,
}

pub(crate) async fn start(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(workflow): Path<String>,
    Query(Named { tenant }): Query<Named>,
    headers: HeaderMap,
    Given(body): Given<Body>,
) -> Result<Response, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::Start, named, Thing::Tenant)
        .await?;
    let asked = read(&caller, workflow, &headers, body)?;
    if let Some(meta) = caller.ledger.meta(&asked.at).await? {
        return repeated(&caller, &asked, meta.fingerprint()).await;
    }
    if let Err(no) = check_start(&app, &caller, &asked).await {
        return Err(refused(&caller, &asked, no).await);
    }
    let envelope = Envelope {
        tenant: caller.tenant.clone(),
        idempotency_key: asked.key.clone(),
        input: asked.input.clone(),
        via: "api".to_owned(),
        requested_by: Some(caller.actor.clone()),
        approval: asked.approval.clone(),
        request_id: Some(Uuid::now_v7().to_string()),
        trace: asked_in(&headers),
    };
    match app
        .machines
        .start(&asked.workflow, &asked.at.execution, &envelope)
        .await
    {
        Ok(StartOutcome::Started) => Ok(answer(StatusCode::ACCEPTED, &asked, false)),
        Ok(StartOutcome::Exists) => started_before(&app, &caller, &asked, &envelope).await,
        Err(error) => Err(trouble(error, &asked.workflow)),
    }
}

/// The trace that the caller asks in, or else this request's own.
pub(crate) fn asked_in(headers: &HeaderMap) -> Option<TraceId> {
    let named = headers
        .get("traceparent")
        .and_then(|name| name.to_str().ok());
    named.and_then(TraceId::from_traceparent).or_else(trace)
}

fn read(
    caller: &Caller,
    workflow: String,
    headers: &HeaderMap,
    Body { input, approval }: Body,
) -> Result<Asked, Problem> {
    if !is_workflow_id(&workflow) {
        return Err(no_such(&workflow));
    }
    let mut keys = headers.get_all(KEY_HEADER).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
        (None, _) => {
            return Err(Problem::bad_request(
                "header Idempotency-Key is missing: send a text that is the same whenever you repeat this start, \
                 such as a UUID",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("send the header Idempotency-Key once"));
        }
    };
    check_idempotency_key(&key)
        .map_err(|why| Problem::bad_request(format!("header Idempotency-Key: {why}")))?;
    check_size(&input).map_err(Problem::too_large)?;
    if let Some(approval) = &approval {
        approval.check().map_err(Problem::bad_request)?;
    }
    let bytes =
        canonical(&input).map_err(|error| Problem::bad_request(format!("input: {error}")))?;
    let execution = execution_id(&caller.tenant, &workflow, &key);
    let at = ExecutionKey {
        tenant: caller.tenant.clone(),
        execution,
    };
    Ok(Asked {
        workflow,
        at,
        key,
        input,
        approval,
        fingerprint: sha256_hex(&bytes),
    })
}

/// Why a start is not handed to its machine.
struct TurnedAway {
    /// What said no; nothing did where the start could not be judged or there is no such workflow.
    guardrail: Option<&'static str>,
    /// The version of the definition, if it is known.
    version: Option<u32>,
    problem: Problem,
}

impl TurnedAway {
    /// No guardrail had a word in it.
    fn unjudged(why: impl Into<Problem>) -> Self {
        Self {
            guardrail: None,
            version: None,
            problem: why.into(),
        }
    }
}

/// Records that a guardrail turned a start away: whoever is answered so can rely on it that it will be told.
async fn refused(caller: &Caller, asked: &Asked, no: TurnedAway) -> Problem {
    let Some(guardrail) = no.guardrail else {
        return no.problem;
    };
    let refusal = Refusal {
        id: Uuid::now_v7().to_string(),
        tenant: caller.tenant.clone(),
        workflow: asked.workflow.clone(),
        version: no.version,
        execution: asked.at.execution.clone(),
        guardrails: vec![guardrail.to_owned()],
        by: caller.actor.clone(),
        at: Timestamp::now(),
    };
    if let Err(error) = caller.ledger.record_refusal(&refusal).await {
        return error.into();
    }
    tracing::warn!(
        audit = "workflow.start.refused",
        tenant = refusal.tenant,
        execution = refusal.execution,
        trace = trace().map(tracing::field::display),
        workflow = refusal.workflow,
        guardrail,
        "start turned away"
    );
    no.problem
}

/// Refuses early what `begin` would reject for its form, and what is paused.
async fn check_start(app: &App, caller: &Caller, asked: &Asked) -> Result<(), TurnedAway> {
    let (rules, version) = check_gate(app, caller, asked).await?;
    let around = app.reach.controls();
    let controls = around.controls_around(&caller.tenant, &asked.workflow);
    let controls = controls.await.map_err(TurnedAway::unjudged)?;
    match paused(&controls).filter(|control| control.refuses(&rules)) {
        None => Ok(()),
        Some(control) => Err(TurnedAway {
            guardrail: Some("paused"),
            version,
            problem: Problem::paused(control.says()),
        }),
    }
}

/// A start is refused only by a gate no older than this: who repeats a wrong one must not use up the descriptions of
/// machines that Step Functions gives a second.
const FRESH: Duration = Duration::from_secs(2);

/// What else the gate will demand, and its version; a machine that cannot be described is left to `begin`.
async fn check_gate(
    app: &App,
    caller: &Caller,
    asked: &Asked,
) -> Result<(Rules, Option<u32>), TurnedAway> {
    let workflow = &asked.workflow;
    let mut deployed = app.machines.deployed(workflow).await;
    if let Ok(remembered) = &deployed
        && admits(remembered, caller, asked).is_err()
    {
        // The gate may have been widened since.
        deployed = app.machines.deployed_within(FRESH, workflow).await;
    }
    match deployed {
        Ok(deployed) => {
            admits(&deployed, caller, asked)?;
            let gate = &deployed.compiled.gate;
            Ok((gate.rules.clone(), Some(gate.version)))
        }
        Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => {
            Err(TurnedAway::unjudged(no_such(workflow)))
        }
        Err(MachineError::Unavailable(reason)) => {
            tracing::warn!(workflow, reason, "the machine's gate could not be read");
            Ok((Rules::default(), None))
        }
    }
}

fn admits(deployed: &Deployed, caller: &Caller, asked: &Asked) -> Result<(), TurnedAway> {
    let gate = &deployed.compiled.gate;
    let no = |guardrail, problem| TurnedAway {
        guardrail: Some(guardrail),
        version: Some(gate.version),
        problem,
    };
    if !open_to(&gate.tenants, &caller.tenant) {
        return Err(no("tenant", no_such(&asked.workflow)));
    }
    match violations(&gate.input_schema, &asked.input) {
        Ok(found) if !found.is_empty() => Err(no("input", Problem::bad_input(found))),
        _ => Ok(()),
    }
}

/// Step Functions knows the execution, and a moment ago the ledger did not.
async fn started_before(
    app: &App,
    caller: &Caller,
    asked: &Asked,
    envelope: &Envelope,
) -> Result<Response, Problem> {
    let first = app
        .machines
        .input_of(&asked.workflow, &asked.at.execution)
        .await
        .map_err(|error| trouble(error, &asked.workflow))?;
    // The answer to this very request was lost once, and the SDK asked again.
    if first
        .as_ref()
        .is_some_and(|first| first.request_id == envelope.request_id)
    {
        return Ok(answer(StatusCode::ACCEPTED, asked, false));
    }
    if let Some(meta) = caller.ledger.meta(&asked.at).await? {
        return repeated(caller, asked, meta.fingerprint()).await;
    }
    let first = first
        .and_then(|envelope| canonical(&envelope.input).ok())
        .ok_or_else(|| {
            Problem::unavailable("the first start of this key", "its input cannot be read")
        })?;
    repeated(caller, asked, &sha256_hex(&first)).await
}

/// Answers a repeat of a start: the same execution if the input is the same.
async fn repeated(
    caller: &Caller,
    asked: &Asked,
    first_fingerprint: &str,
) -> Result<Response, Problem> {
    caller
        .ledger
        .count_duplicate(&asked.at, &asked.workflow)
        .await?;
    let same = asked.fingerprint == first_fingerprint;
    tracing::warn!(
        audit = "workflow.duplicate.prevented",
        tenant = asked.at.tenant,
        execution = asked.at.execution,
        trace = trace().map(tracing::field::display),
        workflow = asked.workflow,
        same_input = same,
        "duplicate refused"
    );
    if same {
        return Ok(answer(StatusCode::OK, asked, true));
    }
    Err(Problem::key_reused(format!(
        "key {} started execution {} with another input: send a new key for a new input",
        quoted(&asked.key),
        asked.at.execution
    )))
}

fn answer(status: StatusCode, asked: &Asked, replayed: bool) -> Response {
    let Asked { workflow, at, .. } = asked;
    let id = &at.execution;
    let here = format!("/v1/executions/{id}?workflow_id={workflow}");
    let body = Started {
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
