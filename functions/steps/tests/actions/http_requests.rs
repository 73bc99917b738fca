//! Requests that the `http` action sends, and inputs that it refuses.

use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    set_up::{call, done, http, kind_and_message, undo_call},
};

async fn run(server: &Server, input: Value) -> Value {
    let action = http(&server.url);
    action.run(&call(), input).await.expect("an output")
}

#[tokio::test]
async fn a_post_carries_its_key_its_headers_its_credential_and_its_body() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let input = json!({
        "method": "POST",
        "url": format!("{}/v1/notes?to=ap", server.url),
        "headers": { "X-Team": "ap" },
        "auth": { "secret": "token" },
        "body": { "text": "held" },
    });
    run(&server, input).await;
    let heard = &server.heard()[0];
    assert_eq!(heard.line, "POST /v1/notes?to=ap HTTP/1.1");
    assert_eq!(heard.header("idempotency-key"), Some("key-forward"));
    assert_eq!(heard.header("holdfast-forward-key"), None);
    assert_eq!(heard.header("x-team"), Some("ap"));
    assert_eq!(heard.header("authorization"), Some("Bearer s3cr3t-text"));
    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert_eq!(heard.body, r#"{"text":"held"}"#);
}

#[tokio::test]
async fn parts_of_an_address_are_escaped_one_by_one() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let input = json!({
        "method": "GET",
        "url": format!("{}/v1?to=ap", server.url),
        "path": ["holds", "a/b?c#d", 7],
        "query": { "day": "1&to=eve", "open": true },
    });
    run(&server, input).await;
    let line = "GET /v1/holds/a%2Fb%3Fc%23d/7?to=ap&day=1%26to%3Deve&open=true HTTP/1.1";
    assert_eq!(server.heard()[0].line, line);
}

#[tokio::test]
async fn no_request_is_sent_to_an_address_with_dot_segments() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let url = &server.url;
    for input in [
        json!({ "method": "GET", "url": format!("{url}/v1/../admin") }),
        json!({ "method": "GET", "url": format!("{url}/v1/%2e%2e/admin") }),
        json!({ "method": "GET", "url": format!("{url}/v1"), "path": [".."] }),
        json!({ "method": "GET", "url": format!("{url}/v1"), "path": ["../admin"] }),
    ] {
        let error = http(url).run(&call(), input).await.expect_err("a way out");
        let (kind, message) = kind_and_message(&error);
        assert_eq!(kind, "permanent");
        assert!(message.contains("a segment . or .."), "{message}");
    }
    assert_eq!(server.heard().len(), 0);
}

#[tokio::test]
async fn every_method_sends_the_key_and_every_attempt_sends_the_same_key() {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let server = Server::start(&[Reply::status(503, "", ""), Reply::status(204, "", "")]);
        let action = http(&server.url);
        let input = json!({ "method": method, "url": server.url });
        action
            .run(&call(), input.clone())
            .await
            .expect_err("answered 503");
        let mut second = call();
        second.attempt = 2;
        let output = action.run(&second, input).await.expect("an output");
        assert_eq!(output["status"], 204);
        let keys: Vec<_> = server
            .heard()
            .iter()
            .map(|heard| heard.header("idempotency-key").map(str::to_owned))
            .collect();
        assert_eq!(
            keys,
            [
                Some("key-forward".to_owned()),
                Some("key-forward".to_owned())
            ]
        );
    }
}

#[tokio::test]
async fn a_credential_can_use_another_header_without_a_scheme() {
    let server = Server::always(Reply::status(200, "", ""));
    let auth = json!({ "secret": "token", "header": "X-Api-Key", "scheme": "" });
    run(
        &server,
        json!({ "method": "GET", "url": server.url, "auth": auth }),
    )
    .await;
    let heard = &server.heard()[0];
    assert_eq!(heard.header("x-api-key"), Some("s3cr3t-text"));
    assert_eq!(heard.header("authorization"), None);
}

