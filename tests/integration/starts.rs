//! The start contract of the API: the answer to each kind of request.

use holdfast_ids::keys::execution_id;
use holdfast_tests::{DELAY, Reply, Stack, unique};
use serde_json::{Value, json};

use crate::hold;

const PATH: &str = "/v1/workflows/WF-DELAY-VENDOR-PAYMENTS-ACME/executions";

/// Asserts that the answer is a problem document of this status and kind, whose detail has `words`.
fn assert_problem(reply: &Reply, status: u16, kind: &str, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.body["type"], format!("urn:holdfast:problem:{kind}"));
    assert_eq!(reply.body["status"], status);
    assert_eq!(reply.body["retryable"], false, "it would be the same again");
    assert!(!reply.body["title"].as_str().expect("a title").is_empty());
    let detail = reply.body["detail"].as_str().expect("a detail");
    assert!(detail.contains(words), "{detail}");
}

#[tokio::test]
async fn an_accepted_start_names_the_path_of_its_execution() {
    let stack = Stack::from_env().await;
    let reply = stack
        .api
        .start(DELAY, &unique("start"), &hold(&unique("vendor")))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    assert_eq!(reply.header("idempotency-replayed"), "false");
    let here = reply.header("location").to_owned();
    let read = stack.api.get(&here).await;
    assert_eq!(read.status, 200, "known at once: {}", read.body);
    assert_eq!(read.body["execution_id"], reply.body["execution_id"]);
    stack
        .api
        .finished(reply.body["execution_id"].as_str().expect("an id"))
        .await;
}

#[tokio::test]
async fn the_same_key_and_input_is_the_same_execution_before_and_after_its_end() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("start"));
    let id = stack.api.started(DELAY, &key, &hold(&vendor)).await;
    let at_once = stack.api.start(DELAY, &key, &hold(&vendor)).await;
    stack.api.finished(&id).await;
    let later = stack.api.start(DELAY, &key, &hold(&vendor)).await;
    for replay in [at_once, later] {
        assert_eq!(
            (replay.status, replay.header("idempotency-replayed")),
            (200, "true")
        );
        assert_eq!(replay.body["replayed"], true);
        assert_eq!(replay.body["execution_id"], id);
    }
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn the_same_key_with_another_input_is_refused_and_names_the_first() {
    let stack = Stack::from_env().await;
    let key = unique("start");
    let id = stack
        .api
        .started(DELAY, &key, &hold(&unique("vendor")))
        .await;
    let other = unique("vendor");
    let at_once = stack.api.start(DELAY, &key, &hold(&other)).await;
    stack.api.finished(&id).await;
    let later = stack.api.start(DELAY, &key, &hold(&other)).await;
    for refused in [at_once, later] {
        assert_problem(&refused, 422, "idempotency-key-reused", &id);
    }
    assert!(stack.vendor.effects_on(&other).await.is_empty());
}

#[tokio::test]
async fn a_key_belongs_to_one_tenant_and_one_workflow() {
    let stack = Stack::from_env().await;
    let (key, input) = (
        unique("start"),
        json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] }),
    );
    let acme = stack
        .api
        .started("WF-HOLD-VENDOR-GROUP", &key, &input)
        .await;
    let globex = stack
        .api
        .as_tenant("globex")
        .started("WF-HOLD-VENDOR-GROUP", &key, &input)
        .await;
    assert_ne!(acme, globex);
    assert_eq!(
        stack
            .api
            .get(&format!("/v1/executions/{globex}"))
            .await
            .status,
        404,
        "another tenant's is not there"
    );
}

