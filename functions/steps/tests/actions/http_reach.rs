//! Attempts to lead the `http` action elsewhere: names of inner addresses, redirects, other
//! spellings and smuggled headers.

use serde_json::json;

use crate::{
    server::{Reply, Server},
    set_up::{call, done, http, kind_and_message, undo_call},
};

#[tokio::test]
async fn a_listed_name_that_resolves_to_loopback_is_refused_before_anything_is_sent() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let named = server.url.replace("127.0.0.1", "localhost");
    let input = json!({ "method": "POST", "url": named, "auth": { "secret": "token" } });
    let error = http(&named).run(&call(), input.clone()).await;
    let error = error.expect_err("localhost is no public name");
    let (kind, message) = kind_and_message(&error);
    assert_eq!(kind, "permanent", "{message}");
    assert!(
        message.contains("leads to an address inside a network"),
        "{message}"
    );
    let undone = http(&named)
        .undo(&undo_call(), done(input.clone(), Some(input)))
        .await;
    assert_eq!(
        kind_and_message(&undone.expect_err("the undo is refused too")).0,
        "permanent"
    );
    assert_eq!(server.heard(), []);
}

#[tokio::test]
async fn a_name_may_resolve_into_a_listed_network() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let named = server.url.replace("127.0.0.1", "localhost");
    let input = json!({ "method": "GET", "url": named });
    let list = format!("{named}, 127.0.0.1/32");
    http(&list)
        .run(&call(), input.clone())
        .await
        .expect("an output");
    assert_eq!(server.heard().len(), 1);
    // Another listed network does not allow the address.
    let other = format!("{named}, 10.0.0.0/8");
    http(&other)
        .run(&call(), input)
        .await
        .expect_err("another network");
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_listed_network_makes_no_address_a_target() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let input = json!({ "method": "GET", "url": server.url });
    let error = http("https://api.example.com, 127.0.0.0/8")
        .run(&call(), input)
        .await;
    let error = error.expect_err("no origin is listed for it");
    assert!(
        error.message.contains("is not allowed"),
        "{}",
        error.message
    );
    assert_eq!(server.heard(), []);
}

#[tokio::test]
async fn no_redirect_is_followed_for_any_target_or_method() {
    let hidden = Server::always(Reply::status(200, "", "hidden"));
    for status in [301, 302, 303, 307, 308] {
        for target in [
            hidden.url.as_str(),
            "http://169.254.169.254/latest/meta-data/",
            "//evil.example/",
        ] {
            let location = format!("Location: {target}\r\n");
            let server = Server::always(Reply::status(status, &location, ""));
            for method in ["GET", "POST"] {
                let input =
                    json!({ "method": method, "url": server.url, "auth": { "secret": "token" } });
                let error = http(&server.url).run(&call(), input).await;
                let error = error.expect_err("a redirect is no success");
                assert!(!error.message.contains(target), "{}", error.message);
            }
            assert_eq!(server.heard().len(), 2, "{status}: one request each");
        }
    }
    assert_eq!(hidden.heard(), [], "no request arrived by a redirect");
}

#[tokio::test]
async fn no_other_header_of_an_answer_leads_elsewhere() {
    let hidden = Server::always(Reply::status(200, "", "hidden"));
    let headers = format!(
        "Refresh: 0; url={0}\r\nContent-Location: {0}\r\nAlt-Svc: h2=\"{0}\"\r\n",
        hidden.url
    );
    let server = Server::always(Reply::status(200, &headers, "{}"));
    let input = json!({ "method": "GET", "url": server.url });
    let output = http(&server.url)
        .run(&call(), input)
        .await
        .expect("an output");
    assert_eq!(output["status"], 200);
    assert_eq!(
        output["headers"],
        json!({}),
        "none of them is in the output"
    );
    assert_eq!(hidden.heard(), []);
}

#[tokio::test]
async fn no_header_smuggles_another_header_a_request_or_a_key() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let url = &server.url;
    let smuggled = [
        ("X-A", "a\r\nIdempotency-Key: mine"),
        ("X-A", "a\nIdempotency-Key: mine"),
        ("X-A", "a\rIdempotency-Key: mine"),
        ("X-A", "a\u{0}b"),
        ("X-A", "a\u{7f}b"),
        ("X-A", "a\u{560d}\u{560a}X-B: b"),
        ("X-A\r\nX-B", "b"),
        ("X-A: a\r\nX-B", "b"),
        ("X-A:", "b"),
        (" X-A", "b"),
        ("", "b"),
        ("Idempotency-Key", "mine"),
        ("idempotency-key", "mine"),
        ("Holdfast-Forward-Key", "mine"),
        ("Authorization", "Bearer mine"),
        ("Proxy-Authorization", "Basic mine"),
        ("Host", "169.254.169.254"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Trailer", "X-B"),
        ("Connection", "Idempotency-Key"),
        ("Proxy-Connection", "keep-alive"),
        ("Keep-Alive", "timeout=600"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
        ("Expect", "100-continue"),
    ];
    for (name, value) in smuggled {
        let input = json!({ "method": "POST", "url": url, "headers": { name: value }, "body": {} });
        let error = http(url).run(&call(), input).await.expect_err(name);
        assert_eq!(kind_and_message(&error).0, "permanent", "{name}");
        assert!(
            !error.message.contains(['\r', '\n', '\0']),
            "{:?}",
            error.message
        );
        let auth = json!({ "secret": "token", "header": name });
        // A credential may use any header that may be set, and the two headers for credentials.
        let ours = !matches!(name, "X-A" | "Authorization" | "Proxy-Authorization");
        let input = json!({ "method": "POST", "url": url, "auth": auth, "body": {} });
        assert_eq!(ours, http(url).run(&call(), input).await.is_err(), "{name}");
    }
    let scheme = json!({ "secret": "token", "scheme": "Bearer\r\nX-B:" });
    let input = json!({ "method": "POST", "url": url, "auth": scheme });
    let error = http(url)
        .run(&call(), input)
        .await
        .expect_err("a scheme with a line break");
    assert!(!error.message.contains("s3cr3t"), "{}", error.message);
    for heard in server.heard() {
        assert_eq!(heard.header("idempotency-key"), Some("key-forward"));
        assert_eq!(heard.header("x-b"), None);
    }
}

#[tokio::test]
async fn no_line_break_in_an_address_becomes_a_line_of_the_request() {
    let server = Server::always(Reply::status(200, "", "{}"));
    for tail in [
        "/a\r\nX-B: b",
        "/a\nHost: b",
        "/a HTTP/1.1\r\nX-B: b\r\n\r\nGET /b",
        "/a\u{0}b",
        "/a\tb",
    ] {
        let input = json!({ "method": "GET", "url": format!("{}{tail}", server.url) });
        http(&server.url)
            .run(&call(), input)
            .await
            .expect("one request");
    }
    let heard = server.heard();
    assert_eq!(heard.len(), 5);
    for heard in heard {
        assert_eq!(heard.line.split(' ').count(), 3, "{}", heard.line);
        assert_eq!(heard.header("x-b"), None, "{}", heard.line);
        let host = server.url.strip_prefix("http://");
        assert_eq!(heard.header("host"), host, "{}", heard.line);
    }
}
