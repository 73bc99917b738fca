//! Fuzzing of the doors of a start: a direct start and an event give each start the same verdict as
//! the check of the API.

use holdfast_admission::{
    Envelope, INPUT_MAX_BYTES, INPUT_MAX_DEPTH, INPUT_MAX_VALUES, SentApproval, Start, StartError,
    check_envelope, read_start,
};
use holdfast_aws::read_task;
use holdfast_ids::{digest::canonical, members::check_members};
use holdfast_task::BeginTask;
use holdfast_tests::nested;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::{
    fuzz,
    mutate::{Change, changed, changes},
};

/// A start as its sender writes it. The input is a text that may be JSON.
#[derive(Debug, Clone)]
struct FuzzedStart {
    tenant: String,
    key: String,
    by: Option<String>,
    input: String,
    approval: Value,
    changes: Vec<Change>,
}

/// A text of JSON, with escapes that only some readers accept.
fn json_text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(
        &[
            "a",
            "é",
            "😀",
            "\\ud83d",
            "\\ude00",
            "\\ud83d\\ude00",
            "\\u0000",
            "\\u0001",
            "\\uffff",
            "\\n",
            "\u{2028}",
            "\\\"",
        ][..],
    );
    vec(part, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// A number as a sender writes it.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"
}

/// An input: near a limit, or a small tree.
fn input() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        2 => number(),
        2 => json_text(),
        1 => prop::sample::select(&["true", "null", "{}", "[]", "NaN", ""][..]).prop_map(str::to_owned),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let members = vec((json_text(), inner.clone()), 0..4).prop_map(|members| {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name}:{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            members,
        ]
    });
    let long = (INPUT_MAX_BYTES - 4..INPUT_MAX_BYTES + 4)
        .prop_map(|bytes| format!("\"{}\"", "x".repeat(bytes - 2)));
    let many = (INPUT_MAX_VALUES - 3..INPUT_MAX_VALUES + 3)
        .prop_map(|items| format!("[{}]", vec!["1"; items].join(",")));
    prop_oneof![
        30 => tree,
        4 => (INPUT_MAX_DEPTH - 4..140_usize).prop_map(nested),
        1 => long,
        1 => many,
    ]
}

fn sent() -> impl Strategy<Value = FuzzedStart> {
    let tenant = prop_oneof![4 => Just("acme".to_owned()), 1 => "[a-zA-Z0-9#/. -]{0,66}", 1 => any::<String>()];
    let key = prop_oneof![4 => Just("k-1".to_owned()), 1 => "[!-~]{0,255}"];
    let by = prop_oneof![2 => Just("zoe".to_owned()), 1 => any::<String>(), 1 => ".{195,205}", 1 => "[ \u{200b}\u{202e}\na]{0,4}"];
    let text = prop_oneof![
        Just("bob".to_owned()),
        Just(" ".to_owned()),
        any::<String>()
    ];
    let approval = (text, 0..3_i64, "[0-9a-fA-F]{64}").prop_map(|(by, hours, sha256)| {
        json!({ "approved_by": by, "approved_at": "2025-09-29T12:00:00Z",
            "expires_at": format!("2025-09-29T1{hours}:30:00Z"), "input_sha256": sha256, "reference": "C" })
    });
    let approval = prop_oneof![3 => Just(Value::Null), 1 => approval];
    let changes = prop_oneof![3 => Just(Vec::new()), 1 => changes()];
    (
        tenant,
        key,
        prop::option::of(by),
        input(),
        approval,
        changes,
    )
        .prop_map(|(tenant, key, by, input, approval, changes)| FuzzedStart {
            tenant,
            key,
            by,
            input,
            approval,
            changes,
        })
}

#[test]
fn every_door_gives_a_start_the_same_verdict() {
    fuzz("doors", sent(), judge);
}

/// The verdict of `begin` on the text of its task. An error is that of a start that is refused.
///
/// A check that got no processor within its five seconds has no verdict, and is repeated as Step
/// Functions repeats it.
fn begins(start: &str) -> Result<Start, String> {
    let verdict = (0..4).find_map(|_| begins_once(start).transpose());
    verdict.unwrap_or_else(|| Err("four checks did not end".to_owned()))
}

