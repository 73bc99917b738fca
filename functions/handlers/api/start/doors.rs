//! Tests that every door gives a start the same verdict. The doors are the API, a direct
//! `StartExecution`, an event and a schedule; a redrive accepts what they accepted.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use axum::http::HeaderValue;
use futures_util::FutureExt;
use holdfast_access::{ClaimNames, Claims, Identity};
use holdfast_admission::{ApprovalKeys, INPUT_MAX_BYTES, INPUT_MAX_VALUES};
use holdfast_aws::read_task;
use holdfast_engine::{Engine, Host, ObjectStore, StoreError};
use holdfast_ledger::MemoryLedger;
use holdfast_task::StartConditions;
use holdfast_task::{AdmissionSpec, BeginTask, ErrorName, Template, TriggerMap};
use serde_json::json;

use super::*;
use crate::api::extract::read_body;

const WORKFLOW: &str = "WF-HOLD";

/// A start as its sender writes it. The input and the approval are JSON texts.
#[derive(Clone)]
struct StartTexts {
    tenant: String,
    key: String,
    by: String,
    input: String,
    approval: String,
}

fn sent() -> StartTexts {
    StartTexts {
        tenant: "acme".to_owned(),
        key: "risk-17".to_owned(),
        by: "zoe".to_owned(),
        input: "{}".to_owned(),
        approval: "null".to_owned(),
    }
}

/// Objects in memory, and a clock that never passes.
#[derive(Default)]
struct Objects(Mutex<HashMap<String, Vec<u8>>>);

impl ObjectStore for Objects {
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let mut objects = self.0.lock().expect("no other thread panicked");
        Ok(objects.insert(key.to_owned(), bytes).is_none())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let objects = self.0.lock().expect("no other thread panicked");
        Ok(objects.get(key).cloned())
    }
}

struct OneTime;

impl Host for OneTime {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}

    fn token(&self) -> String {
        "token".to_owned()
    }
}

type MemoryEngine = Engine<MemoryLedger, Objects, OneTime>;

fn engine() -> MemoryEngine {
    let ledger = MemoryLedger::default();
    ledger.register("acme");
    Engine {
        ledger,
        payloads: Objects::default(),
        receipts: Objects::default(),
        host: OneTime,
        approval_keys: ApprovalKeys::default(),
        deployment: None,
    }
}

/// The mapping of a trigger whose fields all have this form.
fn trigger(name: &str, field: impl Fn(&str) -> serde_json::Value) -> TriggerMap {
    TriggerMap {
        name: name.to_owned(),
        tenant: Template(field("tenant")),
        idempotency_key: Template(field("key")),
        input: Template(field("input")),
        requested_by: Some(Template(field("by"))),
        approval: Some(Template(field("approval"))),
    }
}

/// The definition of a workflow with these triggers, as admission reads it.
pub(super) fn gate(triggers: Vec<TriggerMap>) -> AdmissionSpec {
    AdmissionSpec {
        workflow: WORKFLOW.to_owned(),
        version: 1,
        description: None,
        definition_digest: "sha256:d".to_owned(),
        tenants: Vec::new(),
        input_schema: json!({}),
        guardrails: Vec::new(),
        rules: StartConditions::default(),
        fields: holdfast_task::ShownFields::default(),
        triggers,
        timeout_s: 900,
        tier: holdfast_task::Tier::Standard,
    }
}

