//! The ledger in DynamoDB: one table, a partition per execution, every write conditional, every read consistent.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use holdfast_ids::keys::{ExecutionKey, step_sort_key};
use holdfast_ledger::{
    Control, CountedPut, Counter, CounterChange, ExecutionRecord, Expect, Incident, IncidentStatus,
    Ledger, LedgerError, Link, Put, Question, Scope, Snapshot, StepRecord,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::item::{Item, condition, item_of, read};

pub(crate) const META: &str = "META";
pub(crate) const DUPLICATES: &str = "DUPLICATES";
/// When a link was told, to the millisecond.
const TOLD: &str = "told_at";
pub(crate) const QUESTION: &str = "ASK#";
pub(crate) const LINK: &str = "EXEC#";

/// The index of what is listed: its hash key says whose, its range key sorts by time.
pub(crate) const LISTED: &str = "listed";
pub(crate) const LISTED_AT: &str = "listed_at";
/// The index of a workflow's executions, by the same range key.
pub(crate) const OF_WORKFLOW: &str = "of_workflow";
/// A decision that was not delivered by then is delivered again.
const DELIVERY: SignedDuration = SignedDuration::from_secs(15);

/// The index of executions for which something is left to do, and its hash key: which of its shards.
pub(crate) const OPEN: &str = "open";
/// Its range key: when the execution is overdue.
pub(crate) const DUE: &str = "due";
/// A thousand starts a second are one shard's limit.
pub(crate) const SHARDS: u8 = 8;
/// In the index [`OPEN`], where unresolved incidents are.
pub(crate) const INCIDENTS: &str = "INCIDENTS";

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
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A ledger table: `pk` and `sk` are strings, `rev` a number; the rest is the record, attribute by attribute.
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

    pub(crate) async fn put<T: Serialize + DeserializeOwned>(
        &self,
        partition: String,
        sort_key: String,
        record: &T,
        index: Option<Item>,
        expect: Expect,
    ) -> Result<Put<T>, LedgerError> {
        let mut item = item_of(record, index)?;
        item.extend(Self::key(partition, &sort_key));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (condition, rev) = condition(expect);
        let put = put
            .condition_expression(condition)
            .set_expression_attribute_values(rev);
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

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        partition: String,
        sort_key: &str,
    ) -> Result<Option<T>, LedgerError> {
        self.client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(Self::key(partition, sort_key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable(&error))?
            .item
            .map(read)
            .transpose()
    }

    pub(crate) fn key(partition: String, sort_key: &str) -> Item {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(partition)),
            ("sk".to_owned(), AttributeValue::S(sort_key.to_owned())),
        ])
    }
}

impl Ledger for DynamoLedger {
    async fn put_execution(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
    ) -> Result<Put<ExecutionRecord>, LedgerError> {
        self.put(
            execution.at.partition(),
            META.to_owned(),
            execution,
            indexed(execution),
            expect,
        )
        .await
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        draws: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        self.put_drawing(execution, expect, draws).await
    }

    async fn counted(&self, counter: &Counter) -> Result<i64, LedgerError> {
        self.count_of(counter).await
    }

    async fn execution_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError> {
        self.standing_of(at, workflow).await
    }

    async fn control(&self, scope: &Scope) -> Result<Option<Control>, LedgerError> {
        self.control_of(scope).await
    }

    async fn put_control(
        &self,
        control: &Control,
        expect: Expect,
    ) -> Result<Put<Control>, LedgerError> {
        self.put_control_of(control, expect).await
    }

    async fn put_step(
        &self,
        record: &StepRecord,
        expect: Expect,
    ) -> Result<Put<StepRecord>, LedgerError> {
        let sort_key = step_sort_key(&record.step, record.item.as_deref());
        self.put(record.at.partition(), sort_key, record, None, expect)
            .await
    }

    async fn put_question(
        &self,
        question: &Question,
        expect: Expect,
    ) -> Result<Put<Question>, LedgerError> {
        // The sweep finds decisions of which the machine was not told.
        let index = question.undelivered().map(|ruling| {
            let due = ruling.at.saturating_add(DELIVERY);
            let due = due.unwrap_or(Timestamp::MAX);
            HashMap::from([
                (OPEN.to_owned(), AttributeValue::S(shard(&question.at))),
                (DUE.to_owned(), AttributeValue::S(instant(due))),
            ])
        });
        let sort_key = format!("{QUESTION}{}", question.step);
        self.put(question.at.partition(), sort_key, question, index, expect)
            .await
    }

