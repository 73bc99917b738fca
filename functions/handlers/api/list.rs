//! `GET /v1/executions` and `GET /v1/receipts`: executions, newest first, in pages.

use axum::Json;
use holdfast_aws::{ExecutionSearch, ExecutionSummary, Window};
use holdfast_ids::{
    keys::{ExecutionKey, execution_id, idempotency_key},
    names::{check_text, is_workflow_id, quoted},
};
use holdfast_ledger::{DERIVED, LOOKED_AT, Ledger as _, RUNNING, STATUSES};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{Executions, ListedExecution, ListedReceipt, Receipts},
    app::App,
    every_tenant::{Entry, MergedPage, PageRequest, page_of},
    extract::{EmptyBody, NamesTenant},
    page::{CURSOR, Cursor, Ids, cursor, limit, times},
    principal::ListCaller,
    problem::Problem,
    progress::{Progress, progress_of_list},
    route::AuthorizedRequest,
};

/// The query of the list of executions.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecutionFilter {
    /// The tenant; your own if left out. A role of every tenant may write `*` for all of them.
    pub(crate) tenant: Option<String>,
    /// Only executions of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    pub(crate) workflow_id: Option<String>,
    /// Only executions of exactly this subject. Not for observers.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) subject: Option<String>,
    /// The one execution of this idempotency key; `workflow_id` must be given, and nothing else but
    /// `tenant`.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) idempotency_key: Option<String>,
    /// Only executions of this status.
    #[schemars(extend("enum" = STATUSES))]
    pub(crate) status: Option<String>,
    /// Only executions that began at this time or later.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) from: Option<String>,
    /// Only executions that began at this time or earlier.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) until: Option<String>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(extend("pattern" = CURSOR))]
    pub(crate) cursor: Option<String>,
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
    #[schemars(extend("pattern" = CURSOR))]
    cursor: Option<String>,
}

