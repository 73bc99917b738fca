//! `/v1/controls`: lists controls and sets them. A tenant sees the controls that apply to its own
//! executions. A change takes no tenant, since a control belongs to none.

use axum::Json;
use holdfast_audit::Kind;
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ledger::{ControlState, Expect, Ledger, PauseBehavior, Put, Request, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{Control, ControlChange, Controls, ScopeCheck},
    app::App,
    extract::{EmptyBody, JsonBody, TenantQuery},
    principal::{ControlCaller, ListCaller},
    problem::Problem,
    reason::{REASON, reason_of},
    route::AuthorizedRequest,
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
    #[schemars(length(min = 1, max = 500), extend("pattern" = REASON))]
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
    let scope_check = match current {
        Some(_) => ScopeCheck::Found,
        None => scope::check(app, &scope).await,
    };
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
        "{}: {why}; to control it before it exists, send \"new\": true, or give the command --new",
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
