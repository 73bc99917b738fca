//! Hostile requests to the API: bodies, paths and keys are refused for the right reason and have no
//! effect.

use holdfast_ids::keys::{execution_id, idempotency_key};
use holdfast_tests::{DELAY, Stack, unique};
use serde_json::{Value, json};

use crate::hold;

/// The path at which a start is posted.
fn starts() -> String {
    format!("/v1/workflows/{DELAY}/executions")
}

/// Posts a text as it is and gives the status and the body.
async fn raw(stack: &Stack, path: &str, key: &str, body: String) -> (u16, Value) {
    let request = stack.api.request("POST", path);
    let request = request.header("content-type", "application/json");
    let reply = stack
        .api
        .send(request.header("idempotency-key", key).body(body))
        .await;
    (reply.status, reply.body)
}

/// True if an answer is a problem document of ours.
pub(crate) fn is_problem(body: &Value) -> bool {
    let kind = body["type"].as_str().unwrap_or_default();
    kind.starts_with("urn:holdfast:problem:") && body["detail"].is_string()
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_is_refused_for_that_reason() {
    let stack = Stack::from_env().await;
    let (large, deep) = (unique("large"), unique("deep"));
    let ten = "x".repeat(10 * 1024 * 1024);
    let (status, body) = raw(
        &stack,
        &starts(),
        &large,
        json!({ "input": { "vendor_id": ten } }).to_string(),
    )
    .await;
    assert_eq!((status, is_problem(&body)), (413, true), "{body}");
    for nested in [
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)),
        "[".repeat(100_000),
    ] {
        for body in [
            nested.clone(),
            format!("{{\"input\": {nested}}}"),
            format!("{{\"input\": {{\"vendor_id\": {nested}}}}}"),
        ] {
            let (status, body) = raw(&stack, &starts(), &deep, body).await;
            assert_eq!((status, is_problem(&body)), (400, true), "{body}");
        }
        for path in ["cancel", "rollback", "redrive"]
            .map(|what| format!("/v1/executions/{}/{what}", "0".repeat(40)))
        {
            let (status, body) =
                raw(&stack, &path, &deep, format!("{{\"reason\": {nested}}}")).await;
            assert_eq!((status, is_problem(&body)), (400, true), "{path}: {body}");
        }
    }
    for key in [large, deep] {
        let id = execution_id("acme", DELAY, &key);
        assert_eq!(stack.aws.ledger_items("acme", &id).await, 0);
    }
}

#[tokio::test]
async fn a_malformed_body_is_refused_with_the_place_of_the_error() {
    let stack = Stack::from_env().await;
    for (body, said) in [
        ("", "line 1 column 0"),
        ("{\"input\": {\"vendor_id\": \"v\"}", "line 1 column 28"),
        (
            "{\"input\": {}}{\"input\": {}}",
            "trailing characters at line 1 column 14",
        ),
        ("{\"input\": {}, \"input\": {}}", "twice: send it once"),
        (
            "{\"input\": {}, \"tenant\": \"globex\"}",
            "unknown field `tenant`",
        ),
        ("{\"input\": NaN}", "line 1 column"),
        ("{\"input\": 1e999}", "number out of range"),
        (
            "{\"input\": {\"vendor_id\": \"\u{0}\"}}",
            "control character",
        ),
        ("{\"input\": {\"vendor_id\": \"\\ud800\"}}", "line 1 column"),
        ("\u{feff}{\"input\": {}}", "line 1 column 1"),
        ("input=1", "line 1 column 1"),
    ] {
        let (status, answer) = raw(&stack, &starts(), &unique("form"), body.to_owned()).await;
        assert_eq!(
            (status, is_problem(&answer)),
            (400, true),
            "{body}: {answer}"
        );
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(said), "{body}: {detail}");
    }
    for body in [
        "{\"input\": {\"vendor_id\": 1000000000000001}}",
        "{\"input\": {\"vendor_id\": \"a\", \"vendor_id\": \"b\"}}",
    ] {
        let (status, answer) = raw(&stack, &starts(), &unique("form"), body.to_owned()).await;
        assert_eq!((status, is_problem(&answer)), (400, true), "{answer}");
    }
}

