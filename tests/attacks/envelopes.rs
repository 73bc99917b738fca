//! Attacks by the form of a start: depth, size, numbers, half a character, duplicates. No door
//! accepts one, and none vanishes.

use holdfast_ids::keys::execution_id;
use holdfast_tests::{DELAY, Stack, eventually, hold, nested, unique};
use serde_json::{Value, json};

use crate::none_succeeded;

/// JSON texts of inputs that no door may accept.
fn inputs() -> Vec<String> {
    vec![
        nested(65),
        nested(125),
        nested(200),
        format!("\"{}\"", "x".repeat(200_001)),
        format!("[{}]", vec!["1"; 20_001].join(",")),
        r#"{"vendor_id":"\ud83d","hold_days":1}"#.to_owned(),
        r#"{"vendor_id":"v","hold_days":1,"half\ude00":1}"#.to_owned(),
        r#"{"vendor_id":"v","hold_days":9007199254740993}"#.to_owned(),
    ]
}

/// True if nothing of a start is recorded, neither in the ledger nor in Step Functions.
async fn left_nothing(stack: &Stack, key: &str) -> bool {
    let id = execution_id("acme", DELAY, key);
    let arn = stack.aws.execution(DELAY, &id);
    let described = stack.aws.states.describe_execution().execution_arn(arn);
    described.send().await.is_err() && stack.aws.ledger_items("acme", &id).await == 0
}

/// Posts a body with these keys and gives the status.
async fn post(stack: &Stack, keys: &[&str], body: String) -> u16 {
    let path = format!("/v1/workflows/{DELAY}/executions");
    let mut request = stack.api.request("POST", &path);
    for key in keys {
        request = request.header("idempotency-key", *key);
    }
    let request = request.header("content-type", "application/json");
    stack.api.send(request.body(body)).await.status
}

