//! The vendor system: a real HTTP server for development, whose business routes can be made to fail
//! as planned.
//!
//! It keeps everything in memory. The table `ROUTES` lists the business routes; `calls` carries
//! each of them through recording, faults and commit; `admin` plans faults and lists effects and
//! requests.

mod admin;
mod answer;
mod calls;
mod faults;
mod holds;
mod idempotency;
mod line;
mod notifications;
mod problem;
mod query;
mod server;
mod state;
mod vendors;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, Uri},
    response::Response,
    routing::{MethodFilter, get, on, post},
};

use answer::Answer;
use calls::Call;
use problem::Problem;
use state::World;

pub use server::{Options, Server};

/// The change of a business route. It decides and applies in one step under the lock, without
/// waiting.
type Rule = fn(&mut World, &Call) -> Result<Answer, Problem>;

/// A business route.
#[derive(Debug)]
struct Route {
    /// The name in faults and records: method, space, path.
    name: &'static str,
    method: MethodFilter,
    path: &'static str,
    rule: Rule,
}

const fn route(name: &'static str, method: MethodFilter, path: &'static str, rule: Rule) -> Route {
    Route {
        name,
        method,
        path,
        rule,
    }
}

const GET: MethodFilter = MethodFilter::GET;
const PUT: MethodFilter = MethodFilter::PUT;
const POST: MethodFilter = MethodFilter::POST;
const DELETE: MethodFilter = MethodFilter::DELETE;

static ROUTES: [Route; 8] = [
    route("PUT /vendors/{id}", PUT, "/vendors/{id}", vendors::put),
    route("GET /vendors/{id}", GET, "/vendors/{id}", vendors::get),
    route("POST /holds", POST, "/holds", holds::place),
    route("GET /holds", GET, "/holds", holds::find),
    route("DELETE /holds", DELETE, "/holds", holds::release),
    route("GET /holds/{hold_id}", GET, "/holds/{hold_id}", holds::get),
    route(
        "POST /notifications",
        POST,
        "/notifications",
        notifications::send,
    ),
    route(
        "GET /notifications",
        GET,
        "/notifications",
        notifications::list,
    ),
];

/// The names of all business routes.
fn route_names() -> String {
    ROUTES.each_ref().map(|route| route.name).join(", ")
}

/// The state that all requests share.
#[derive(Debug, Default)]
struct App {
    world: Mutex<World>,
    verbose: bool,
}

impl App {
    /// The state. A panic in another call must not end the server, so that a poisoned lock is used
    /// as it is.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in &ROUTES {
        router = router.route(
            route.path,
            on(route.method, move |state, cut, request| {
                calls::serve(state, cut, route, request)
            }),
        );
    }
    router
        .route(
            "/admin/faults",
            post(admin::plan_fault)
                .get(admin::list_faults)
                .delete(admin::clear_faults),
        )
        .route("/admin/faults/{fault_id}/unblock", post(admin::unblock))
        .route("/admin/effects", get(admin::list_effects))
        .route("/admin/requests", get(admin::list_requests))
        .route("/admin/reset", post(admin::reset))
        .route("/healthz", get(admin::health))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(calls::READ_LIMIT))
        .with_state(app)
}

async fn no_such_route(uri: Uri) -> Response {
    Problem::new(StatusCode::NOT_FOUND, "no such route")
        .at(format!("path {}", uri.path()))
        .expected(format!("{}, or a route under /admin", route_names()))
        .into()
}

async fn no_such_method(method: Method, uri: Uri) -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not served here"),
    )
    .at(format!("path {}", uri.path()))
    .expected(format!("{}, or a route under /admin", route_names()))
    .into()
}
