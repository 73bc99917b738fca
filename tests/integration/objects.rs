//! Objects that are missing, as S3 answers a caller that may not list the bucket: 403.
//!
//! The emulator answers 404. The hop before it answers as S3 does on a stack that enforces IAM.

use holdfast_ids::{
    digest::sha256_hex,
    keys::{ExecutionKey, payload_object},
};
use holdfast_task::payload::StoredPayload;
use holdfast_tests::{DELAY, Stack, enforced, unique, variable};
use serde_json::json;

use crate::hold;

#[tokio::test]
async fn a_receipt_whose_file_is_gone_is_a_conflict_and_no_outage() {
    if !enforced() {
        return;
    }
    let stack = Stack::from_env().await;
    let input = hold(&unique("vendor"));
    let id = stack.api.started(DELAY, &unique("gone"), &input).await;
    stack.api.finished(&id).await;
    let link = stack.api.receipt(&id).await.link;
    let (s3, bucket) = (&stack.aws.s3, variable("HOLDFAST_RECEIPT_BUCKET"));
    let object = link["object"].as_str().expect("an object");
    let delete = s3.delete_object().bucket(&bucket).key(object);
    let marker = delete.clone().send().await.expect("a delete marker");
    let page = format!("/v1/executions/{id}/receipt?format=html");
    let gone = stack.api.get(&page).await;
    // Without its marker the file exists again, for tests that read every receipt of the tenant.
    let restored = delete.set_version_id(marker.version_id).send().await;
    restored.expect("the marker is deleted");
    assert_eq!(gone.status, 409, "{}", gone.text);
    let detail = gone.body["detail"].as_str().expect("a detail");
    assert!(detail.contains("may not read it"), "{detail}");
    assert_eq!(stack.api.get(&page).await.status, 200);
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_is_retried_and_named() {
    if !enforced() {
        return;
    }
    let stack = Stack::from_env().await;
    let key = unique("payload");
    let task = json!({
        "gate": { "workflow": "WF-OBJECTS", "version": 1, "definition_digest": "sha256:0",
            "input_schema": {}, "timeout_s": 600 },
        "steps": [{ "name": "one", "action": "http" }],
        "start": { "tenant": "acme", "idempotency_key": key, "input": {} },
        "owner": stack.aws.execution(DELAY, &key), "machine": stack.aws.machine(DELAY),
        "started_at": jiff::Timestamp::now().to_string(),
    });
    let execution = stack.aws.call("begin", &task).body["execution"].clone();
    let at = ExecutionKey {
        tenant: "acme".to_owned(),
        execution: execution["id"].as_str().expect("an id").to_owned(),
    };
    let sha256 = sha256_hex(key.as_bytes());
    let stored = StoredPayload {
        key: payload_object(&at, &sha256),
        sha256,
        bytes: 1000,
    };
    let task = json!({
        "execution": execution, "input": stored.to_marked(),
        "step": { "name": "one", "number": 1, "action": "http", "timeout_s": 20, "max_attempts": 3,
            "idempotent": true, "inline_output_bytes": 200_000 },
    });
    let said = stack.aws.call("step-http", &task).body;
    assert_eq!(said["errorType"], "Transient", "{said}");
    let message = said["errorMessage"].as_str().expect("a message");
    assert!(message.contains("may not read it"), "{message}");
}
