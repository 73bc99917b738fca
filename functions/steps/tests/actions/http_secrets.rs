//! A secret goes to its own origins alone, and no error of the `http` action contains it.

use std::time::Duration;

use holdfast_action::Settings;
use holdfast_steps::registry;
use serde_json::json;

use crate::{
    server::{Reply, Server},
    set_up::{call, done, http, http_with, kind_and_message, undo_call},
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
        call.time_left = Duration::from_secs(2);
        let input = json!({ "method": "POST", "url": server.url, "auth": { "secret": "token" } });
        let error = http(&server.url)
            .run(&call, input)
            .await
            .expect_err("no success");
        let answer = error.answer.as_ref().map(|answer| &answer.body);
        let everything = format!("{error} {error:?} {answer:?}");
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
    let lists = [
        ("HOLDFAST_HTTP_ALLOW", "http://127.0.0.1:1"),
        ("HOLDFAST_SECRET_ALLOW", "token=http://127.0.0.1:1"),
    ];
    let lists = lists.map(|(name, list)| (name.to_owned(), list.to_owned()));
    let action = registry()
        .make("http", &Settings::new(lists))
        .expect("an action");
    let input =
        json!({ "method": "POST", "url": "http://127.0.0.1:1", "auth": { "secret": "token" } });
    let error = action.run(&call(), input).await.expect_err("no store");
    let expected = "auth: this deployment has no store of secrets";
    assert_eq!(kind_and_message(&error), ("permanent".to_owned(), expected));
}

#[tokio::test]
async fn a_secret_is_neither_read_nor_sent_where_secret_allow_does_not_list_it() {
    let server = Server::always(Reply::status(200, "", "{}"));
    let other = Server::always(Reply::status(200, "", "{}"));
    let allow = format!("{}, {}", server.url, other.url);
    for secret_allow in ["", &format!("token={},nope={}", other.url, server.url)] {
        let action = http_with(&allow, secret_allow);
        // The store would answer that it has no secret `broke`, if the action read it.
        for name in ["token", "broken", "broke"] {
            let input = json!({ "method": "POST", "url": server.url, "auth": { "secret": name } });
            let expected = format!(
                "auth: the secret {name:?} is not allowed for {0} or its path; to allow it, add \
                 {name}={0} to the parameter SecretAllow",
                server.url
            );
            let run = action.run(&call(), input.clone()).await.map(drop);
            let undo = done(input.clone(), Some(input));
            let undo = action.undo(&undo_call(), undo).await;
            for tried in [run, undo] {
                let error = tried.expect_err("the secret is not listed for this origin");
                let found = kind_and_message(&error);
                assert_eq!(found, ("permanent".to_owned(), expected.as_str()));
            }
        }
    }
    assert_eq!(server.heard(), []);
    let action = http_with(&allow, &format!("token={}", other.url));
    let input = json!({ "method": "POST", "url": other.url, "auth": { "secret": "token" } });
    action.run(&call(), input).await.expect("it is listed");
    let sent = &other.heard()[0];
    assert_eq!(sent.header("authorization"), Some("Bearer s3cr3t-text"));
}

#[tokio::test]
async fn the_check_of_a_secret_that_secret_allow_does_not_list_says_what_to_add() {
    let settings = [
        ("HOLDFAST_SECRET_ALLOW", "listed=http://127.0.0.1:1"),
        ("HOLDFAST_SECRETS", "listed,other"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let action = registry().make("http", &Settings::new(settings));
    let checks = action.expect("an action").check().await;
    let troubles: Vec<_> = checks
        .iter()
        .map(|check| check.trouble.as_deref())
        .collect();
    assert_eq!(
        troubles,
        [
            Some("auth: this deployment has no store of secrets"),
            Some("the parameter SecretAllow lists no origin for it: add other=ORIGIN"),
        ]
    );
}
