//! Outputs and errors of the `http` action for each kind of answer, and for lost answers.

use std::{net::TcpListener, time::Duration};

use holdfast_action::{Call, StepError};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    set_up::{call, http, kind_and_message},
};

async fn send(method: &str, server: &Server) -> Result<Value, StepError> {
    let url = format!("{}/path?query=1", server.url);
    let mut call = call();
    // Short for an answer that never comes, and long enough for any other on a loaded machine.
    call.time_left = Duration::from_secs(2);
    call.reads = method == "GET";
    http(&server.url)
        .run(&call, json!({ "method": method, "url": url }))
        .await
}

#[tokio::test]
async fn the_output_has_the_status_the_safe_headers_and_the_body() {
    let headers = "Content-Type: application/json\r\nLocation: /notes/7\r\nX-Request-Id: r-1\r\nSet-Cookie: a=b\r\n";
    let server = Server::always(Reply::status(
        201,
        headers,
        r#"{"id":9007199254740993,"n":[1]}"#,
    ));
    let output = send("POST", &server).await.expect("an output");
    let expected = json!({
        "status": 201,
        "headers": { "content-type": "application/json", "location": "/notes/7", "x-request-id": "r-1" },
        "body": { "id": "9007199254740993", "n": [1] },
    });
    assert_eq!(output, expected);
}

#[tokio::test]
async fn a_body_that_is_not_json_becomes_text_and_no_body_becomes_null() {
    for (body, expected) in [
        ("", json!(null)),
        ("accepted", json!("accepted")),
        ("7", json!(7)),
    ] {
        let server = Server::always(Reply::status(200, "", body));
        let output = send("POST", &server).await.expect("an output");
        assert_eq!(output["body"], expected);
    }
}

