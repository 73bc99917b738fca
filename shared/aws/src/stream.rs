//! The ledger's stream: parses a change that DynamoDB reports into the records before and after it.

use holdfast_audit::Record;
use holdfast_ledger::{Duplicate, Key, restore_left_out};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    duplicates::ENTRIES,
    item::{number_of, record_of},
};

/// A committed change of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The record before the change.
    pub old: Option<Record>,
    /// The record after the change.
    pub new: Record,
    /// The approximate time of the commit.
    pub committed: Timestamp,
}

/// An unreadable change: another program wrote the item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a change of {pk} {sk} cannot be read: {why}")]
pub struct ChangeError {
    /// The item's partition key.
    pub pk: String,
    /// The item's sort key.
    pub sk: String,
    /// The attribute that is wrong and the reason, never its value.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamImages {
    #[serde(default)]
    keys: Value,
    #[serde(default)]
    old_image: Value,
    #[serde(default)]
    new_image: Value,
    #[serde(default)]
    approximate_creation_date_time: f64,
}

/// Parses the `dynamodb` member of a stream record; `None` for a change without audit events: a
/// count, a bulk, statistics, the head of a chain, or a removal.
pub fn change(reported: &Value) -> Result<Option<Change>, ChangeError> {
    let wrong = |keys: &Value, why: String| {
        let key = |name: &str| keys[name]["S"].as_str().unwrap_or_default().to_owned();
        ChangeError {
            pk: key("pk"),
            sk: key("sk"),
            why,
        }
    };
    let images = StreamImages::deserialize(reported)
        .map_err(|error| wrong(&reported["Keys"], format!("{:?}", error.classify())))?;
    let read = |image: &Value| -> Result<Option<Record>, ChangeError> {
        if image.is_null() {
            return Ok(None);
        }
        record(image).map_err(|why| wrong(&images.keys, why))
    };
    // The new image comes first, since a removal has no events whatever was removed.
    let Some(new) = read(&images.new_image)? else {
        return Ok(None);
    };
    let old = read(&images.old_image)?;
    let millis = (images.approximate_creation_date_time * 1000.0) as i64;
    Ok(Some(Change {
        old,
        new,
        committed: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH),
    }))
}

fn record(image: &Value) -> Result<Option<Record>, String> {
    let members = image.as_object().ok_or("it is not an item")?;
    let mut item = plain_members(members)?;
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = Key::parse(text("pk"), text("sk")).ok_or("its key is none of the ledger's")?;
    let refused = item.get("refused").and_then(Value::as_u64);
    let entries = item.get(ENTRIES).and_then(Value::as_array);
    let entries = entries.into_iter().flatten().filter_map(Value::as_str);
    let times = entries.map_while(Duplicate::time_in).collect();
    let workflow = item.get("workflow").and_then(Value::as_str);
    let workflow = workflow.map(str::to_owned);
    if let Key::Execution(at) = &key {
        restore_left_out(at, &mut item);
    }
    Ok(Some(match key {
        Key::Execution(_) => Record::Execution(as_record(item)?),
        Key::Duplicates(at) => Record::Duplicates {
            at,
            workflow: workflow.ok_or("workflow is not a text")?,
            refused: refused.ok_or("refused is not a count")?,
            times,
        },
        Key::Question(_) => Record::Question(as_record(item)?),
        Key::Step(_) => Record::Step(as_record(item)?),
        Key::Refusal { .. } => Record::Refusal(as_record(item)?),
        Key::Control(_) => Record::Control(as_record(item)?),
        Key::Tenant { .. } => Record::Tenant(as_record(item)?),
        Key::Delegation(_) => Record::Delegation(as_record(item)?),
        Key::Incident(_) => Record::Incident(as_record(item)?),
        Key::Link { .. } => Record::Link(as_record(item)?),
        Key::ControlCopy(_)
        | Key::Counter(_)
        | Key::Bulk(_)
        | Key::BulkPart(_)
        | Key::Statistics(_)
        | Key::StatisticsMark(_)
        | Key::Head { .. }
        | Key::ChainCursor => return Ok(None),
    }))
}

fn as_record<T: DeserializeOwned>(item: Map<String, Value>) -> Result<Box<T>, String> {
    record_of(item).map(Box::new)
}

fn plain_members(members: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let plain = members
        .iter()
        .map(|(name, value)| Ok((name.clone(), plain(value)?)));
    plain.collect()
}

/// A value of DynamoDB's JSON as plain JSON, for the types that the ledger writes.
fn plain(value: &Value) -> Result<Value, String> {
    let (kind, value) = value
        .as_object()
        .filter(|value| value.len() == 1)
        .and_then(|value| value.iter().next())
        .ok_or("an attribute has no type")?;
    Ok(match (kind.as_str(), value) {
        ("S", Value::String(_)) | ("BOOL", Value::Bool(_)) => value.clone(),
        ("NULL", _) => Value::Null,
        ("N", Value::String(number)) => number_of(number)?,
        ("L", Value::Array(items)) => {
            Value::Array(items.iter().map(plain).collect::<Result<_, _>>()?)
        }
        ("M", Value::Object(members)) => Value::Object(plain_members(members)?),
        _ => return Err(format!("an attribute of type {kind} is not the ledger's")),
    })
}

