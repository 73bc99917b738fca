//! Events of API Gateway as requests of HTTP, and the answers as it reads them: [payload format
//! 2.0][format] of an HTTP API.
//!
//! [format]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

use std::collections::{BTreeMap, HashMap};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header::CONTENT_TYPE,
    },
    response::IntoResponse,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use lambda_runtime::{LambdaEvent, service_fn, tower::ServiceExt};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{problem::Problem, route::FILE};

/// Characters that a path must encode (RFC 3986 §3.3). `%` is not among them: reports differ on
/// whether the gateway decodes `%25`, and no name of ours has a `%`.
const NEVER_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters that a query must encode (RFC 3986 §3.4).
const NEVER_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The claims of the token that API Gateway verified, by name, as the gateway writes their values.
#[derive(Clone, Deserialize)]
pub(crate) struct VerifiedClaims(pub(crate) HashMap<String, String>);

/// The members of an event of API Gateway that a function reads. No function reads cookies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayEvent {
    raw_path: String,
    raw_query_string: Option<String>,
    /// Lines of the same name are joined by commas.
    headers: Option<HashMap<String, String>>,
    request_context: RequestContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
struct RequestContext {
    http: Http,
    authorizer: Option<Authorizer>,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

#[derive(Deserialize)]
struct Authorizer {
    jwt: Option<Jwt>,
}

#[derive(Deserialize)]
struct Jwt {
    claims: Option<VerifiedClaims>,
}

/// The answer to an event. No function sets a cookie, which would need a member of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayAnswer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

/// Serves the events of a function by `router`.
pub(crate) async fn run(router: Router) -> Result<(), lambda_runtime::Error> {
    let served = service_fn(|event: LambdaEvent<Box<RawValue>>| {
        let router = router.clone();
        async move { Ok::<_, lambda_runtime::Error>(answer(router, event.payload.get()).await) }
    });
    lambda_runtime::run(served).await
}

/// The answer to an event. An event that is not a request of HTTP gets 400: some routes need no
/// token, and a stranger could otherwise cause errors of the function.
async fn answer(router: Router, event: &str) -> GatewayAnswer {
    let Some(request) = request(event) else {
        tracing::error!("the event is not a request of HTTP");
        let why = "the request cannot be read: send a method, path and headers that HTTP allows";
        let mut refusal = answer_of(Problem::bad_request(why).into_response()).await;
        let header = ("cache-control".to_owned(), "no-store".to_owned());
        refusal.headers.extend([header]);
        return refusal;
    };
    match router.oneshot(request).await {
        Ok(response) => answer_of(response).await,
        Err(never) => match never {},
    }
}

/// The request of an event; none if a member is missing or malformed, or if HTTP does not allow the
/// method, the path or a header. API Gateway does not document which characters it passes on.
fn request(event: &str) -> Option<Request<Body>> {
    let event: GatewayEvent = serde_json::from_str(event).ok()?;
    let body = event.body.unwrap_or_default();
    let body: Bytes = match event.is_base64_encoded {
        Some(true) => BASE64_STANDARD.decode(body).ok()?.into(),
        _ => body.into(),
    };
    let mut request = Request::new(Body::from(body));
    *request.method_mut() =
        Method::from_bytes(event.request_context.http.method.as_bytes()).ok()?;
    *request.uri_mut() = address(&event.raw_path, &event.raw_query_string.unwrap_or_default())?;
    *request.headers_mut() = headers(&event.headers.unwrap_or_default())?;
    let verified = event.request_context.authorizer.and_then(|by| by.jwt);
    if let Some(claims) = verified.and_then(|jwt| jwt.claims) {
        request.extensions_mut().insert(claims);
    }
    Some(request)
}

/// The path and the query, encoded. API Gateway passes a decoded path, in which a decoded `?`, `#`,
/// `\` or tab would end or shorten the path. A raw character that no query allows would make the
/// address invalid.
fn address(path: &str, query: &str) -> Option<Uri> {
    let mut address = utf8_percent_encode(path, NEVER_IN_A_PATH).to_string();
    if !query.is_empty() {
        address.push('?');
        address.extend(utf8_percent_encode(query, NEVER_IN_A_QUERY));
    }
    Uri::builder().path_and_query(address).build().ok()
}

fn headers(sent: &HashMap<String, String>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(value).ok()?;
        headers.try_append(name, value).ok()?;
    }
    Some(headers)
}

