//! `POST /console/token`: exchanges a code for tokens, or renews them.
//!
//! The page may send requests to its own origin only, so this route forwards them to the issuer. It
//! is no open proxy: the address is the issuer's own, the client is the console's, and only two
//! grant types exist. No log has a code or a token.

use std::sync::Arc;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, header},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Console, issuer::silent};
use crate::api::problem::Problem;

/// The path of the page to which the issuer returns a person, at its end.
const PAGE: &str = "/console/index.html";

/// The members of the issuer's answer that the page receives
/// (RFC 6749, section 5.1; OpenID Connect Core, section 3.1.3.3).
const ANSWERED: [&str; 5] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "id_token",
];

/// A request of the page. It has no `Debug`, since all of it is secret.
#[derive(Deserialize)]
#[serde(tag = "grant_type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum TokenRequest {
    AuthorizationCode {
        code: String,
        code_verifier: String,
        redirect_uri: String,
    },
    RefreshToken {
        refresh_token: String,
    },
}

pub(super) async fn exchange(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    body: Result<Json<TokenRequest>, JsonRejection>,
) -> Result<Json<Map<String, Value>>, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // Browsers say which page sends a request (w3.org/TR/fetch-metadata). Without this header, the
    // media type decides: no other origin sends JSON without asking first.
    if text(header::HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| site != "same-origin")
    {
        return Err(Problem::forbidden(
            "only the console's own page may ask for its tokens",
        ));
    }
    let Json(request) = body.map_err(|why| match why {
        JsonRejection::MissingJsonContentType(_) => Problem::not_json(),
        // The rejection's own text could quote a code.
        _ => Problem::bad_request(
            "the body must be JSON with grant_type authorization_code (code, code_verifier, \
             redirect_uri) or refresh_token (refresh_token), of 16 KiB at most",
        ),
    })?;
    let host = text(header::HOST).unwrap_or_default();
    let fields: &[(&str, &str)] = match &request {
        TokenRequest::AuthorizationCode {
            code,
            code_verifier,
            redirect_uri,
        } => {
            if !is_own_page(host, redirect_uri) {
                let why = format!("redirect_uri must be the console's own page, at {PAGE}");
                return Err(Problem::bad_request(why));
            }
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("code_verifier", code_verifier),
                ("redirect_uri", redirect_uri),
            ]
        }
        TokenRequest::RefreshToken { refresh_token } => &[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ],
    };
    let form = form_of(fields, &console);
    let (status, answer) = console.issuer.token(form).await?;
    answered(status, &answer).map(Json)
}

/// The form of a request of the console's client. No value can add a field to it.
fn form_of(fields: &[(&str, &str)], console: &Console) -> String {
    let client = ("client_id", console.client_id.as_str());
    // An issuer of RFC 8707 makes the token for what this request names, which is section 2.2 of
    // it. `audience` belongs to the authorization request alone.
    let resource = ("resource", console.audience.as_str());
    let resource = (console.audience_parameter == resource.0).then_some(&resource);
    let form = fields.iter().chain([&client]).chain(resource);
    let form = form.map(|(name, value)| {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        format!("{name}={value}")
    });
    let form: Vec<_> = form.collect();
    form.join("&")
}

/// True if the address is that of the page at this host, under any stage.
fn is_own_page(host: &str, redirect_uri: &str) -> bool {
    let local = host.starts_with("127.0.0.1:");
    let rest = redirect_uri.strip_prefix(if local { "http://" } else { "https://" });
    let path = rest.and_then(|rest| rest.strip_prefix(host));
    !host.is_empty()
        && path.is_some_and(|path| {
            path.starts_with('/') && path.ends_with(PAGE) && !path.contains(['?', '#', '\\'])
        })
}