/// The verdict of `begin` on the text of its task: whether it records the start.
fn begins(engine: &MemoryEngine, triggers: Vec<TriggerMap>, start: &str) -> bool {
    let gate = json!(gate(triggers));
    let text = format!(
        r#"{{"gate":{gate},"steps":[],"owner":"arn:owner","machine":"arn:machine",
            "started_at":"2025-09-29T13:00:00Z","start":{start}}}"#
    );
    let begun = read_task::<BeginTask>(&text).and_then(|task| {
        let task = task.expect("it is no request of checks");
        let begun = engine.begin(&task).now_or_never();
        begun.expect("nothing waits")
    });
    match begun.map_err(|error| error.name) {
        // A rejected start has a record and a receipt. Its form was fine.
        Ok(_) | Err(ErrorName::Rejected) => true,
        Err(ErrorName::Malformed) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// The verdict of the API: whether the body and the headers are a start.
fn api(sent: &StartTexts) -> bool {
    let names = ClaimNames {
        tenant: "tenant".to_owned(),
        role: "role".to_owned(),
        groups: "groups".to_owned(),
    };
    let claims = json!({ "sub": sent.by, "role": "platform-admin", "iss": "i" });
    let token = format!("e30.{}.c2ln", base64(&claims.to_string()));
    let verified = |name: &str| claims[name].as_str();
    let read_claims = Claims::read(&token, verified).and_then(|one| Identity::read(&names, &one));
    let (Ok(identity), Ok(key)) = (read_claims, HeaderValue::from_str(&sent.key)) else {
        return false;
    };
    let headers = HeaderMap::from_iter([(header::HeaderName::from_static(KEY_HEADER), key)]);
    let body = format!(r#"{{"input":{},"approval":{}}}"#, sent.input, sent.approval);
    let read = read_body::<StartBody>(body.as_bytes()).and_then(|body| {
        let workflow = WORKFLOW.to_owned();
        read(&sent.tenant, &identity.subject, workflow, &headers, body)
    });
    read.is_ok()
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut encoded = String::new();
    for bytes in text.as_bytes().chunks(3) {
        let bits = bytes
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - bytes.len()));
        for digit in 0..=bytes.len() {
            let place = (bits >> (18 - 6 * digit)) & 63;
            encoded.push(char::from(DIGITS[place as usize]));
        }
    }
    encoded
}

fn direct(engine: &MemoryEngine, sent: &StartTexts) -> bool {
    let StartTexts {
        tenant,
        key,
        by,
        input,
        approval,
    } = sent;
    let (tenant, key, by) = (json!(tenant), json!(key), json!(by));
    let start = format!(
        r#"{{"tenant":{tenant},"idempotency_key":{key},"requested_by":{by},"input":{input},
            "approval":{approval}}}"#
    );
    begins(engine, Vec::new(), &start)
}

fn event(sent: &StartTexts) -> bool {
    let (tenant, key, by) = (json!(sent.tenant), json!(sent.key), json!(sent.by));
    let start = format!(
        r#"{{"trigger":"raised","event":{{"detail":{{"tenant":{tenant},"key":{key},"by":{by},
            "input":{},"approval":{}}}}}}}"#,
        sent.input, sent.approval
    );
    let mapped = |field: &str| json!({ "$jsonata": format!("$event.detail.{field}") });
    begins(&engine(), vec![trigger("raised", mapped)], &start)
}

/// The verdict on a schedule whose definition has the start in literal form. `None` if no
/// definition can.
fn schedule(sent: &StartTexts) -> Option<bool> {
    let input: serde_json::Value = serde_json::from_str(&sent.input).ok()?;
    let approval: serde_json::Value = serde_json::from_str(&sent.approval).ok()?;
    let literal = |field: &str| match field {
        "tenant" => json!(sent.tenant),
        "key" => json!(sent.key),
        "by" => json!(sent.by),
        "approval" => approval.clone(),
        _ => input.clone(),
    };
    let mut nightly = trigger("nightly", literal);
    nightly.approval.take_if(|_| approval.is_null());
    let start = r#"{"trigger":"nightly","scheduled_time":"2025-09-29T13:00:00Z"}"#;
    Some(begins(&engine(), vec![nightly], start))
}

#[track_caller]
fn check(what: &str, sent: &StartTexts, accepted: bool) {
    let engine = engine();
    let verdicts = [
        ("the API", Some(api(sent))),
        ("a direct start", Some(direct(&engine, sent))),
        // The record of the direct start is what a redrive continues with.
        ("a redrive", accepted.then(|| direct(&engine, sent))),
        ("an event", Some(event(sent))),
        ("a schedule", schedule(sent)),
    ];
    for (door, verdict) in verdicts {
        assert!(
            verdict.is_none_or(|verdict| verdict == accepted),
            "{what}: {door} says {verdict:?}"
        );
    }
}

