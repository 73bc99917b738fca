//! The action `vendor-hold` against the vendor system: one effect under every fault, and none after
//! its undo.

use std::{sync::Arc, time::Duration};

use holdfast_action::{AnyAction, Call, Verdict};
use holdfast_steps::registry;
use holdfast_vendor_system::{Options, Server};
use serde_json::{Value, json};

use crate::set_up::{call, done, kind_and_message, settings, undo_call};

/// A vendor system with its action.
struct Vendors {
    server: Server,
    hold: Arc<dyn AnyAction>,
}

impl Vendors {
    async fn start() -> Self {
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::start(address, Options::default()).await;
        let server = server.expect("a vendor system");
        let settings = settings("VENDOR_SYSTEM_URL", &server.url());
        let hold = registry().make("vendor-hold", &settings);
        Self {
            hold: hold.expect("an action"),
            server,
        }
    }

    /// Plans a fault of `kind` for the next call of `route`.
    async fn fail_next(&self, route: &str, kind: Value) {
        let plan = json!({ "route": route, "count": 1, "kind": kind });
        let answer = reqwest::Client::new()
            .post(format!("{}/admin/faults", self.server.url()))
            .body(plan.to_string())
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 201);
    }

    /// The kinds of all effects so far.
    async fn effects(&self) -> Vec<String> {
        let url = format!("{}/admin/effects", self.server.url());
        let answer = reqwest::get(url).await.expect("an answer");
        let text = answer.text().await.expect("a body");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let effects = body["effects"].as_array().expect("a list");
        effects
            .iter()
            .map(|effect| effect["kind"].as_str().expect("a kind").to_owned())
            .collect()
    }

    async fn verdict(&self) -> Verdict<Value> {
        let verdict = self.hold.verify(&undo_call(), input()).await;
        verdict.expect("a verdict")
    }
}

fn input() -> Value {
    json!({ "vendor_id": "v-7", "days": 14 })
}

fn attempt(attempt: u32) -> Call {
    Call { attempt, ..call() }
}

#[tokio::test]
async fn a_hold_is_placed_once_however_often_it_is_requested() {
    let vendors = Vendors::start().await;
    assert_eq!(vendors.verdict().await, Verdict::DidNotHappen);
    let first = vendors.hold.run(&attempt(1), input()).await;
    let first = first.expect("a hold");
    assert_eq!(first["hold_id"], "hold-1");
    let again = vendors.hold.run(&attempt(2), input()).await;
    assert_eq!(again.as_ref(), Ok(&first));
    assert_eq!(vendors.verdict().await, Verdict::Happened(first));
    assert_eq!(vendors.effects().await, ["hold_placed"]);
}

#[tokio::test]
async fn each_fault_has_its_kind_of_error_and_the_next_attempt_gets_the_one_hold() {
    for (kind, error_kind, happened) in [
        (json!({ "status": 503 }), "unknown", false),
        (
            json!({ "status": 429, "retry_after_s": 2 }),
            "transient 2",
            false,
        ),
        (json!({ "status": 500 }), "unknown", false),
        (json!({ "drop": "before_commit" }), "unknown", false),
        (json!({ "drop": "after_commit" }), "unknown", true),
        (json!({ "block": "after_commit" }), "unknown", true),
        (json!({ "body_bytes": 2_000_000 }), "unknown", true),
    ] {
        let vendors = Vendors::start().await;
        vendors.fail_next("POST /holds", kind.clone()).await;
        let mut first = attempt(1);
        // Only the blocked call uses its time up.
        first.time_left = Duration::from_secs(2);
        let error = vendors.hold.run(&first, input()).await;
        assert_eq!(
            kind_and_message(&error.expect_err("a fault")).0,
            error_kind,
            "{kind}"
        );
        let remains = matches!(vendors.verdict().await, Verdict::Happened(_));
        assert_eq!(remains, happened, "{kind}");
        let output = vendors.hold.run(&attempt(2), input()).await;
        assert_eq!(output.expect("a hold")["hold_id"], "hold-1", "{kind}");
        assert_eq!(vendors.effects().await, ["hold_placed"], "{kind}");
    }
}

#[tokio::test]
async fn an_undo_releases_the_hold_even_without_its_output_and_can_be_repeated() {
    let vendors = Vendors::start().await;
    vendors.hold.run(&call(), input()).await.expect("a hold");
    vendors
        .fail_next("DELETE /holds", json!({ "drop": "after_commit" }))
        .await;
    let lost = vendors.hold.undo(&undo_call(), done(input(), None)).await;
    assert_eq!(kind_and_message(&lost.expect_err("no answer")).0, "unknown");
    let undone = vendors.hold.undo(&undo_call(), done(input(), None)).await;
    assert_eq!(undone, Ok(()));
    assert_eq!(vendors.verdict().await, Verdict::DidNotHappen);
    assert_eq!(vendors.effects().await, ["hold_placed", "hold_released"]);
}

#[tokio::test]
async fn a_hold_that_arrives_after_its_undo_has_no_effect() {
    let vendors = Vendors::start().await;
    let undone = vendors.hold.undo(&undo_call(), done(input(), None)).await;
    assert_eq!(undone, Ok(()), "it never happened");
    let late = vendors.hold.run(&call(), input()).await;
    assert_eq!(
        kind_and_message(&late.expect_err("its key is fenced")).0,
        "permanent"
    );
    assert_eq!(vendors.effects().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_hold_that_the_vendor_system_cannot_place_is_permanent() {
    let vendors = Vendors::start().await;
    let days = json!({ "vendor_id": "v-7", "days": 0 });
    let error = vendors.hold.run(&call(), days).await;
    let error = error.expect_err("no such hold");
    let expected = format!(
        "POST {} answered 422 Unprocessable Entity",
        vendors.server.url()
    );
    assert_eq!(
        kind_and_message(&error),
        ("permanent".to_owned(), expected.as_str())
    );
}
