//! Requests of the action `vendor-hold`, and its reading of the answers.

use std::sync::Arc;

use holdfast_action::{AnyAction, Verdict};
use holdfast_steps::registry;
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    set_up::{call, done, kind_and_message, settings, undo_call},
};

fn at(url: &str) -> Arc<dyn AnyAction> {
    registry()
        .make("vendor-hold", &settings("VENDOR_SYSTEM_URL", url))
        .expect("an action")
}

fn input() -> Value {
    json!({ "vendor_id": "v-7", "days": 14, "reason": "risk" })
}

fn hold() -> Value {
    json!({ "hold_id": "h-1", "placed_at": "2026-11-23T07:00:00Z", "status": "active" })
}

#[tokio::test]
async fn the_address_may_have_a_path_and_each_request_names_the_forward_key() {
    let server = Server::always(Reply::status(200, "", &hold().to_string()));
    let action = at(&format!("{}/api/", server.url));
    action.run(&call(), input()).await.expect("a hold");
    let undone = action.undo(&undo_call(), done(input(), None)).await;
    undone.expect("a release");
    action
        .verify(&undo_call(), input())
        .await
        .expect("a verdict");
    let heard = server.heard();
    let lines: Vec<_> = heard.iter().map(|heard| heard.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /api/holds HTTP/1.1",
            "DELETE /api/holds?key=key-forward HTTP/1.1",
            "GET /api/holds?key=key-forward HTTP/1.1",
        ]
    );
    let keys: Vec<_> = heard
        .iter()
        .map(|heard| heard.header("idempotency-key"))
        .collect();
    assert_eq!(
        keys,
        [Some("key-forward"), Some("key-undo"), Some("key-undo")]
    );
    assert_eq!(
        serde_json::from_str::<Value>(&heard[0].body).ok(),
        Some(input())
    );
}

#[tokio::test]
async fn a_hold_with_an_unreadable_answer_is_unknown() {
    for body in [
        "",
        "{}",
        r#"{"hold_id": 7, "placed_at": "secret"}"#,
        &"x".repeat(2 << 20),
    ] {
        let server = Server::always(Reply::status(201, "", body));
        let error = at(&server.url).run(&call(), input()).await;
        let error = error.expect_err("no hold in it");
        let (kind, message) = kind_and_message(&error);
        assert_eq!(kind, "unknown");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[tokio::test]
async fn a_verification_without_an_answer_is_transient() {
    let server = Server::always(Reply::status(500, "", ""));
    let verdict = at(&server.url).verify(&undo_call(), input()).await;
    assert_eq!(
        kind_and_message(&verdict.expect_err("no answer")).0,
        "transient"
    );
    let gone = Server::always(Reply::status(404, "", ""));
    let verdict = at(&gone.url).verify(&undo_call(), input()).await;
    assert_eq!(verdict, Ok(Verdict::DidNotHappen));
}

#[test]
fn a_malformed_address_is_refused_when_the_function_starts() {
    let make = |url| {
        registry()
            .make("vendor-hold", &settings("VENDOR_SYSTEM_URL", url))
            .err()
    };
    assert_eq!(make("https://vendors.example.com/api"), None);
    assert_eq!(
        make("").as_deref(),
        Some("environment variable VENDOR_SYSTEM_URL is not set")
    );
    for url in [
        "vendors.example.com",
        "ftp://vendors.example.com",
        "https://me:pass@vendors.example.com",
    ] {
        let error = make(url).expect("an error");
        assert!(
            error.starts_with("environment variable VENDOR_SYSTEM_URL must be an address such as"),
            "{error}"
        );
        assert!(!error.contains("pass@"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_with_a_byte_order_mark_is_read() {
    let server = Server::always(Reply::status(200, "", &format!("\u{feff}{}", hold())));
    let output = at(&server.url).run(&call(), input()).await;
    assert_eq!(output.expect("a hold")["hold_id"], "h-1");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_an_unknown_outcome() {
    let server = Server::always(Reply::status(200, "Content-Encoding: gzip\r\n", "no gzip"));
    let error = at(&server.url).run(&call(), input()).await;
    let error = error.expect_err("no output");
    let (kind, message) = kind_and_message(&error);
    assert_eq!(kind, "unknown");
    assert!(message.contains("it is not valid gzip"), "{message}");
}