#[tokio::test]
async fn the_api_accepts_no_input_that_begin_would_call_malformed() {
    let stack = Stack::from_env().await;
    let honest = json!({ "input": hold(&unique("vendor")) }).to_string();
    assert_eq!(
        post(&stack, &[&unique("honest")], honest.clone()).await,
        202
    );
    let mut bodies: Vec<_> = inputs()
        .iter()
        .map(|input| format!(r#"{{"input":{input}}}"#))
        .collect();
    bodies.extend([
        format!(r#"{{"input":{}}}"#, nested(5_000)),
        // The local emulator writes `Infinity` for it, which is no JSON, so that only the API is
        // asked here.
        r#"{"input":{"vendor_id":"v","hold_days":1e400}}"#.to_owned(),
        r#"{"input":{"vendor_id":"a","vendor_id":"b","hold_days":1}}"#.to_owned(),
        r#"{"input":{"vendor_id":"v","hold_days":1},"tenant":"globex"}"#.to_owned(),
        r#"{"input":{"vendor_id":"v","hold_days":1},"requested_by":"cfo"}"#.to_owned(),
        r#"{"input":{"vendor_id":"v","hold_days":1},"via":"vendor_risk"}"#.to_owned(),
        "{\"input\":{\"vendor_id\":\"\u{0}\",\"hold_days\":1}}".to_owned(),
        format!("\u{feff}{honest}"),
        format!("{honest}{honest}"),
    ]);
    let mut succeeded = Vec::new();
    for body in bodies {
        let key = unique("envelope");
        let status = post(&stack, &[&key], body.clone()).await;
        if !matches!(status, 400 | 413) || !left_nothing(&stack, &key).await {
            succeeded.push(format!(
                "{status}: {}",
                body.chars().take(80).collect::<String>()
            ));
        }
    }
    let twice = unique("twice");
    let status = post(&stack, &[&twice, &twice], honest.clone()).await;
    if status != 400 || !left_nothing(&stack, &format!("{twice},{twice}")).await {
        succeeded.push(format!("{status}: the key's header twice"));
    }
    none_succeeded(&succeeded);
}

/// The end of a Step Functions execution that `begin` refuses at once.
async fn refused_at_once(stack: &Stack, arn: &str) -> Result<(), String> {
    let ended = stack.aws.ended(arn).await;
    let seen = (ended.status.as_str(), &*ended.error, ended.states);
    let right = vec!["Begin".to_owned(), "Failed".to_owned()];
    match seen == ("FAILED", "Malformed", right) {
        true => Ok(()),
        false => Err(format!("{seen:?}")),
    }
}

#[tokio::test]
async fn a_direct_start_that_no_function_can_read_ends_at_once_with_a_receipt() {
    let stack = Stack::from_env().await;
    let mut begun = Vec::new();
    for input in inputs() {
        let key = unique("direct");
        let id = execution_id("acme", DELAY, &key);
        let start = format!(r#"{{"tenant":"acme","idempotency_key":"{key}","input":{input}}}"#);
        let arn = stack.aws.start_text(DELAY, &id, &start).await;
        begun.push((id, arn, input.chars().take(60).collect::<String>()));
    }
    let mut succeeded = Vec::new();
    for (id, arn, input) in begun {
        if let Err(seen) = refused_at_once(&stack, &arn).await {
            succeeded.push(format!("{input}: {seen}"));
            continue;
        }
        let (execution, receipt) = stack.api.finished(&id).await;
        let seen = (&execution["status"], &receipt["failure"]["error"]);
        if seen != (&json!("FAILED"), &json!("Malformed")) {
            succeeded.push(format!("{input}: {seen:?}"));
        }
    }
    none_succeeded(&succeeded);
}

#[tokio::test]
async fn an_event_that_no_function_can_read_is_refused_at_once_and_has_no_effect() {
    let stack = Stack::from_env().await;
    let mut sent = Vec::new();
    // Each event has a text of its own, by which its execution is found.
    for vendor in [
        r#""\ud83d""#.to_owned(),
        nested(125),
        "9007199254740993".to_owned(),
        r#"{"$jsonata":"$event"}"#.to_owned(),
    ] {
        let risk = unique("risk");
        let detail = format!(r#"{{"tenant_id":"acme","risk_id":"{risk}","vendor_id":{vendor}}}"#);
        stack
            .aws
            .emit_text("finops.risk", "VendorRiskRaised", &detail)
            .await;
        sent.push((risk, vendor));
    }
    let mut succeeded = Vec::new();
    for (risk, vendor) in sent {
        let arns = stack.aws.executions_with(DELAY, &risk, 1).await;
        let ended = stack.aws.ended(&arns[0]).await;
        // An input that only the schema refuses is rejected with a receipt.
        let refused = ["Malformed", "Rejected"].contains(&&*ended.error);
        if !refused || ended.states.contains(&"apply_vendor_hold".to_owned()) {
            succeeded.push(format!("{}: {ended:?}", &vendor[..vendor.len().min(60)]));
        }
    }
    none_succeeded(&succeeded);
}

#[tokio::test]
async fn a_start_that_names_another_tenant_or_poses_as_a_trigger_has_no_effect() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let rows: [(&str, Value); 6] = [
        ("acme/../globex", hold(&vendor)),
        ("ACME", hold(&vendor)),
        ("аcme", hold(&vendor)),
        ("acme#EXEC#1", hold(&vendor)),
        ("", hold(&vendor)),
        ("globex", hold(&vendor)),
    ];
    let mut begun = Vec::new();
    for (tenant, input) in rows {
        let start =
            json!({ "tenant": tenant, "idempotency_key": unique("posing"), "input": input });
        begun.push((
            tenant,
            stack.aws.start(DELAY, &unique("posing"), &start).await,
        ));
    }
    let mut succeeded = Vec::new();
    for (tenant, arn) in begun {
        let ended = stack.aws.ended(&arn).await;
        if ended.status.as_str() != "FAILED" || ended.states.len() > 3 {
            succeeded.push(format!("{tenant}: {ended:?}"));
        }
    }
    none_succeeded(&succeeded);
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
    // The same start of the right tenant has its effect.
    let id = stack
        .api
        .started(DELAY, &unique("honest"), &hold(&vendor))
        .await;
    eventually("the honest start has an effect", || async {
        let effects = stack.vendor.effects_on(&vendor).await;
        (!effects.is_empty()).then_some(()).ok_or(id.clone())
    })
    .await;
}
