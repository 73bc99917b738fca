//! `/v1/controls`: lists controls and sets them. A tenant sees the controls that apply to its own
//! executions. A change takes no tenant, since a control belongs to none.

use axum::Json;
use holdfast_access::Operation;
use holdfast_audit::Kind;
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ids::reason::REASON_MAX;
use holdfast_ledger::{ControlState, Expect, Ledger, PauseBehavior, Put, Request, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{Control, ControlChange, ControlOutlook, Controls, ScopeCheck},
    app::App,
    extract::{EmptyBody, JsonBody, TenantQuery},
    principal::{ControlCaller, ListCaller},
    problem::Problem,
    reason::{REASON, reason_of},
    route::{AuthorizedRequest, Handler, Route},
    schema::shape,
    scope,
    workflow::open_workflows,
};

/// The state of a control and the reason for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ControlRequest")]
pub(crate) struct ControlBody {
    /// The new state of the scope.
    state: ControlState,
    /// The reason in your own words, without control characters. A refused caller reads it.
    #[schemars(length(min = 1, max = REASON_MAX), extend("pattern" = REASON))]
    reason: String,
    /// The behaviour of running executions during the pause; `wait` if left out.
    #[serde(default)]
    running_executions: PauseBehavior,
    /// True to control a workflow that is not deployed yet, or a tenant that is not registered yet.
    #[serde(default)]
    new: bool,
}

/// An authorized request that sets a control.
type ControlRequest = AuthorizedRequest<TenantQuery, JsonBody<ControlBody>, ControlCaller>;

/// The routes of controls.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/controls",
            "listControls",
            "Lists the controls that were ever set and apply to the caller",
            Operation::ReadControls,
            shape::<Controls>,
            list,
        )
        .without_query(),
        outlook(
            "/v1/controls/platform",
            "readPlatformControl",
            read_platform,
        ),
        outlook(
            "/v1/controls/tenant/{tenant}",
            "readTenantControl",
            read_tenant,
        ),
        outlook(
            "/v1/controls/workflow/{workflow_id}",
            "readWorkflowControl",
            read_workflow,
        ),
        Route::control(
            "/v1/controls/platform",
            "controlPlatform",
            "Pauses or resumes every execution",
            set_platform,
        ),
        Route::control(
            "/v1/controls/tenant/{tenant}",
            "controlTenant",
            "Pauses or resumes a tenant's executions",
            set_tenant,
        ),
        Route::control(
            "/v1/controls/workflow/{workflow_id}",
            "controlWorkflow",
            "Pauses or resumes a workflow's executions",
            set_workflow,
        ),
    ]
}

/// The routes of unknown scopes, which are not in the document: each refuses the scope with 400 and
/// lists the valid ones. Every method of a control has one, so that none answers 405.
pub(crate) fn unknown_scopes() -> [Route; 2] {
    let path = "/v1/controls/{*scope}";
    let set = Route::control(
        path,
        "controlUnknown",
        "Refuses an unknown scope",
        set_unknown,
    );
    [outlook(path, "readUnknownControl", read_unknown), set]
}

/// A route that shows what a pause would touch, to those who may pause.
fn outlook(path: &'static str, id: &'static str, handler: impl Handler<LookRequest>) -> Route {
    let summary = "Returns a control, and what a pause of its scope would touch now";
    let shape = shape::<ControlOutlook>;
    Route::get(path, id, summary, Operation::ForeseePause, shape, handler).without_query()
}

pub(crate) async fn list(
    AuthorizedRequest { app, caller, .. }: AuthorizedRequest<TenantQuery, EmptyBody, ListCaller>,
) -> Result<Json<Controls>, Problem> {
    let controls = visible_controls(&app, &caller).await?;
    Ok(Json(Controls { controls }))
}

/// The controls that apply to the caller's tenant, or all of them for a role of every tenant.
pub(crate) async fn visible_controls(
    app: &App,
    caller: &ListCaller,
) -> Result<Vec<Control>, Problem> {
    let mut controls = app.tenants.controls().controls().await?;
    let tenant = caller.tenant.as_ref();
    if let Some(tenant) = tenant.filter(|_| !caller.role.is_of_every_tenant()) {
        let workflows = open_workflows(app, tenant).await?;
        let is_open = |id: &String| {
            workflows
                .iter()
                .any(|one| one.compiled.gate.workflow == *id)
        };
        controls.retain(|control| match &control.scope {
            Scope::Platform => true,
            Scope::Tenant(name) => name == tenant,
            Scope::Workflow(id) => is_open(id),
        });
    }
    let controls = controls.into_iter().map(|control| {
        let shown = shown(control);
        Control {
            reason: shown.reason.filter(|_| caller.sees_payloads),
            ..shown
        }
    });
    Ok(controls.collect())
}

pub(crate) async fn set_platform(request: ControlRequest) -> Result<Json<ControlChange>, Problem> {
    set("platform", &request).await
}

pub(crate) async fn set_tenant(request: ControlRequest) -> Result<Json<ControlChange>, Problem> {
    set(&format!("tenant/{}", request.id), &request).await
}

pub(crate) async fn set_workflow(request: ControlRequest) -> Result<Json<ControlChange>, Problem> {
    set(&format!("workflow/{}", request.id), &request).await
}

