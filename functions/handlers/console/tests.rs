//! The console's routes, headers and sizes, without an issuer.

use axum::body::{Body, to_bytes};
use lambda_runtime::tower::ServiceExt;

use super::*;

/// The limit of the whole console, as a browser fetches it first.
const COMPRESSED_MAX: usize = 150_000;

pub(super) fn console() -> Console {
    Console {
        // A port that no program of this machine listens on.
        issuer: Issuer::new("http://127.0.0.1:1".to_owned()).expect("a client"),
        client_id: "console".to_owned(),
        scope: "openid".to_owned(),
        audience: "holdfast".to_owned(),
        audience_parameter: "audience".to_owned(),
        claims: json!({}),
    }
}

async fn answer(console: Option<Console>, request: Request) -> (Response, String) {
    let response = router(console).oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let text = String::from_utf8_lossy(&body).into_owned();
    (Response::from_parts(parts, Body::empty()), text)
}

fn get_request(path: &str, headers: &[(&str, &str)]) -> Request {
    let request = Request::builder().uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn every_answer_has_a_policy_that_forbids_other_origins_and_inline_code() {
    for path in ["/console", "/console/index.html", "/console/none", "/other"] {
        let (response, _) = answer(Some(console()), get_request(path, &[])).await;
        let headers = response.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("a text");
        assert!(
            policy.starts_with("default-src 'none'; "),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    }
}

#[tokio::test]
async fn the_whole_console_is_below_its_limit_and_has_no_address_of_another_origin() {
    let whole: usize = files::FILES.iter().map(|file| file.compressed.len()).sum();
    assert!(
        (1_000..COMPRESSED_MAX).contains(&whole),
        "{whole} bytes compressed"
    );
    let (_, page) = answer(Some(console()), get_request("/console/index.html", &[])).await;
    assert!(page.contains("<script"), "{page}");
    assert!(!page.contains("//"), "{page}");
    assert!(
        !page.contains("style=") && !page.contains("<style"),
        "{page}"
    );
}

#[tokio::test]
async fn a_file_is_sent_once_and_again_only_after_it_changed() {
    let (plain, text) = answer(Some(console()), get_request("/console/index.html", &[])).await;
    assert_eq!(
        plain.headers()[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    assert_eq!(plain.headers()[header::CACHE_CONTROL], "no-cache");
    assert!(text.starts_with("<!doctype html>"), "{text}");
    let tag = plain.headers()[header::ETAG].to_str().expect("a text");
    for accepted in ["gzip", "br, gzip;q=0.9", "GZIP; q=1.0"] {
        let request = get_request("/console/index.html", &[("accept-encoding", accepted)]);
        let (compressed, body) = answer(Some(console()), request).await;
        assert_eq!(compressed.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(!body.contains("<!doctype"));
    }
    for without_gzip in ["gzip;q=0", "br, gzip; Q=0.000", "identity"] {
        let request = get_request("/console/index.html", &[("accept-encoding", without_gzip)]);
        let (plain, body) = answer(Some(console()), request).await;
        assert_eq!(plain.headers().get(header::CONTENT_ENCODING), None);
        assert!(body.starts_with("<!doctype html>"), "{without_gzip}");
    }
    for kept in [tag.to_owned(), format!("\"a\", W/{tag}")] {
        let request = get_request("/console/index.html", &[("if-none-match", &kept)]);
        let (response, body) = answer(Some(console()), request).await;
        assert_eq!((response.status(), &*body), (StatusCode::NOT_MODIFIED, ""));
    }
    let request = get_request("/console/index.html", &[("if-none-match", "\"other\"")]);
    assert_eq!(answer(Some(console()), request).await.0.status(), 200);
}

#[tokio::test]
async fn the_address_without_a_file_leads_to_the_page_under_any_prefix() {
    for (path, to) in [
        ("/console", "console/index.html"),
        ("/console/", "index.html"),
    ] {
        let (response, _) = answer(Some(console()), get_request(path, &[])).await;
        assert_eq!(response.status(), StatusCode::FOUND);
        assert_eq!(response.headers()[header::LOCATION], to);
    }
}

#[tokio::test]
async fn a_deployment_without_a_client_has_no_console_and_says_why() {
    for path in ["/console", "/console/index.html", "/console/config.json"] {
        let (response, text) = answer(None, get_request(path, &[])).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(text.contains("ConsoleClientId"), "{text}");
    }
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_a_problem_that_can_pass() {
    let (response, text) = answer(Some(console()), get_request("/console/config.json", &[])).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        text.contains("the issuer of tokens does not answer"),
        "{text}"
    );
}

#[tokio::test]
async fn the_token_route_forwards_two_grants_of_its_own_page_and_nothing_else() {
    let page = "https://api.example/console/index.html";
    let code = json!({ "grant_type": "authorization_code", "code": "SECRET",
        "code_verifier": "v", "redirect_uri": page });
    let with = |name: &str, value: Value| {
        let mut body = code.clone();
        body[name] = value;
        body
    };
    let json_type = ("content-type", "application/json");
    let site = |site: &'static str| vec![json_type, ("sec-fetch-site", site)];
    for (body, headers, status) in [
        // What is in order reaches the issuer, which does not answer here.
        (code.clone(), vec![json_type], 503),
        (code.clone(), site("same-origin"), 503),
        (
            json!({ "grant_type": "refresh_token", "refresh_token": "r" }),
            vec![json_type],
            503,
        ),
        (code.clone(), site("cross-site"), 403),
        (code.clone(), site("same-site"), 403),
        (code.clone(), vec![("content-type", "text/plain")], 415),
        (with("client_id", json!("other")), vec![json_type], 400),
        (
            with("token_endpoint", json!("https://evil")),
            vec![json_type],
            400,
        ),
        (
            with("redirect_uri", json!("https://evil/console/index.html")),
            vec![json_type],
            400,
        ),
        (
            with("grant_type", json!("client_credentials")),
            vec![json_type],
            400,
        ),
        (with("grant_type", json!("password")), vec![json_type], 400),
        (
            with("code", json!("x".repeat(BODY_MAX))),
            vec![json_type],
            400,
        ),
        (
            json!({ "grant_type": "refresh_token" }),
            vec![json_type],
            400,
        ),
    ] {
        let request = Request::builder().method("POST").uri("/console/token");
        let request = request.header("host", "api.example");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let request = request
            .body(Body::from(body.to_string()))
            .expect("a request");
        let (response, text) = answer(Some(console()), request).await;
        assert_eq!(response.status(), status, "{body} {headers:?}: {text}");
        assert!(!text.contains("SECRET"), "{text}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
}