#[cfg(test)]
mod tests {
    use holdfast_ids::keys::ExecutionKey;
    use holdfast_ledger::{Item, fixtures};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_of_duplicates_names_its_tenant_and_workflow_itself() {
        let pk = "TENANT#acme#EXEC#0123";
        let reported = json!({
            "Keys": { "pk": { "S": pk }, "sk": { "S": "DUPLICATES" } },
            "NewImage": { "pk": { "S": pk }, "sk": { "S": "DUPLICATES" }, "refused": { "N": "2" }, "workflow": { "S": "WF-HOLD" },
                "entries": { "L": [{ "S": "2026-11-26T13:00:00.000Z#0123" }] } },
            "ApproximateCreationDateTime": 1_759_150_800,
        });
        let change = change(&reported)
            .expect("it can be read")
            .expect("it has events");
        let at = ExecutionKey {
            tenant: "acme".to_owned(),
            execution: "0123".to_owned(),
        };
        let about = change.new.about().expect("it says whose it is");
        assert_eq!((&*about.tenant, &*about.workflow), ("acme", "WF-HOLD"));
        let workflow = "WF-HOLD".to_owned();
        let refused = 2;
        let times = vec!["2026-11-26T13:00:00Z".parse().expect("a time")];
        assert_eq!(
            change.new,
            Record::Duplicates {
                at,
                workflow,
                refused,
                times,
            }
        );
        assert_eq!(change.old, None);
        assert_eq!(change.committed.as_second(), 1_759_150_800);
    }

    #[test]
    fn an_execution_is_read_alike_with_and_without_what_its_key_and_owner_say() {
        let execution = fixtures::execution(&fixtures::key("k"));
        let item = Item::of(&execution).expect("it has JSON");
        let short = Value::Object(item.attributes().clone());
        let mut whole = short.clone();
        let members = serde_json::to_value(&execution).expect("JSON");
        for (name, value) in members.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        assert_ne!(short, whole);
        let reported = json!({
            "Keys": { "pk": { "S": short["pk"] }, "sk": { "S": short["sk"] } },
            "OldImage": typed(&whole)["M"], "NewImage": typed(&short)["M"],
            "ApproximateCreationDateTime": 1_759_150_800,
        });
        let change = change(&reported).expect("it can be read");
        let change = change.expect("it has events");
        assert_eq!(change.new, Record::Execution(Box::new(execution)));
        assert_eq!(change.old, Some(change.new));
    }

    /// A value as DynamoDB writes it.
    fn typed(value: &Value) -> Value {
        match value {
            Value::String(text) => json!({ "S": text }),
            Value::Number(number) => json!({ "N": number.to_string() }),
            Value::Bool(bool) => json!({ "BOOL": bool }),
            Value::Null => json!({ "NULL": true }),
            Value::Array(items) => json!({ "L": items.iter().map(typed).collect::<Vec<_>>() }),
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (name.clone(), typed(value)));
                json!({ "M": members.collect::<serde_json::Map<_, _>>() })
            }
        }
    }

    #[test]
    fn an_alien_item_is_named_by_its_key_and_never_quoted() {
        let pk = "TENANT#acme#EXEC#0123";
        for (sk, member) in [("META", "rev"), ("STEP#hold", "rev"), ("NOTE", "text")] {
            let reported = json!({
                "Keys": { "pk": { "S": pk }, "sk": { "S": sk } },
                "NewImage": { "pk": { "S": pk }, "sk": { "S": sk }, member: { "S": "hidden" } },
            });
            let error = change(&reported)
                .expect_err("the key is not the ledger's")
                .to_string();
            assert!(error.contains(pk) && error.contains(sk), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn a_counter_has_no_events_whatever_its_approval_is_called() {
        for reference in ["PR-42", "x#EXEC#0123", "x#INCIDENT#0123", "x#REFUSED"] {
            let pk = format!("TENANT#acme#COUNT#APPROVAL#{reference}");
            let count = json!({ "pk": { "S": pk }, "sk": { "S": "-" }, "taken": { "N": "1" } });
            let reported = json!({ "Keys": count, "NewImage": count });
            assert_eq!(change(&reported), Ok(None), "{reference}");
        }
    }

    #[test]
    fn a_link_of_an_earlier_version_can_be_read() {
        let image = json!({
            "pk": { "S": "TENANT#acme#INCIDENT#0123" }, "sk": { "S": "EXEC#1#0" },
            "incident": { "S": "0123" }, "tenant": { "S": "acme" }, "execution": { "S": "1" },
            "generation": { "N": "0" }, "at": { "S": "2026-11-26T13:00:00Z" },
            "status": { "S": "FAILED" }, "stands": { "L": [{ "S": "hold" }] },
            "stands_total": { "N": "1" }, "told_at": { "S": "2026-11-26T13:00:00.000Z" },
        });
        let keys = json!({ "pk": image["pk"], "sk": image["sk"] });
        let change = change(&json!({ "Keys": keys, "NewImage": image }));
        let change = change.expect("it can be read").expect("it is a record");
        let Record::Link(link) = change.new else {
            panic!("{:?}", change.new);
        };
        assert!(!link.standing && !link.is_settled());
    }

    #[test]
    fn a_removal_and_the_head_of_a_chain_have_no_events() {
        let head = json!({ "pk": { "S": "CHAINS" }, "sk": { "S": "acme" }, "hour": { "S": "2026-11-26T13:00:00.000Z" } });
        assert_eq!(change(&json!({ "Keys": head, "NewImage": head })), Ok(None));
        let pk = "TENANT#acme#INCIDENT#0123";
        let keys = json!({ "pk": { "S": pk }, "sk": { "S": "EXEC#1#0" } });
        assert_eq!(change(&json!({ "Keys": keys, "OldImage": keys })), Ok(None));
        let alien = json!({ "pk": { "S": pk }, "sk": { "S": "NOTE" } });
        assert_eq!(
            change(&json!({ "Keys": alien, "OldImage": alien })),
            Ok(None)
        );
    }
}
