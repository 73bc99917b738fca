//! `/v1/bulk`: one request to many executions. A first call shows its effect, and a second call
//! makes the requests.

mod body;
mod refusals;
mod report;
mod select;
mod worker;

use axum::Json;
use holdfast_access::{Access, Operation};
use holdfast_aws::SystemHost;
use holdfast_engine::{Host, StartOutcome};
use holdfast_ids::keys::bulk_id;
use holdfast_ledger::{
    Bulk, BulkOperation, BulkRequest, BulkTransition, Expect, Ledger, Put, VoterRole,
};
use holdfast_task::{BULK, BulkTask};
use uuid::Uuid;

pub(crate) use self::worker::run as work;
use self::{
    body::{BulkBody, RunBody},
    select::{Selection, select},
};

use crate::api::{
    answer::{BulkChange, BulkLinks, BulkPreview, BulkReport},
    app::App,
    extract::{JsonBody, TenantQuery},
    principal::{AuthorizedCaller, Resource, not_found},
    problem::Problem,
    route::{AuthorizedRequest, Route},
    schema::shape,
};

/// The routes of bulks.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/v1/bulk",
            "previewBulk",
            "Shows what a request to many executions would do, and does nothing",
            Operation::Bulk,
            shape::<BulkPreview>,
            preview,
        ),
        Route::post(
            "/v1/bulk/{bulk_id}/run",
            "runBulk",
            "Makes the requests that were shown",
            Operation::Bulk,
            shape::<BulkChange>,
            run,
        ),
        Route::get(
            "/v1/bulk/{bulk_id}",
            "readBulk",
            "Returns the report of a bulk, which accounts for each execution",
            Operation::Bulk,
            shape::<BulkReport>,
            report::report,
        ),
        Route::delete(
            "/v1/bulk/{bulk_id}",
            "stopBulk",
            "Stops a bulk: it makes no further request",
            Operation::Bulk,
            shape::<BulkChange>,
            stop,
        )
        .problem(&[409]),
    ]
}

/// The operation that each single request of a bulk needs.
fn needed(operation: BulkOperation) -> Operation {
    match operation {
        BulkOperation::Cancel => Operation::Cancel,
        BulkOperation::Rollback => Operation::RollBack,
        BulkOperation::Redrive => Operation::Redrive,
        BulkOperation::Decide { .. } => Operation::Decide,
    }
}

/// The names of a bulk's operation and decision in answers.
fn names(operation: BulkOperation) -> (&'static str, Option<&'static str>) {
    match operation {
        BulkOperation::Cancel => ("cancel", None),
        BulkOperation::Rollback => ("rollback", None),
        BulkOperation::Redrive => ("redrive", None),
        BulkOperation::Decide { decision } => ("decide", Some(decision.name())),
    }
}

fn links(bulk: &Bulk) -> BulkLinks {
    let report = format!("/v1/bulk/{}", bulk.id);
    BulkLinks {
        run: format!("{report}/run"),
        report,
    }
}