/// Refuses an unknown scope with 400; the detail lists the scopes that exist.
pub(crate) async fn set_unknown(request: ControlRequest) -> Result<Json<ControlChange>, Problem> {
    set(&request.id, &request).await
}

/// An authorized request to look at a control.
type LookRequest = AuthorizedRequest<TenantQuery, EmptyBody, ControlCaller>;

pub(crate) async fn read_platform(request: LookRequest) -> Result<Json<ControlOutlook>, Problem> {
    look("platform", &request.app).await
}

pub(crate) async fn read_tenant(request: LookRequest) -> Result<Json<ControlOutlook>, Problem> {
    look(&format!("tenant/{}", request.id), &request.app).await
}

pub(crate) async fn read_workflow(request: LookRequest) -> Result<Json<ControlOutlook>, Problem> {
    look(&format!("workflow/{}", request.id), &request.app).await
}

/// Refuses an unknown scope with 400; the detail lists the scopes that exist.
pub(crate) async fn read_unknown(request: LookRequest) -> Result<Json<ControlOutlook>, Problem> {
    look(&request.id, &request.app).await
}

/// Returns a control, and what a pause of its scope would touch now.
async fn look(name: &str, app: &App) -> Result<Json<ControlOutlook>, Problem> {
    let scope = Scope::read(name).map_err(Problem::bad_request)?;
    let control = app.tenants.controls().read(&scope).await?;
    let scope_check = scope::check(app, &scope, control.as_ref()).await;
    let outlook = scope::outlook(app, &scope).await;
    let open = outlook.as_ref().map(|outlook| outlook.open);
    Ok(Json(ControlOutlook {
        control: control.map_or_else(|| never_set(&scope), shown),
        scope_check,
        open_executions: open.map(|open| open.count),
        open_executions_more: open.is_some_and(|open| open.more),
        workflows_more: outlook.as_ref().is_some_and(|outlook| outlook.more),
        workflows: outlook.map(|outlook| outlook.workflows),
    }))
}

/// Writes the control of a scope that exists. If a concurrent request wrote it first, decides again
/// on the new state.
async fn set(
    name: &str,
    AuthorizedRequest {
        app,
        caller,
        body: JsonBody(body),
        ..
    }: &ControlRequest,
) -> Result<Json<ControlChange>, Problem> {
    let scope = Scope::read(name).map_err(Problem::bad_request)?;
    let request = Request {
        reason: reason_of(&body.reason)?,
        by: caller.actor.clone(),
    };
    let ledger = app.tenants.controls();
    let mut current = ledger.read(&scope).await?;
    let scope_check = scope::check(app, &scope, current.as_ref()).await;
    if scope_check == ScopeCheck::New && !body.new {
        return Err(unknown(&scope));
    }
    let (control, replayed) = loop {
        let now = SystemHost.now();
        let meanwhile = body.running_executions;
        let before = current.as_ref();
        let next = holdfast_ledger::control(before, &scope, body.state, meanwhile, &request, now);
        let Some(next) = next else {
            break (current.map_or_else(|| never_set(&scope), shown), true);
        };
        let expect = before.map_or(Expect::Absent, |control| Expect::Rev(control.rev));
        match ledger.put(&next, expect).await? {
            Put::Done => {
                let audit = match next.state {
                    ControlState::Paused => Kind::Paused.name(),
                    ControlState::Running => Kind::Resumed.name(),
                };
                let name = next.scope.name();
                tracing::warn!(audit, scope = name, by = next.by, "control set");
                break (shown(next), false);
            }
            Put::Lost(winner) => current = winner.map(|winner| *winner),
        }
    };
    // Counted after the write, which must not wait for it.
    let open = scope::open_executions(app, &scope).await;
    Ok(Json(ControlChange {
        control,
        replayed,
        scope_check,
        open_executions: open.map(|open| open.count),
        open_executions_more: open.is_some_and(|open| open.more),
    }))
}

/// 404: the scope does not exist.
fn unknown(scope: &Scope) -> Problem {
    let why = match scope {
        Scope::Tenant(_) => "this tenant is not registered",
        Scope::Workflow(_) | Scope::Platform => "no such workflow is deployed",
    };
    Problem::not_found(format!(
        "{}: {why}; to control it before it exists, send \"new\": true",
        scope.name()
    ))
}

fn shown(control: holdfast_ledger::Control) -> Control {
    let paused = control.state == ControlState::Paused;
    Control {
        scope: control.scope.name(),
        state: control.state,
        running_executions: paused.then_some(control.running_executions),
        reason: Some(control.reason),
        by: Some(control.by),
        at: Some(control.at),
    }
}

/// The control of a scope that was never set: it runs.
fn never_set(scope: &Scope) -> Control {
    Control {
        scope: scope.name(),
        state: ControlState::Running,
        running_executions: None,
        reason: None,
        by: None,
        at: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_method_of_a_control_refuses_an_unknown_scope() {
        let methods = |routes: &[Route]| -> BTreeSet<_> {
            let routes = routes.iter().filter(|route| route.path != "/v1/controls");
            routes.map(|route| route.method).collect()
        };
        assert_eq!(methods(&unknown_scopes()), methods(&routes()));
        for route in unknown_scopes() {
            assert_eq!(route.path, "/v1/controls/{*scope}");
        }
    }
}
