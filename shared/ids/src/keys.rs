//! Every derived key: execution ids, effect keys, item keys and object keys, each in one function.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::{
    digest::sha256_hex,
    names::{check_idempotency_key, group_form, is_execution_id, is_item_char, person_form},
    numbers::whole,
};

/// The key of an execution: the partition of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionKey {
    /// The tenant that owns the execution.
    pub tenant: String,
    /// The execution id; see [`execution_id`].
    pub execution: String,
}

/// The execution id: the same tenant, workflow and idempotency key always yield the same id.
///
/// 40 hex digits. The API starts the Step Functions execution under the same name.
pub fn execution_id(tenant: &str, workflow: &str, idempotency_key: &str) -> String {
    short_hash("execution", &[tenant, workflow, idempotency_key])
}

/// The beginning of an idempotency key that is a digest. The API refuses a key with a space, so
/// that no key of the API is such a digest.
const HASHED_KEY: &str = "sha256 ";

/// The idempotency key that a text becomes at a door without a header: an event, a schedule, a
/// direct start. What a header can carry stays as it is, so that all doors meet in one key. Any
/// other text becomes its digest, since it may be long, hidden or look like another. A key that was
/// built before is itself.
pub fn idempotency_key(text: &str) -> Result<String, String> {
    if check_idempotency_key(text).is_ok() || is_hashed_key(text) {
        return Ok(text.to_owned());
    }
    if text.trim().is_empty() {
        return Err(
            "the idempotency key is empty: give it what tells one start from another".to_owned(),
        );
    }
    Ok(format!("{HASHED_KEY}{}", sha256_hex(text.as_bytes())))
}

fn is_hashed_key(text: &str) -> bool {
    let digest = text.strip_prefix(HASHED_KEY);
    digest.is_some_and(|hex| {
        hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    })
}

/// The effect key: the idempotency key that a target receives with every attempt at one effect.
///
/// The effect generation rises after a committed undo, so that a target does not answer a redrive
/// from memory. It also rises where a redrive changes action or input (docs/protocol.md, rule 3).
pub fn effect_key(
    at: &ExecutionKey,
    step: &str,
    item: Option<&str>,
    effect_generation: u32,
) -> String {
    let effect_generation = effect_generation.to_string();
    short_hash(
        "effect",
        &[
            &at.tenant,
            &at.execution,
            step,
            item.unwrap_or(""),
            &effect_generation,
        ],
    )
}

/// The idempotency key of the undo of the effect whose key is `effect`.
pub fn undo_key(effect: &str) -> String {
    short_hash("undo", &[effect])
}

/// The idempotency key of the undo, in a later execution generation, of an effect that was undone
/// before and may have arrived since. The target would answer the first key from memory.
pub fn repeated_undo_key(effect: &str, execution_generation: u32) -> String {
    short_hash("undo", &[effect, &execution_generation.to_string()])
}

/// The id of the incident of one cause: the same workflow, state and error of a tenant always yield
/// the same id. An approval's incident also belongs to one `execution`. `distinct` has what else
/// separates this cause from others; without it, the id is that of earlier versions.
pub fn incident_id(
    tenant: &str,
    workflow: &str,
    state: &str,
    error: &str,
    execution: Option<&str>,
    distinct: &[&str],
) -> String {
    let execution = execution.unwrap_or("");
    let mut parts = vec![tenant, workflow, state, error, execution];
    parts.extend(distinct);
    short_hash("incident", &parts)
}

/// The id of the one delegation that `member` can have for `group`, under any spelling of either.
pub fn delegation_id(tenant: &str, group: &str, member: &str) -> String {
    let parts = [tenant, &group_form(group), &person_form(member)];
    short_hash("delegation", &parts)
}

/// The id of a bulk of the tenant, whose request has this id.
pub fn bulk_id(tenant: &str, request: &str) -> String {
    short_hash("bulk", &[tenant, request])
}

/// The id of an audit event: emitting the same event again yields the same id.
pub fn event_id(kind: &str, parts: &[&str]) -> String {
    short_hash(&format!("event:{kind}"), parts)
}

/// The mark before an item key that looks like a hash. No item key that is kept as it is has it.
const LITERAL: char = '=';

/// The name of an item in records: a short plain item key as it is, any other by its hash. An item
/// key that looks like a hash is marked, so that two different item keys never share a name.
pub fn item_name(item_key: &Value) -> Result<String, String> {
    let text = match item_key {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        other => {
            let kind = if other.is_null() {
                "null"
            } else {
                "not a string or a number"
            };
            return Err(format!(
                "item_key is {kind}: it must yield a string or a number for every item"
            ));
        }
    };
    if is_hashed_item(&text) {
        Ok(format!("{LITERAL}{text}"))
    } else if (1..=64).contains(&text.len()) && text.chars().all(is_item_char) {
        Ok(text)
    } else {
        Ok(short_hash("item", &[&text]))
    }
}

