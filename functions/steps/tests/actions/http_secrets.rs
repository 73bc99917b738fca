//! No error of the `http` action contains its secret.

use std::time::Duration;

use holdfast_action::Settings;
use holdfast_steps::registry;
use serde_json::json;

use crate::{
    server::{Reply, Server},
    set_up::{call, http, kind_and_message},
};

#[tokio::test]
async fn no_error_contains_the_secret_even_if_the_target_repeats_it() {
    let echo = "bearer s3cr3t-text";
    for reply in [
        Reply::status(302, "Location: /?token=s3cr3t-text\r\n", echo),
        Reply::status(401, "WWW-Authenticate: s3cr3t-text\r\n", echo),
        Reply::status(500, "X-Request-Id: s3cr3t-text\r\n", echo),
        Reply::status(503, "Retry-After: s3cr3t-text\r\n", echo),
        Reply::Bytes(format!("HTTP/1.1 400 {echo}\r\n\r\n").into_bytes()),
        Reply::Bytes(echo.into()),
        Reply::Bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: {echo}\r\n\r\n").into_bytes()),
        Reply::Bytes(Vec::new()),
        Reply::Stall(String::new()),
    ] {
        let server = Server::always(reply);
        let mut call = call();
        call.time_left = Duration::from_millis(300);
        let input = json!({ "method": "POST", "url": server.url, "auth": { "secret": "token" } });
        let error = http(&server.url)
            .run(&call, input)
            .await
            .expect_err("no success");
        let everything = format!("{error} {error:?}");
        assert!(!everything.contains("s3cr3t"), "{everything}");
        assert_eq!(
            server.heard()[0].header("authorization"),
            Some("Bearer s3cr3t-text")
        );
    }
}

#[tokio::test]
async fn a_secret_that_no_header_can_carry_is_refused_without_its_text() {
    let input =
        json!({ "method": "POST", "url": "http://127.0.0.1:1", "auth": { "secret": "broken" } });
    let error = http("http://127.0.0.1:1").run(&call(), input).await;
    let error = error.expect_err("control characters");
    let expected =
        "auth: the secret \"broken\" or its scheme has characters that no header can carry";
    assert_eq!(kind_and_message(&error), ("permanent".to_owned(), expected));
}

#[tokio::test]
async fn a_missing_secret_fails_with_the_error_of_the_store() {
    let input =
        json!({ "method": "POST", "url": "http://127.0.0.1:1", "auth": { "secret": "nope" } });
    let error = http("http://127.0.0.1:1").run(&call(), input).await;
    let error = error.expect_err("no such secret");
    assert_eq!(
        kind_and_message(&error),
        ("permanent".to_owned(), "no secret is called \"nope\"")
    );
}

#[tokio::test]
async fn without_a_store_no_credential_can_be_sent() {
    let allow = (
        "HOLDFAST_HTTP_ALLOW".to_owned(),
        "http://127.0.0.1:1".to_owned(),
    );
    let action = registry()
        .make("http", &Settings::new([allow]))
        .expect("an action");
    let input =
        json!({ "method": "POST", "url": "http://127.0.0.1:1", "auth": { "secret": "token" } });
    let error = action.run(&call(), input).await.expect_err("no store");
    let expected = "auth: this deployment has no store of secrets";
    assert_eq!(kind_and_message(&error), ("permanent".to_owned(), expected));
}
