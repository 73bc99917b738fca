//! Records as items of the ledger's table, their keys as attributes, and the condition of a write.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_ledger::{Expect, Key, LedgerError, Record, restore_left_out};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attribute that holds the time, in seconds, after which the table may delete an item.
pub(crate) const EXPIRES: &str = "expires_at";

pub(crate) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The condition of a write, and the values in it.
pub(crate) fn condition(expect: Expect) -> (&'static str, Option<Item>) {
    match expect {
        Expect::Absent => ("attribute_not_exists(pk)", None),
        Expect::Rev(rev) => {
            let rev = AttributeValue::N(rev.to_string());
            ("rev = :rev", Some(Item::from([(":rev".to_owned(), rev)])))
        }
    }
}

/// The attributes of a key.
pub(crate) fn key_item(key: &Key) -> Item {
    Item::from([
        ("pk".to_owned(), text(key.pk())),
        ("sk".to_owned(), text(key.sk())),
    ])
}

/// The key of an item; `None` if it is not one of the ledger's.
pub(crate) fn key_of(item: &Item) -> Option<Key> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    Key::parse(text("pk")?, text("sk")?)
}

/// The item of a record.
pub(crate) fn record_item<R: Record>(record: &R) -> Result<Item, LedgerError> {
    let item = holdfast_ledger::Item::of(record).map_err(LedgerError::Damaged)?;
    Ok(attributes(item.into_attributes()))
}

/// The item under `key` with the members of `value` and further attributes.
pub(crate) fn item<T: Serialize>(key: &Key, value: &T, more: Item) -> Result<Item, LedgerError> {
    let value = serde_json::to_value(value)
        .map_err(|error| LedgerError::Damaged(format!("{:?}", error.classify())))?;
    let Value::Object(members) = value else {
        return Err(LedgerError::Damaged("it has no members".to_owned()));
    };
    let mut item = attributes(members);
    for (name, value) in key_item(key).into_iter().chain(more) {
        let replaced = item.insert(name, value);
        debug_assert_eq!(replaced, None);
    }
    Ok(item)
}

/// The record of an item, with the attributes that the item of an execution leaves out.
pub(crate) fn read<T: DeserializeOwned>(item: Item) -> Result<T, LedgerError> {
    let at = key_of(&item);
    let mut members = members(item).map_err(LedgerError::Damaged)?;
    if let Some(Key::Execution(at)) = at {
        restore_left_out(&at, &mut members);
    }
    record_of(members).map_err(LedgerError::Damaged)
}

/// The record with these members.
pub(crate) fn record_of<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, String> {
    // Serde's message may quote a value; its category does not.
    T::deserialize(Value::Object(members))
        .map_err(|error| format!("its members: {:?}", error.classify()))
}

/// The number that DynamoDB writes as this text.
pub(crate) fn number_of(text: &str) -> Result<Value, String> {
    let number: Result<Number, _> = text.parse();
    number
        .map(Value::Number)
        .map_err(|_| "a number is none".to_owned())
}

fn attributes(members: Map<String, Value>) -> Item {
    let members = members.into_iter();
    members
        .map(|(name, value)| (name, attribute(value)))
        .collect()
}

/// A JSON value as an attribute. Its texts are moved, since every claim and outcome of a step is
/// written so.
pub fn attribute(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(bool) => AttributeValue::Bool(bool),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(items) => AttributeValue::L(items.into_iter().map(attribute).collect()),
        Value::Object(members) => AttributeValue::M(attributes(members)),
    }
}

fn members(item: Item) -> Result<Map<String, Value>, String> {
    let members = item.into_iter();
    members
        .map(|(name, attribute)| Ok((name, value(attribute)?)))
        .collect()
}

/// The JSON value of an attribute, for the types that the ledger writes.
fn value(attribute: AttributeValue) -> Result<Value, String> {
    Ok(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(bool) => Value::Bool(bool),
        AttributeValue::N(number) => number_of(&number)?,
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::L(items) => {
            Value::Array(items.into_iter().map(value).collect::<Result<_, _>>()?)
        }
        AttributeValue::M(item) => Value::Object(members(item)?),
        _ => return Err("an attribute's type is not the ledger's".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_read_as_it_was_written() {
        for written in [
            json!({ "null": null, "bool": true, "text": "Zoë", "empty": "" }),
            json!({ "most": i64::MAX, "least": i64::MIN, "unsigned": u64::MAX, "zero": 0 }),
            json!({ "tenth": 0.1, "small": 5e-324, "large": 1.7976931348623157e308 }),
            json!({ "list": [1, [], {}, [null]], "map": { "a": { "b": ["c"] } } }),
        ] {
            let Value::Object(all) = &written else {
                panic!("{written}");
            };
            let item = attributes(all.clone());
            assert_eq!(item.len(), all.len());
            let read = members(item).map(Value::Object);
            assert_eq!(read, Ok(written));
        }
    }

    #[test]
    fn an_attribute_of_another_program_is_refused_and_never_quoted() {
        let set = AttributeValue::Ss(vec!["hidden".to_owned()]);
        let number = AttributeValue::N("hidden".to_owned());
        let wrong = AttributeValue::M(Item::from([("rev".to_owned(), text("hidden"))]));
        for alien in [set, number, wrong] {
            let item = Item::from([("tenant".to_owned(), alien)]);
            let refused = read::<holdfast_ledger::TenantRecord>(item).expect_err("not a record");
            let LedgerError::Damaged(why) = refused else {
                panic!("{refused:?}");
            };
            assert!(!why.is_empty() && !why.contains("hidden"), "{why}");
        }
    }
}