/// The text of a number: `1` of `1.0`, and `0` of `-0.0`, as in canonical JSON. So one number names
/// one item in any spelling.
fn number_text(number: &Number) -> String {
    whole(number).map_or_else(|| number.to_string(), |integer| integer.to_string())
}

/// Returns whether an item's name is the hash of its item key.
pub fn is_hashed_item(name: &str) -> bool {
    is_execution_id(name)
}

/// The name that an earlier release gave to an item, if it differs: its item key without the mark,
/// or the number as it was spelled.
pub fn earlier_item_name(item_key: &Value) -> Option<String> {
    match item_key {
        Value::String(text) => is_hashed_item(text).then(|| text.clone()),
        Value::Number(number) => whole(number).map(|_| number.to_string()),
        _ => None,
    }
}

/// The name of an item in audit events: stable within an execution, and without the item key
/// itself.
pub fn item_digest(at: &ExecutionKey, item: &str) -> String {
    let mut digest = short_hash("told-item", &[&at.tenant, &at.execution, item]);
    digest.truncate(12);
    digest
}

/// The object key of an input or output that is too large for the ledger; it ends in its SHA-256.
pub fn payload_object(at: &ExecutionKey, sha256: &str) -> String {
    format!("{}{sha256}.json", payload_prefix(at))
}

/// The prefix of an execution's stored payloads. The engine reads no payload outside it for the
/// execution.
pub fn payload_prefix(at: &ExecutionKey) -> String {
    format!("payloads/{}/{}/", at.tenant, at.execution)
}

/// The object key of a receipt: the day on which the execution ended (UTC), then execution id and
/// execution generation.
pub fn receipt_object(at: &ExecutionKey, ended_at: Timestamp, generation: u32) -> String {
    format!(
        "{}{}-{generation}.json",
        receipt_day(&at.tenant, ended_at),
        at.execution
    )
}

/// The prefix of a tenant's receipts.
pub fn receipt_prefix(tenant: &str) -> String {
    format!("receipts/{tenant}/")
}

/// The prefix of the receipts of executions that ended on this day (UTC).
pub fn receipt_day(tenant: &str, day: Timestamp) -> String {
    format!("{}{}/", receipt_prefix(tenant), utc(day, "%Y/%m/%d"))
}

/// Parses the object key of a receipt into execution id and execution generation; `None` if it is
/// no receipt of the tenant.
pub fn of_receipt_object(tenant: &str, object: &str) -> Option<(String, u32)> {
    let (day, name) = object
        .strip_prefix(&receipt_prefix(tenant))?
        .rsplit_once('/')?;
    let (execution, generation) = name.strip_suffix(".json")?.split_once('-')?;
    let ended_at = format!("{}T00:00:00Z", day.replace('/', "-"))
        .parse()
        .ok()?;
    let generation = generation
        .parse()
        .ok()
        .filter(|_| is_execution_id(execution))?;
    let at = ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution.to_owned(),
    };
    (receipt_object(&at, ended_at, generation) == object).then_some((at.execution, generation))
}

/// The object key of the mark of a late receipt: the day on which it was written, then the day on
/// which the execution ended. The mark leads a digest to the folder of the receipt.
pub fn late_object(tenant: &str, written_at: Timestamp, ended_at: Timestamp) -> String {
    let ended = utc(ended_at, "%Y-%m-%d");
    format!("{}{ended}.json", late_day(tenant, written_at))
}

/// The prefix of a tenant's marks of late receipts.
pub fn late_prefix(tenant: &str) -> String {
    format!("late/{tenant}/")
}

/// The prefix of the marks that were written on this day (UTC).
pub fn late_day(tenant: &str, day: Timestamp) -> String {
    format!("{}{}/", late_prefix(tenant), utc(day, "%Y-%m-%d"))
}

/// The prefix of a tenant's digests.
pub fn digest_prefix(tenant: &str) -> String {
    format!("digests/{tenant}/")
}

/// The object key of the digest of the hour that begins at `hour`.
pub fn digest_object(tenant: &str, hour: Timestamp) -> String {
    format!("{}{}.json", digest_prefix(tenant), utc(hour, "%Y/%m/%d/%H"))
}

