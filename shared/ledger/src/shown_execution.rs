//! The attributes of an execution that its lists show.

use holdfast_receipt::ReceiptRef;
use jiff::Timestamp;
use serde::Deserialize;

use super::execution::{ExecutionRecord, Phase};

/// An execution as a list shows it: the attributes that the indexes project.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ShownExecution {
    /// The workflow.
    pub workflow: String,
    /// The workflow's version.
    pub version: u32,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The execution generation.
    pub generation: u32,
    /// The time of the start.
    pub started_at: Timestamp,
    /// The status. A list shows the end together with the receipt.
    #[serde(rename = "list_status")]
    pub status: String,
    /// The time of the end.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// The receipt, once written.
    pub receipt: Option<ReceiptRef>,
    /// The subject, if it has one.
    #[serde(default)]
    pub subject: Option<String>,
}

impl From<ExecutionRecord> for ShownExecution {
    fn from(record: ExecutionRecord) -> Self {
        let ended_at = match record.phase {
            Phase::Ended { at, .. } => Some(at),
            Phase::Running | Phase::Rejected | Phase::Unwinding { .. } => None,
        };
        Self {
            status: record.phase.name().to_owned(),
            workflow: record.workflow,
            version: record.version,
            trigger: record.trigger,
            generation: record.generation,
            started_at: record.started_at,
            ended_at,
            receipt: record.receipt,
            subject: record.subject,
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_ids::keys::{ExecutionKey, execution_id, receipt_object};
    use holdfast_receipt::Status;
    use holdfast_task::Failure;
    use serde_json::Value;

    use super::*;
    use crate::{
        INDEXES, Item,
        fixtures::{at, execution},
        restore_left_out, write_units,
    };

    /// A running execution whose names are as long as they may be.
    fn longest() -> ExecutionRecord {
        let key = ExecutionKey {
            tenant: "t".repeat(63),
            execution: execution_id("t", "WF", "k"),
        };
        ExecutionRecord {
            workflow: format!("WF-{}", "X".repeat(57)),
            trigger: "n".repeat(60),
            subject: Some("s".repeat(200)),
            ..execution(&key)
        }
    }

    fn ended(before: &ExecutionRecord) -> ExecutionRecord {
        ExecutionRecord {
            phase: Phase::Ended {
                status: Status::PartiallyRolledBack,
                at: at(60),
                failure: Some(Failure {
                    cause: "c".repeat(5_000),
                    ..Failure::rejected()
                }),
            },
            unwound_at: Some(at(50)),
            ..before.clone()
        }
    }

    fn with_receipt(before: &ExecutionRecord) -> ExecutionRecord {
        ExecutionRecord {
            receipt: Some(ReceiptRef {
                object: receipt_object(&before.at, at(60), before.generation),
                sha256: "0".repeat(64),
            }),
            ..before.clone()
        }
    }

    fn item(record: &ExecutionRecord) -> Item {
        Item::of(record).expect("it has JSON")
    }

    #[test]
    fn an_entry_has_what_a_list_shows_and_takes_one_write_unit() {
        let record = with_receipt(&ended(&longest()));
        // The list of a subject has the subject in its key too.
        for (name, most) in [("listed", 1024), ("found_by", 1024 + 200)] {
            let index = INDEXES.into_iter().find(|index| index.name == name);
            let entry = item(&record).entry(index.expect("an index"));
            let entry = entry.expect("the execution is listed");
            assert!(entry.bytes() <= most, "{name}: {} bytes", entry.bytes());
            let mut shown = entry.attributes().clone();
            restore_left_out(&record.at, &mut shown);
            let shown: ShownExecution =
                serde_json::from_value(Value::Object(shown)).expect("it is shown");
            assert_eq!(shown, ShownExecution::from(record.clone()), "{name}");
        }
    }

    #[test]
    fn an_execution_writes_its_entries_at_its_start_and_with_its_receipt() {
        let running = ExecutionRecord {
            subject: None,
            ..longest()
        };
        let ended = ExecutionRecord {
            unwound_at: None,
            ..ended(&running)
        };
        let of_indexes = |before: Option<&ExecutionRecord>, after: &ExecutionRecord| {
            let units = write_units(before.map(item).as_ref(), &item(after)).into_iter();
            let units = units.filter_map(|(partition, units)| Some((partition.index?, units)));
            units.collect::<Vec<_>>()
        };
        let both = [("open", 1), ("listed", 1)];
        assert_eq!(of_indexes(None, &running), both);
        assert_eq!(of_indexes(Some(&running), &ended), []);
        assert_eq!(of_indexes(Some(&ended), &with_receipt(&ended)), both);
    }
}
