//! `GET /v1/executions` and `GET /v1/receipts`: lists of one tenant, newest first, in pages.

use axum::Json;
use holdfast_aws::{ExecutionSearch, ExecutionSummary};
use holdfast_ids::{
    keys::{ExecutionKey, execution_id, idempotency_key},
    names::{check_text, is_workflow_id, quoted},
};
use holdfast_ledger::{Ledger as _, Phase};
use holdfast_receipt::Status;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{Executions, ListedExecution, ListedReceipt, Receipts},
    extract::NamesTenant,
    page::{cursor, limit, place, time},
    principal::AuthorizedCaller,
    problem::Problem,
    route::AuthorizedRequest,
};

/// Statuses that a list can be limited to.
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

/// The query of the list of executions.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecutionFilter {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Only executions of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    workflow_id: Option<String>,
    /// Only executions of exactly this subject. Not for observers.
    #[schemars(length(min = 1, max = 200))]
    subject: Option<String>,
    /// The one execution of this idempotency key; `workflow_id` must be given, and nothing else but
    /// `tenant`.
    #[schemars(length(min = 1, max = 255))]
    idempotency_key: Option<String>,
    /// Only executions of this status.
    #[schemars(extend("enum" = STATUSES))]
    status: Option<String>,
    /// Only executions that began at this time or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Only executions that began at this time or earlier.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(regex(pattern = "^[0-9]{13}-[0-9a-f]{40}$"))]
    cursor: Option<String>,
}

impl NamesTenant for ExecutionFilter {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

/// The query of the list of receipts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptFilter {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Only executions of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    workflow_id: Option<String>,
    /// Only executions that began at this time or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Only executions that began at this time or earlier.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(regex(pattern = "^[0-9]{13}-[0-9a-f]{40}$"))]
    cursor: Option<String>,
}

