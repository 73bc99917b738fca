//! The receipt as a page: as the API answers it, in a browser, and on paper.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use holdfast_tests::{DELAY, Reply, Stack, unique, variable};
use serde_json::{Value, json};

use crate::rollback::hanging;

/// A name, a reason and a key with the most hostile content that the API accepts.
const ACTOR: &str = "<img src=x onerror=alert(1)>";
const REASON: &str =
    "\"'><script>alert(1)</script></title> \u{202e}lles ton od\u{2066} 👩\u{200d}🚀 &amp; <!--";

async fn page(stack: &Stack, id: &str) -> Reply {
    let path = format!("/v1/executions/{id}/receipt?format=html");
    let reply = stack.api.get(&path).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply
}

/// Executes the specification's workflow to its receipt, with these faults of its target.
async fn ended(stack: &Stack, key: &str, hold_days: u32, faults: &[(&str, &str, Value)]) -> String {
    let vendor = unique("vendor");
    for (route, by, kind) in faults {
        let mut fault = json!({ "route": route, "count": 1, "kind": kind });
        fault[*by] = json!(vendor);
        stack.vendor.plan(fault).await;
    }
    let input = json!({ "vendor_id": vendor, "hold_days": hold_days });
    let id = stack.api.started(DELAY, key, &input).await;
    stack.api.finished(&id).await;
    id
}

/// One execution for each kind of end, and one that a hostile person cancelled.
async fn endings(stack: &Stack) -> Vec<(&'static str, &'static str, String)> {
    let key = || unique("page");
    let refuses = ("POST /notifications", "match", json!({ "status": 400 }));
    let stays = ("DELETE /holds", "vendor_id", json!({ "status": 403 }));
    let busy = ("POST /holds", "vendor_id", json!({ "status": 503 }));
    let unknown = ("POST /holds", "vendor_id", json!({ "status": 404 }));
    let (hostile, notification) = hanging(
        stack,
        &unique("vendor"),
        &unique("\"><script>alert(1)</script>"),
    )
    .await;
    let cancel = format!("/v1/executions/{hostile}/cancel");
    let api = stack.api.as_actor(ACTOR);
    let cancelled = api.post(&cancel, &json!({ "reason": REASON })).await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.body);
    notification.unblock().await;
    stack.api.finished(&hostile).await;
    vec![
        (
            "executed",
            "Executed",
            ended(stack, &key(), 14, &[busy]).await,
        ),
        (
            "rolled-back",
            "Rolled back",
            ended(stack, &key(), 14, std::slice::from_ref(&refuses)).await,
        ),
        (
            "partially",
            "Partially rolled back",
            ended(stack, &key(), 14, &[refuses, stays]).await,
        ),
        (
            "failed",
            "Failed",
            ended(stack, &key(), 14, &[unknown]).await,
        ),
        ("rejected", "Rejected", ended(stack, &key(), 31, &[]).await),
        ("hostile", "Partially rolled back", hostile),
    ]
}

/// The folder for the pages, and whether it is kept, as it is if `HOLDFAST_PAGES` names it.
fn folder() -> (PathBuf, bool) {
    match env::var_os("HOLDFAST_PAGES") {
        Some(kept) => (PathBuf::from(kept), true),
        None => (env::temp_dir().join(unique("holdfast-pages")), false),
    }
}

fn checked(folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages/check.mjs");
    let ran = Command::new("node").arg(script).arg(folder).output();
    let ran = ran.expect("infra/local/setup.sh checks installs node");
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_every_ending_is_accessible_safe_and_prints_on_a4() {
    let stack = Stack::from_env().await;
    let (folder, kept) = folder();
    fs::create_dir_all(&folder).expect("a folder");
    for (name, word, id) in endings(&stack).await {
        let reply = page(&stack, &id).await;
        assert!(
            reply.text.contains(&format!("<strong>{word}</strong>")),
            "{}",
            reply.text
        );
        assert!(
            reply.text.contains("Signed by ") && reply.text.contains(", verified"),
            "{}",
            reply.text
        );
        let headers: Value = [
            "content-type",
            "content-security-policy",
            "x-content-type-options",
        ]
        .map(|header| (header.to_owned(), json!(reply.header(header))))
        .into_iter()
        .collect();
        fs::write(folder.join(format!("{name}.json")), headers.to_string()).expect("written");
        fs::write(folder.join(format!("{name}.html")), &reply.text).expect("written");
    }
    checked(&folder);
    if !kept {
        fs::remove_dir_all(&folder).expect("it goes");
    }
}

#[tokio::test]
async fn a_page_has_headers_that_forbid_active_content_and_caching() {
    let stack = Stack::from_env().await;
    let id = ended(&stack, &unique("page"), 14, &[]).await;
    let reply = page(&stack, &id).await;
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(
        reply.header("content-disposition"),
        format!("inline; filename=\"{DELAY}-{id}-0.html\"")
    );
    let policy = reply.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
}

#[tokio::test]
async fn an_unknown_format_an_unknown_field_and_another_tenants_receipt_are_refused() {
    let stack = Stack::from_env().await;
    let id = ended(&stack, &unique("page"), 14, &[]).await;
    let path = format!("/v1/executions/{id}/receipt");
    for (query, said) in [
        (
            "format=pdf",
            "unknown variant `pdf`, expected one of `link`, `file`, `html`",
        ),
        ("format=", "expected one of `link`, `file`, `html`"),
        ("formt=html", "unknown field `formt`"),
        ("format=html&redirect=true", "give one of them"),
        ("format=html&format=html", "duplicate field `format`"),
    ] {
        let reply = stack.api.get(&format!("{path}?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let detail = reply.body["detail"].as_str().expect("a detail");
        assert!(detail.contains(said), "{query}: {detail}");
    }
    let link = stack.api.get(&format!("{path}?format=link")).await;
    assert_eq!(link.status, 200, "{}", link.body);
    let other = stack
        .api
        .as_tenant("globex")
        .get(&format!("{path}?format=html"))
        .await;
    assert_eq!(other.status, 404, "{}", other.body);
    let unknown = format!("/v1/executions/{}/receipt?format=html", "0".repeat(40));
    assert_eq!(stack.api.get(&unknown).await.status, 404);
}

#[tokio::test]
async fn an_overwritten_receipt_is_shown_as_not_verified() {
    let stack = Stack::from_env().await;
    let id = ended(&stack, &unique("page"), 14, &[]).await;
    let fetched = stack.api.receipt(&id).await;
    let object = fetched.link["object"].as_str().expect("an object");
    let altered = fetched.file.text.replace("\"EXECUTED\"", "\"FAILED\"");
    let bucket = variable("HOLDFAST_RECEIPT_BUCKET");
    let put = stack.aws.s3.put_object().bucket(bucket).key(object);
    let put = put.body(altered.into_bytes().into()).send().await;
    put.expect("a principal with access to the bucket can add a version");
    let text = page(&stack, &id).await.text;
    assert!(text.contains("Not verified: "), "{text}");
    assert!(
        text.contains("not the one that the ledger recorded"),
        "{text}"
    );
    assert!(!text.contains(", verified"), "{text}");
}
