//! Fuzzing of starts, events and schedules: each is read into a valid start, or refused without its
//! values.

use std::sync::LazyLock;

use holdfast_admission::{
    ApprovalKeys, Envelope, INPUT_MAX_BYTES, SentApproval, StartScope, check, read_start,
};
use holdfast_ids::{
    digest::canonical,
    keys::{execution_id, idempotency_key},
    names::check_tenant,
};
use holdfast_task::AdmissionSpec;
use serde_json::{Value, json};

use crate::{
    fuzz,
    mutate::{Change, changed, changes},
};

/// A value that no error may quote.
const SECRET: &str = "hunter2hunter2";

static SPEC: LazyLock<AdmissionSpec> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/events/begin.json");
    let text = std::fs::read_to_string(file).expect("a file of events");
    let task: Value = serde_json::from_str(&text).expect("JSON");
    serde_json::from_value(task["gate"].clone()).expect("an admission spec")
});

static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let input = json!({ "vendor_id": SECRET, "hold_days": 14, "reason": SECRET });
    let mut seeds = vec![
        json!({ "tenant": "acme", "idempotency_key": "k-1", "input": input }),
        json!({ "tenant": "acme", "idempotency_key": "k-1", "input": input, "via": "api",
            "requested_by": "zoe", "request_id": "1" }),
        json!({ "trigger": "vendor_risk", "event": { "id": "e", "source": "finops.risk", "detail":
            { "tenant_id": "acme", "risk_id": "r-1", "vendor_id": SECRET } } }),
        json!({ "trigger": "vendor_risk", "scheduled_time": "2026-01-01T09:00:00Z" }),
        json!({ "tenant": "acme", "idempotency_key": "k",
            "input": [[[[{ "a": 1.5 }]]], null, true, "\u{0}", -1] }),
    ];
    seeds.push(json!({ "input": input }));
    seeds.iter().map(Value::to_string).collect()
});

#[test]
fn a_changed_request_is_read_into_a_valid_start_or_refused_without_its_values() {
    let cases = (0..SEEDS.len(), changes());
    fuzz("requests", cases, judge);
}

fn judge((seed, changes): (usize, Vec<Change>)) -> Result<(), String> {
    let text = changed(&SEEDS[seed], &changes);
    let started_at = "2026-01-01T09:00:00Z";
    let raw: Value = match serde_json::from_str(&text) {
        Ok(raw) => raw,
        // The API answers such a body with the place of the error.
        Err(error) if error.line() > 0 => return Ok(()),
        Err(error) => return Err(format!("an error without a place: {error}")),
    };
    let start = match read_start(&raw, &SPEC, started_at, "") {
        Ok(start) => start,
        Err(said) => {
            let said = said.to_string();
            return refusal(&said).map_err(|why| format!("{why}: {said:?} of {text:?}"));
        }
    };
    let safe = || -> Result<(), String> {
        check_tenant(&start.tenant)?;
        if idempotency_key(&start.idempotency_key)? != start.idempotency_key {
            return Err("its key would become another when it is read again".to_owned());
        }
        if start.input.to_string().len() > INPUT_MAX_BYTES {
            return Err("it is too large".to_owned());
        }
        let id = execution_id(&start.tenant, &SPEC.workflow, &start.idempotency_key);
        // The admission check must decide every start, without an error of a schema or an
        // expression.
        let at = started_at
            .parse()
            .map_err(|error: jiff::Error| error.to_string())?;
        let seen = StartScope::of(&SPEC, &start, &id, at);
        let outcomes = check(&SPEC, &start, &seen, &ApprovalKeys::default(), at);
        if outcomes.is_empty() {
            return Err("no guardrail was evaluated".to_owned());
        }
        // The canonical form must be stable. An input without one is refused as an error.
        if let Ok(bytes) = canonical(&start.input) {
            let again: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
            let again = canonical(&again).map_err(|error| error.to_string())?;
            if again != bytes {
                return Err("its canonical form is not canonical".to_owned());
            }
        }
        let envelope = Envelope {
            tenant: start.tenant.clone(),
            idempotency_key: start.idempotency_key.clone(),
            input: start.input.clone(),
            via: start.trigger.clone(),
            requested_by: start.requested_by.clone(),
            request_id: None,
            trace: start.trace.clone(),
            approval: start.approval.clone().map(SentApproval::of),
        };
        let sent = serde_json::to_value(envelope).map_err(|error| error.to_string())?;
        let received =
            read_start(&sent, &SPEC, started_at, "").map_err(|error| error.to_string())?;
        if received.input != start.input || received.tenant != start.tenant {
            return Err("another start comes out of its own envelope".to_owned());
        }
        Ok(())
    };
    safe().map_err(|why| format!("{why}\n--- the request:\n{text:?}"))
}

/// Checks that an error can be shown and logged.
fn refusal(said: &str) -> Result<(), String> {
    if said.is_empty() || said.chars().any(char::is_control) {
        return Err("it cannot be shown".to_owned());
    }
    // An error may name an unknown field, the sender's mistake, and no other text of theirs.
    let named = said
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    if named.map_or(said, |(_, rest)| rest).contains(SECRET) {
        return Err("it quotes what was sent".to_owned());
    }
    Ok(())
}