#[tokio::test]
async fn each_status_is_classified_by_whether_the_effect_can_have_happened() {
    for (status, of_post, of_delete, of_get) in [
        (301, "unknown", "unknown", "permanent"),
        (302, "unknown", "unknown", "permanent"),
        (303, "unknown", "unknown", "permanent"),
        (304, "unknown", "unknown", "permanent"),
        (307, "permanent", "permanent", "permanent"),
        (400, "permanent", "permanent", "permanent"),
        (401, "permanent", "permanent", "permanent"),
        (404, "permanent", "unknown", "permanent"),
        (406, "unknown", "unknown", "permanent"),
        (408, "unknown", "unknown", "transient"),
        (409, "permanent", "unknown", "permanent"),
        (422, "permanent", "permanent", "permanent"),
        (425, "transient", "transient", "transient"),
        (429, "transient", "transient", "transient"),
        (460, "unknown", "unknown", "permanent"),
        (499, "unknown", "unknown", "transient"),
        (500, "unknown", "unknown", "transient"),
        (501, "unknown", "unknown", "transient"),
        (502, "unknown", "unknown", "transient"),
        (503, "unknown", "unknown", "transient"),
        (504, "unknown", "unknown", "transient"),
        (599, "unknown", "unknown", "transient"),
        (999, "unknown", "unknown", "transient"),
    ] {
        let server = Server::always(Reply::status(status, "", "details with a payload"));
        for (method, expected) in [
            ("POST", of_post),
            ("PATCH", of_post),
            ("PUT", of_delete),
            ("DELETE", of_delete),
            ("GET", of_get),
        ] {
            let error = send(method, &server).await.expect_err("no success");
            let (kind, message) = kind_and_message(&error);
            assert_eq!(kind, expected, "{method} {status}");
            let start = format!("{method} {} answered {status}", server.url);
            assert!(message.starts_with(&start), "{message}");
            assert!(
                !message.contains("payload") && !message.contains("query"),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn a_conflict_on_a_later_attempt_is_unknown() {
    let server = Server::always(Reply::status(409, "", ""));
    let mut second = call();
    second.attempt = 2;
    let input = json!({ "method": "POST", "url": server.url });
    let error = http(&server.url).run(&second, input).await;
    assert_eq!(
        kind_and_message(&error.expect_err("a conflict")).0,
        "unknown"
    );
}

#[tokio::test]
async fn retry_after_is_respected_up_to_an_hour() {
    for (value, expected) in [
        ("7", "transient 7"),
        ("0", "transient 0"),
        ("86400", "transient 3600"),
        ("Sun, 06 Nov 1994 08:49:37 GMT", "transient 0"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "transient 3600"),
        ("soon", "transient"),
        ("-1", "transient"),
    ] {
        let server = Server::always(Reply::status(429, &format!("Retry-After: {value}\r\n"), ""));
        let error = send("POST", &server).await.expect_err("no success");
        assert_eq!(kind_and_message(&error).0, expected, "{value}");
    }
}

#[tokio::test]
async fn retry_after_is_respected_without_being_taken_for_a_proof_that_nothing_happened() {
    let server = Server::always(Reply::status(503, "Retry-After: 5\r\n", ""));
    for (method, expected) in [("POST", "unknown 5"), ("GET", "transient 5")] {
        let error = send(method, &server).await.expect_err("no success");
        assert_eq!(kind_and_message(&error).0, expected, "{method}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::always(Reply::status(200, "", ""));
    let server = Server::always(Reply::status(
        307,
        &format!("Location: {}\r\n", other.url),
        "",
    ));
    let error = send("POST", &server).await.expect_err("a redirect");
    assert_eq!(
        error.message,
        format!(
            "POST {} answered 307 Temporary Redirect: redirects are not followed, name the final address",
            server.url
        )
    );
    assert_eq!(other.heard(), []);
}

#[tokio::test]
async fn a_failure_before_the_request_is_sent_is_transient() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let refused = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let plain = Server::always(Reply::Rude("this is not TLS, not at all\r\n".repeat(10)));
    for origin in [
        refused,
        "http://no-such-name.invalid".to_owned(),
        plain.url.replace("http://", "https://"),
    ] {
        let input = json!({ "method": "POST", "url": format!("{origin}/x?query=1") });
        let error = http(&origin).run(&call(), input).await;
        let error = error.expect_err("no connection");
        let (kind, message) = kind_and_message(&error);
        assert_eq!(kind, "transient", "{message}");
        let start = format!("POST {origin}: could not connect: ");
        assert!(message.starts_with(&start), "{message}");
        assert!(!message.contains("query"), "{message}");
    }
}

#[tokio::test]
async fn a_failure_after_the_request_may_have_been_sent_is_unknown_unless_it_only_reads() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this";
    for reply in [
        Reply::Bytes(Vec::new()),
        Reply::Bytes(b"HTTP/1.1 2".to_vec()),
        Reply::Bytes(b"no HTTP at all\r\n\r\n".to_vec()),
        Reply::Bytes(cut.into()),
        Reply::Rude(String::new()),
        Reply::Stall(String::new()),
        Reply::Stall(cut.to_owned()),
    ] {
        let server = Server::always(reply);
        for (method, expected) in [("POST", "unknown"), ("GET", "transient")] {
            let error = send(method, &server).await.expect_err("no whole answer");
            let (kind, message) = kind_and_message(&error);
            assert_eq!(kind, expected, "{message}");
            assert!(
                message.starts_with(&format!("{method} {}: ", server.url)),
                "{message}"
            );
            assert!(!message.contains("query"), "{message}");
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_its_status_still_counts() {
    for start in [
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 99999999999\r\n\r\n",
    ] {
        let server = Server::always(Reply::Endless(start.to_owned()));
        let output = send("POST", &server).await.expect("the effect remains");
        assert_eq!(
            output,
            json!({
                "status": 200,
                "headers": { "content-type": "text/plain" },
                "body": null,
                "body_omitted": true,
                "body_error": "it has more than 1048576 bytes",
            })
        );
        let error = send("GET", &server)
            .await
            .expect_err("a GET needs its body");
        let expected = format!(
            "GET {} answered a body that cannot be read: it has more than 1048576 bytes",
            server.url
        );
        assert_eq!(
            kind_and_message(&error),
            ("permanent".to_owned(), expected.as_str())
        );
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let body = "x".repeat(1 << 20);
    let server = Server::always(Reply::status(200, "", &body));
    let output = send("GET", &server).await.expect("an output");
    assert_eq!(output["body"], Value::String(body));
}

#[tokio::test]
async fn the_definition_says_whether_a_request_only_reads() {
    for (method, reads, expected) in [
        ("POST", true, "transient"),
        ("POST", false, "unknown"),
        ("GET", true, "transient"),
        ("GET", false, "unknown"),
    ] {
        let server = Server::always(Reply::status(502, "", ""));
        let input = json!({ "method": method, "url": server.url });
        let call = Call { reads, ..call() };
        let error = http(&server.url).run(&call, input).await;
        let error = error.expect_err("no success");
        assert_eq!(kind_and_message(&error).0, expected, "{method} {reads}");
    }
}

/// A reply with a body of any bytes.
fn of_bytes(headers: &str, body: &[u8]) -> Server {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    );
    Server::always(Reply::Bytes([head.as_bytes(), body].concat()))
}

#[tokio::test]
async fn an_answer_is_read_by_its_byte_order_mark_its_charset_and_its_content_encoding() {
    let gzip: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0x4c, 0x51,
        0xb2, 0x52, 0x3a, 0xbc, 0x44, 0xa9, 0x16, 0x00, 0xe7, 0xa1, 0x00, 0x2c, 0x0b, 0x00, 0x00,
        0x00,
    ];
    let latin = "Content-Type: application/json; charset=iso-8859-1\r\n";
    for (headers, body) in [
        ("", b"\xef\xbb\xbf{\"id\":\"\xc3\xa4\"}".as_slice()),
        (latin, b"{\"id\":\"\xe4\"}"),
        ("Content-Encoding: gzip\r\n", gzip),
    ] {
        let server = of_bytes(headers, body);
        let output = send("POST", &server).await.expect("an output");
        assert_eq!(output["body"], json!({ "id": "ä" }), "{headers}");
        assert_eq!(output.get("body_omitted"), None, "{headers}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_keeps_its_effect_and_says_so() {
    for (headers, body, why) in [
        ("", b"a\xffb".as_slice(), "it is not valid UTF-8"),
        (
            "Content-Encoding: gzip\r\n",
            b"not gzip",
            "it is not valid gzip, which its content-encoding says",
        ),
        (
            "Content-Encoding: zstd\r\n",
            b"x",
            "its content-encoding is none of gzip, deflate and br",
        ),
    ] {
        let server = of_bytes(headers, body);
        let output = send("POST", &server).await.expect("the effect remains");
        let expected = json!({
            "status": 200, "headers": {}, "body": null, "body_omitted": true, "body_error": why,
        });
        assert_eq!(output, expected);
        let error = send("GET", &server).await.expect_err("it needs its body");
        let (kind, message) = kind_and_message(&error);
        assert_eq!(kind, "permanent");
        assert!(
            message.ends_with(&format!("cannot be read: {why}")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_long_number_of_an_answer_is_a_string_as_it_is_written() {
    let server = Server::always(Reply::status(
        200,
        "",
        r#"{"id":1000000000000001,"far":123456789012345678901234567890,"big":1e400,"n":-0,"half":0.5}"#,
    ));
    let output = send("GET", &server).await.expect("an output");
    let body = json!({
        "id": "1000000000000001", "far": "123456789012345678901234567890", "big": "1e400",
        "n": -0.0, "half": 0.5,
    });
    assert_eq!(output["body"], body);
}

#[tokio::test]
async fn a_refusal_keeps_the_path_and_the_beginning_of_the_answer() {
    let long = "x".repeat(100_000);
    let stalled = "HTTP/1.1 422 X\r\ncontent-length: 100\r\n\r\n{\"detail\"".to_owned();
    for (reply, kept) in [
        (Reply::status(422, "", "IBAN unknown"), "IBAN unknown"),
        (
            Reply::status(
                422,
                "Content-Type: text/plain; charset=latin1\r\n",
                "caf\u{e9}",
            ),
            "caf\u{c3}\u{a9}",
        ),
        (Reply::status(422, "", &long), &long[..16 << 10]),
        (
            Reply::status(422, "Content-Encoding: gzip\r\n", "no gzip"),
            "",
        ),
        (Reply::status(422, "", ""), ""),
        (Reply::Stall(stalled), "{\"detail\""),
    ] {
        let server = Server::always(reply);
        let error = send("POST", &server).await.expect_err("a refusal");
        assert_eq!(kind_and_message(&error).0, "permanent", "{kept}");
        let answer = error.answer.expect("an answer");
        assert_eq!(
            (answer.path.as_str(), answer.body.as_str()),
            ("/path", kept)
        );
    }
}
