//! Attacks by an approval that no system of approvals signed for this start.

use std::{io::Write, process::Stdio, time::SystemTime};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use holdfast_ids::keys::execution_id;
use holdfast_tests::{Stack, unique, variable};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{none_succeeded, repository};

const SIGNED: &str = include_str!("../workflows/signed.yaml");
const WORKFLOW: &str = "WF-TEST-SIGNED";

/// Signs an approval by the published example, with the key that the local stack lists.
fn signed(approval: &Value) -> String {
    let mut node = std::process::Command::new("node")
        .arg(repository().join("docs/examples/sign-approval.mjs"))
        .args(["sign", &variable("HOLDFAST_APPROVALS_KEY"), "local"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut sent = node.stdin.take().expect("its input");
    sent.write_all(approval.to_string().as_bytes())
        .expect("it reads");
    drop(sent);
    let printed = node.wait_with_output().expect("it ends");
    assert!(printed.status.success(), "{printed:?}");
    let jws = String::from_utf8(printed.stdout).expect("a text");
    jws.trim().to_owned()
}

/// An approval by `bob` of this input, before it is signed.
fn approval(input: &Value) -> Value {
    json!({
        "approved_by": "bob", "workflow_id": WORKFLOW, "tenant": "acme", "jti": unique("CASE"),
        "valid_for_s": 3600, "input": input,
    })
}

fn with(mut approval: Value, member: &str, value: Value) -> Value {
    approval[member] = value;
    approval
}

/// Replaces one member of the part `n` of a JWS, whose signature remains.
fn altered(jws: &str, n: usize, member: &str, value: Value) -> String {
    let mut parts: Vec<_> = jws.split('.').map(str::to_owned).collect();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&parts[n]).expect("base64url");
    let part: Value = serde_json::from_slice(&bytes).expect("JSON");
    parts[n] = BASE64_URL_SAFE_NO_PAD.encode(with(part, member, value).to_string());
    parts.join(".")
}

/// The receipt of a start as `ann` by the API or directly; none if the API refuses its form.
async fn receipt(stack: &Stack, direct: bool, input: &Value, approval: &Value) -> Option<Value> {
    let key = unique("signed");
    if direct {
        let start = json!({
            "tenant": "acme", "idempotency_key": key, "input": input, "requested_by": "ann",
            "approval": approval,
        });
        stack.aws.start(WORKFLOW, &unique("signed"), &start).await;
    } else {
        let path = format!("/v1/workflows/{WORKFLOW}/executions");
        let body = json!({ "input": input, "approval": approval });
        let api = stack.api.as_actor("ann");
        let request = api.request("POST", &path).header("idempotency-key", &key);
        let request = request.header("content-type", "application/json");
        let reply = api.send(request.body(body.to_string())).await;
        if reply.status != 202 {
            assert_eq!(reply.status, 400, "{}", reply.body);
            return None;
        }
    }
    let id = execution_id("acme", WORKFLOW, &key);
    Some(stack.api.finished(&id).await.1)
}

#[tokio::test]
async fn a_forged_approval_admits_no_start_by_any_door() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(SIGNED).await;
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor });
    let jws = signed(&approval(&input));
    let now = Timestamp::try_from(SystemTime::now()).expect("a time");
    let unsigned = json!({
        "approved_by": "bob", "approved_at": now, "reference": unique("CASE"),
        "expires_at": now + std::time::Duration::from_secs(60),
        "input_sha256": holdfast_ids::digest::value_sha256_hex(&input).expect("a digest"),
    });
    let sent = |jws: String| json!({ "jws": jws });
    let changed = |member: &str, value: Value| sent(signed(&with(approval(&input), member, value)));
    let attacks = [
        ("unsigned", unsigned),
        ("alg none", sent(altered(&jws, 0, "alg", json!("none")))),
        ("alg HS256", sent(altered(&jws, 0, "alg", json!("HS256")))),
        ("other kid", sent(altered(&jws, 0, "kid", json!("erp")))),
        (
            "other approver",
            sent(altered(&jws, 1, "approved_by", json!("cfo"))),
        ),
        ("other tenant", changed("tenant", json!("globex"))),
        ("other workflow", changed("workflow_id", json!("WF-PAY"))),
        ("other input", changed("input", json!({ "vendor_id": "x" }))),
        ("the requester", changed("approved_by", json!("ANN "))),
        ("expired", changed("now", json!(now.as_second() - 7200))),
    ];
    let mut succeeded = Vec::new();
    for (name, approval) in &attacks {
        for direct in [false, true] {
            let receipt = receipt(&stack, direct, &input, approval).await;
            let Some(receipt) = receipt else { continue };
            let verified = &receipt["approval"]["signature"]["verified"];
            if receipt["status"] != "REJECTED" || verified == true {
                succeeded.push(format!("{name}, direct {direct}: {receipt}"));
            }
        }
    }
    none_succeeded(&succeeded);
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
    let honest = receipt(&stack, false, &input, &sent(jws.clone())).await;
    let honest = honest.expect("an accepted start");
    assert_eq!(honest["status"], "EXECUTED", "{honest}");
    let signature = json!({ "kid": "local", "verified": true, "jws": jws });
    assert_eq!(honest["approval"]["signature"], signature);
    // It is valid for one start.
    let again = receipt(&stack, false, &input, &sent(jws)).await;
    assert_eq!(again.expect("an accepted start")["status"], "REJECTED");
}
