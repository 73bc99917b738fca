//! The admin routes: they plan faults, list effects and requests, and reset the state.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, Uri},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App, ROUTES, answer::Answer, calls, faults::Plan, problem::Problem, query::Query, route_names,
    state::EffectKind,
};

type Admin = State<Arc<App>>;

/// Plans a fault: 201 with the plan, its `fault_id` and `remaining`.
pub(crate) async fn plan_fault(State(app): Admin, body: Bytes) -> Result<Answer, Problem> {
    let object = Value::Object(calls::json(&body)?);
    let plan = Plan::deserialize(object).map_err(|error| {
        Problem::unprocessable(error.to_string()).at("body").expected(
            "{\"route\", \"count\", \"kind\": {status, retry_after_s, detail, delay_ms, delay_after_ms, block, drop, body_bytes}, \
             \"match\"?, \"vendor_id\"?, \"team\"?}",
        )
    })?;
    let fault = app.world().faults.plan(plan)?;
    Ok(Answer::new(StatusCode::CREATED, json!(fault)))
}

/// Unblocks the calls of a fault. 404 if no such fault blocks calls.
pub(crate) async fn unblock(
    State(app): Admin,
    Path(fault_id): Path<String>,
) -> Result<Answer, Problem> {
    match app.world().faults.unblock(&fault_id) {
        true => Ok(Answer::ok(json!({ "unblocked": fault_id }))),
        false => Err(Problem::missing("no such fault blocks calls")
            .at("path parameter `fault_id`")
            .expected("the `fault_id` of a plan whose kind has `block`")),
    }
}

/// Lists the faults that no call has met yet.
pub(crate) async fn list_faults(State(app): Admin, uri: Uri) -> Result<Answer, Problem> {
    Query::of(&uri).only(&[])?;
    Ok(Answer::ok(
        json!({ "faults": app.world().faults.pending() }),
    ))
}

/// Forgets all planned faults.
pub(crate) async fn clear_faults(State(app): Admin, uri: Uri) -> Result<Answer, Problem> {
    Query::of(&uri).only(&[])?;
    Ok(Answer::ok(json!({ "removed": app.world().faults.clear() })))
}

/// Lists every effect, in order.
pub(crate) async fn list_effects(State(app): Admin, uri: Uri) -> Result<Answer, Problem> {
    let query = Query::of(&uri);
    query.only(&["vendor_id", "team", "key", "kind"])?;
    let kinds = EffectKind::ALL.map(EffectKind::name);
    check(&query, "kind", &kinds, &kinds.join(", "))?;
    let world = app.world();
    let effects = world.effects.iter();
    let effects: Vec<_> = effects.filter(|one| one.is_asked_for(&query)).collect();
    Ok(Answer::ok(json!({ "effects": effects })))
}

/// Lists every request that reached a business route, in order of arrival.
pub(crate) async fn list_requests(State(app): Admin, uri: Uri) -> Result<Answer, Problem> {
    let query = Query::of(&uri);
    query.only(&["vendor_id", "team", "key", "route"])?;
    let routes = ROUTES.each_ref().map(|route| route.name);
    check(&query, "route", &routes, &route_names())?;
    let world = app.world();
    let requests = world.requests.iter();
    let requests: Vec<_> = requests.filter(|one| one.is_asked_for(&query)).collect();
    Ok(Answer::ok(json!({ "requests": requests })))
}

/// Resets the state. Calls that are under way lose their connection and commit nothing.
pub(crate) async fn reset(State(app): Admin) -> Answer {
    app.world().reset();
    Answer::ok(json!({ "reset": true }))
}

/// Reports that the server runs.
pub(crate) async fn health() -> Answer {
    Answer::ok(json!({ "status": "ok" }))
}

/// Refuses a filter with an unknown value, which would find nothing and look like an answer.
fn check(query: &Query, name: &str, known: &[&str], right: &str) -> Result<(), Problem> {
    match query.get(name) {
        Some(value) if !known.contains(&value) => Err(Problem::bad_request("unknown value")
            .at(format!("query parameter `{name}`"))
            .expected(right)),
        _ => Ok(()),
    }
}