fn of_input(input: impl Into<String>) -> StartTexts {
    StartTexts {
        input: input.into(),
        ..sent()
    }
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

fn list(items: usize) -> String {
    format!("[{}]", vec!["1"; items].join(","))
}

#[test]
fn every_door_accepts_the_same_inputs() {
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for fine in [
        "{}".to_owned(),
        "null".to_owned(),
        "[1,[2]]".to_owned(),
        r#"{"emoji":"\ud83d\ude00","nul":"\u0000","none":"\uffff","":0}"#.to_owned(),
        r#"{"__proto__":{"a":1},"constructor":2,"length":3}"#.to_owned(),
        r#"{"$stored":{"key":"payloads/x","sha256":"0","bytes":1}}"#.to_owned(),
        r#"[999999999999999,-999999999999999,0.1,-0,1e-300]"#.to_owned(),
        text(INPUT_MAX_BYTES),
        nested(64),
        list(INPUT_MAX_VALUES),
    ] {
        check(&fine[..fine.len().min(60)], &of_input(&*fine), true);
    }
}

#[test]
fn every_door_refuses_the_same_inputs() {
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for unfit in [
        text(INPUT_MAX_BYTES + 1),
        nested(65),
        nested(125),
        nested(10_000),
        list(INPUT_MAX_VALUES + 1),
        format!("[{}]", vec!["[[]]"; INPUT_MAX_VALUES / 2 + 1].join(",")),
        r#"{"half":"\ud83d"}"#.to_owned(),
        r#"{"half\ude00":1}"#.to_owned(),
        "[1000000000000000]".to_owned(),
        r#"{"order":9007199254740993}"#.to_owned(),
        r#"{"deep":[{"n":-1e15}]}"#.to_owned(),
        "123456789012345678901234567890".to_owned(),
        "1e400".to_owned(),
    ] {
        check(&unfit[..unfit.len().min(60)], &of_input(&*unfit), false);
    }
}

#[test]
fn every_door_reads_a_requester_alike() {
    for (by, accepted) in [
        ("zoe".to_owned(), true),
        ("Zoë 名前".to_owned(), true),
        ("é".repeat(200), true),
        ("é".repeat(201), false),
        (String::new(), false),
        ("   ".to_owned(), false),
        ("a\nb".to_owned(), false),
        ("a\u{0}b".to_owned(), false),
        ("zoe\u{202e}nimda".to_owned(), false),
        ("\u{200b}".to_owned(), false),
    ] {
        check(
            &format!("{by:?}"),
            &StartTexts {
                by: by.clone(),
                ..sent()
            },
            accepted,
        );
    }
}

#[test]
fn every_door_reads_a_tenant_and_a_key_alike() {
    for tenant in [
        "Acme",
        "acme#EXEC#1",
        "acme/..",
        "аcme",
        "",
        "acme ",
        &"a".repeat(64),
    ] {
        let tenant = tenant.to_owned();
        check(&tenant.clone(), &StartTexts { tenant, ..sent() }, false);
    }
    for (key, accepted) in [
        ("k".repeat(255), true),
        ("a,b#%/../'\"".to_owned(), true),
        (String::new(), false),
    ] {
        check(&key.clone(), &StartTexts { key, ..sent() }, accepted);
    }
}

#[test]
fn every_door_reads_an_approval_alike() {
    let right = json!({
        "approved_by": "bob", "approved_at": "2025-09-29T12:00:00Z",
        "expires_at": "2025-09-29T14:00:00Z", "input_sha256": "0".repeat(64), "reference": "CASE-7",
    });
    let with = |member: &str, value: serde_json::Value| {
        let mut approval = right.clone();
        approval[member] = value;
        approval
    };
    for (approval, accepted) in [
        (right.clone(), true),
        (with("approved_by", json!("  ")), false),
        (with("approved_by", json!(7)), false),
        (with("reference", json!("a\nb")), false),
        (with("reference", json!("x".repeat(201))), false),
        (with("input_sha256", json!("AB".repeat(32))), false),
        (with("expires_at", json!("2025-09-29T11:00:00Z")), false),
        (with("expires_at", json!("tomorrow")), false),
        (with("role", json!("cfo")), false),
    ] {
        let one = StartTexts {
            approval: approval.to_string(),
            ..sent()
        };
        check(&approval.to_string(), &one, accepted);
    }
}

#[test]
fn the_api_says_whether_the_size_or_the_form_is_wrong() {
    let status = |input: String| {
        let headers = HeaderMap::from_iter([(
            header::HeaderName::from_static(KEY_HEADER),
            HeaderValue::from_static("k"),
        )]);
        let body = read_body::<StartBody>(format!(r#"{{"input":{input}}}"#).as_bytes());
        let read = body.and_then(|body| read("acme", "zoe", WORKFLOW.to_owned(), &headers, body));
        read.err()
            .map(|problem| problem.into_response().status().as_u16())
    };
    assert_eq!(status("{}".to_owned()), None);
    assert_eq!(status(list(INPUT_MAX_VALUES + 1)), Some(413));
    assert_eq!(
        status(format!("\"{}\"", "x".repeat(INPUT_MAX_BYTES))),
        Some(413)
    );
    assert_eq!(status(nested(65)), Some(400));
    assert_eq!(status("[1e15]".to_owned()), Some(400));
}
