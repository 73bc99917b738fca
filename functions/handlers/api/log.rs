//! The one log line of each request: whose it was, what, how it was answered; never a body, a key or a query.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{FromRequestParts, MatchedPath, Query, Request, State},
    middleware::Next,
    response::Response,
};
use holdfast_core::names::is_execution_id;
use serde::Deserialize;

use crate::api::{App, caller::Visitor, start::asked_in};

/// The part of a query that says whose.
#[derive(Deserialize)]
struct Named {
    tenant: Option<String>,
}

pub(crate) async fn logged(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let method = parts.method.clone();
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    // Only what has the form of an id: the rest of a path can be anything.
    let mut places = parts.uri.path().split('/');
    let id = places.find(|place| is_execution_id(place));
    let id = id.unwrap_or_default().to_owned();
    let named = Query::<Named>::try_from_uri(&parts.uri).ok();
    let named = named.and_then(|Query(named)| named.tenant);
    let visitor = Visitor::from_request_parts(&mut parts, &app).await;
    let tenant = visitor.and_then(|visitor| visitor.tenant(named.as_deref()));
    let tenant = tenant.unwrap_or_default();
    let (execution, incident) = match route.starts_with("/v1/incidents") {
        true => ("", id.as_str()),
        false => (id.as_str(), ""),
    };
    let trace = asked_in(&parts.headers);
    let response = next.run(Request::from_parts(parts, body)).await;
    tracing::info!(
        %method,
        route,
        status = response.status().as_u16(),
        tenant,
        execution,
        incident,
        trace = trace.map(tracing::field::display),
        milliseconds = began.elapsed().as_millis() as u64,
        "request answered"
    );
    response
}
