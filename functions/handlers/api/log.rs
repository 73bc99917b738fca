//! The one log line of each request: who, what, how it was answered; never a body, a key or a query.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use holdfast_core::names::is_execution_id;

use crate::{App, caller::Caller};

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
    let caller = Caller::from_request_parts(&mut parts, &app).await;
    let tenant = caller.map(|caller| caller.tenant).unwrap_or_default();
    let response = next.run(Request::from_parts(parts, body)).await;
    tracing::info!(
        %method,
        route,
        status = response.status().as_u16(),
        tenant,
        id,
        milliseconds = began.elapsed().as_millis() as u64,
        "request answered"
    );
    response
}