#[tokio::test]
async fn every_malformed_request_has_a_problem_that_names_the_fix() {
    let stack = Stack::from_env().await;
    let api = &stack.api;
    let json_post = || {
        api.request("POST", PATH)
            .header("content-type", "application/json")
    };
    let good = json!({ "input": hold("v") }).to_string();
    let no_key = api.send(json_post().body(good.clone())).await;
    assert_problem(&no_key, 400, "bad-request", "Idempotency-Key is missing");
    let spaced = api
        .send(
            json_post()
                .header("idempotency-key", "a b")
                .body(good.clone()),
        )
        .await;
    assert_problem(&spaced, 400, "bad-request", "visible ASCII");
    let long = api
        .send(
            json_post()
                .header("idempotency-key", "k".repeat(256))
                .body(good.clone()),
        )
        .await;
    assert_problem(&long, 400, "bad-request", "255");
    let keyed = |body: String| {
        json_post()
            .header("idempotency-key", unique("bad"))
            .body(body)
    };
    let huge = api.send(keyed(" ".repeat(1024 * 1024 + 1))).await;
    assert_problem(&huge, 413, "too-large", "1 MiB");
    let nowhere = api.get("/v1/nothing").await;
    assert_problem(&nowhere, 404, "not-found", "nothing at this path");
    let method = api.send(api.request("DELETE", PATH)).await;
    assert_problem(&method, 405, "method-not-allowed", "GET");
    assert_eq!(method.header("allow"), "POST");
    let broken = api.send(keyed("{\"input\":".to_owned())).await;
    assert_problem(&broken, 400, "bad-request", "the body");
    let unknown = api
        .send(keyed(json!({ "input": {}, "inptu": {} }).to_string()))
        .await;
    assert_problem(&unknown, 400, "bad-request", "inptu");
    let unsafe_integer =
        json!({ "input": { "vendor_id": "v", "hold_days": 9_007_199_254_740_993_u64 } });
    assert_problem(
        &api.send(keyed(unsafe_integer.to_string())).await,
        400,
        "bad-request",
        "as a string",
    );
    let large = json!({ "input": { "vendor_id": "v".repeat(250_000), "hold_days": 1 } });
    assert_problem(
        &api.send(keyed(large.to_string())).await,
        413,
        "too-large",
        "200000",
    );
    let text = api
        .request("POST", PATH)
        .header("idempotency-key", "k")
        .header("content-type", "text/plain")
        .body(good);
    assert_problem(&api.send(text).await, 415, "not-json", "application/json");
    assert_problem(
        &api.send(api.request("DELETE", PATH)).await,
        405,
        "method-not-allowed",
        "POST",
    );
    assert_problem(
        &api.get("/v2/nothing").await,
        404,
        "not-found",
        "nothing at this path",
    );
}

#[tokio::test]
async fn a_refusal_of_an_invalid_input_names_every_place_and_no_value() {
    let stack = Stack::from_env().await;
    let (key, input) = (
        unique("start"),
        json!({ "vendor_id": 4711, "hold_days": "hunter2", "extra": true }),
    );
    let reply = stack.api.start(DELAY, &key, &input).await;
    assert_problem(&reply, 400, "bad-input", "errors");
    let errors = reply.body["errors"].to_string();
    for place in ["input/vendor_id", "input/hold_days", "extra"] {
        assert!(errors.contains(place), "{errors}");
    }
    assert!(
        !errors.contains("4711") && !errors.contains("hunter2"),
        "{errors}"
    );
    // A refused request does not use its key.
    stack
        .api
        .started(DELAY, &key, &hold(&unique("vendor")))
        .await;
}

#[tokio::test]
async fn a_workflow_starts_for_its_tenants_only() {
    let stack = Stack::from_env().await;
    let key = unique("start");
    let unknown = stack.api.start("WF-NO-SUCH-THING", &key, &json!({})).await;
    assert_problem(&unknown, 404, "not-found", "WF-NO-SUCH-THING");
    let strange = stack
        .api
        .start("wf-delay-vendor-payments-acme", &key, &json!({}))
        .await;
    assert_problem(&strange, 404, "not-found", "no workflow");
    let closed = stack
        .api
        .as_tenant("globex")
        .start(DELAY, &key, &hold("v"))
        .await;
    assert_problem(&closed, 404, "not-found", DELAY);
    let anonymous = stack
        .api
        .send(stack.api.anonymous("GET", "/v1/executions/x"))
        .await;
    assert_eq!(anonymous.status, 401, "{}", anonymous.body);
    let bad_name = stack.api.as_tenant("Acme/..").get("/v1/executions/x").await;
    assert_problem(&bad_name, 400, "bad-request", "lower-case");
}

/// An update makes the routes of `start` before `api` answers 503 to starts.
#[tokio::test]
async fn a_start_that_reaches_the_function_api_has_no_effect_and_can_be_repeated() {
    let stack = Stack::from_env().await;
    let key = unique("early");
    let event = include_str!("../events/api-start.json");
    let mut event: Value = serde_json::from_str(event).expect("JSON");
    event["headers"]["idempotency-key"] = key.as_str().into();
    let early = stack.aws.invoke("api", &event);
    assert_eq!(early["statusCode"], 503, "{early}");
    assert_eq!(early["headers"]["retry-after"], "2", "{early}");
    let id = execution_id("acme", DELAY, &key);
    let path = format!("/v1/executions/{id}?workflow_id={DELAY}");
    assert_eq!(stack.api.get(&path).await.status, 404);
    let mut nameless = event.clone();
    nameless["rawPath"] = "/v1/workflows//executions".into();
    assert_eq!(stack.aws.invoke("api", &nameless)["statusCode"], 404);
    let repeated = stack.aws.invoke("start", &event);
    assert_eq!(repeated["statusCode"], 202, "{repeated}");
    assert_eq!(repeated["headers"]["idempotency-replayed"], "false");
    stack.api.finished(&id).await;
}
