//! Every key we derive: execution ids, idempotency keys for targets, item keys and object keys, each in one function.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    digest::sha256_hex,
    names::{is_execution_id, is_of_item},
};

/// Which execution: the partition of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionKey {
    /// The tenant it belongs to.
    pub tenant: String,
    /// See [`execution_id`].
    pub execution: String,
}

/// The execution's id: the same start (tenant, workflow, idempotency key) is always the same execution.
///
/// 40 hex digits; also the name of the Step Functions execution that the API starts.
pub fn execution_id(tenant: &str, workflow: &str, idempotency_key: &str) -> String {
    short_hash("execution", &[tenant, workflow, idempotency_key])
}

/// The idempotency key that a target receives for one effect: the same for every attempt and every redrive.
///
/// `generation` rises only after a committed undo, so that a later redrive is not given the stored answer of an
/// effect that was taken back (protocol.md, ruling 3).
pub fn effect_key(at: &ExecutionKey, step: &str, item: Option<&str>, generation: u32) -> String {
    let generation = generation.to_string();
    short_hash(
        "effect",
        &[
            &at.tenant,
            &at.execution,
            step,
            item.unwrap_or(""),
            &generation,
        ],
    )
}

/// The idempotency key of the undo of the effect with key `effect`.
pub fn undo_key(effect: &str) -> String {
    short_hash("undo", &[effect])
}

/// The id of the incident for one cause: the same workflow, state and error of a tenant are always the same incident.
pub fn incident_id(
    tenant: &str,
    workflow: &str,
    state: &str,
    error: &str,
    execution: Option<&str>,
) -> String {
    let execution = execution.unwrap_or("");
    short_hash("incident", &[tenant, workflow, state, error, execution])
}

/// The id of an audit event: what a record says once has one id, however often it is told.
pub fn event_id(kind: &str, parts: &[&str]) -> String {
    short_hash(&format!("event:{kind}"), parts)
}

/// An item key as records name it: short plain text as it is, everything else by its hash.
pub fn item_name(item_key: &Value) -> Result<String, String> {
    let text = match item_key {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
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
    if (1..=64).contains(&text.len()) && text.chars().all(is_of_item) {
        Ok(text)
    } else {
        Ok(short_hash("item", &[&text]))
    }
}

/// An item as audit events name it: the same within an execution, and not what its key was.
pub fn item_digest(at: &ExecutionKey, item: &str) -> String {
    let mut digest = short_hash("told-item", &[&at.tenant, &at.execution, item]);
    digest.truncate(12);
    digest
}

/// Where an input or output too large for the ledger is stored; named by its content.
pub fn payload_object(at: &ExecutionKey, sha256: &str) -> String {
    format!("{}{sha256}.json", payload_prefix(at))
}

/// Where every stored payload of an execution lies; nothing outside is ever read on its behalf.
pub fn payload_prefix(at: &ExecutionKey) -> String {
    format!("payloads/{}/{}/", at.tenant, at.execution)
}

/// Where the receipt lies: by the day it ended (UTC), then execution and generation.
pub fn receipt_object(at: &ExecutionKey, ended_at: Timestamp, generation: u32) -> String {
    format!(
        "{}{}-{generation}.json",
        receipt_day(&at.tenant, ended_at),
        at.execution
    )
}

/// Where a tenant's receipts lie.
pub fn receipt_prefix(tenant: &str) -> String {
    format!("receipts/{tenant}/")
}

/// Where the receipts of the executions that ended on this day (UTC) lie.
pub fn receipt_day(tenant: &str, day: Timestamp) -> String {
    format!("{}{}/", receipt_prefix(tenant), utc(day, "%Y/%m/%d"))
}

/// The execution and the generation whose receipt lies there; `None` if no receipt of the tenant does.
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

/// Says that a receipt was written long after its execution's end, as no digest expects: by the day of writing, then
/// the day whose folder it lies in.
pub fn late_object(tenant: &str, written_at: Timestamp, ended_at: Timestamp) -> String {
    let ended = utc(ended_at, "%Y-%m-%d");
    format!("{}{ended}.json", late_day(tenant, written_at))
}

/// Where what was written late on this day (UTC) is named.
pub fn late_day(tenant: &str, day: Timestamp) -> String {
    format!("late/{tenant}/{}/", utc(day, "%Y-%m-%d"))
}

/// Where a tenant's digests lie.
pub fn digest_prefix(tenant: &str) -> String {
    format!("digests/{tenant}/")
}

/// Where the digest of the hour that begins then lies.
pub fn digest_object(tenant: &str, hour: Timestamp) -> String {
    format!("{}{}.json", digest_prefix(tenant), utc(hour, "%Y/%m/%d/%H"))
}

fn utc(at: Timestamp, format: &str) -> String {
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// 160 bits of SHA-256 over length-prefixed parts, so that no two lists of parts run together to the same text.
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
    fn the_same_start_is_the_same_execution_and_no_other() {
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
    fn an_effect_has_one_key_for_every_attempt_and_another_for_each_item_generation_and_undo() {
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
    fn an_item_is_named_by_its_key_or_by_the_keys_hash() {
        assert_eq!(item_name(&json!("v-1")), Ok("v-1".into()));
        assert_eq!(item_name(&json!(17)), Ok("17".into()));
        assert_eq!(item_name(&json!("a#b/../c")).map(|name| name.len()), Ok(40));
        for bad in [json!(null), json!({"id": 1}), json!(true)] {
            item_name(&bad).expect_err("only strings and numbers name an item");
        }
    }

    #[test]
    fn receipts_lie_under_tenant_and_day() {
        let at = "2025-09-29T23:59:59Z".parse().expect("a timestamp");
        let object = receipt_object(&key(), at, 0);
        assert!(object.starts_with("receipts/acme/2025/09/29/"), "{object}");
        assert!(object.ends_with("-0.json"), "{object}");
    }

    #[test]
    fn only_a_receipts_own_object_names_its_execution_and_generation() {
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