/// A response as API Gateway reads it. Files, and bytes that are not text, are in base64, which
/// adds a third. JSON's escapes can double a text, and Lambda limits an answer to 6 MB.
async fn answer_of(response: Response<Body>) -> GatewayAnswer {
    let (parts, body) = response.into_parts();
    // The bodies are in memory, so that no read fails.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let is_file = parts
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == FILE);
    let (body, is_base64_encoded) = match str::from_utf8(&body) {
        Ok(text) if !is_file => (text.to_owned(), false),
        _ => (BASE64_STANDARD.encode(&body), true),
    };
    let mut headers = BTreeMap::<_, String>::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let lines = headers.entry(name.as_str().to_owned());
        lines
            .and_modify(|before| *before = format!("{before}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    GatewayAnswer {
        status_code: parts.status.as_u16(),
        headers,
        body,
        is_base64_encoded,
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        extract::Request,
        http::{StatusCode, header::CACHE_CONTROL},
    };
    use serde_json::{Value, json};

    use super::*;

    fn event(path: &str, query: &str) -> Value {
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "host": "api" },
            "requestContext": { "http": { "method": "GET", "path": path }, "stage": "$default" },
            "isBase64Encoded": false,
        })
    }

    fn address_of(path: &str) -> String {
        let event = event(path, "tenant=acme").to_string();
        request(&event).expect("a request").uri().to_string()
    }

    /// The answer of a router that returns what it received.
    async fn echo(event: &Value) -> GatewayAnswer {
        let router = Router::new().fallback(async |request: Request| {
            let claims = request.extensions().get::<VerifiedClaims>();
            let subject = claims.map(|claims| claims.0["sub"].clone());
            let (method, headers) = (request.method().clone(), request.headers().clone());
            let body = to_bytes(request.into_body(), 99).await.expect("a body");
            format!("{method} {headers:?} {subject:?} {body:?}")
        });
        answer(router, &event.to_string()).await
    }

    #[test]
    fn a_decoded_delimiter_neither_ends_the_path_nor_removes_the_query() {
        for (raw, escape) in [
            ("?", "%3F"),
            ("#", "%23"),
            ("\\", "%5C"),
            ("\t", "%09"),
            ("\n", "%0A"),
            ("é", "%C3%A9"),
        ] {
            let raw = format!("/v1/executions/a{raw}b/redrive");
            let whole = format!("/v1/executions/a{escape}b/redrive?tenant=acme");
            assert_eq!(address_of(&raw), whole);
        }
    }

    #[test]
    fn a_query_with_forbidden_characters_still_makes_an_address() {
        let whole = address("/v1/executions", "a=<\"é b\">#&c=%3C%25").expect("an address");
        assert_eq!(
            whole.to_string(),
            "/v1/executions?a=%3C%22%C3%A9%20b%22%3E%23&c=%3C%25"
        );
    }

    #[test]
    fn a_plain_path_and_an_escape_that_the_gateway_left_stay_unchanged() {
        for raw in [
            "/v1/executions/wf:acme-1_2.3~4",
            "/v1/executions/a%252Eb",
            "//v1",
        ] {
            assert_eq!(address_of(raw), format!("{raw}?tenant=acme"));
        }
    }

    #[tokio::test]
    async fn a_request_has_the_method_the_headers_the_claims_and_the_body_of_its_event() {
        let mut event = event("/v1/keys", "");
        event["requestContext"]["authorizer"] =
            json!({ "jwt": { "claims": { "sub": "ann" }, "scopes": null } });
        event["requestContext"]["http"]["method"] = json!("POST");
        event["body"] = json!("é");
        let said = "POST {\"host\": \"api\"} Some(\"ann\") b\"\\xc3\\xa9\"";
        assert_eq!(echo(&event).await.body, said);
        event["isBase64Encoded"] = json!(true);
        event["body"] = json!("w6k=");
        assert_eq!(echo(&event).await.body, said);
    }

    #[tokio::test]
    async fn a_member_that_is_null_counts_as_missing() {
        let mut event = event("/v1/keys", "");
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": null } });
        for member in ["rawQueryString", "headers", "body", "isBase64Encoded"] {
            event[member] = Value::Null;
        }
        assert_eq!(echo(&event).await.body, "GET {} None b\"\"");
    }

    #[tokio::test]
    async fn an_event_that_http_does_not_allow_is_refused_and_is_no_error_of_the_function() {
        let changed = |pointer: &str, value: Value| {
            let mut event = event("/v1/keys", "");
            event["headers"]["x-a"] = json!("");
            *event.pointer_mut(pointer).expect("a member") = value;
            event
        };
        for honest in ["a", "", "a\tb", "é"] {
            let answer = echo(&changed("/headers/x-a", json!(honest))).await;
            assert_eq!(answer.status_code, 200, "{honest:?}");
        }
        // One more than the crate `http` takes.
        let too_many = (0..=24_576).map(|n| (format!("h{n}"), json!(""))).collect();
        for (pointer, hostile) in [
            ("/headers/x-a", json!("a\u{7f}b")),
            ("/headers/x-a", json!("a\u{1}b")),
            ("/headers/x-a", json!("a\r\nb")),
            ("/headers/x-a", json!("\0")),
            ("/headers", json!({ "a b": "" })),
            ("/headers", too_many),
            ("/rawPath", json!("keys")),
            ("/requestContext/http/method", json!("G ET")),
            ("", json!(7)),
        ] {
            let answer = echo(&changed(pointer, hostile)).await;
            assert_eq!(answer.status_code, 400, "{pointer}");
            assert_eq!(answer.headers["cache-control"], "no-store");
            let body: Value = serde_json::from_str(&answer.body).expect("a problem document");
            assert_eq!(body["title"], "Bad request");
        }
    }

    #[tokio::test]
    async fn lines_of_one_header_are_joined_by_commas() {
        let header = [(CACHE_CONTROL, "no-store")];
        let mut text = (StatusCode::ACCEPTED, header, "é").into_response();
        text.headers_mut()
            .append(CACHE_CONTROL, HeaderValue::from_static("private"));
        let text = answer_of(text).await;
        assert_eq!((text.status_code, text.body.as_str()), (202, "é"));
        assert_eq!(text.headers["cache-control"], "no-store, private");
        assert!(!text.is_base64_encoded);
    }

    #[tokio::test]
    async fn files_and_bytes_are_answered_in_base64() {
        let bytes = answer_of(vec![0x1f_u8, 0x8b].into_response()).await;
        assert_eq!(
            (bytes.body.as_str(), bytes.is_base64_encoded),
            ("H4s=", true)
        );
        let file = answer_of(([(CONTENT_TYPE, FILE)], "\"\"").into_response()).await;
        assert_eq!((file.body.as_str(), file.is_base64_encoded), ("IiI=", true));
    }
}
