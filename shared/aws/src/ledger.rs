//! The ledger in DynamoDB: one table, a partition per execution, every write conditional, every read consistent.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use holdfast_core::{
    keys::{ExecutionKey, step_sort_key},
    ledger::{Expect, Ledger, LedgerError, Meta, Put, Snapshot, StepRecord},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

type Item = HashMap<String, AttributeValue>;

const META: &str = "META";
const DUPLICATES: &str = "DUPLICATES";

/// The index of executions for which something is left to do, and its hash key: which of its shards.
const OPEN: &str = "open";
/// Its range key: when the execution is overdue.
const DUE: &str = "due";
/// A thousand starts a second are one shard's limit.
const SHARDS: u8 = 8;

/// Ids are hashes: their first digit spreads evenly.
fn shard(at: &ExecutionKey) -> String {
    let digit = at
        .execution
        .chars()
        .next()
        .and_then(|digit| digit.to_digit(16));
    (digit.unwrap_or_default() % u32::from(SHARDS)).to_string()
}

/// A text that sorts as the time does.
fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A ledger table: `pk` and `sk` are strings, `rev` a number; the rest is the record, attribute by attribute.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    /// A ledger in the table called `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        at: &ExecutionKey,
        sort_key: String,
        record: &T,
        index: Option<Item>,
        expect: Expect,
    ) -> Result<Put<T>, LedgerError> {
        let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record).map_err(damaged)?;
        item.extend(index.into_iter().flatten());
        item.insert("pk".into(), AttributeValue::S(at.partition()));
        item.insert("sk".into(), AttributeValue::S(sort_key));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expect {
            Expect::Absent => put.condition_expression("attribute_not_exists(pk)"),
            Expect::Rev(rev) => put
                .condition_expression("rev = :rev")
                .expression_attribute_values(":rev", AttributeValue::N(rev.to_string())),
        };
        let Err(error) = put.send().await else {
            return Ok(Put::Done);
        };
        if let SdkError::ServiceError(service) = &error
            && let PutItemError::ConditionalCheckFailedException(lost) = service.err()
        {
            return Ok(Put::Lost(
                lost.item().cloned().map(read).transpose()?.map(Box::new),
            ));
        }
        Err(unavailable(&error))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        at: &ExecutionKey,
        sort_key: &str,
    ) -> Result<Option<T>, LedgerError> {
        self.client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(Self::key(at, sort_key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable(&error))?
            .item
            .map(read)
            .transpose()
    }

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

    fn key(at: &ExecutionKey, sort_key: &str) -> Item {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(at.partition())),
            ("sk".to_owned(), AttributeValue::S(sort_key.to_owned())),
        ])
    }
}

impl Ledger for DynamoLedger {
    async fn put_meta(&self, meta: &Meta, expect: Expect) -> Result<Put<Meta>, LedgerError> {
        let index = meta.is_open().then(|| {
            HashMap::from([
                (OPEN.to_owned(), AttributeValue::S(shard(&meta.at))),
                (DUE.to_owned(), AttributeValue::S(instant(meta.deadline))),
            ])
        });
        self.put(&meta.at, META.to_owned(), meta, index, expect)
            .await
    }

    async fn put_step(
        &self,
        record: &StepRecord,
        expect: Expect,
    ) -> Result<Put<StepRecord>, LedgerError> {
        let sort_key = step_sort_key(&record.step, record.item.as_deref());
        self.put(&record.at, sort_key, record, None, expect).await
    }

    async fn step(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<&str>,
    ) -> Result<Option<StepRecord>, LedgerError> {
        self.get(at, &step_sort_key(step, item)).await
    }

    async fn meta(&self, at: &ExecutionKey) -> Result<Option<Meta>, LedgerError> {
        self.get(at, META).await
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(at.partition()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let (mut meta, mut steps, mut duplicates) = (None, Vec::new(), 0);
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| unavailable(&error))?;
            match item
                .get("sk")
                .and_then(|sk| sk.as_s().ok())
                .map(String::as_str)
            {
                Some(META) => meta = Some(read(item)?),
                Some(DUPLICATES) => duplicates = count(&item),
                Some(_) => steps.push(read(item)?),
                None => return Err(LedgerError::Damaged("an item has no sk".to_owned())),
            }
        }
        Ok(meta.map(|meta| Snapshot::new(meta, steps, duplicates)))
    }

    async fn count_duplicate(&self, at: &ExecutionKey) -> Result<(), LedgerError> {
        // An item of its own: META is written whole, and fifty repeats at once must not race with it.
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Self::key(at, DUPLICATES)))
            .update_expression("ADD refused :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }
}

fn count(item: &Item) -> u64 {
    item.get("refused")
        .and_then(|count| count.as_n().ok())
        .and_then(|count| count.parse().ok())
        .unwrap_or_default()
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, LedgerError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(damaged)
}

fn damaged(error: serde_dynamo::Error) -> LedgerError {
    LedgerError::Damaged(error.to_string())
}

/// What a failed call means: the service's own verdicts are refusals unless they are about load or itself.
fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E>) -> LedgerError {
    let SdkError::ServiceError(service) = error else {
        return LedgerError::Unavailable("no answer".to_owned());
    };
    let code = service.err().code().unwrap_or("unknown error").to_owned();
    match code.as_str() {
        "AccessDeniedException" | "ResourceNotFoundException" | "ValidationException" => {
            LedgerError::Refused(code)
        }
        _ => LedgerError::Unavailable(code),
    }
}
