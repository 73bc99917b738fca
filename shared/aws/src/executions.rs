//! Lists of a tenant's executions, newest first, one query per page.

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Key, LedgerError, List, Phase, instant};
use holdfast_receipt::ReceiptRef;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    item::{key_item, key_of, read, text},
    ledger::{DynamoLedger, unavailable},
};

/// The number of records that a query with a filter reads.
const LOOKED_AT: i32 = 500;

/// The filters of a list of executions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionSearch {
    /// The workflow.
    pub workflow: Option<String>,
    /// The status, as in [`Phase::name`].
    pub status: Option<String>,
    /// Only executions with a receipt.
    pub with_receipt: bool,
    /// The earliest start.
    pub from: Option<Timestamp>,
    /// The latest start.
    pub until: Option<Timestamp>,
}

/// An execution as a list shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ExecutionSummary {
    /// The execution.
    pub at: ExecutionKey,
    /// The workflow.
    pub workflow: String,
    /// The workflow's version.
    pub version: u32,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The execution generation.
    pub generation: u32,
    /// The time of the start.
    pub started_at: Timestamp,
    /// The phase.
    pub phase: Phase,
    /// The receipt, once written.
    pub receipt: Option<ReceiptRef>,
}

/// The end of a page: the start and the id of the last execution that was read.
pub type PageEnd = (Timestamp, String);

impl DynamoLedger {
    /// A page of a tenant's executions, newest first: at most `limit`, after the place `after`. The
    /// second part of the answer is where the next page begins; there is none after the last. A
    /// page can be shorter than `limit`, even empty, while more follow: the filters of status and
    /// receipt leave records out after the query has read them.
    pub async fn executions(
        &self,
        tenant: &str,
        search: &ExecutionSearch,
        limit: usize,
        after: Option<PageEnd>,
    ) -> Result<(Vec<ExecutionSummary>, Option<PageEnd>), LedgerError> {
        let list = match search.workflow.clone() {
            Some(workflow) => List::OfWorkflow {
                tenant: tenant.to_owned(),
                workflow,
            },
            None => List::Executions {
                tenant: tenant.to_owned(),
            },
        };
        let time =
            |at: Option<Timestamp>, open: &str| text(at.map_or_else(|| open.to_owned(), instant));
        let start = after.map(|(began, execution)| {
            let tenant = tenant.to_owned();
            let mut start = key_item(&Key::Execution(ExecutionKey { tenant, execution }));
            start.insert(list.index().to_owned(), text(list.hash()));
            start.insert(list.range().to_owned(), text(instant(began)));
            start
        });
        let mut query = self
            .query_list(&list)
            .key_condition_expression("#list = :list AND #at BETWEEN :from AND :until")
            .expression_attribute_names("#at", list.range())
            .expression_attribute_values(":from", time(search.from, "0000"))
            .expression_attribute_values(":until", time(search.until, "9999-12-31T23:59:59.999Z"))
            .scan_index_forward(false)
            .set_exclusive_start_key(start);
        let mut filters = Vec::new();
        if let Some(status) = &search.status {
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
        if search.with_receipt {
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
            let began = key.get(list.range())?.as_s().ok()?;
            let execution = key_of(key)?.execution()?.execution.clone();
            Some((began.parse().ok()?, execution))
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
