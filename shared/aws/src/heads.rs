//! The heads of the chains of digests in the ledger's table, in one partition for all tenants.

use aws_sdk_dynamodb::{
    error::SdkError, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure,
};
use holdfast_engine::chain::{ChainHeads, Head, Heads};
use holdfast_ledger::{Key, LedgerError, instant};
use holdfast_receipt::chain::Hour;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    item::{key_item, key_of, read, text},
    ledger::{DynamoLedger, unavailable},
};

fn key(tenant: &str) -> Key {
    let tenant = tenant.to_owned();
    Key::Head { tenant }
}

/// A head as an item.
#[derive(Deserialize)]
struct HeadItem {
    hour: Timestamp,
    sha256: String,
}

impl HeadItem {
    fn head(self) -> Result<Head, LedgerError> {
        let hour = Hour::from_start(self.hour);
        let hour = hour.ok_or_else(|| {
            LedgerError::Damaged("the hour of a head is not the start of an hour".to_owned())
        })?;
        Ok(Head {
            hour,
            sha256: self.sha256,
        })
    }
}

/// The cursor as an item.
#[derive(Deserialize)]
struct CursorItem {
    after: String,
}

impl Heads for DynamoLedger {
    async fn head(&self, tenant: &str) -> Result<Option<Head>, LedgerError> {
        let stored: Option<HeadItem> = self.get(&key(tenant)).await?;
        stored.map(HeadItem::head).transpose()
    }

    async fn heads(&self) -> Result<ChainHeads, LedgerError> {
        let query = self.query_partition(Key::HEADS);
        let mut pages = query.into_paginator().items().send();
        let mut found = ChainHeads::default();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| unavailable(&error))?;
            match key_of(&item) {
                Some(Key::Head { tenant }) => {
                    let head = read::<HeadItem>(item)?.head()?;
                    found.hours.insert(tenant, head.hour);
                }
                Some(Key::ChainCursor) => found.cursor = Some(read::<CursorItem>(item)?.after),
                _ => {}
            }
        }
        Ok(found)
    }

    async fn set_cursor(&self, after: &str) -> Result<(), LedgerError> {
        let mut item = key_item(&Key::ChainCursor);
        item.insert("after".to_owned(), text(after));
        self.put_item(item).await
    }

    async fn raise(&self, tenant: &str, head: &Head) -> Result<Option<Head>, LedgerError> {
        let hour = text(instant(head.hour.from()));
        let sha256 = text(head.sha256.clone());
        let mut item = key_item(&key(tenant));
        item.insert("hour".to_owned(), hour.clone());
        item.insert("sha256".to_owned(), sha256.clone());
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            // See `Head::may_follow`.
            .condition_expression(
                "attribute_not_exists(pk) OR #hour < :hour OR (#hour = :hour AND sha256 = :sha256)",
            )
            .expression_attribute_names("#hour", "hour")
            .expression_attribute_values(":hour", hour)
            .expression_attribute_values(":sha256", sha256)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(None);
        };
        if let SdkError::ServiceError(service) = &error
            && let PutItemError::ConditionalCheckFailedException(failed) = service.err()
        {
            let missing = || {
                LedgerError::Unavailable(
                    "the write lost to a stored head that was not returned".to_owned(),
                )
            };
            let stored: HeadItem = read(failed.item().cloned().ok_or_else(missing)?)?;
            return stored.head().map(Some);
        }
        Err(unavailable(&error))
    }
}
