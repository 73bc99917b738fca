//! The attributes that the item of an execution record leaves out, because its key, its owner or
//! its end has them. Without them, most records fit into one write unit.

use holdfast_ids::{
    keys::{ExecutionKey, receipt_object},
    trace::TraceId,
};
use serde_json::{Map, Value, json};

use super::units::ENDED_AT;

/// Restores the attributes of an execution record that say what its key, its owner or its end says:
/// `at`, the trace of a start that came with none, the ARN of the state machine without its
/// version, and the place of the receipt.
pub fn restore_left_out(at: &ExecutionKey, attributes: &mut Map<String, Value>) {
    let text = |name: &str| attributes.get(name)?.as_str().map(str::to_owned);
    let origin = text("origin").or_else(|| text("owner"));
    let (trace, machine) = (text("trace"), text("machine"));
    attributes.insert("at".to_owned(), json!(at));
    let place = receipt_key_of(at, attributes);
    let receipt = attributes.get_mut("receipt").and_then(Value::as_object_mut);
    if let (Some(receipt), Some(place)) = (receipt, place) {
        receipt.entry("object").or_insert(place.into());
    }
    let Some(origin) = origin else {
        return;
    };
    let trace = trace.unwrap_or_else(|| TraceId::of_execution(&at.execution).to_string());
    attributes.insert("trace".to_owned(), trace.into());
    let machine = match (machine, machine_of(&origin)) {
        (Some(whole), _) if !whole.starts_with(':') => Some(whole),
        (version, Some(machine)) => Some(machine + &version.unwrap_or_default()),
        (_, None) => None,
    };
    attributes.extend(machine.map(|machine| ("machine".to_owned(), machine.into())));
}

/// Removes from the attributes of an execution record what [`restore_left_out`] restores.
pub(crate) fn leave_out(at: &ExecutionKey, attributes: &mut Map<String, Value>) {
    attributes.remove("at");
    let place = receipt_key_of(at, attributes);
    let receipt = attributes.get_mut("receipt").and_then(Value::as_object_mut);
    if let (Some(receipt), Some(place)) = (receipt, place)
        && receipt.get("object").and_then(Value::as_str) == Some(&*place)
    {
        receipt.remove("object");
    }
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    let trace = TraceId::of_execution(&at.execution).to_string();
    let derived = text("trace") == Some(&*trace);
    let origin = text("origin").or_else(|| text("owner"));
    let base = origin.and_then(machine_of).unwrap_or_default();
    let version = text("machine").and_then(|machine| machine.strip_prefix(&base));
    let version = version
        .filter(|version| !base.is_empty() && (version.is_empty() || version.starts_with(':')))
        .map(str::to_owned);
    if derived {
        attributes.remove("trace");
    }
    match version {
        Some(version) if version.is_empty() => drop(attributes.remove("machine")),
        Some(version) => drop(attributes.insert("machine".to_owned(), version.into())),
        None => {}
    }
}

/// The object key of the receipt of an execution with these attributes, or with those that a list
/// shows. `None` before its end.
fn receipt_key_of(at: &ExecutionKey, attributes: &Map<String, Value>) -> Option<String> {
    let ended_at = attributes.get(ENDED_AT)?.as_str()?.parse().ok()?;
    let generation = attributes.get("generation")?.as_u64()?;
    Some(receipt_object(at, ended_at, generation.try_into().ok()?))
}

