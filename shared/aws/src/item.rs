//! Records as items of the ledger's table, and what a write expects to find in their place.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_ledger::{Expect, LedgerError};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A write's condition, and the values in it.
pub(crate) fn condition(expect: Expect) -> (&'static str, Option<Item>) {
    match expect {
        Expect::Absent => ("attribute_not_exists(pk)", None),
        Expect::Rev(rev) => {
            let rev = AttributeValue::N(rev.to_string());
            ("rev = :rev", Some(Item::from([(":rev".to_owned(), rev)])))
        }
    }
}

/// A record's attributes, with what lists it.
pub(crate) fn item_of<T: Serialize>(record: &T, index: Option<Item>) -> Result<Item, LedgerError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record).map_err(damaged)?;
    debug_assert!(
        index
            .iter()
            .flatten()
            .all(|(name, _)| !item.contains_key(name))
    );
    item.extend(index.into_iter().flatten());
    Ok(item)
}

pub(crate) fn read<T: DeserializeOwned>(item: Item) -> Result<T, LedgerError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(damaged)
}

fn damaged(error: serde_dynamo::Error) -> LedgerError {
    LedgerError::Damaged(error.to_string())
}
