//! A tenant's executions, newest first: one query a page, however many there are.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{LedgerError, Phase};
use holdfast_receipt::ReceiptRef;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    item::read,
    ledger::{DynamoLedger, LISTED, LISTED_AT, META, OF_WORKFLOW, instant, unavailable},
};

pub(crate) fn list_of_executions(tenant: &str) -> String {
    format!("TENANT#{tenant}#EXECUTIONS")
}

pub(crate) fn workflow_list(tenant: &str, workflow: &str) -> String {
    format!("TENANT#{tenant}#EXECUTIONS#{workflow}")
}

/// How many records a query looks at where a filter leaves some of them out.
const LOOKED_AT: i32 = 500;

/// Which executions are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionSearch {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// Of this status, as [`Phase::name`] has it.
    pub status: Option<String>,
    /// With a receipt.
    pub with_receipt: bool,
    /// Begun at this time or later.
    pub from: Option<Timestamp>,
    /// Begun at this time or earlier.
    pub until: Option<Timestamp>,
}

/// An execution as a list shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ExecutionSummary {
    /// Which.
    pub at: ExecutionKey,
    /// Its workflow.
    pub workflow: String,
    /// The workflow's version.
    pub version: u32,
    /// What started it.
    pub trigger: String,
    /// Its generation.
    pub generation: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// Where its life stands.
    pub phase: Phase,
    /// Its receipt.
    pub receipt: Option<ReceiptRef>,
}

/// Where a page ends: when the last execution that was looked at began, and which it is.
pub type Place = (Timestamp, String);

impl DynamoLedger {
    /// A page of a tenant's executions, newest first: at most `limit`, after the place `after`. The second part of the
    /// answer is where the next page begins; there is none after the last. A page can be shorter than `limit`, even
    /// empty, while more follow: the filters of status and receipt leave records out after the query has read them.
    pub async fn executions(
        &self,
        tenant: &str,
        wanted: &ExecutionSearch,
        limit: usize,
        after: Option<Place>,
    ) -> Result<(Vec<ExecutionSummary>, Option<Place>), LedgerError> {
        let (index, list) = match &wanted.workflow {
            Some(workflow) => (OF_WORKFLOW, workflow_list(tenant, workflow)),
            None => (LISTED, list_of_executions(tenant)),
        };
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let time = |at: Option<Timestamp>, open: &str| {
            at.map_or_else(|| text(open), |at| AttributeValue::S(instant(at)))
        };
        let start = after.map(|(began, execution)| {
            let tenant = tenant.to_owned();
            let at = ExecutionKey { tenant, execution };
            HashMap::from([
                ("pk".to_owned(), AttributeValue::S(at.partition())),
                ("sk".to_owned(), text(META)),
                (index.to_owned(), text(&list)),
                (LISTED_AT.to_owned(), AttributeValue::S(instant(began))),
            ])
        });
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#list = :list AND #at BETWEEN :from AND :until")
            .expression_attribute_names("#list", index)
            .expression_attribute_names("#at", LISTED_AT)
            .expression_attribute_values(":list", text(&list))
            .expression_attribute_values(":from", time(wanted.from, "0000"))
            .expression_attribute_values(":until", time(wanted.until, "9999-12-31T23:59:59.999Z"))
            .scan_index_forward(false)
            .set_exclusive_start_key(start);
        let mut filters = Vec::new();
        if let Some(status) = &wanted.status {
            filters.push("phase.#is = :is");
            query = query.expression_attribute_names("#is", "is");
            let is = match status.as_str() {
                "RUNNING" => "running",
                "CLOSING" => "rejected",
                "ROLLING_BACK" => "unwinding",
                ended => {
                    filters.push("phase.#status = :status");
                    query = query
                        .expression_attribute_names("#status", "status")
                        .expression_attribute_values(":status", text(ended));
                    "ended"
                }
            };
            query = query.expression_attribute_values(":is", text(is));
        }
        if wanted.with_receipt {
            filters.push("attribute_type(receipt, :map)");
            query = query.expression_attribute_values(":map", text("M"));
        }
        let page = i32::try_from(limit).unwrap_or(i32::MAX);
        let query = if filters.is_empty() {
            query.limit(page)
        } else {
            query
                .filter_expression(filters.join(" AND "))
                .limit(page.max(LOOKED_AT))
        };
        let found = query.send().await.map_err(|error| unavailable(&error))?;
        let mut next = found.last_evaluated_key.as_ref().and_then(|key| {
            let text = |name: &str| key.get(name)?.as_s().ok();
            let at = ExecutionKey::from_partition(text("pk")?)?;
            Some((text(LISTED_AT)?.parse().ok()?, at.execution))
        });
        let items = found.items.unwrap_or_default().into_iter();
        let mut page: Vec<ExecutionSummary> = items.map(read).collect::<Result<_, _>>()?;
        if page.len() > limit {
            page.truncate(limit);
            next = page
                .last()
                .map(|last| (last.started_at, last.at.execution.clone()));
        }
        Ok((page, next))
    }
}
