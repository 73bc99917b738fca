//! The `console` function: serves the pages for people, their settings, and their sign-in.
//!
//! It has no right on any resource: its pages call the API with the token of their reader. Its
//! routes need no token, since a person has none before they sign in.

mod files;
mod issuer;
mod token;

use std::{
    env,
    sync::{Arc, LazyLock},
    time::Instant,
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, map_response},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use self::issuer::Issuer;
use crate::{
    api::{problem, problem::Problem},
    gateway,
};

/// Largest body of a request, in bytes: a code or a refresh token, and what belongs to it.
const BODY_MAX: usize = 16 * 1024;

/// The headers of every answer. Scripts, styles and requests are those of this origin, and inline
/// code does not run. A page inside of a frame could lead a person's clicks.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// The console of one deployment.
struct Console {
    issuer: Issuer,
    client_id: String,
    scope: String,
    audience: String,
    /// The name of the parameter by which a request to the issuer names the audience.
    audience_parameter: String,
    claims: Value,
}

impl Console {
    /// The console, if the deployment has one.
    fn from_env() -> Result<Option<Self>, String> {
        let read = |name: &str| env::var(name).unwrap_or_default();
        let client_id = read("HOLDFAST_CONSOLE_CLIENT_ID");
        if client_id.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            issuer: Issuer::new(read("HOLDFAST_ISSUER"))?,
            client_id,
            scope: read("HOLDFAST_CONSOLE_SCOPE"),
            audience: read("HOLDFAST_AUDIENCE"),
            audience_parameter: read("HOLDFAST_CONSOLE_AUDIENCE_PARAMETER"),
            claims: json!({
                "tenant": read("HOLDFAST_TENANT_CLAIM"),
                "role": read("HOLDFAST_ROLE_CLAIM"),
                "groups": read("HOLDFAST_GROUP_CLAIM"),
            }),
        }))
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    gateway::run(router(Console::from_env()?)).await
}

fn router(console: Option<Console>) -> Router {
    let missing = async || {
        Problem::not_found(
            "there is nothing at this path; the console is at /console, if this deployment has one",
        )
    };
    let routes = match console {
        None => Router::new().fallback(async || {
            Problem::not_found(
                "this deployment has no console: the parameter ConsoleClientId is empty",
            )
        }),
        Some(console) => Router::new()
            // Relative, so that they are right behind every stage and domain.
            .route("/console", get(async || moved("console/index.html")))
            .route("/console/", get(async || moved("index.html")))
            .route("/console/config.json", get(config))
            .route("/console/token", post(token::exchange))
            .route("/console/{file}", get(files::file))
            .fallback(missing)
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .with_state(Arc::new(console)),
    };
    routes
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(map_response(problem::documented))
        .layer(map_response(guarded))
        .layer(from_fn(logged))
}

fn moved(to: &'static str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

/// `GET /console/config.json`: what a page needs to know before a person signs in. None of it is
/// secret.
async fn config(State(console): State<Arc<Console>>) -> Result<Json<Value>, Problem> {
    let endpoints = console.issuer.endpoints().await?;
    Ok(Json(json!({
        "issuer": console.issuer.url,
        "authorization_endpoint": endpoints.authorization,
        "end_session_endpoint": endpoints.end_session,
        "client_id": console.client_id,
        "scope": console.scope,
        "audience": console.audience,
        "audience_parameter": console.audience_parameter,
        "claims": console.claims,
    })))
}

/// Adds the headers of every answer. No cache stores an answer, unless its handler says so.
async fn guarded(mut response: Response) -> Response {
    static NO_STORE: LazyLock<HeaderValue> = LazyLock::new(|| HeaderValue::from_static("no-store"));
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert_with(|| NO_STORE.clone());
    response
}

/// Logs one line of each request: never a query or a body, since they have codes and tokens.
async fn logged(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let response = next.run(request).await;
    tracing::info!(
        %method,
        route,
        status = response.status().as_u16(),
        milliseconds = began.elapsed().as_millis() as u64,
        "request answered"
    );
    response
}

#[cfg(test)]
mod tests;