/// The ARN of the state machine that runs the Step Functions execution with this ARN, without a
/// version.
fn machine_of(execution: &str) -> Option<String> {
    let parts: Vec<_> = execution.split(':').collect();
    match parts.as_slice() {
        [
            arn,
            partition,
            service,
            region,
            account,
            "execution" | "express",
            machine,
            ..,
        ] => Some(format!(
            "{arn}:{partition}:{service}:{region}:{account}:stateMachine:{machine}"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ExecutionRecord, INDEXES, Item, Phase, ShownExecution, StepRecord,
        fixtures::{at as time, claim_by, execution, key},
    };
    use holdfast_receipt::{ReceiptRef, Status};

    const STATES: &str = "arn:aws:states:eu-central-1:123456789012";

    /// The record that a reader makes of an item.
    fn read(item: &Item, at: &ExecutionKey) -> ExecutionRecord {
        let mut members = item.attributes().clone();
        restore_left_out(at, &mut members);
        serde_json::from_value(Value::Object(members)).expect("a record")
    }

    #[test]
    fn a_reader_restores_every_attribute_that_an_item_leaves_out() {
        let at = key("k");
        let own = TraceId::of_execution(&at.execution);
        let sent = TraceId::of_execution(&key("another").execution);
        let owners = [
            (format!("{STATES}:execution:h-WF-HOLD:x"), None),
            (format!("{STATES}:express:h-WF-HOLD:x"), None),
            (
                format!("{STATES}:execution:h-recovery:x-1"),
                Some(format!("{STATES}:execution:h-WF-HOLD:x")),
            ),
            ("owner".to_owned(), None),
        ];
        let machines = ["h-WF-HOLD", "h-WF-HOLD:7", "h-WF-HOLD-2", "h-WF-OTHER:7"];
        let mut sizes = Vec::new();
        for (owner, origin) in owners {
            for machine in machines {
                for trace in [&own, &sent] {
                    let record = ExecutionRecord {
                        owner: owner.clone(),
                        origin: origin.clone(),
                        machine: format!("{STATES}:stateMachine:{machine}"),
                        trace: trace.clone(),
                        ..execution(&at)
                    };
                    let item = Item::of(&record).expect("it has JSON");
                    assert_eq!(read(&item, &at), record);
                    sizes.push(item.bytes());
                }
            }
        }
        // The version of its own machine, and nothing of the trace and of the key.
        assert!(sizes[0] + 100 < sizes[7], "{sizes:?}");
    }

    #[test]
    fn the_place_of_a_receipt_is_left_out_and_restored_in_the_record_and_in_its_lists() {
        let at = key("k");
        let ended_at = time(60);
        let own = receipt_object(&at, ended_at, 0);
        for object in [own.clone(), format!("{own}.moved")] {
            let record = ExecutionRecord {
                phase: Phase::Ended {
                    status: Status::Executed,
                    at: ended_at,
                    failure: None,
                },
                receipt: Some(ReceiptRef {
                    object: object.clone(),
                    sha256: "0".repeat(64),
                }),
                ..execution(&at)
            };
            let item = Item::of(&record).expect("it has JSON");
            let written = item.attributes()["receipt"].get("object");
            assert_eq!(written.is_none(), object == own);
            assert_eq!(read(&item, &at), record);
            let listed = INDEXES.into_iter().find(|index| index.name == "listed");
            let entry = item.entry(listed.expect("an index")).expect("it is listed");
            let mut shown = entry.attributes().clone();
            restore_left_out(&at, &mut shown);
            let shown: ShownExecution = serde_json::from_value(shown.into()).expect("an entry");
            assert_eq!(shown.receipt, record.receipt);
        }
    }

    #[test]
    fn an_item_has_no_null_and_one_of_an_earlier_release_is_read_with_its_nulls() {
        let at = key("k");
        let (record, step) = (execution(&at), claim_by(&at, "t", 0).first);
        let attempt = json!(step.attempts[0]);
        let (execution, step) = (json!(record), json!(step));
        for written in [&execution, &step, &attempt] {
            let members = written.as_object().expect("members");
            assert!(!members.values().any(Value::is_null), "{written}");
        }
        let with_nulls = |written: &Value, names: &[&str]| {
            let mut members = written.clone();
            for name in names {
                assert_eq!(written.get(name), None, "{name}");
                members[*name] = Value::Null;
            }
            members
        };
        let read = with_nulls(&execution, &["receipt"]);
        assert_eq!(
            serde_json::from_value::<ExecutionRecord>(read).ok(),
            Some(record)
        );
        let mut read = with_nulls(&step, &["item", "undo_input", "output"]);
        read["attempts"][0] = with_nulls(&attempt, &["ended_at", "outcome", "error"]);
        let read: StepRecord = serde_json::from_value(read).expect("a record");
        assert_eq!(json!(read), step);
    }

    #[test]
    fn an_item_of_an_earlier_release_is_read_as_it_is() {
        let record = execution(&key("k"));
        let Ok(Value::Object(whole)) = serde_json::to_value(&record) else {
            panic!("it has members");
        };
        let mut members = whole.clone();
        restore_left_out(&record.at, &mut members);
        assert_eq!(members, whole);
    }
}
