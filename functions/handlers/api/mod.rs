//! The functions of the HTTP API: `api` and `start` serve requests of API Gateway, and `bulk` makes
//! the single requests of a bulk.

mod actions;
mod answer;
mod app;
mod budget;
mod bulk;
mod cause;
mod control;
mod decisions;
mod delegation;
mod digest;
mod every_tenant;
mod execution;
mod extract;
mod incident;
mod lifecycle;
mod list;
mod log;
#[cfg(test)]
mod openapi;
mod page;
mod principal;
pub(crate) mod problem;
mod progress;
mod question;
mod reason;
mod receipt;
mod resource;
pub(crate) mod route;
mod routes;
mod schema;
mod scope;
mod sentence;
mod start;
mod statistics;
mod tenant;
mod tenant_clients;
mod voter;
mod workflow;

pub(crate) use self::{bulk::work, start::run as start};

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header::CACHE_CONTROL},
    middleware::{from_fn_with_state, map_response},
    response::Response,
};
use holdfast_aws::Deployment;

use crate::{
    api::{app::App, problem::Problem},
    gateway,
};

/// Largest body that is read at all, in bytes.
const BODY_MAX: usize = 1024 * 1024;

/// Serves all routes but those of a start.
pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    serve(routes::router()).await
}

/// Serves the routes of `router`.
async fn serve(router: Router<Arc<App>>) -> Result<(), lambda_runtime::Error> {
    let app = App::from(Deployment::load())?;
    let app = Arc::new(app);
    let router = router
        .fallback(async || {
            Problem::not_found(
                "there is nothing at this path; GET /v1/openapi.json lists the paths",
            )
        })
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        // An input has a smaller limit, which its problem names. This limit only bounds the read.
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(map_response(problem::documented))
        .layer(map_response(uncached))
        .layer(from_fn_with_state(Arc::clone(&app), log::logged))
        .with_state(app);
    gateway::run(router).await
}

/// Lets no cache store an answer, unless the handler says otherwise: answers have data of a tenant,
/// or links that work without credentials.
async fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test]
    async fn no_cache_stores_an_answer_unless_its_handler_says_so() {
        let cached = [(CACHE_CONTROL, "public, max-age=300")];
        for (answer, right) in [
            ("a link".into_response(), "no-store"),
            (Problem::not_found("no").into_response(), "no-store"),
            ((cached, "keys").into_response(), "public, max-age=300"),
        ] {
            assert_eq!(uncached(answer).await.headers()[CACHE_CONTROL], right);
        }
    }
}
