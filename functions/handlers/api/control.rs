//! `/v1/controls`: what is paused, and the switch that pauses it and lets it go on. A tenant in the query says nothing here.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ledger::{Expect, Ledger, Meanwhile, Put, Request, Scope, Switch};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    App,
    answer::{Control, ControlChange, Controls},
    extract::{JsonBody, QueryParams, TenantQuery},
    lifecycle::{REASON, reason_of},
    principal::Principal,
    problem::Problem,
};

/// What is said of a scope.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Turn")]
pub(crate) struct Body {
    /// Whether it stands still or goes on.
    state: Switch,
    /// In your own words, without control characters; whoever is refused reads it.
    #[schemars(length(min = 1, max = 500), extend("pattern" = REASON))]
    reason: String,
    /// What executions do meanwhile that have begun: `wait` if left out.
    #[serde(default)]
    running_executions: Meanwhile,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Principal,
    _: QueryParams<TenantQuery>,
) -> Result<Json<Controls>, Problem> {
    visitor.may_control()?;
    let controls = app.tenants.controls().controls().await?;
    Ok(Json(Controls {
        controls: controls.into_iter().map(shown).collect(),
    }))
}

pub(crate) async fn of_platform(
    State(app): State<Arc<App>>,
    visitor: Principal,
    _: QueryParams<TenantQuery>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<ControlChange>, Problem> {
    turn(&app, &visitor, "platform", body).await
}

pub(crate) async fn of_tenant(
    State(app): State<Arc<App>>,
    visitor: Principal,
    _: QueryParams<TenantQuery>,
    Path(tenant): Path<String>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<ControlChange>, Problem> {
    turn(&app, &visitor, &format!("tenant/{tenant}"), body).await
}

pub(crate) async fn of_workflow(
    State(app): State<Arc<App>>,
    visitor: Principal,
    _: QueryParams<TenantQuery>,
    Path(workflow): Path<String>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<ControlChange>, Problem> {
    turn(&app, &visitor, &format!("workflow/{workflow}"), body).await
}

/// What nobody can pause: told so, with what can be.
pub(crate) async fn of_nothing(
    State(app): State<Arc<App>>,
    visitor: Principal,
    _: QueryParams<TenantQuery>,
    Path(scope): Path<String>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<ControlChange>, Problem> {
    turn(&app, &visitor, &scope, body).await
}

async fn turn(
    app: &App,
    visitor: &Principal,
    scope: &str,
    body: Body,
) -> Result<Json<ControlChange>, Problem> {
    let by = visitor.may_control()?.to_owned();
    let scope = Scope::read(scope).map_err(Problem::bad_request)?;
    let request = Request {
        reason: reason_of(&body.reason)?,
        by,
    };
    let ledger = app.tenants.controls();
    let mut stands = ledger.read(&scope).await?;
    loop {
        let now = SystemHost.now();
        let meanwhile = body.running_executions;
        let before = stands.as_ref();
        let next = holdfast_ledger::control(before, &scope, body.state, meanwhile, &request, now);
        let Some(next) = next else {
            return Ok(Json(ControlChange {
                control: stands.map_or_else(|| never(&scope), shown),
                replayed: true,
            }));
        };
        let expect = before.map_or(Expect::Absent, |stands| Expect::Rev(stands.rev));
        match ledger.put(&next, expect).await? {
            Put::Done => {
                let audit = match next.state {
                    Switch::Paused => "workflow.paused",
                    Switch::Running => "workflow.resumed",
                };
                let scope = next.scope.name();
                tracing::warn!(audit, scope, by = next.by, "the switch was turned");
                return Ok(Json(ControlChange {
                    control: shown(next),
                    replayed: false,
                }));
            }
            Put::Lost(winner) => stands = winner.map(|winner| *winner),
        }
    }
}

fn shown(control: holdfast_ledger::Control) -> Control {
    let paused = control.state == Switch::Paused;
    Control {
        scope: control.scope.name(),
        state: control.state,
        running_executions: paused.then_some(control.running_executions),
        reason: Some(control.reason),
        by: Some(control.by),
        at: Some(control.at),
    }
}

/// Of a scope of which nothing was ever said.
fn never(scope: &Scope) -> Control {
    Control {
        scope: scope.name(),
        state: Switch::Running,
        running_executions: None,
        reason: None,
        by: None,
        at: None,
    }
}
