//! Receipts in the bucket: their place, their links, and callers who get none.

use holdfast_ids::digest::sha256_hex;
use holdfast_receipt::{Receipt, chain::Hour};
use holdfast_tests::{
    DELAY, EnvironmentChange, Stack, enforced, eventually, unique, valid_receipt, variable,
};
use jiff::Timestamp;
use serde_json::json;

use crate::{hold, rollback::undone, story::holdfast};

async fn executed(stack: &Stack) -> String {
    let id = stack
        .api
        .started(DELAY, &unique("receipt"), &hold(&unique("vendor")))
        .await;
    stack.api.finished(&id).await;
    id
}

#[tokio::test]
async fn a_link_yields_a_receipt_with_the_promised_digest() {
    let stack = Stack::from_env().await;
    let id = executed(&stack).await;
    let fetched = stack.api.receipt(&id).await;
    let (link, bytes) = (fetched.link, fetched.file.text.as_bytes());
    let receipt: Receipt = serde_json::from_slice(bytes).expect("a receipt and nothing else");
    assert_eq!(
        (receipt.workflow_id.as_str(), receipt.execution_id.as_str()),
        (DELAY, id.as_str())
    );
    assert_eq!(
        receipt.to_bytes().expect("canonical"),
        bytes,
        "read and written again"
    );
    let object = link["object"].as_str().expect("an object");
    assert!(
        object.starts_with("receipts/acme/") && object.contains(&id),
        "{object}"
    );
    let expires: jiff::Timestamp = link["expires_at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("RFC 3339");
    let left = expires.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((1..=900).contains(&left), "{left} s");
    let url = link["url"].as_str().expect("a url");
    assert!(url.contains("X-Amz-Expires=900&"), "{url}");
    let deployment = format!("000000000000/us-east-1/{}", variable("HOLDFAST_STACK"));
    assert_eq!(receipt.deployment, Some(deployment));
    assert_eq!(fetched.file.header("cache-control"), "no-store");
    assert_eq!(
        fetched.file.header("content-disposition"),
        format!("attachment; filename=\"{DELAY}-{id}-0.json\"")
    );
}

#[test]
fn no_deployment_can_make_a_link_that_is_valid_for_over_twenty_minutes() {
    let template = include_str!("../../template.yaml");
    let (_, parameter) = template
        .split_once("  ReceiptUrlSeconds:\n")
        .expect("the parameter");
    let parameter: Vec<_> = parameter.lines().take(4).map(str::trim).collect();
    let right = [
        "Type: Number",
        "Default: 900",
        "MinValue: 60",
        "MaxValue: 1200",
    ];
    assert_eq!(parameter, right);
}

#[tokio::test]
async fn a_link_altered_in_any_part_is_refused() {
    let stack = Stack::from_env().await;
    let id = executed(&stack).await;
    let path = format!("/v1/executions/{id}/receipt");
    let link = stack.api.get(&path).await.body;
    let url = link["url"].as_str().expect("a url");
    assert_eq!(stack.api.fetch(url).await.status, 200);
    let (place, query) = url.split_once('?').expect("a signed query");
    let parts: Vec<_> = query.split('&').collect();
    assert!(
        parts
            .iter()
            .any(|part| part.starts_with("X-Amz-Signature=")),
        "{url}"
    );
    let mut altered = vec![
        // Another receipt, another tenant's receipt, and the whole bucket.
        format!("{}?{query}", changed(place, place.len() - 1)),
        format!("{}?{query}", place.replace("/acme/", "/globex/")),
        format!(
            "{}?{query}",
            place.split("/receipts/").next().unwrap_or_default()
        ),
        format!("{place}?{query}&versionId=null"),
        format!("{place}?{query}&X-Amz-Expires=604800"),
    ];
    // A link without any signature. An emulator that enforces no IAM needs none.
    if enforced() {
        altered.push(place.to_owned());
    }
    for (n, part) in parts.iter().enumerate() {
        let (name, value) = part.split_once('=').expect("a name and a value");
        let others: Vec<_> = parts
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != n)
            .map(|(_, part)| *part)
            .collect();
        let others = others.join("&");
        if name != "x-id" {
            altered.push(format!("{place}?{others}"));
        }
        for at in [0, value.len() / 2, value.len().saturating_sub(1)] {
            altered.push(format!("{place}?{others}&{name}={}", changed(value, at)));
        }
    }
    for url in altered {
        let status = stack.api.fetch(&url).await.status;
        assert!(matches!(status, 400 | 403), "{status}: {url}");
    }
    for method in ["PUT", "DELETE", "POST", "HEAD"] {
        let status = stack.api.fetch_as(method, url).await.status;
        assert!(matches!(status, 400 | 403 | 405), "{method}: {status}");
    }
    assert_eq!(
        sha256_hex(&stack.api.bytes(url).await),
        link["sha256"],
        "it is what it was"
    );
}

