//! `/v1/controls`: what is paused, and the switch that pauses it and lets it go on. A tenant in the query says nothing here.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_aws::SystemHost;
use holdfast_core::{
    engine::Host,
    ledger::{self, Expect, Ledger, Meanwhile, Put, Request, Scope, Switch},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    App,
    answer::{Control, Controls, Turned},
    caller::Visitor,
    given::{Asked, Given, Named},
    problem::Problem,
    request::{REASON, reason_of},
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
    visitor: Visitor,
    _: Asked<Named>,
) -> Result<Json<Controls>, Problem> {
    visitor.may_control()?;
    let controls = app.reach.controls().controls().await?;
    Ok(Json(Controls {
        controls: controls.into_iter().map(shown).collect(),
    }))
}

pub(crate) async fn of_platform(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Asked<Named>,
    Given(body): Given<Body>,
) -> Result<Json<Turned>, Problem> {
    turn(&app, &visitor, "platform", body).await
}

pub(crate) async fn of_tenant(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Asked<Named>,
    Path(tenant): Path<String>,
    Given(body): Given<Body>,
) -> Result<Json<Turned>, Problem> {
    turn(&app, &visitor, &format!("tenant/{tenant}"), body).await
}

pub(crate) async fn of_workflow(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Asked<Named>,
    Path(workflow): Path<String>,
    Given(body): Given<Body>,
) -> Result<Json<Turned>, Problem> {
    turn(&app, &visitor, &format!("workflow/{workflow}"), body).await
}

/// What nobody can pause: told so, with what can be.
pub(crate) async fn of_nothing(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Asked<Named>,
    Path(scope): Path<String>,
    Given(body): Given<Body>,
) -> Result<Json<Turned>, Problem> {
    turn(&app, &visitor, &scope, body).await
}

async fn turn(
    app: &App,
    visitor: &Visitor,
    scope: &str,
    body: Body,
) -> Result<Json<Turned>, Problem> {
    let by = visitor.may_control()?.to_owned();
    let scope = Scope::read(scope).map_err(Problem::bad_request)?;
    let request = Request {
        reason: reason_of(&body.reason)?,
        by,
    };
    let ledger = app.reach.controls();
    let mut stands = ledger.control(&scope).await?;
    loop {
        let now = SystemHost.now();
        let meanwhile = body.running_executions;
        let before = stands.as_ref();
        let next = ledger::control(before, &scope, body.state, meanwhile, &request, now);
        let Some(next) = next else {
            return Ok(Json(Turned {
                control: stands.map_or_else(|| never(&scope), shown),
                replayed: true,
            }));
        };
        let expect = before.map_or(Expect::Absent, |stands| Expect::Rev(stands.rev));
        match ledger.put_control(&next, expect).await? {
            Put::Done => {
                let audit = match next.state {
                    Switch::Paused => "workflow.paused",
                    Switch::Running => "workflow.resumed",
                };
                let scope = next.scope.name();
                tracing::warn!(audit, scope, by = next.by, "the switch was turned");
                return Ok(Json(Turned {
                    control: shown(next),
                    replayed: false,
                }));
            }
            Put::Lost(winner) => stands = winner.map(|winner| *winner),
        }
    }
}

fn shown(control: ledger::Control) -> Control {
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