/// Shows what a bulk would do, and stores its list.
pub(crate) async fn preview(
    AuthorizedRequest {
        app,
        caller,
        body: JsonBody(body),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<BulkBody>>,
) -> Result<Json<BulkPreview>, Problem> {
    let (operation, filter, reason) = (body.operation()?, body.filter()?, body.reason()?);
    caller.check(needed(operation))?;
    let request = BulkRequest {
        operation,
        filter,
        reason,
        by: caller.of_bulk(),
    };
    let selection = select(&app, &caller, &request).await?;
    let id = bulk_id(&caller.tenant, &Uuid::now_v7().to_string());
    let Selection {
        targets,
        statuses,
        sample,
        checked,
        refused_now,
    } = selection;
    let (bulk, parts) = Bulk::shown(&caller.tenant, &id, request, targets, SystemHost.now());
    // The parts come first, so that no bulk without its whole list can run.
    for part in &parts {
        caller.ledger.put(part, Expect::Absent).await?;
    }
    caller.ledger.put(&bulk, Expect::Absent).await?;
    let (operation, decision) = names(bulk.operation);
    Ok(Json(BulkPreview {
        tenant: bulk.tenant.clone(),
        operation,
        decision,
        total: bulk.total,
        list_sha256: bulk.list_sha256.clone(),
        statuses,
        sample,
        checked,
        refused_now,
        token: bulk.token(),
        expires_at: bulk.until,
        links: links(&bulk),
        reason: bulk.reason,
        bulk_id: bulk.id,
    }))
}

/// The bulk, or 404. The caller must have shown it, or must have the permission for its request on
/// every execution of the tenant.
async fn find(caller: &AuthorizedCaller, id: &str) -> Result<Bulk, Problem> {
    let visible = |bulk: &Bulk| {
        let own = bulk.by.subject == caller.actor;
        own || caller.access(needed(bulk.operation)) == Access::Allowed
    };
    let found = caller.bulk(id).await?.filter(visible);
    found.ok_or_else(|| not_found(Resource::Bulk(id), &caller.tenant))
}

/// Runs the bulk whose token the caller has.
pub(crate) async fn run(
    AuthorizedRequest {
        app,
        caller,
        id,
        body: JsonBody(RunBody { token }),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<RunBody>>,
) -> Result<Json<BulkChange>, Problem> {
    let bulk = find(&caller, &id).await?;
    caller.check(needed(bulk.operation))?;
    let by = caller.of_bulk();
    let decide = |bulk: &Bulk| bulk.run(&by, &token, SystemHost.now());
    changed(&app, &caller, bulk, "run", decide).await
}

/// Stops a bulk: it makes no further request. The person to whom it was shown may do it, and a
/// platform admin.
pub(crate) async fn stop(
    AuthorizedRequest {
        app, caller, id, ..
    }: AuthorizedRequest,
) -> Result<Json<BulkChange>, Problem> {
    let bulk = find(&caller, &id).await?;
    if bulk.by.subject != caller.actor && caller.voter.role != VoterRole::PlatformAdmin {
        return Err(Problem::forbidden(format!(
            "{} runs this bulk: they or a platform admin may stop it",
            bulk.by.subject
        )));
    }
    let decide = |bulk: &Bulk| bulk.stop(&caller.actor, SystemHost.now());
    changed(&app, &caller, bulk, "stop", decide).await
}

/// Writes a change of a bulk, and starts a worker if one must work. A concurrent write makes it
/// decide again.
async fn changed(
    app: &App,
    caller: &AuthorizedCaller,
    mut bulk: Bulk,
    change: &str,
    decide: impl Fn(&Bulk) -> BulkTransition,
) -> Result<Json<BulkChange>, Problem> {
    let replayed = loop {
        match decide(&bulk) {
            BulkTransition::Already => break true,
            BulkTransition::Refused(why) => return Err(Problem::conflict(why)),
            BulkTransition::Forbidden(why) => return Err(Problem::forbidden(why)),
            BulkTransition::Write(next) => {
                if put(caller, &mut bulk, *next).await? {
                    break false;
                }
            }
        }
    };
    if !replayed {
        tracing::warn!(
            bulk = bulk.id,
            tenant = bulk.tenant,
            total = bulk.total,
            change,
            by = caller.actor,
            "bulk changed"
        );
    }
    ensure_worker(app, caller, &mut bulk).await?;
    Ok(Json(BulkChange {
        status: bulk.state.name(),
        total: bulk.total,
        replayed,
        links: links(&bulk),
        bulk_id: bulk.id,
    }))
}

/// Writes `next` over `bulk`, which is the stored bulk afterwards. Returns whether it was written.
async fn put(caller: &AuthorizedCaller, bulk: &mut Bulk, next: Bulk) -> Result<bool, Problem> {
    match caller.ledger.put(&next, Expect::Rev(bulk.rev)).await? {
        Put::Done => {
            *bulk = next;
            Ok(true)
        }
        Put::Lost(Some(winner)) => {
            *bulk = *winner;
            Ok(false)
        }
        Put::Lost(None) => Err(Problem::not_found("this bulk is kept no longer")),
    }
}

/// Starts the worker of a running bulk. If it ended without an end of the bulk, starts another.
async fn ensure_worker(
    app: &App,
    caller: &AuthorizedCaller,
    bulk: &mut Bulk,
) -> Result<(), Problem> {
    let unavailable = |error: holdfast_engine::MachineError| {
        Problem::unavailable("Step Functions", &error.to_string())
    };
    while let Some(starts) = bulk.state.starts() {
        let name = format!("{}-{starts}", bulk.id);
        let task = BulkTask {
            tenant: bulk.tenant.clone(),
            bulk: bulk.id.clone(),
            part: 0,
            done: false,
        };
        let started = app.machines.start_bulk(&name, &task).await;
        if started.map_err(unavailable)? == StartOutcome::Started {
            return Ok(());
        }
        let arn = app.machines.execution_arn(BULK, &name);
        let worker = app.machines.look(&arn).await.map_err(unavailable)?;
        if worker.is_some_and(|worker| worker.running) {
            return Ok(());
        }
        // The worker writes the end of the bulk before it ends.
        *bulk = find(caller, &bulk.id).await?;
        if let BulkTransition::Write(next) = bulk.restart() {
            put(caller, bulk, *next).await?;
        }
    }
    Ok(())
}