impl NamesTenant for ReceiptFilter {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn executions(
    AuthorizedRequest { caller, query, .. }: AuthorizedRequest<ExecutionFilter>,
) -> Result<Json<Executions>, Problem> {
    if query.subject.is_some() && !caller.sees_payloads {
        return Err(Problem::forbidden(
            "a subject comes from an input, which your role does not see: leave subject out",
        ));
    }
    let (found, next) = match query.idempotency_key.clone() {
        Some(key) => (of_key(&caller, query, &key).await?, None),
        None => page(&caller, query, false).await?,
    };
    let payloads = caller.sees_payloads;
    let executions = found.into_iter().map(|one| shown(one, payloads)).collect();
    Ok(Json(Executions { executions, next }))
}

pub(crate) async fn receipts(
    AuthorizedRequest { caller, query, .. }: AuthorizedRequest<ReceiptFilter>,
) -> Result<Json<Receipts>, Problem> {
    let ReceiptFilter {
        tenant,
        workflow_id,
        from,
        until,
        limit,
        cursor,
    } = query;
    let filter = ExecutionFilter {
        tenant,
        workflow_id,
        subject: None,
        idempotency_key: None,
        status: None,
        from,
        until,
        limit,
        cursor,
    };
    let (found, next) = page(&caller, filter, true).await?;
    let receipts = found.into_iter().filter_map(shown_receipt).collect();
    Ok(Json(Receipts { receipts, next }))
}

/// The execution of an idempotency key, which its id follows from: one read.
async fn of_key(
    caller: &AuthorizedCaller,
    filter: ExecutionFilter,
    key: &str,
) -> Result<Vec<ExecutionSummary>, Problem> {
    let key = idempotency_key(key).map_err(Problem::bad_request)?;
    let alone = ExecutionFilter {
        tenant: filter.tenant.clone(),
        workflow_id: filter.workflow_id.clone(),
        idempotency_key: filter.idempotency_key.clone(),
        ..ExecutionFilter::default()
    };
    let (Some(id), true) = (&filter.workflow_id, alone == filter) else {
        return Err(Problem::bad_request(
            "idempotency_key names the start of one workflow: give workflow_id with it, and \
             nothing else but tenant",
        ));
    };
    let id = workflow(id.clone())?;
    let at = ExecutionKey {
        tenant: caller.tenant.clone(),
        execution: execution_id(&caller.tenant, &id, &key),
    };
    let found = caller.ledger.read(&at).await?;
    Ok(found.into_iter().map(ExecutionSummary::from).collect())
}

/// One page of the executions that match `filter`, and the cursor of the next page.
async fn page(
    caller: &AuthorizedCaller,
    filter: ExecutionFilter,
    with_receipt: bool,
) -> Result<(Vec<ExecutionSummary>, Option<String>), Problem> {
    let limit = limit(filter.limit)?;
    let after = filter.cursor.as_deref().map(place).transpose()?;
    let search = ExecutionSearch {
        workflow: filter.workflow_id.map(workflow).transpose()?,
        subject: filter.subject.map(subject).transpose()?,
        status: filter.status.map(status).transpose()?,
        with_receipt,
        from: filter.from.map(|at| time("from", &at)).transpose()?,
        until: filter.until.map(|at| time("until", &at)).transpose()?,
    };
    // No execution began in an empty period.
    if search
        .from
        .zip(search.until)
        .is_some_and(|(from, until)| from > until)
    {
        return Ok((Vec::new(), None));
    }
    // DynamoDB refuses a place outside the period. If the place is later, the whole period follows
    // it. If it is earlier, nothing does.
    let after = match after {
        Some((at, _)) if search.until.is_some_and(|until| at > until) => None,
        Some((at, _)) if search.from.is_some_and(|from| at < from) => {
            return Ok((Vec::new(), None));
        }
        after => after,
    };
    let found = caller
        .ledger
        .executions(&caller.tenant, &search, limit, after);
    let (found, next) = found.await?;
    Ok((found, next.map(|place| cursor(&place))))
}

fn workflow(id: String) -> Result<String, Problem> {
    if is_workflow_id(&id) {
        return Ok(id);
    }
    Err(Problem::bad_request(format!(
        "workflow_id {} is no workflow id: write WF- and groups of capitals and digits, \
         such as WF-PAY-VENDOR",
        quoted(&id)
    )))
}

fn subject(subject: String) -> Result<String, Problem> {
    check_text("subject", &subject).map_err(Problem::bad_request)?;
    Ok(subject)
}

fn status(status: String) -> Result<String, Problem> {
    if STATUSES.contains(&status.as_str()) {
        return Ok(status);
    }
    Err(Problem::bad_request(format!(
        "status must be one of {}",
        STATUSES.join(", ")
    )))
}

/// The entry of an execution. Without `payloads` it has no subject, which comes from an input.
fn shown(listed: ExecutionSummary, payloads: bool) -> ListedExecution {
    let ended_at = match listed.phase {
        Phase::Ended { at, .. } => Some(at),
        Phase::Running | Phase::Rejected | Phase::Unwinding { .. } => None,
    };
    let href = format!("/v1/executions/{}", listed.at.execution);
    ListedExecution {
        execution_id: listed.at.execution,
        workflow_id: listed.workflow,
        workflow_version: listed.version,
        subject: listed.subject.filter(|_| payloads),
        status: listed.phase.name().to_owned(),
        trigger: listed.trigger,
        generation: listed.generation,
        started_at: listed.started_at,
        ended_at,
        receipt: listed.receipt.map(|_| format!("{href}/receipt")),
        href,
    }
}

/// The entry of a receipt. It has the subject, since everyone who sees the list may fetch the
/// receipt.
fn shown_receipt(listed: ExecutionSummary) -> Option<ListedReceipt> {
    let receipt = listed.receipt?;
    Some(ListedReceipt {
        href: format!("/v1/executions/{}/receipt", listed.at.execution),
        execution_id: listed.at.execution,
        workflow_id: listed.workflow,
        subject: listed.subject,
        status: listed.phase.name().to_owned(),
        generation: listed.generation,
        started_at: listed.started_at,
        sha256: receipt.sha256,
        object: receipt.object,
    })
}
