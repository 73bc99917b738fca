//! The issuer's HTTP routes.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, RawQuery, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use crate::{
    Issuer, configuration,
    sign_in::{AuthorizationRequest, Grants, PEOPLE, Settings, is_of_this_machine, page},
};

/// The issuer, as its routes share it.
struct Server {
    issuer: Issuer,
    settings: Settings,
    grants: Grants,
}

/// The routes of an issuer.
pub fn router(issuer: Issuer, settings: Settings) -> std::io::Result<Router> {
    let (keys, about) = (issuer.key_set()?, configuration(&settings.url));
    let server = Server {
        issuer,
        settings,
        grants: Grants::default(),
    };
    Ok(Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(async || Json(about)),
        )
        .route("/.well-known/jwks.json", get(async || Json(keys)))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/signed-out", get(sign_out))
        .with_state(Arc::new(server)))
}

/// The page with the buttons, or the return of a person who chose one. A cookie remembers the
/// choice for requests with `prompt=none`.
async fn authorize(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let request = match AuthorizationRequest::read(&query, &server.settings.client) {
        Ok(request) => request,
        Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
    };
    let named = |subject: &str| PEOPLE.into_iter().find(|person| person.subject == subject);
    let chosen = query.get("as").and_then(|subject| named(subject));
    let person = match chosen {
        None if request.silent => cookie(&headers, &server.settings.url).and_then(named),
        chosen => chosen,
    };
    let Some(person) = person else {
        return match request.silent {
            true => moved(&request.answer("error", "login_required"), None),
            false => Html(page(&raw.unwrap_or_default())).into_response(),
        };
    };
    match server.grants.code(&request, person) {
        Ok(code) => {
            let cookie = cookie_of(&server.settings.url, person.subject);
            moved(&request.answer("code", &code), Some(cookie))
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn token(State(server): State<Arc<Server>>, body: String) -> Response {
    // A form is written as a query is.
    let form = format!("/?{body}").parse::<Uri>().ok();
    let form = form.and_then(|uri| Query::try_from_uri(&uri).ok());
    let Query(form) = form.unwrap_or_default();
    match server
        .grants
        .tokens(&server.issuer, &server.settings, &form)
    {
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

/// Forgets the choice, and returns to the console (OpenID Connect RP-Initiated Logout).
async fn sign_out(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let cookie = format!("{}; Max-Age=0", cookie_of(&server.settings.url, ""));
    match query.get("post_logout_redirect_uri") {
        Some(to) if is_of_this_machine(to) => moved(to, Some(cookie)),
        _ => ([(header::SET_COOKIE, cookie)], "signed out").into_response(),
    }
}

fn moved(to: &str, cookie: Option<String>) -> Response {
    let location = [(header::LOCATION, to.to_owned())];
    let cookie = cookie.map(|cookie| [(header::SET_COOKIE, cookie)]);
    match cookie {
        Some(cookie) => (StatusCode::FOUND, location, cookie).into_response(),
        None => (StatusCode::FOUND, location).into_response(),
    }
}

/// The name of the cookie: browsers do not tell the ports of a machine apart.
fn cookie_name(url: &str) -> String {
    format!("holdfast-{}", url.rsplit(':').next().unwrap_or_default())
}

fn cookie_of(url: &str, subject: &str) -> String {
    format!(
        "{}={subject}; Path=/; HttpOnly; SameSite=Lax",
        cookie_name(url)
    )
}

fn cookie<'a>(headers: &'a HeaderMap, url: &str) -> Option<&'a str> {
    let name = cookie_name(url);
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut pairs = all
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
