//! The items of records, the capacity units of requests by DynamoDB's rules, and the partition that
//! serves each.
//!
//! Sources: [sizes of items][sizes], [units of reads and writes][units], [writes of an
//! index][indexes].
//!
//! [sizes]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
//! [units]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
//! [indexes]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes

use serde_json::{Map, Value};

use super::{
    key::{Key, instant},
    left_out::leave_out,
    record::Record,
    statistics::{SUMS_MAX, Statistics, StatisticsKey},
};

/// The bytes that one write unit covers.
const WRITE_BYTES: u64 = 1024;
/// The bytes that one unit of a strongly consistent read covers.
const READ_BYTES: u64 = 4096;

/// The attributes of a record that an index has beside its own keys and those of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    /// Every attribute.
    All,
    /// These attributes.
    Include(&'static [&'static str]),
}

/// An index of the ledger's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// The name, which is the attribute of its hash key too.
    pub name: &'static str,
    /// The attribute of its range key.
    pub range: &'static str,
    /// The attributes that it has.
    pub projection: Projection,
}

/// The attribute with the status that lists show.
pub const LIST_STATUS: &str = "list_status";
/// The attribute with the time of the end that lists show.
pub const ENDED_AT: &str = "ended_at";

/// The attributes of an execution that lists show. Each has a bound, so that an entry takes one
/// write unit. A test compares them with what the lists read.
const SHOWN: Projection = Projection::Include(&[
    "workflow",
    "version",
    "trigger",
    "generation",
    "started_at",
    LIST_STATUS,
    ENDED_AT,
    "receipt",
    "subject",
]);

/// The indexes, as the template declares them.
pub const INDEXES: [Index; 4] = [
    Index {
        name: "open",
        range: "due",
        projection: Projection::Include(&["started_at"]),
    },
    Index {
        name: "listed",
        range: "listed_at",
        projection: SHOWN,
    },
    Index {
        name: "found_by",
        range: "listed_at",
        projection: SHOWN,
    },
    Index {
        name: "for_people",
        range: "listed_at",
        projection: Projection::All,
    },
];

/// A partition: the hash key of the table, or of one of its indexes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// The index. `None` for the table.
    pub index: Option<&'static str>,
    /// The hash key.
    pub hash: String,
}

impl Partition {
    /// The partition of the table that has this key.
    pub fn of(key: &Key) -> Self {
        Self {
            index: None,
            hash: key.pk(),
        }
    }
}

/// The attributes of a record in the ledger's table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Item(Map<String, Value>);

impl Item {
    /// The item of a record: its members, its key, and the keys of the lists that contain it. The
    /// error says which member has no JSON.
    pub fn of<R: Record>(record: &R) -> Result<Self, String> {
        let value = serde_json::to_value(record).map_err(|error| error.to_string())?;
        let Value::Object(mut attributes) = value else {
            return Err("it has no members".to_owned());
        };
        for (name, text) in record.list_attributes() {
            attributes.insert(name.to_owned(), text.into());
        }
        for (list, at) in record.lists() {
            attributes.insert(list.index().to_owned(), list.hash().into());
            attributes.insert(list.range().to_owned(), instant(at).into());
        }
        let key = record.key();
        if let Key::Execution(at) = &key {
            leave_out(at, &mut attributes);
        }
        attributes.insert("pk".to_owned(), key.pk().into());
        attributes.insert("sk".to_owned(), key.sk().into());
        Ok(Self(attributes))
    }

    /// Its attributes.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Its attributes, to write them.
    pub fn into_attributes(self) -> Map<String, Value> {
        self.0
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        bytes(&self.0)
    }