#[tokio::test]
async fn an_expired_link_is_refused() {
    // A changed function restarts, which would disturb another test that calls it.
    let stack = Stack::alone().await;
    let path = format!("/v1/executions/{}/receipt", executed(&stack).await);
    let _change = EnvironmentChange::new(&stack.aws, "api", "HOLDFAST_RECEIPT_URL_SECONDS", "2");
    // A loaded machine may need more than two seconds to use a link.
    let url = eventually("a fresh link is answered", || async {
        let link = stack.api.get(&path).await.body;
        let url = link["url"].as_str().expect("a url").to_owned();
        let status = stack.api.fetch(&url).await.status;
        (status == 200).then_some(url).ok_or(status.to_string())
    })
    .await;
    eventually("the link is refused after its time", || async {
        let status = stack.api.fetch(&url).await.status;
        (status == 403).then_some(()).ok_or(status.to_string())
    })
    .await;
}

/// A text with the character at `at` replaced by another of the same kind.
fn changed(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte = match *byte {
            b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => *byte + 1,
            b'9' => b'0',
            b'z' => b'a',
            b'Z' => b'A',
            _ => b'0',
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn the_files_of_receipts_and_digests_are_answered_byte_for_byte() {
    let mut stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("files");
    stack.api = stack.api.as_tenant(&tenant);
    let group = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let id = stack
        .api
        .started("WF-HOLD-VENDOR-GROUP", &unique("files"), &group)
        .await;
    stack.api.finished(&id).await;
    let path = format!("/v1/executions/{id}/receipt");
    let link = stack.api.get(&path).await.body;
    let until = Hour::of(Timestamp::now()).next().from();
    let event = json!({ "tenant": tenant, "until": until });
    stack.aws.invoke("digest", &event);
    let digest = stack.api.get("/v1/digests").await.body["digests"][0].clone();
    let digest_path = format!("/v1/digests/{}", digest["until"].as_str().expect("a time"));
    for (path, sha256) in [
        (format!("{path}?format=file"), &link["sha256"]),
        (digest_path.clone(), &digest["sha256"]),
    ] {
        let file = stack.api.get(&path).await;
        assert_eq!(file.status, 200, "{path}: {}", file.body);
        assert_eq!(file.header("content-type"), "application/octet-stream");
        assert_eq!(sha256_hex(file.text.as_bytes()), *sha256, "{path}");
        let other = stack.api.as_tenant("globex").get(&path).await;
        assert_eq!(other.status, 404, "{path}: {}", other.body);
    }
    for (wrong, status) in [
        ("2020-01-01T00:00:00Z", 404),
        ("2020-01-01T00:30:00Z", 404),
        ("now", 400),
    ] {
        let reply = stack.api.get(&format!("/v1/digests/{wrong}")).await;
        assert_eq!(reply.status, status, "{wrong}: {}", reply.body);
    }
}

#[tokio::test]
async fn redirect_answers_302_to_the_receipt() {
    let stack = Stack::from_env().await;
    let id = executed(&stack).await;
    let reply = stack
        .api
        .get(&format!("/v1/executions/{id}/receipt?redirect=true"))
        .await;
    assert_eq!(reply.status, 302);
    let receipt = stack.api.fetch(reply.header("location")).await;
    let receipt = valid_receipt(receipt.text.as_bytes());
    assert_eq!(receipt["execution_id"], id);
    let unknown = stack
        .api
        .get(&format!("/v1/executions/{id}/receipt?redirct=true"))
        .await;
    assert_eq!(unknown.status, 400, "{}", unknown.body);
}

/// Receipts of every execution generation, while the next one is open and after all ended.
#[tokio::test]
async fn an_earlier_receipt_can_be_fetched_by_its_generation_at_any_time() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = undone(&stack, &vendor).await;
    let path = format!("/v1/executions/{id}/receipt");
    let (_, first) = stack.api.finished(&id).await;
    let hangs = json!({ "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" }, "match": vendor });
    let notification = stack.vendor.block(hangs).await;
    let again = format!("/v1/executions/{id}/redrive");
    let redrive = stack.api.post(&again, &json!({ "reason": "mended" })).await;
    assert_eq!(redrive.status, 202, "{}", redrive.body);
    let early = stack.api.get(&path).await;
    let says = early.body["detail"].as_str().unwrap_or_default();
    assert!(
        early.status == 409 && says.contains("?generation=0"),
        "{}",
        early.body
    );
    assert_eq!(
        stack.api.get(&format!("{path}?generation=1")).await.status,
        409
    );
    assert_eq!(stack.api.receipt_of(&id, 0).await.receipt, first);
    notification.unblock().await;
    stack.api.finished(&id).await;
    let undone = stack
        .api
        .post(
            &format!("/v1/executions/{id}/rollback"),
            &json!({ "reason": "a mistake" }),
        )
        .await;
    assert_eq!(undone.status, 202, "{}", undone.body);
    let (_, newest) = stack.api.finished(&id).await;
    // Only a later receipt names the oldest one. The ledger does not.
    let mut later = newest.clone();
    for generation in [2, 1, 0] {
        let one = stack.api.receipt_of(&id, generation).await;
        assert_eq!(one.receipt["generation"], generation);
        let name = format!("attachment; filename=\"{DELAY}-{id}-{generation}.json\"");
        assert_eq!(one.file.header("content-disposition"), name);
        if generation < 2 {
            assert_eq!(later["previous_receipt"]["sha256"], one.link["sha256"]);
        }
        later = one.receipt;
    }
    assert_eq!(later, first);
    let page = stack
        .api
        .get(&format!("{path}?generation=0&format=html"))
        .await;
    assert!(
        page.status == 200 && page.text.contains(", verified"),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains(&format!("Holdfast receipt 1 of execution <code><bdi>{id}")),
        "{}",
        page.text
    );
    let redirected = stack
        .api
        .get(&format!("{path}?generation=1&redirect=true"))
        .await;
    assert_eq!(redirected.status, 302);
    let there = stack.api.fetch(redirected.header("location")).await;
    assert_eq!(valid_receipt(there.text.as_bytes())["generation"], 1);
    for (generation, status) in [("3", 404), ("-1", 400), ("x", 400), ("4294967296", 400)] {
        let reply = stack
            .api
            .get(&format!("{path}?generation={generation}"))
            .await;
        assert_eq!(reply.status, status, "{generation}: {}", reply.body);
    }
    let other = stack.api.as_tenant("globex");
    assert_eq!(other.get(&format!("{path}?generation=0")).await.status, 404);
    let file = std::env::temp_dir().join(unique("receipt"));
    let to = file.to_str().expect("a path");
    let (fine, said) = holdfast(&["receipt", "get", &id, "--generation", "0", "--to", to]).await;
    assert!(fine, "{said}");
    assert_eq!(valid_receipt(&std::fs::read(&file).expect("a file")), first);
    std::fs::remove_file(&file).expect("it goes");
    let (fine, said) = holdfast(&["receipt", "get", &id, "--generation", "9", "--to", to]).await;
    assert!(!fine && said.contains("no generation 9"), "{said}");
}

