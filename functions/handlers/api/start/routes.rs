//! The routes of a start, which the function `start` serves, and their placeholders in the function
//! `api`.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    routing::{MethodFilter, on},
};
use holdfast_access::Operation;
use holdfast_ids::names::is_workflow_id;

use super::{check::check, start};
use crate::api::{
    answer::{StartCheck, StartResult},
    app::App,
    problem::Problem,
    route::Route,
    schema::shape,
    serve,
    workflow::no_such,
};

const EXECUTIONS: &str = "/v1/workflows/{workflow_id}/executions";
const CHECK: &str = "/v1/workflows/{workflow_id}/check";

/// The routes, in the order of the document.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            EXECUTIONS,
            "startWorkflow",
            "Starts a workflow once per idempotency key",
            Operation::Start,
            shape::<StartResult>,
            start,
        )
        .keyed()
        .also(
            202,
            "The execution starts, or, with Prefer: wait, did not end in time.",
            Some(shape::<StartResult>),
        )
        .problem(&[422]),
        Route::post(
            CHECK,
            "checkStart",
            "Judges an input as a start would, and starts nothing",
            Operation::Start,
            shape::<StartCheck>,
            check,
        ),
    ]
}

/// Serves the function `start`.
pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let routes = routes().into_iter();
    serve(routes.fold(Router::new(), |router, route| route.served(router))).await
}

/// The router of these paths in the function `api`: 503 to a start, and 405 to every other method.
/// A start arrives there only until API Gateway has deployed its routes.
pub(crate) fn placeholder_router() -> Router<Arc<App>> {
    let reason = "its route is not deployed yet, or API Gateway does not match the path";
    let answer = async move |Path(workflow): Path<String>| match is_workflow_id(&workflow) {
        true => Problem::unavailable("the function start", reason),
        false => no_such(&workflow),
    };
    let placeholder = || on(MethodFilter::POST, answer);
    Router::new()
        .route(EXECUTIONS, placeholder())
        .route(CHECK, placeholder())
}