#[tokio::test]
async fn a_text_body_is_sent_unchanged_under_its_own_content_type() {
    let server = Server::always(Reply::status(200, "", ""));
    let headers = json!({ "Content-Type": "application/x-www-form-urlencoded" });
    let input =
        json!({ "method": "POST", "url": server.url, "headers": headers, "body": "a=1&b=2" });
    run(&server, input).await;
    let heard = &server.heard()[0];
    assert_eq!(
        heard.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(heard.body, "a=1&b=2");
}

#[tokio::test]
async fn an_undo_sends_its_own_request_with_its_own_key_and_names_the_forward_key() {
    let server = Server::always(Reply::status(200, "", ""));
    let action = http(&server.url);
    let forward = json!({ "method": "POST", "url": server.url });
    let undo = json!({ "method": "DELETE", "url": format!("{}/notes/7", server.url) });
    let undone = action.undo(&undo_call(), done(forward, Some(undo))).await;
    assert_eq!(undone, Ok(()));
    let heard = &server.heard()[0];
    assert_eq!(heard.line, "DELETE /notes/7 HTTP/1.1");
    assert_eq!(heard.header("idempotency-key"), Some("key-undo"));
    assert_eq!(heard.header("holdfast-forward-key"), Some("key-forward"));
}

#[tokio::test]
async fn an_undo_of_an_effect_that_does_not_exist_says_that_it_is_missing() {
    for (status, expected) in [
        (204, None),
        (404, Some("missing")),
        (410, Some("missing")),
        (403, Some("permanent")),
        (500, Some("unknown")),
        (503, Some("unknown")),
    ] {
        let server = Server::always(Reply::status(status, "", ""));
        let input = json!({ "method": "DELETE", "url": server.url });
        let undone = http(&server.url)
            .undo(&undo_call(), done(input.clone(), Some(input)))
            .await;
        let kind = undone.err().map(|error| kind_and_message(&error).0);
        assert_eq!(kind.as_deref(), expected, "{status}");
    }
}

#[tokio::test]
async fn an_undo_without_an_input_of_its_own_is_refused() {
    let input = json!({ "method": "POST", "url": "http://127.0.0.1:1" });
    let error = http("").undo(&undo_call(), done(input, None)).await;
    let error = error.expect_err("nothing to send");
    assert_eq!(kind_and_message(&error).0, "permanent");
    assert!(error.message.starts_with("rollback.input is missing"));
}

#[tokio::test]
async fn a_request_that_would_break_the_protocol_or_the_list_is_never_sent() {
    let server = Server::always(Reply::status(200, "", ""));
    let url = server.url.as_str();
    let with_header = |name: &str, value: &str| json!({ "method": "POST", "url": url, "headers": { name: value } });
    let with_auth = |auth: Value| json!({ "method": "POST", "url": url, "auth": auth });
    let cases = [
        (
            with_header("idempotency-KEY", "mine"),
            r#"header "idempotency-KEY" is set by the engine"#,
        ),
        (
            with_header("Host", "elsewhere"),
            r#"header "Host" is set by the engine"#,
        ),
        (
            with_header("Content-Length", "0"),
            r#"header "Content-Length" is set by the engine"#,
        ),
        (
            with_header("Transfer-Encoding", "chunked"),
            r#"header "Transfer-Encoding" is set by"#,
        ),
        (
            with_header("Connection", "close"),
            r#"header "Connection" is set by the engine"#,
        ),
        (
            with_header("Holdfast-Forward-Key", "x"),
            r#"header "Holdfast-Forward-Key" is set by"#,
        ),
        (
            with_header("Authorization", "Bearer x"),
            r#"header "Authorization" carries credentials: use auth"#,
        ),
        (
            with_header("X-A", "a\r\nX-B: b"),
            r#"header "X-A" has control or non-ASCII characters"#,
        ),
        (
            with_header("X A", "a"),
            r#"header "X A" is not a header name"#,
        ),
        (
            json!({ "method": "POST", "url": url, "headers": { "X-A": "1", "x-a": "2" } }),
            r#"header "x-a" is there twice"#,
        ),
        (
            with_auth(json!({ "secret": "token", "header": "Host" })),
            r#"header "Host" is set by"#,
        ),
        (
            json!({ "method": "POST", "url": url, "headers": { "X-Key": "1" }, "auth": { "secret": "token", "header": "x-key" } }),
            r#"header "x-key" is both in headers and in auth"#,
        ),
        (
            json!({ "method": "POST", "url": url, "headers": { "content-type": "text/plain" }, "body": { "a": 1 } }),
            "body: with a content-type other than JSON it must be a string",
        ),
        (
            json!({ "method": "POST", "url": "/relative" }),
            "url: not an absolute address",
        ),
        (
            json!({ "method": "POST", "url": url.replace("http://", "http://me:pass@") }),
            "url: user name and password do not belong in an address",
        ),
        (
            json!({ "method": "POST", "url": "https://other.example/v1/hidden?token=hidden" }),
            "url: https://other.example or its path is not allowed; the parameter HttpAllow lists what is",
        ),
        (
            json!({ "method": "HEAD", "url": url }),
            "input.method must be one of `GET`, `POST`, `PUT`, `PATCH`, `DELETE`",
        ),
        (
            json!({ "method": "GET", "url": url, "uri": url }),
            "input.uri: unknown field `uri`",
        ),
    ];
    for (input, expected) in cases {
        let error = http(url).run(&call(), input).await.expect_err(expected);
        let (kind, message) = kind_and_message(&error);
        assert_eq!(kind, "permanent", "{message}");
        assert!(
            message.starts_with(expected),
            "{message:?} is not {expected:?}"
        );
        assert!(
            !message.contains("hidden") && !message.contains("pass@"),
            "{message}"
        );
    }
    assert_eq!(server.heard(), []);
}

#[tokio::test]
async fn an_empty_list_allows_nothing() {
    let input = json!({ "method": "GET", "url": "http://127.0.0.1:4600/x" });
    let error = http("").run(&call(), input).await.expect_err("refused");
    assert_eq!(
        kind_and_message(&error),
        (
            "permanent".to_owned(),
            "url: http://127.0.0.1:4600 or its path is not allowed; the parameter HttpAllow lists what is"
        )
    );
}

#[tokio::test]
async fn a_method_that_can_have_a_body_sends_length_zero_without_one() {
    for (method, length) in [
        ("POST", Some("0")),
        ("PUT", Some("0")),
        ("PATCH", Some("0")),
        ("GET", None),
    ] {
        let server = Server::always(Reply::status(204, "", ""));
        run(&server, json!({ "method": method, "url": server.url })).await;
        assert_eq!(
            server.heard()[0].header("content-length"),
            length,
            "{method}"
        );
    }
}
