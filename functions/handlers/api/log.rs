//! The one log line of each request: tenant, route, ids and status, and never a body, a key or a
//! query.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{FromRequestParts, MatchedPath, Query, Request, State},
    middleware::Next,
    response::Response,
};
use holdfast_aws::{RequestLine, log_request};
use holdfast_ids::names::is_execution_id;
use serde::Deserialize;

use crate::api::{app::App, extract::trace_of, principal::Principal};

/// The tenant of any query, whatever else the query has.
#[derive(Deserialize)]
struct NamedTenant {
    tenant: Option<String>,
}

/// Answers the request and logs it.
pub(crate) async fn logged(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let method = parts.method.clone();
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    // Only a part that has the form of an id is logged, since a caller chooses the rest of a path.
    let mut segments = parts.uri.path().split('/');
    let id = segments.find(|segment| is_execution_id(segment));
    let id = id.map(str::to_owned);
    let named = Query::<NamedTenant>::try_from_uri(&parts.uri).ok();
    let named = named.and_then(|Query(named)| named.tenant);
    let principal = Principal::from_request_parts(&mut parts, &app).await;
    let tenant = principal.and_then(|principal| principal.tenant(named.as_deref()));
    let tenant = tenant.ok();
    let of = |kind: &str| (id_kind(&route) == kind).then_some(id.as_deref()).flatten();
    let trace = trace_of(&parts.headers);
    let response = next.run(Request::from_parts(parts, body)).await;
    log_request(&RequestLine {
        method: method.as_str(),
        route: &route,
        status: response.status().as_u16(),
        tenant: tenant.as_deref(),
        execution: of("execution"),
        incident: of("incident"),
        bulk: of("bulk"),
        trace,
        milliseconds: began.elapsed().as_millis() as u64,
    });
    response
}

/// The kind of the id in a route.
fn id_kind(route: &str) -> &'static str {
    match route.split('/').nth(2) {
        Some("incidents") => "incident",
        Some("bulk") => "bulk",
        _ => "execution",
    }
}