/// The page's answer to the issuer's.
fn answered(status: StatusCode, body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| {
        silent(&format!(
            "the token endpoint answered {status} without JSON"
        ))
    })?;
    match status {
        StatusCode::OK if body.contains_key("access_token") => {
            let members = body.into_iter();
            Ok(members
                .filter(|(name, _)| ANSWERED.contains(&&**name))
                .collect())
        }
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
            // Section 5.2 of RFC 6749 has the codes. The issuer's own text could quote the request.
            let code = body
                .get("error")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            let known = !code.is_empty() && code.len() <= 40 && code.chars().all(plain);
            let code = if known { code } else { "no reason" };
            Err(Problem::unauthenticated(format!(
                "the issuer refused the sign-in ({code}): sign in again"
            )))
        }
        _ => Err(silent(&format!("the token endpoint answered {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::console, *};

    #[test]
    fn only_the_page_of_this_host_is_a_redirect_uri() {
        let page = "/console/index.html";
        for (host, address, right) in [
            ("api.example", format!("https://api.example{page}"), true),
            (
                "api.example",
                format!("https://api.example/prod{page}"),
                true,
            ),
            (
                "127.0.0.1:4599",
                format!("http://127.0.0.1:4599/_aws/a{page}"),
                true,
            ),
            ("api.example", format!("http://api.example{page}"), false),
            (
                "api.example",
                format!("https://api.example.evil{page}"),
                false,
            ),
            (
                "api.example",
                format!("https://evil/api.example{page}"),
                false,
            ),
            (
                "api.example",
                format!("https://api.example@evil{page}"),
                false,
            ),
            (
                "api.example",
                format!("https://api.example\\@evil{page}"),
                false,
            ),
            (
                "api.example",
                format!("https://api.example/?to={page}"),
                false,
            ),
            ("api.example", format!("https://api.example/#{page}"), false),
            ("api.example", "https://api.example/other".to_owned(), false),
            (
                "127.0.0.1.evil",
                format!("http://127.0.0.1.evil{page}"),
                false,
            ),
            ("", format!("https://{page}"), false),
        ] {
            assert_eq!(is_own_page(host, &address), right, "{host} {address}");
        }
    }

    #[test]
    fn a_value_adds_no_field_to_the_form_and_the_client_is_the_consoles() {
        let code = "c&client_id=evil#+ %26\u{e9}";
        let form = form_of(
            &[("grant_type", "authorization_code"), ("code", code)],
            &console(),
        );
        let expected = "grant_type=authorization%5Fcode&\
            code=c%26client%5Fid%3Devil%23%2B%20%2526%C3%A9&client_id=console";
        assert_eq!(form, expected);
    }

    #[test]
    fn a_token_of_rfc_8707_is_requested_for_the_audience() {
        let console = Console {
            audience_parameter: "resource".to_owned(),
            ..console()
        };
        let form = form_of(&[("grant_type", "refresh_token")], &console);
        assert_eq!(
            form,
            "grant_type=refresh%5Ftoken&client_id=console&resource=holdfast"
        );
    }

    #[test]
    fn the_page_receives_tokens_alone_and_no_text_of_the_issuer() {
        let body = json!({ "access_token": "a", "expires_in": 9, "secret": "s" }).to_string();
        let answer = answered(StatusCode::OK, body.as_bytes()).expect("tokens");
        assert_eq!(
            Value::Object(answer),
            json!({ "access_token": "a", "expires_in": 9 })
        );
        for (status, body, said) in [
            (
                400,
                json!({ "error": "invalid_grant", "error_description": "code SECRET" }),
                "(invalid_grant)",
            ),
            (401, json!({ "error": "<b>SECRET" }), "(no reason)"),
            (500, json!({ "error": "SECRET" }), "the issuer of tokens"),
            (200, json!({ "error": "SECRET" }), "the issuer of tokens"),
            (302, json!({}), "the issuer of tokens"),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let problem = answered(status, body.to_string().as_bytes()).expect_err("a problem");
            let detail = problem.into_detail();
            assert!(
                detail.contains(said) && !detail.contains("SECRET"),
                "{detail}"
            );
        }
    }
}