impl NamesTenant for ReceiptFilter {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

/// A request for a list of executions, of one tenant or of every tenant.
type ListRequest = AuthorizedRequest<ExecutionFilter, EmptyBody, ListCaller>;

pub(crate) async fn executions(
    ListRequest {
        app, caller, query, ..
    }: ListRequest,
) -> Result<Json<Executions>, Problem> {
    check_subject(&caller, &query)?;
    if let Some(key) = query.idempotency_key.clone() {
        let entries = of_key(&caller, query, &key).await?;
        let progress = progress_of_list(&app, &caller, &entries).await?;
        return Ok(answer(&caller, entries, progress, None));
    }
    let limit = limit(query.limit)?;
    let (page, progress) = found(&app, &caller, query, limit).await?;
    Ok(answer(&caller, page.entries, progress, page.next))
}

fn check_subject(caller: &ListCaller, query: &ExecutionFilter) -> Result<(), Problem> {
    if query.subject.is_some() && !caller.sees_payloads {
        return Err(Problem::forbidden(
            "a subject comes from an input, which your role does not see: leave subject out",
        ));
    }
    Ok(())
}

/// A page of the executions that a filter finds, at most `limit`, and what holds them up.
pub(crate) async fn found(
    app: &App,
    caller: &ListCaller,
    query: ExecutionFilter,
    limit: usize,
) -> Result<(MergedPage<ExecutionSummary>, Progress), Problem> {
    check_subject(caller, &query)?;
    let status = query.status.map(status).transpose()?;
    // A running execution shows more than its record says, so that it is filtered when read.
    let derived = status.clone().filter(|is| DERIVED.contains(&is.as_str()));
    let search = ExecutionSearch {
        workflow: query.workflow_id.map(workflow).transpose()?,
        subject: query.subject.map(subject).transpose()?,
        status: derived.as_ref().map(|_| RUNNING.to_owned()).or(status),
        with_receipt: false,
    };
    let (from, until) = times(query.from.as_deref(), query.until.as_deref())?;
    let wanted = PageRequest {
        from,
        until,
        after: cursor(query.cursor.as_deref(), Ids::Hex)?,
        limit: derived.as_ref().map_or(limit, |_| LOOKED_AT),
    };
    let page = page_of(app, caller, &wanted, |tenant, window| {
        let (ledger, search, limit) = (caller.ledger.clone(), search.clone(), wanted.limit);
        async move { ledger.executions(&tenant, &search, &window, limit).await }
    });
    let mut page = page.await?;
    let progress = progress_of_list(app, caller, &page.entries).await?;
    if let Some(status) = derived {
        page.entries.retain(|entry| {
            let listed = &entry.value;
            progress.status(&listed.at, &listed.shown.status) == status
        });
        page = page.cut(limit, caller.tenant.is_none());
    }
    Ok((page, progress))
}

fn answer(
    caller: &ListCaller,
    entries: Vec<Entry<ExecutionSummary>>,
    mut progress: Progress,
    next: Option<Cursor>,
) -> Json<Executions> {
    let entries = entries.into_iter();
    let executions = entries.map(|entry| shown(entry.value, &mut progress, caller.sees_payloads));
    Json(Executions {
        executions: executions.collect(),
        next: next.map(|next| next.text()),
    })
}

/// The execution of an idempotency key, which its id follows from: one read.
async fn of_key(
    caller: &ListCaller,
    filter: ExecutionFilter,
    key: &str,
) -> Result<Vec<Entry<ExecutionSummary>>, Problem> {
    let key = idempotency_key(key).map_err(Problem::bad_request)?;
    let alone = ExecutionFilter {
        tenant: filter.tenant.clone(),
        workflow_id: filter.workflow_id.clone(),
        idempotency_key: filter.idempotency_key.clone(),
        ..ExecutionFilter::default()
    };
    let (Some(id), Some(tenant), true) = (&filter.workflow_id, &caller.tenant, alone == filter)
    else {
        return Err(Problem::bad_request(
            "idempotency_key names the start of one workflow of one tenant: give workflow_id with \
             it, and tenant if you see several; leave all else out",
        ));
    };
    let id = workflow(id.clone())?;
    let at = ExecutionKey {
        tenant: tenant.clone(),
        execution: execution_id(tenant, &id, &key),
    };
    let found = caller.ledger.read(&at).await?.into_iter();
    let entries = found.map(|record| Entry {
        tenant: tenant.clone(),
        place: (record.started_at, record.at.execution.clone()),
        value: ExecutionSummary::from(record),
    });
    Ok(entries.collect())
}

pub(crate) async fn receipts(
    AuthorizedRequest { caller, query, .. }: AuthorizedRequest<ReceiptFilter>,
) -> Result<Json<Receipts>, Problem> {
    let search = ExecutionSearch {
        workflow: query.workflow_id.map(workflow).transpose()?,
        subject: None,
        status: None,
        with_receipt: true,
    };
    let after = cursor(query.cursor.as_deref(), Ids::Hex)?;
    let (from, until) = times(query.from.as_deref(), query.until.as_deref())?;
    let window = Window {
        from,
        until,
        after: after.map(|after| after.place),
    };
    let limit = limit(query.limit)?;
    let page = caller
        .ledger
        .executions(&caller.tenant, &search, &window, limit)
        .await?;
    let entries = page.entries.into_iter();
    Ok(Json(Receipts {
        receipts: entries
            .filter_map(|(_, listed)| shown_receipt(listed))
            .collect(),
        next: page.next.map(|place| {
            let tenant = None;
            Cursor { place, tenant }.text()
        }),
    }))
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
fn shown(listed: ExecutionSummary, progress: &mut Progress, payloads: bool) -> ListedExecution {
    let ExecutionSummary { at, shown } = listed;
    let href = format!("/v1/executions/{}", at.execution);
    ListedExecution {
        status: progress.status(&at, &shown.status).to_owned(),
        waiting: progress.waiting(&at),
        paused: progress.paused(&at, payloads),
        execution_id: at.execution,
        tenant: at.tenant,
        workflow_id: shown.workflow,
        workflow_version: shown.version,
        subject: shown.subject.filter(|_| payloads),
        trigger: shown.trigger,
        generation: shown.generation,
        started_at: shown.started_at,
        ended_at: shown.ended_at,
        receipt: shown.receipt.map(|_| format!("{href}/receipt")),
        href,
    }
}

/// The entry of a receipt. It has the subject, since everyone who sees the list may fetch the
/// receipt.
fn shown_receipt(listed: ExecutionSummary) -> Option<ListedReceipt> {
    let ExecutionSummary { at, shown } = listed;
    let receipt = shown.receipt?;
    Some(ListedReceipt {
        href: format!("/v1/executions/{}/receipt", at.execution),
        execution_id: at.execution,
        workflow_id: shown.workflow,
        subject: shown.subject,
        status: shown.status,
        generation: shown.generation,
        started_at: shown.started_at,
        sha256: receipt.sha256,
        object: receipt.object,
    })
}
