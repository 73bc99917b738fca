//! Records as items of the ledger's table, their keys as attributes, and the condition of a write.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_ledger::{Expect, Key, LedgerError, Record, left_out};
use serde::{Serialize, de::DeserializeOwned};

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
    serde_dynamo::aws_sdk_dynamodb_1::to_item(item.attributes()).map_err(damaged)
}

/// The item under `key` with the members of `value` and further attributes.
pub(crate) fn item<T: Serialize>(key: &Key, value: &T, more: Item) -> Result<Item, LedgerError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(value).map_err(damaged)?;
    for (name, value) in key_item(key).into_iter().chain(more) {
        let replaced = item.insert(name, value);
        debug_assert_eq!(replaced, None);
    }
    Ok(item)
}

/// The record of an item, with the attributes that the item of an execution leaves out.
pub(crate) fn read<T: DeserializeOwned>(mut item: Item) -> Result<T, LedgerError> {
    if let Some(Key::Execution(at)) = key_of(&item) {
        let text = |name: &str| item.get(name)?.as_s().ok().cloned();
        let restored = left_out(&at, text);
        let restored: Item =
            serde_dynamo::aws_sdk_dynamodb_1::to_item(restored).map_err(damaged)?;
        item.extend(restored);
    }
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(damaged)
}

fn damaged(error: serde_dynamo::Error) -> LedgerError {
    LedgerError::Damaged(error.to_string())
}
