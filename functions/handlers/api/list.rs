//! `GET /v1/executions` and `GET /v1/receipts`: a tenant's, newest first, a page at a time.

use std::sync::Arc;

use axum::{Json, extract::State};
use holdfast_aws::{Listed, Wanted};
use holdfast_core::{
    access::Operation,
    ledger::{Phase, Status},
    names::{is_workflow_id, quoted},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App,
    caller::{Caller, Thing, Visitor},
    given::Asked,
    page::{cursor, limit, place},
    problem::Problem,
};

/// The years 0 to 9999, in seconds since 1970: times that sort as texts do.
const EARLIEST: i64 = -62_167_219_200;
const LATEST: i64 = 253_402_300_800;

/// The statuses that a list can be asked for.
const STATUSES: [&str; 8] = [
    "RUNNING",
    "CLOSING",
    "ROLLING_BACK",
    Status::Executed.name(),
    Status::RolledBack.name(),
    Status::PartiallyRolledBack.name(),
    Status::Failed.name(),
    Status::Rejected.name(),
];

/// What may follow the `?` of a list of executions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    tenant: Option<String>,
    workflow_id: Option<String>,
    status: Option<String>,
    from: Option<String>,
    until: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What may follow the `?` of a list of receipts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichReceipts {
    tenant: Option<String>,
    workflow_id: Option<String>,
    from: Option<String>,
    until: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(crate) async fn executions(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(which): Asked<Which>,
) -> Result<Json<Value>, Problem> {
    let named = which.tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadExecutions, named, Thing::Tenant)
        .await?;
    let (found, next) = page(&caller, which, false).await?;
    let executions: Vec<_> = found.iter().map(shown).collect();
    Ok(Json(json!({ "executions": executions, "next": next })))
}

pub(crate) async fn receipts(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(which): Asked<WhichReceipts>,
) -> Result<Json<Value>, Problem> {
    let named = which.tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadReceipts, named, Thing::Tenant)
        .await?;
    let WhichReceipts {
        tenant,
        workflow_id,
        from,
        until,
        limit,
        cursor,
    } = which;
    let which = Which {
        tenant,
        workflow_id,
        status: None,
        from,
        until,
        limit,
        cursor,
    };
    let (found, next) = page(&caller, which, true).await?;
    let receipts: Vec<_> = found.iter().filter_map(shown_receipt).collect();
    Ok(Json(json!({ "receipts": receipts, "next": next })))
}

async fn page(
    caller: &Caller,
    which: Which,
    with_receipt: bool,
) -> Result<(Vec<Listed>, Option<String>), Problem> {
    let limit = limit(which.limit)?;
    let after = which.cursor.as_deref().map(place).transpose()?;
    let wanted = Wanted {
        workflow: which.workflow_id.map(workflow).transpose()?,
        status: which.status.map(status).transpose()?,
        with_receipt,
        from: which.from.map(|at| time("from", &at)).transpose()?,
        until: which.until.map(|at| time("until", &at)).transpose()?,
    };
    // Nothing began in no time.
    if wanted
        .from
        .zip(wanted.until)
        .is_some_and(|(from, until)| from > until)
    {
        return Ok((Vec::new(), None));
    }
    let found = caller
        .ledger
        .executions(&caller.tenant, &wanted, limit, after);
    let (found, next) = found.await?;
    Ok((found, next.map(|place| cursor(&place))))
}

fn workflow(id: String) -> Result<String, Problem> {
    if is_workflow_id(&id) {
        return Ok(id);
    }
    Err(Problem::bad_request(format!(
        "workflow_id {} is none: those are WF- and groups of capitals and digits",
        quoted(&id)
    )))
}

fn status(status: String) -> Result<String, Problem> {
    if STATUSES.contains(&status.as_str()) {
        return Ok(status);
    }
    Err(Problem::bad_request(format!(
        "status is one of {}",
        STATUSES.join(", ")
    )))
}

/// A time as a list can be asked for.
fn time(name: &str, given: &str) -> Result<Timestamp, Problem> {
    let read: Option<Timestamp> = given.parse().ok();
    let sane = read.filter(|at| (EARLIEST..LATEST).contains(&at.as_second()));
    sane.ok_or_else(|| {
        Problem::bad_request(format!(
            "{name} is a time such as 2026-11-24T09:00:00Z (in a query a + is written %2B)"
        ))
    })
}

fn shown(listed: &Listed) -> Value {
    let ended_at = match &listed.phase {
        Phase::Ended { at, .. } => Some(at),
        _ => None,
    };
    let href = format!("/v1/executions/{}", listed.at.execution);
    json!({
        "execution_id": listed.at.execution,
        "workflow_id": listed.workflow,
        "workflow_version": listed.version,
        "status": listed.phase.name(),
        "trigger": listed.trigger,
        "generation": listed.generation,
        "started_at": listed.started_at,
        "ended_at": ended_at,
        "receipt": listed.receipt.as_ref().map(|_| format!("{href}/receipt")),
        "href": href,
    })
}

fn shown_receipt(listed: &Listed) -> Option<Value> {
    let receipt = listed.receipt.as_ref()?;
    Some(json!({
        "execution_id": listed.at.execution,
        "workflow_id": listed.workflow,
        "status": listed.phase.name(),
        "generation": listed.generation,
        "started_at": listed.started_at,
        "sha256": receipt.sha256,
        "object": receipt.object,
        "href": format!("/v1/executions/{}/receipt", listed.at.execution),
    }))
}
