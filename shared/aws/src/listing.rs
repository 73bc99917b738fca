//! What the ledger's table lists beyond one execution: what is overdue, a tenant's incidents, whom an incident met.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Incident, IncidentStatus, LedgerError, Link};
use jiff::Timestamp;

use crate::executions::Place;
use crate::{
    item::read,
    ledger::{
        DUE, DynamoLedger, INCIDENTS, LINK, LISTED, LISTED_AT, META, OPEN, SHARDS,
        incident_partition, instant, listed, unavailable,
    },
};

impl DynamoLedger {
    /// The executions that were due before `due` and for which something is left to do, as the index knows them: a
    /// moment old, so that each must be read again.
    pub async fn overdue(&self, due: Timestamp) -> Result<Vec<ExecutionKey>, LedgerError> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let mut pages = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(OPEN)
                .key_condition_expression("#open = :shard AND #due < :due")
                .expression_attribute_names("#open", OPEN)
                .expression_attribute_names("#due", DUE)
                .expression_attribute_values(":shard", AttributeValue::S(shard.to_string()))
                .expression_attribute_values(":due", AttributeValue::S(instant(due)))
                .into_paginator()
                .items()
                .send();
            while let Some(item) = pages.next().await {
                let item = item.map_err(|error| unavailable(&error))?;
                let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
                found.extend(pk.and_then(|pk| ExecutionKey::from_partition(pk)));
            }
        }
        Ok(found)
    }

    /// How many executions have no receipt yet, and when the oldest of them began, as the index knows them. Of each
    /// shard the page of those due first is looked at: some thousand executions.
    pub async fn open(&self) -> Result<(usize, Option<Timestamp>), LedgerError> {
        let mut began = Vec::new();
        for shard in 0..SHARDS {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(OPEN)
                .key_condition_expression("#open = :shard")
                .expression_attribute_names("#open", OPEN)
                .expression_attribute_values(":shard", AttributeValue::S(shard.to_string()))
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            // Questions are listed too; only executions have a start.
            let starts = page.items().iter().filter_map(|item| {
                item.get("started_at")?
                    .as_s()
                    .ok()?
                    .parse::<Timestamp>()
                    .ok()
            });
            began.extend(starts);
        }
        Ok((began.len(), began.iter().min().copied()))
    }

    /// How many incidents of all tenants are not resolved, as the index knows them.
    pub async fn open_incidents(&self) -> Result<i64, LedgerError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OPEN)
            .key_condition_expression("#open = :incidents")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":incidents", AttributeValue::S(INCIDENTS.to_owned()))
            .select(Select::Count)
            .into_paginator()
            .send();
        let mut found = 0;
        while let Some(page) = pages.next().await {
            found += i64::from(page.map_err(|error| unavailable(&error))?.count());
        }
        Ok(found)
    }

    /// A tenant's incidents of one status, newest first: at most `limit` of them, after the one that `after` names.
    /// The second part of the answer names the last one where more may follow.
    pub async fn incidents(
        &self,
        tenant: &str,
        status: IncidentStatus,
        limit: usize,
        after: Option<Place>,
    ) -> Result<(Vec<Incident>, bool), LedgerError> {
        let list = listed(tenant, status);
        let start = after.map(|(opened_at, id)| {
            HashMap::from([
                (
                    "pk".to_owned(),
                    AttributeValue::S(incident_partition(tenant, &id)),
                ),
                ("sk".to_owned(), AttributeValue::S(META.to_owned())),
                (LISTED.to_owned(), AttributeValue::S(list.clone())),
                (LISTED_AT.to_owned(), AttributeValue::S(instant(opened_at))),
            ])
        });
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(LISTED)
            .key_condition_expression("#listed = :list")
            .expression_attribute_names("#listed", LISTED)
            .expression_attribute_values(":list", AttributeValue::S(list))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let more = found.last_evaluated_key.is_some();
        let items = found.items.unwrap_or_default().into_iter();
        Ok((items.map(read).collect::<Result<_, _>>()?, more))
    }

    /// The executions that an incident met.
    pub async fn links(&self, tenant: &str, incident: &str) -> Result<Vec<Link>, LedgerError> {
        let items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :link)")
            .expression_attribute_values(
                ":pk",
                AttributeValue::S(incident_partition(tenant, incident)),
            )
            .expression_attribute_values(":link", AttributeValue::S(LINK.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let items = items.try_collect().await;
        let items = items.map_err(|error| unavailable(&error))?;
        items.into_iter().map(read).collect()
    }
}