    /// The entry of the item in an index. `None` if the index has none.
    pub fn entry(&self, index: Index) -> Option<Self> {
        let hash = self.0.get(index.name)?;
        let range = self.0.get(index.range)?;
        let keys = [(index.name, hash), (index.range, range)];
        let projected = self.0.iter().filter(|(name, _)| match index.projection {
            Projection::All => true,
            Projection::Include(names) => names.contains(&name.as_str()),
        });
        let mut entry: Map<String, Value> = projected
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, value) in keys {
            entry.insert(name.to_owned(), value.clone());
        }
        for name in ["pk", "sk"] {
            entry.extend(self.0.get(name).map(|key| (name.to_owned(), key.clone())));
        }
        Some(Self(entry))
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The write units of replacing `before` by `after`, by partition: first the table's, then those of
/// each index that changes.
pub fn write_units(before: Option<&Item>, after: &Item) -> Vec<(Partition, u64)> {
    let size = before.map_or(0, Item::bytes).max(after.bytes());
    let table = Partition {
        index: None,
        hash: after.text("pk").to_owned(),
    };
    let mut units = vec![(table, write_units_of(size))];
    for index in INDEXES {
        let old = before.and_then(|item| item.entry(index));
        let new = after.entry(index);
        if old == new {
            continue;
        }
        let place = |entry: &Item| Partition {
            index: Some(index.name),
            hash: entry.text(index.name).to_owned(),
        };
        let keys = |entry: &Item| (place(entry), entry.text(index.range).to_owned());
        match (&old, &new) {
            (Some(old), Some(new)) if keys(old) == keys(new) => {
                let size = old.bytes().max(new.bytes());
                units.push((place(new), write_units_of(size)));
            }
            // Another key is a removal and an addition.
            _ => units.extend(
                [&old, &new]
                    .into_iter()
                    .flatten()
                    .map(|entry| (place(entry), write_units_of(entry.bytes()))),
            ),
        }
    }
    units
}

/// The units of a write of so many bytes.
pub fn write_units_of(bytes: u64) -> u64 {
    bytes.div_ceil(WRITE_BYTES).max(1)
}

/// The units of a strongly consistent read of so many bytes. An absent item costs one.
pub fn read_units_of(bytes: u64) -> u64 {
    bytes.div_ceil(READ_BYTES).max(1)
}

/// The units of one addition to the statistics of a place, which has these sums of so many equal
/// executions. An addition of more than 200 sums is several ones. Each is a transaction of the
/// place and of a small mark, which charges both twice.
pub fn statistics_units(of: &StatisticsKey, sums: &Statistics, executions: u64) -> u64 {
    let counts = sums.counts();
    let additions = counts.len().div_ceil(SUMS_MAX) as u64;
    let counted = |(name, count): (String, u64)| (name, count.saturating_mul(executions).into());
    let mut item: Map<String, Value> = counts.into_iter().map(counted).collect();
    let key = Key::Statistics(of.clone());
    for (name, value) in [
        ("pk", key.pk().into()),
        ("sk", key.sk().into()),
        ("updated_at", Value::from("2026-01-01T00:00:00.000Z")),
        ("expires_at", 1_767_225_601.into()),
    ] {
        item.insert(name.to_owned(), value);
    }
    2 * (write_units_of(bytes(&item)) + 1) * additions
}

fn bytes(attributes: &Map<String, Value>) -> u64 {
    let sizes = attributes
        .iter()
        .map(|(name, value)| name.len() as u64 + value_bytes(value));
    sizes.sum()
}

/// The size of a value: texts by their bytes, numbers by their digits, one byte for each member or
/// item, and three for each list or map.
fn value_bytes(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => {
            let digits = number.to_string();
            let digits = digits.trim_end_matches('0').bytes();
            digits.filter(u8::is_ascii_digit).count().div_ceil(2) as u64 + 1
        }
        Value::String(text) => text.len() as u64,
        Value::Array(items) => 3 + items.iter().map(|item| 1 + value_bytes(item)).sum::<u64>(),
        Value::Object(members) => 3 + members.len() as u64 + bytes(members),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::statistics::StepStatistics;

    fn item(value: Value) -> Item {
        match value {
            Value::Object(attributes) => Item(attributes),
            _ => panic!("not an object"),
        }
    }

    fn listed(at: &str, phase: &str, padding: usize) -> Item {
        item(json!({
            "pk": "EXEC#acme#1", "sk": "META", "note": "x".repeat(padding),
            "listed": "TENANT#acme#EXECUTIONS#0", "listed_at": at, LIST_STATUS: phase,
        }))
    }

    fn of_indexes(before: Option<&Item>, after: &Item) -> Vec<u64> {
        let units = write_units(before, after);
        units.into_iter().skip(1).map(|(_, units)| units).collect()
    }

    #[test]
    fn the_size_of_an_item_follows_the_published_rules() {
        for (value, size) in [
            (json!({}), 0),
            (json!({ "name": "Zoë" }), 4 + 4),
            (json!({ "n": 1234 }), 1 + 3),
            (json!({ "n": 1200 }), 1 + 2),
            (json!({ "yes": true, "no": null }), 3 + 1 + 2 + 1),
            (json!({ "list": ["ab", "c"] }), 4 + 3 + 2 + 3),
            (json!({ "map": { "a": "b" } }), 3 + 3 + 1 + 2),
        ] {
            assert_eq!(item(value.clone()).bytes(), size, "{value}");
        }
    }

    #[test]
    fn an_index_is_written_only_if_its_entry_changes() {
        let first = listed("1", "running", 0);
        assert_eq!(of_indexes(None, &first), [1]);
        assert!(of_indexes(Some(&first), &listed("1", "running", 3_000)).is_empty());
        assert_eq!(of_indexes(Some(&first), &listed("1", "ended", 0)), [1]);
        // Another range key is another entry.
        assert_eq!(of_indexes(Some(&first), &listed("2", "running", 0)), [1, 1]);
        let gone = item(json!({ "pk": "EXEC#acme#1", "sk": "META" }));
        assert_eq!(of_indexes(Some(&first), &gone), [1]);
    }

    #[test]
    fn a_write_covers_the_larger_of_the_two_items() {
        let small = listed("1", "running", 0);
        let large = listed("1", "running", 2_000);
        for (before, after) in [(&small, &large), (&large, &small)] {
            let units = write_units(Some(before), after);
            assert_eq!(units.first().map(|(_, units)| *units), Some(3));
        }
    }

    #[test]
    fn a_partly_used_unit_counts_whole() {
        let units = [0, 1, 1_024, 1_025, 4_096, 4_097]
            .map(|size| (write_units_of(size), read_units_of(size)));
        assert_eq!(units, [(1, 1), (1, 1), (1, 1), (2, 1), (4, 1), (5, 2)]);
    }

    #[test]
    fn statistics_of_many_steps_cost_more_than_those_of_few() {
        let of = StatisticsKey {
            tenant: "acme".to_owned(),
            hour: Timestamp::constant(1_767_225_600, 0),
            workflow: "WF-HOLD".to_owned(),
        };
        let units = |steps: usize| {
            let sums = StepStatistics {
                ended: 1,
                attempts: 1,
                ms: 100,
            };
            let steps = (0..steps).map(|n| (format!("step_{n}"), sums));
            let statistics = Statistics {
                started: 1,
                steps: steps.collect(),
                ..Statistics::default()
            };
            statistics_units(&of, &statistics, 1_000)
        };
        assert_eq!([2, 5, 20].map(units), [4, 4, 6]);
        // More than 200 sums are two additions.
        assert!(
            units(80) > 2 * units(60) - 4,
            "{}, {}",
            units(80),
            units(60)
        );
    }

    #[test]
    fn the_indexes_are_those_of_the_template() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
        let template = std::fs::read_to_string(path).expect("the template");
        let declared: Vec<&str> = template.split("- IndexName: ").skip(1).collect();
        assert_eq!(declared.len(), INDEXES.len());
        for (text, index) in declared.into_iter().zip(INDEXES) {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let projection = match index.projection {
                Projection::All => "ProjectionType: ALL".to_owned(),
                Projection::Include(names) => {
                    format!(
                        "ProjectionType: INCLUDE NonKeyAttributes: [{}]",
                        names.join(", ")
                    )
                }
            };
            let words = words.replace(['{', '}'], "").replace("INCLUDE,", "INCLUDE");
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in [
                format!(
                    "{} KeySchema: - AttributeName: {}, KeyType: HASH",
                    index.name, index.name
                ),
                format!("- AttributeName: {}, KeyType: RANGE", index.range),
                projection,
            ] {
                assert!(words.contains(&part), "{part} is not in {words:.300}");
            }
        }
    }
}