/// The verdict of one attempt, if it has one.
fn begins_once(start: &str) -> Result<Option<Start>, String> {
    let field = |name: &str| json!({ "$jsonata": format!("$event.detail.{name}") });
    let gate = json!({
        "workflow": "WF-FUZZ", "version": 1, "definition_digest": "sha256:0", "input_schema": {}, "timeout_s": 600,
        "triggers": [{ "name": "raised", "tenant": field("tenant"), "idempotency_key": field("key"),
            "input": field("input"), "requested_by": field("by"), "approval": field("approval") }],
    });
    let text = format!(
        r#"{{"gate":{gate},"steps":[],"owner":"o","machine":"m","started_at":"2025-09-29T13:00:00Z","start":{start}}}"#
    );
    let task: BeginTask = read_task(&text)
        .map_err(|error| error.message)?
        .ok_or("it is a check")?;
    let start = read_start(&task.start, &task.gate, &task.started_at, &task.owner);
    let start = match start {
        Err(StartError::Shortage(_)) => return Ok(None),
        start => start.map_err(|error| error.to_string())?,
    };
    check_envelope(&start)?;
    Ok(Some(start))
}

fn judge(sent: FuzzedStart) -> Result<(), String> {
    let input = changed(&sent.input, &sent.changes);
    // The API refuses these. Step Functions keeps one of two members before `begin` sees them.
    if check_members(input.as_bytes()).is_err() {
        return Ok(());
    }
    let value: Option<Value> = serde_json::from_str(&input).ok();
    if value.is_none() && serde_json::from_str::<serde::de::IgnoredAny>(&input).is_err() {
        // No JSON at all, which Step Functions and EventBridge refuse.
        return Ok(());
    }
    let api = value.map(|input| Start {
        tenant: sent.tenant.clone(),
        idempotency_key: sent.key.clone(),
        input,
        trigger: "direct".to_owned(),
        requested_by: sent.by.clone(),
        trace: None,
        approval: serde_json::from_value::<Option<SentApproval>>(sent.approval.clone())
            .ok()
            .flatten()
            .and_then(|sent| sent.read().ok()),
        unmapped: None,
    });
    let api = api
        .ok_or_else(|| "unreadable".to_owned())
        .and_then(|start| {
            check_envelope(&start)?;
            Ok(start)
        });
    let (tenant, key, by, approval) = (
        json!(sent.tenant),
        json!(sent.key),
        json!(sent.by),
        &sent.approval,
    );
    let direct = begins(&format!(
        r#"{{"tenant":{tenant},"idempotency_key":{key},"requested_by":{by},"approval":{approval},"input":{input}}}"#
    ));
    let event = begins(&format!(
        r#"{{"trigger":"raised","event":{{"detail":{{"tenant":{tenant},"key":{key},"by":{by},"approval":{approval},"input":{input}}}}}}}"#
    ));
    let event = event.map(|start| Start {
        trigger: "direct".to_owned(),
        ..start
    });
    for (door, verdict) in [("a direct start", &direct), ("an event", &event)] {
        let same = match (&api, verdict) {
            (Ok(api), Ok(other)) => is_same(api, other),
            (api, other) => api.is_err() && other.is_err(),
        };
        if !same {
            return Err(format!("the API says {api:?}, and {door} says {verdict:?}"));
        }
    }
    api.map_or(Ok(()), |start| carried(&start))
}

/// True if two starts are one execution with one input: `1.0` and `1` are the same number.
fn is_same(one: &Start, other: &Start) -> bool {
    let with_input = Start {
        input: one.input.clone(),
        ..other.clone()
    };
    *one == with_input && canonical(&one.input) == canonical(&other.input)
}

/// Checks that an accepted start fits everything that carries it.
fn carried(start: &Start) -> Result<(), String> {
    canonical(&start.input).map_err(|error| format!("accepted without a digest: {error}"))?;
    let envelope = Envelope {
        tenant: start.tenant.clone(),
        idempotency_key: start.idempotency_key.clone(),
        input: start.input.clone(),
        via: "api".to_owned(),
        requested_by: start.requested_by.clone(),
        request_id: None,
        trace: None,
        approval: start.approval.clone().map(SentApproval::of),
    };
    let bytes = serde_json::to_vec(&envelope).map_err(|error| error.to_string())?;
    // The quota of a state's data, and room for the constants of the state machine.
    match bytes.len() + 2 * INPUT_MAX_VALUES <= 262_144 - 16_384 {
        true => Ok(()),
        false => Err(format!("accepted with {} bytes", bytes.len())),
    }
}