#[tokio::test]
async fn a_path_with_traversal_or_lookalikes_reaches_no_resource() {
    let stack = Stack::from_env().await;
    let id = stack
        .api
        .started(DELAY, &unique("path"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    let confusable = id.replace('0', "Ο").replace('a', "а").replace('e', "е");
    for place in [
        "%2e%2e".to_owned(),
        "%2e%2e%2f%2e%2e%2freceipts".to_owned(),
        "..%2freceipts%2facme".to_owned(),
        format!("{id}%00"),
        format!("{id}%0a"),
        format!("{id}%23"),
        format!("{id}%3f"),
        format!("{id}%3ftenant=acme"),
        format!("{id}%09"),
        format!("{id}%5c..%5c{id}"),
        format!("{id}%20"),
        format!("%20{id}"),
        format!("TENANT%23acme%23EXEC%23{id}"),
        format!("{id}%23STEP%23001"),
        id.to_uppercase() + "A",
        confusable,
        "%ff%fe".to_owned(),
        "%E2%80%AE".to_owned(),
        "%7B%25%20$input%20%25%7D".to_owned(),
        "META".to_owned(),
        "-1".to_owned(),
        "0".repeat(4000),
    ] {
        for path in [
            format!("/v1/executions/{place}"),
            format!("/v1/executions/{place}/receipt"),
            format!("/v1/incidents/{place}"),
        ] {
            let reply = stack.api.get(&path).await;
            assert!(
                matches!(reply.status, 400 | 404),
                "{path}: {}",
                reply.status
            );
            assert!(is_problem(&reply.body), "{path}: {}", reply.body);
            let shown = reply.body["detail"].as_str().unwrap_or_default();
            assert!(
                shown.chars().all(|c| !c.is_control() && c != '\u{202e}'),
                "{shown:?}"
            );
        }
    }
    for workflow in [
        "WF-DELAY-VENDOR-PAYMENTS-ACME%2f..",
        "..%2fWF-A",
        "WF-А",
        "wf-delay",
        "recovery",
        "WF-A:live",
        "WF-*",
        "%00",
        &"W".repeat(4000),
    ] {
        let path = format!("/v1/workflows/{workflow}/executions");
        let (status, body) = raw(
            &stack,
            &path,
            &unique("path"),
            json!({ "input": {} }).to_string(),
        )
        .await;
        assert!(matches!(status, 400 | 404 | 405), "{workflow}: {status}");
        assert!(is_problem(&body), "{workflow}: {body}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_may_carry_is_refused_by_the_api_and_hashed_elsewhere() {
    let stack = Stack::from_env().await;
    for key in ["kéy", "кеу", "a b", "a\tb", " ", "\u{7f}", &"k".repeat(256)] {
        let path = starts();
        let request = stack
            .api
            .request("POST", &path)
            .header("content-type", "application/json");
        let value = reqwest::header::HeaderValue::from_bytes(key.as_bytes());
        // HTTP itself forbids these characters, so that no client can send them.
        let Ok(value) = value else { continue };
        let request = request.header("idempotency-key", value);
        let reply = stack
            .api
            .send(request.body(json!({ "input": hold("v") }).to_string()))
            .await;
        assert_eq!(
            (reply.status, is_problem(&reply.body)),
            (400, true),
            "{key:?}: {}",
            reply.body
        );
    }
    for key in ["a\u{0}b", "a\nb", "a\u{202e}b", "аcme"] {
        // A key names one occasion, so that each run of this test has keys of its own.
        let key = format!("{key}{}", unique(""));
        let start = json!({ "tenant": "acme", "idempotency_key": key, "input": hold("v") });
        let arn = stack.aws.start(DELAY, &unique("hostile"), &start).await;
        let ended = stack.aws.ended(&arn).await;
        assert_eq!(ended.status.as_str(), "SUCCEEDED", "{key:?}");
        let id = execution_id("acme", DELAY, &idempotency_key(&key).expect("not blank"));
        assert_ne!(stack.aws.ledger_items("acme", &id).await, 0, "{key:?}");
        let id = execution_id("acme", DELAY, &key);
        assert_eq!(stack.aws.ledger_items("acme", &id).await, 0, "{key:?}");
    }
    for (tenant, key) in [
        ("acme", ""),
        ("acme", " "),
        ("аcme", "k"),
        ("ACME", "k"),
        ("acme#EXEC#1", "k"),
        ("acme/../globex", "k"),
        ("../acme", "k"),
        ("acme\u{0}", "k"),
        ("acme ", "k"),
        ("", "k"),
    ] {
        let start = json!({ "tenant": tenant, "idempotency_key": key, "input": hold("v") });
        let arn = stack.aws.start(DELAY, &unique("hostile"), &start).await;
        let ended = stack.aws.ended(&arn).await;
        assert_eq!(
            (ended.status.as_str(), ended.error.as_str()),
            ("FAILED", "Malformed"),
            "{tenant:?} {key:?}"
        );
        let id = execution_id(tenant, DELAY, key);
        assert_eq!(
            stack.aws.ledger_items(tenant, &id).await,
            0,
            "{tenant:?} {key:?}"
        );
    }
}