#[tokio::test]
async fn another_tenants_execution_and_receipt_are_not_found() {
    let stack = Stack::from_env().await;
    let id = executed(&stack).await;
    let other = stack.api.as_tenant("globex");
    for path in [
        format!("/v1/executions/{id}"),
        format!("/v1/executions/{id}/receipt"),
    ] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_bucket_is_private_encrypted_and_versioned() {
    let stack = Stack::from_env().await;
    let (s3, bucket) = (&stack.aws.s3, variable("HOLDFAST_RECEIPT_BUCKET"));
    let versioning = s3
        .get_bucket_versioning()
        .bucket(&bucket)
        .send()
        .await
        .expect("versioning");
    assert_eq!(
        versioning
            .status
            .map(|status| status.as_str().to_owned())
            .as_deref(),
        Some("Enabled")
    );
    let encryption = s3
        .get_bucket_encryption()
        .bucket(&bucket)
        .send()
        .await
        .expect("encryption");
    assert!(
        !encryption
            .server_side_encryption_configuration
            .expect("a rule")
            .rules
            .is_empty()
    );
    let block = s3
        .get_public_access_block()
        .bucket(&bucket)
        .send()
        .await
        .expect("a block");
    let block = block
        .public_access_block_configuration
        .expect("a configuration");
    let all = [
        block.block_public_acls,
        block.block_public_policy,
        block.ignore_public_acls,
        block.restrict_public_buckets,
    ];
    assert_eq!(all, [Some(true); 4]);
}

#[tokio::test]
async fn a_locked_receipt_can_neither_be_deleted_nor_changed() {
    let stack = Stack::from_env().await;
    let id = executed(&stack).await;
    let link = stack.api.get(&format!("/v1/executions/{id}/receipt")).await;
    let object = link.body["object"].as_str().expect("an object").to_owned();
    let bucket = variable("HOLDFAST_RECEIPT_BUCKET");
    let s3 = &stack.aws.s3;
    let head = s3.head_object().bucket(&bucket).key(&object).send().await;
    let version = head.expect("it is there").version_id.expect("a version");
    let delete = s3.delete_object().bucket(&bucket).key(&object);
    let deleted = delete.version_id(&version).send().await;
    let refused = deleted.expect_err("it is locked").into_service_error();
    assert_eq!(refused.meta().code(), Some("AccessDenied"), "{refused}");
    let again = stack.api.bytes(link.body["url"].as_str().expect("a link"));
    assert_eq!(sha256_hex(&again.await), link.body["sha256"]);
}