fn utc(at: Timestamp, format: &str) -> String {
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// Returns 160 bits of SHA-256 over length-prefixed parts, as hex. The lengths keep different lists
/// of parts from yielding the same text.
fn short_hash(purpose: &str, parts: &[&str]) -> String {
    let mut text = format!("holdfast:{purpose}");
    for part in parts {
        text.push_str(&format!("|{}:{part}", part.len()));
    }
    sha256_hex(text.as_bytes())[..40].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key() -> ExecutionKey {
        ExecutionKey {
            tenant: "acme".into(),
            execution: execution_id("acme", "WF-A", "k"),
        }
    }

    #[test]
    fn a_text_that_no_header_can_carry_becomes_a_key_that_no_header_can_have() {
        let built = |text: &str| idempotency_key(text).expect(text);
        for kept in ["k-1", "order/17", &"k".repeat(255)] {
            assert_eq!(built(kept), kept);
        }
        let long = "k".repeat(256);
        for hashed in [
            "order 17",
            "Bestellung/für",
            "\u{430}",
            "k\n",
            "k\u{200b}",
            &long,
        ] {
            let key = built(hashed);
            assert!(check_idempotency_key(&key).is_err(), "{key}");
            assert_eq!(key.len(), 71, "{key}");
            assert_eq!(key, built(hashed), "a repeat meets the same key");
            assert_eq!(key, built(&key), "a built key is itself");
            assert_ne!(key, built(&format!("{hashed}x")));
        }
        for empty in ["", " ", "\n\t", "\u{3000}"] {
            idempotency_key(empty).expect_err("it tells no start from another");
        }
    }

    #[test]
    fn only_the_same_start_yields_the_same_execution_id() {
        let id = execution_id("acme", "WF-A", "k-1");
        assert_eq!(id, execution_id("acme", "WF-A", "k-1"));
        assert!(crate::names::is_execution_id(&id));
        for other in [
            ("acme", "WF-A", "k-2"),
            ("acme", "WF-Ak", "-1"),
            ("acm", "eWF-A", "k-1"),
        ] {
            assert_ne!(id, execution_id(other.0, other.1, other.2));
        }
    }

    #[test]
    fn each_item_effect_generation_and_undo_has_its_own_effect_key() {
        let keys = [
            effect_key(&key(), "hold", None, 0),
            effect_key(&key(), "hold", Some("v1"), 0),
            effect_key(&key(), "hold", None, 1),
            undo_key(&effect_key(&key(), "hold", None, 0)),
        ];
        for (n, one) in keys.iter().enumerate() {
            assert!(keys[n + 1..].iter().all(|other| other != one));
        }
    }

    #[test]
    fn an_item_is_named_by_its_key_or_its_hash() {
        assert_eq!(item_name(&json!("v-1")), Ok("v-1".into()));
        assert_eq!(item_name(&json!(17)), Ok("17".into()));
        let hashed = item_name(&json!("a#b/../c")).expect("a name");
        assert!(is_hashed_item(&hashed), "{hashed}");
        for bad in [json!(null), json!({"id": 1}), json!(true)] {
            item_name(&bad).expect_err("only strings and numbers name an item");
        }
    }

    #[test]
    fn an_item_key_that_equals_the_hash_of_another_has_another_name() {
        let hashed = item_name(&json!("vendor with spaces")).expect("a name");
        let literal = item_name(&json!(hashed)).expect("a name");
        assert_ne!(literal, hashed);
        assert_eq!(earlier_item_name(&json!(hashed)), Some(hashed));
        assert_eq!(earlier_item_name(&json!("vendor with spaces")), None);
    }

    #[test]
    fn a_number_names_one_item_in_any_spelling() {
        for (spelled, name) in [("-0.0", "0"), ("1.0", "1"), ("1e0", "1"), ("-3.0", "-3")] {
            let number: Value = serde_json::from_str(spelled).expect("a number");
            assert_eq!(item_name(&number), Ok(name.into()), "{spelled}");
            assert_eq!(earlier_item_name(&number), Some(number.to_string()));
        }
        assert_eq!(item_name(&json!(0.5)), Ok("0.5".into()));
        assert_eq!(earlier_item_name(&json!(1)), None);
    }

    #[test]
    fn a_receipt_is_stored_under_tenant_and_day() {
        let at = "2025-09-29T23:59:59Z".parse().expect("a timestamp");
        let object = receipt_object(&key(), at, 0);
        assert!(object.starts_with("receipts/acme/2025/09/29/"), "{object}");
        assert!(object.ends_with("-0.json"), "{object}");
    }

    #[test]
    fn only_a_receipts_own_object_key_parses() {
        let at = "2025-09-29T23:59:59Z".parse().expect("a timestamp");
        let object = receipt_object(&key(), at, 12);
        let right = Some((key().execution, 12));
        assert_eq!(of_receipt_object("acme", &object), right);
        for other in [
            object.replace("/acme/", "/globex/"),
            object.replace("/29/", "/../"),
            object.replace("/29/", "/31/"),
            object.replace("-12.json", "-012.json"),
            object.replace("-12.json", "-x.json"),
            object.replace("-12.json", "-12.json/.."),
            format!("x/{object}"),
            "receipts/acme/2025/09/29/short-0.json".to_owned(),
        ] {
            assert_eq!(of_receipt_object("acme", &other), None, "{other}");
        }
    }
}