    async fn put_incident(
        &self,
        incident: &Incident,
        expect: Expect,
    ) -> Result<Put<Incident>, LedgerError> {
        let opened_at = AttributeValue::S(instant(incident.opened_at));
        let list = AttributeValue::S(listed(&incident.tenant, incident.status));
        let mut index = HashMap::from([
            (LISTED.to_owned(), list),
            (LISTED_AT.to_owned(), opened_at.clone()),
        ]);
        if incident.status != IncidentStatus::Resolved {
            index.insert(OPEN.to_owned(), AttributeValue::S(INCIDENTS.to_owned()));
            index.insert(DUE.to_owned(), opened_at);
        }
        let partition = incident_partition(&incident.tenant, &incident.id);
        self.put(partition, META.to_owned(), incident, Some(index), expect)
            .await
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        // As texts, times with and without a last digit would sort otherwise.
        let told = AttributeValue::S(instant(link.at));
        let mut item = item_of(link, Some(HashMap::from([(TOLD.to_owned(), told.clone())])))?;
        let partition = incident_partition(&link.tenant, &link.incident);
        let sort_key = format!("{LINK}{}#{}", link.execution, link.generation);
        item.extend(Self::key(partition, &sort_key));
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#told) OR #told <= :told")
            .expression_attribute_names("#told", TOLD)
            .expression_attribute_values(":told", told.clone())
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

    async fn incident(&self, tenant: &str, id: &str) -> Result<Option<Incident>, LedgerError> {
        self.get(incident_partition(tenant, id), META).await
    }

    async fn step(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<&str>,
    ) -> Result<Option<StepRecord>, LedgerError> {
        self.get(at.partition(), &step_sort_key(step, item)).await
    }

    async fn execution(&self, at: &ExecutionKey) -> Result<Option<ExecutionRecord>, LedgerError> {
        self.get(at.partition(), META).await
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
        let (mut execution, mut steps, mut questions, mut duplicates) =
            (None, Vec::new(), Vec::new(), 0);
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| unavailable(&error))?;
            match item
                .get("sk")
                .and_then(|sk| sk.as_s().ok())
                .map(String::as_str)
            {
                Some(META) => execution = Some(read(item)?),
                Some(DUPLICATES) => duplicates = count(&item),
                Some(sk) if sk.starts_with(QUESTION) => questions.push(read(item)?),
                Some(_) => steps.push(read(item)?),
                None => return Err(LedgerError::Damaged("an item has no sk".to_owned())),
            }
        }
        Ok(
            execution
                .map(|execution| Snapshot::new(execution, steps, duplicates).asking(questions)),
        )
    }

    async fn count_duplicate(&self, at: &ExecutionKey, workflow: &str) -> Result<(), LedgerError> {
        // An item of its own: META is written whole, and fifty repeats at once must not race with it.
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Self::key(at.partition(), DUPLICATES)))
            .update_expression("ADD refused :one SET workflow = :workflow")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":workflow", AttributeValue::S(workflow.to_owned()))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }
}

/// What lists an execution: always as its tenant's and its workflow's, and while it is open, by when it is due.
pub(crate) fn indexed(execution: &ExecutionRecord) -> Option<Item> {
    let ExecutionRecord { at, workflow, .. } = execution;
    let mut index = HashMap::from([
        (
            LISTED.to_owned(),
            AttributeValue::S(crate::executions::list_of_executions(&at.tenant)),
        ),
        (
            OF_WORKFLOW.to_owned(),
            AttributeValue::S(crate::executions::workflow_list(&at.tenant, workflow)),
        ),
        (
            LISTED_AT.to_owned(),
            AttributeValue::S(instant(execution.started_at)),
        ),
    ]);
    if execution.is_open() {
        index.insert(OPEN.to_owned(), AttributeValue::S(shard(at)));
        index.insert(
            DUE.to_owned(),
            AttributeValue::S(instant(execution.deadline)),
        );
    }
    Some(index)
}

pub(crate) fn incident_partition(tenant: &str, id: &str) -> String {
    format!("TENANT#{tenant}#INCIDENT#{id}")
}

pub(crate) fn listed(tenant: &str, status: IncidentStatus) -> String {
    let status = match status {
        IncidentStatus::Open => "OPEN",
        IncidentStatus::Acknowledged => "ACKNOWLEDGED",
        IncidentStatus::Resolved => "RESOLVED",
    };
    format!("TENANT#{tenant}#INCIDENTS#{status}")
}

fn count(item: &Item) -> u64 {
    item.get("refused")
        .and_then(|count| count.as_n().ok())
        .and_then(|count| count.parse().ok())
        .unwrap_or_default()
}

/// What a failed call means: the service's own verdicts are refusals unless they are about load or itself.
pub(crate) fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E>) -> LedgerError {
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
