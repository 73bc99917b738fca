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
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    App,
    answer::{Executions, ListedExecution, ListedReceipt, Receipts},
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Only of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    workflow_id: Option<String>,
    /// Only of this status.
    #[schemars(extend("enum" = STATUSES))]
    status: Option<String>,
    /// Only those that began at this time or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Only those that began at this time or earlier.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// What `next` of the page before said.
    #[schemars(regex(pattern = "^[0-9]{13}-[0-9a-f]{40}$"))]
    cursor: Option<String>,
}

/// What may follow the `?` of a list of receipts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichReceipts {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Only of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    workflow_id: Option<String>,
    /// Only those that began at this time or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Only those that began at this time or earlier.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// What `next` of the page before said.
    #[schemars(regex(pattern = "^[0-9]{13}-[0-9a-f]{40}$"))]
    cursor: Option<String>,
}

pub(crate) async fn executions(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(which): Asked<Which>,
) -> Result<Json<Executions>, Problem> {
    let named = which.tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::ReadExecutions, named, Thing::Tenant)
        .await?;
    let (found, next) = page(&caller, which, false).await?;
    let executions = found.into_iter().map(shown).collect();
    Ok(Json(Executions { executions, next }))
}

pub(crate) async fn receipts(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked(which): Asked<WhichReceipts>,
) -> Result<Json<Receipts>, Problem> {
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
    let receipts = found.into_iter().filter_map(shown_receipt).collect();
    Ok(Json(Receipts { receipts, next }))
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
    // A place outside of these times, which DynamoDB refuses: all that is wanted comes after it, or nothing does.
    let after = match after {
        Some((at, _)) if wanted.until.is_some_and(|until| at > until) => None,
        Some((at, _)) if wanted.from.is_some_and(|from| at < from) => {
            return Ok((Vec::new(), None));
        }
        after => after,
    };
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
pub(crate) fn time(name: &str, given: &str) -> Result<Timestamp, Problem> {
    let read: Option<Timestamp> = given.parse().ok();
    let sane = read.filter(|at| (EARLIEST..LATEST).contains(&at.as_second()));
    sane.ok_or_else(|| {
        Problem::bad_request(format!(
            "{name} is a time such as 2026-11-24T09:00:00Z (in a query a + is written %2B)"
        ))
    })
}

fn shown(listed: Listed) -> ListedExecution {
    let ended_at = match listed.phase {
        Phase::Ended { at, .. } => Some(at),
        Phase::Running | Phase::Rejected | Phase::Unwinding { .. } => None,
    };
    let href = format!("/v1/executions/{}", listed.at.execution);
    ListedExecution {
        execution_id: listed.at.execution,
        workflow_id: listed.workflow,
        workflow_version: listed.version,
        status: listed.phase.name().to_owned(),
        trigger: listed.trigger,
        generation: listed.generation,
        started_at: listed.started_at,
        ended_at,
        receipt: listed.receipt.map(|_| format!("{href}/receipt")),
        href,
    }
}

fn shown_receipt(listed: Listed) -> Option<ListedReceipt> {
    let receipt = listed.receipt?;
    Some(ListedReceipt {
        href: format!("/v1/executions/{}/receipt", listed.at.execution),
        execution_id: listed.at.execution,
        workflow_id: listed.workflow,
        status: listed.phase.name().to_owned(),
        generation: listed.generation,
        started_at: listed.started_at,
        sha256: receipt.sha256,
        object: receipt.object,
    })
}
