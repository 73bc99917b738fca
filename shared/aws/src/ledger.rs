//! The ledger in DynamoDB: one table, one partition per execution, conditional writes, consistent
//! reads.

use std::error::Error;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{put_item::PutItemError, query::builders::QueryFluentBuilder},
    types::ReturnValuesOnConditionCheckFailure,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, CountedPut, Counter, CounterChange, Duplicate, Duplicates, EpochAndPhase,
    ExecutionRecord, Expect, IncidentKey, Key, Ledger, LedgerError, Link, List, Put, Record,
    RecordKey, Scope, Snapshot, TenantKey, TenantRecord, instant,
};
use serde::de::DeserializeOwned;

use crate::duplicates::read_duplicates;
use crate::failure;
use crate::item::{Item, condition, item, key_item, key_of, read, record_item, text};

/// The attribute that holds the time of a link, to the millisecond.
const LINKED_AT: &str = "told_at";

/// A ledger table: `pk` and `sk` are strings, `rev` is a number; the rest is the record, attribute
/// by attribute. [`Key`] lists every key and the shape of its value.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoLedger {
    /// A ledger in the table called `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// A query of the records of one list, sorted as its index sorts them.
    pub(crate) fn query_list(&self, list: &List) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(list.index())
            .key_condition_expression("#list = :list")
            .expression_attribute_names("#list", list.index())
            .expression_attribute_values(":list", text(list.hash()))
    }

    /// A query of one partition, by the name of its key.
    pub(crate) fn query_partition(&self, pk: impl Into<String>) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .consistent_read(true)
    }

    /// The snapshot of an execution without its steps: a read that does not grow with them. The
    /// sort keys of questions and duplicates precede that of the execution record.
    pub async fn snapshot_without_steps(
        &self,
        at: &ExecutionKey,
    ) -> Result<Option<Snapshot>, LedgerError> {
        let key = at.key();
        let query = self
            .query_partition(key.pk())
            .key_condition_expression("pk = :pk AND sk <= :execution")
            .expression_attribute_values(":execution", text(key.sk()));
        read_snapshot(query).await
    }

    /// Writes an item without a condition.
    pub(crate) async fn put_item(&self, item: Item) -> Result<(), LedgerError> {
        let put = self.client.put_item().table_name(&self.table);
        let sent = put.set_item(Some(item)).send().await;
        sent.map(drop).map_err(|error| unavailable(&error))
    }

    /// Reads the value under `key`.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<T>, LedgerError> {
        self.get_item(key, true).await
    }

    /// Reads the value under `key`, for half the units if it may be a moment old.
    async fn get_item<T: DeserializeOwned>(
        &self,
        key: &Key,
        consistent: bool,
    ) -> Result<Option<T>, LedgerError> {
        self.client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key_item(key)))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(|error| unavailable(&error))?
            .item
            .map(read)
            .transpose()
    }
}

impl Ledger for DynamoLedger {
    async fn read<K: RecordKey>(&self, key: &K) -> Result<Option<K::Record>, LedgerError> {
        self.get(&key.key()).await
    }

    async fn registration(&self, tenant: &str) -> Result<Option<TenantRecord>, LedgerError> {
        let key = TenantKey(tenant.to_owned());
        let found: Option<TenantRecord> = self.get_item(&key.key(), false).await?;
        match found {
            Some(open) if open.refusal().is_none() => Ok(Some(open)),
            _ => self.read(&key).await,
        }
    }

    async fn put<R: Record>(&self, record: &R, expect: Expect) -> Result<Put<R>, LedgerError> {
        if let Some(control) = record.control() {
            return self.put_with_copies(record, control, expect).await;
        }
        let (condition, rev) = condition(expect);
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(record_item(record)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .condition_expression(condition)
            .set_expression_attribute_values(rev)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Put::Done);
        };
        if let SdkError::ServiceError(service) = &error
            && let PutItemError::ConditionalCheckFailedException(lost) = service.err()
        {
            let stored = lost.item().cloned().map(read).transpose()?;
            return Ok(Put::Lost(stored.map(Box::new)));
        }
        Err(unavailable(&error))
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        self.put_in_transaction(execution, expect, changes).await
    }

    async fn phase_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<EpochAndPhase>, Vec<Control>), LedgerError> {
        let scopes = Scope::around(&at.tenant, workflow);
        let keys = vec![key_item(&at.key())];
        let (items, controls) = self.read_with_controls(at, keys, scopes).await?;
        let phase = items.into_iter().next().map(read).transpose()?;
        Ok((phase, controls))
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        read_snapshot(self.query_partition(at.key().pk())).await
    }

    async fn count(&self, counter: &Counter) -> Result<i64, LedgerError> {
        self.read_count(counter).await
    }

    async fn read_link(&self, link: &Link) -> Result<Option<Link>, LedgerError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key_item(&link.key())))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        found.item.map(read).transpose()
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        let key = link.key();
        // DynamoDB compares texts, so times need the same number of digits.
        let at = text(instant(link.at));
        let item = item(&key, link, Item::from([(LINKED_AT.to_owned(), at.clone())]))?;
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#at) OR #at <= :at")
            .expression_attribute_names("#at", LINKED_AT)
            .expression_attribute_values(":at", at)
            .send()
            .await;
        match sent {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(unavailable(&error)),
            Ok(_) => Ok(()),
        }
    }

    async fn links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> Result<(Vec<Link>, bool), LedgerError> {
        self.read_links_page(incident, after).await
    }

    async fn count_duplicate(
        &self,
        at: &ExecutionKey,
        workflow: &str,
        duplicate: &Duplicate,
    ) -> Result<(), LedgerError> {
        self.add_duplicate(at, workflow, duplicate).await
    }
}

/// The ledger's error for a failed call. Three error codes of the service are permanent; every
/// other code is about load or about the service itself.
pub(crate) fn unavailable<E: ProvideErrorMetadata + Error + 'static>(
    error: &SdkError<E>,
) -> LedgerError {
    let reason = failure::reason(error);
    match reason.as_str() {
        "AccessDeniedException" | "ResourceNotFoundException" | "ValidationException" => {
            LedgerError::Refused(reason)
        }
        _ => LedgerError::Unavailable(reason),
    }
}

/// Reads the records of one execution from the pages of a query.
async fn read_snapshot(query: QueryFluentBuilder) -> Result<Option<Snapshot>, LedgerError> {
    let mut pages = query.into_paginator().items().send();
    let (mut execution, mut steps, mut questions, mut duplicates) =
        (None, Vec::new(), Vec::new(), Duplicates::default());
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| unavailable(&error))?;
        match key_of(&item) {
            Some(Key::Execution(_)) => execution = Some(read(item)?),
            Some(Key::Duplicates(_)) => duplicates = read_duplicates(&item),
            Some(Key::Question(_)) => questions.push(read(item)?),
            Some(Key::Step(_)) => steps.push(read(item)?),
            _ => {
                let error = "an item's key is not one of the ledger's";
                return Err(LedgerError::Damaged(error.to_owned()));
            }
        }
    }
    Ok(execution.map(|execution| {
        let snapshot = Snapshot::new(execution, steps, 0).asking(questions);
        snapshot.repeated(&duplicates)
    }))
}

/// Reads the records of every page of a query.
pub(crate) async fn read_all<T: DeserializeOwned>(
    query: QueryFluentBuilder,
) -> Result<Vec<T>, LedgerError> {
    let items = query.into_paginator().items().send().try_collect().await;
    let items = items.map_err(|error| unavailable(&error))?;
    items.into_iter().map(read).collect()
}
