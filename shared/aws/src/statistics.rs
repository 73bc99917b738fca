//! Statistics in the ledger's table: an item for each tenant, hour and workflow, and a mark for
//! each group of changes that it contains.
//!
//! A group and its mark are one transaction, so that a delivery of the stream that is repeated, or
//! that failed in part, adds nothing twice (decision 0116).

use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem, Update};
use holdfast_ledger::{
    Addition, ContributionGroup, Expect, Key, LedgerError, Statistics, StatisticsKey,
    StatisticsStore, hour_text,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    host::SystemHost,
    item::{EXPIRES, Item, key_item, key_of, number, text},
    ledger::{DynamoLedger, unavailable},
    transaction::{Cancellation, despite_conflicts, failed, unfit},
};

/// The age at which the sums of an hour expire.
const LIFETIME: SignedDuration = SignedDuration::from_hours(35 * 24);
/// The age at which a mark expires. The stream keeps a change for 24 hours:
/// docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html.
const MARK_LIFETIME: SignedDuration = SignedDuration::from_hours(48);
/// The attribute of a mark that holds the sequence number of its last change.
const LAST: &str = "last";
/// The attribute that holds the time of the last addition.
const UPDATED: &str = "updated_at";

/// The sums of one hour and workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourStatistics {
    /// The place.
    pub of: StatisticsKey,
    /// The sums.
    pub sums: Statistics,
    /// The time of the last addition.
    pub updated_at: Option<Timestamp>,
}

impl StatisticsStore for DynamoLedger {
    async fn add_group(
        &self,
        group: &ContributionGroup,
        now: Timestamp,
    ) -> Result<Addition, LedgerError> {
        let others = "other transactions change the same statistics";
        despite_conflicts(&SystemHost, others, || self.try_group(group, now)).await
    }
}

impl DynamoLedger {
    /// Sends a group once. `None` if another transaction was at work on its item.
    async fn try_group(
        &self,
        group: &ContributionGroup,
        now: Timestamp,
    ) -> Result<Option<Addition>, LedgerError> {
        let mut mark = key_item(&Key::StatisticsMark(group.mark.clone()));
        mark.insert(LAST.to_owned(), text(&group.last));
        mark.insert(EXPIRES.to_owned(), number(expiry(now, MARK_LIFETIME)));
        let put = self.put_of(mark, Expect::Absent)?;
        let update = self.addition(group, now)?;
        let update = TransactWriteItem::builder().update(update).build();
        match self.transact(vec![put, update]).await? {
            Ok(()) => Ok(Some(Addition::Done)),
            Err(cancellation) => judged(cancellation),
        }
    }

    /// The update that adds a group's sums.
    fn addition(&self, group: &ContributionGroup, now: Timestamp) -> Result<Update, LedgerError> {
        let counts = group.sums.counts();
        let places = 0..counts.len();
        let parts: Vec<_> = places.map(|n| format!("#c{n} :c{n}")).collect();
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key_item(&Key::Statistics(group.mark.of.clone()))))
            .update_expression(format!(
                "SET #updated = :updated, #expires = :expires ADD {}",
                parts.join(", ")
            ))
            .expression_attribute_names("#updated", UPDATED)
            .expression_attribute_values(":updated", text(now.to_string()))
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":expires", number(expiry(group.mark.of.hour, LIFETIME)));
        for (n, (name, count)) in counts.into_iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#c{n}"), name)
                .expression_attribute_values(
                    format!(":c{n}"),
                    number(i64::try_from(count).unwrap_or(i64::MAX)),
                );
        }
        update.build().map_err(unfit)
    }

    /// Gives the statistics of a tenant to `each`, oldest hour first: those of one workflow or of
    /// all, from one hour up to and including another. Only one page of items is held at a time.
    /// After `limit` items, no further page is read; true if there are more items than that. The
    /// read is eventually consistent, since the sums follow the ledger at some distance anyway.
    pub async fn statistics(
        &self,
        tenant: &str,
        workflow: Option<&str>,
        (from, until): (Timestamp, Timestamp),
        limit: usize,
        mut each: impl FnMut(HourStatistics),
    ) -> Result<bool, LedgerError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :until")
            .expression_attribute_values(":pk", text(Key::statistics(tenant)))
            .expression_attribute_values(":from", text(hour_text(from)))
            // A `~` follows every character of a workflow's id.
            .expression_attribute_values(":until", text(format!("{}#~", hour_text(until))));
        let mut pages = query.into_paginator().send();
        let mut read = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            let further = page.last_evaluated_key().is_some();
            for item in page.items.unwrap_or_default() {
                read += 1;
                let hour = hour_statistics(&item)?;
                if workflow.is_none_or(|workflow| workflow == hour.of.workflow) {
                    each(hour);
                }
            }
            if read >= limit {
                return Ok(further || read > limit);
            }
        }
        Ok(false)
    }
}

/// The answer to a cancelled transaction, whose first reason is the mark's. `None` if another one
/// was at work.
fn judged(Cancellation { reasons, error }: Cancellation) -> Result<Option<Addition>, LedgerError> {
    if let Some(mark) = reasons.first().filter(|mark| failed(mark)) {
        let last = mark.item().and_then(|item| item.get(LAST)?.as_s().ok());
        let damaged = || LedgerError::Damaged("a mark of statistics has no last change".to_owned());
        return match last {
            Some(last) => Ok(Some(Addition::Covered(last.clone()))),
            None => Err(damaged()),
        };
    }
    let mut codes = reasons.iter().filter_map(CancellationReason::code);
    match codes.any(|code| code == "TransactionConflict") {
        true => Ok(None),
        false => Err(error),
    }
}

fn hour_statistics(item: &Item) -> Result<HourStatistics, LedgerError> {
    let Some(Key::Statistics(of)) = key_of(item) else {
        let why = "the key of statistics is none of the ledger's";
        return Err(LedgerError::Damaged(why.to_owned()));
    };
    let mut sums = Statistics::default();
    for (name, value) in item {
        if let Some(count) = value.as_n().ok().and_then(|count| count.parse().ok()) {
            sums.add_count(name, count);
        }
    }
    let updated_at = item.get(UPDATED).and_then(|at| at.as_s().ok());
    Ok(HourStatistics {
        of,
        sums,
        updated_at: updated_at.and_then(|at| at.parse().ok()),
    })
}

fn expiry(at: Timestamp, lifetime: SignedDuration) -> i64 {
    at.as_second().saturating_add(lifetime.as_secs())
}
