//! Lists of a tenant's executions, newest first, one query per page.

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, LedgerError, List, Phase};
use holdfast_receipt::ReceiptRef;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    item::{Item, read, subject_of, text},
    ledger::DynamoLedger,
    pages::{Page, Window, read_page},
};

/// The number of records that a query with a filter reads.
pub const LOOKED_AT: usize = 500;

/// The filters of a list of executions, beside its times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionSearch {
    /// The workflow.
    pub workflow: Option<String>,
    /// The exact subject.
    pub subject: Option<String>,
    /// The status, as in [`Phase::name`].
    pub status: Option<String>,
    /// Only executions with a receipt.
    pub with_receipt: bool,
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
    /// The subject, if it has one.
    #[serde(default)]
    pub subject: Option<String>,
}

impl From<ExecutionRecord> for ExecutionSummary {
    fn from(record: ExecutionRecord) -> Self {
        Self {
            at: record.at,
            workflow: record.workflow,
            version: record.version,
            trigger: record.trigger,
            generation: record.generation,
            started_at: record.started_at,
            phase: record.phase,
            receipt: record.receipt,
            subject: record.subject,
        }
    }
}

fn summary(item: Item) -> Result<ExecutionSummary, LedgerError> {
    let subject = subject_of(&item);
    Ok(ExecutionSummary {
        subject,
        ..read(item)?
    })
}

/// The narrowest list that has every execution of a search.
fn list_of(tenant: &str, search: &ExecutionSearch) -> List {
    let tenant = tenant.to_owned();
    match (search.subject.clone(), search.workflow.clone()) {
        (Some(subject), _) => List::OfSubject { tenant, subject },
        (None, Some(workflow)) => List::OfWorkflow { tenant, workflow },
        (None, None) => List::Executions { tenant },
    }
}

impl DynamoLedger {
    /// A page of a tenant's executions: at most `limit` of them. A page can be shorter than
    /// `limit`, even empty, while more follow: the filters of status and receipt leave records out
    /// after the query has read them.
    pub async fn executions(
        &self,
        tenant: &str,
        search: &ExecutionSearch,
        window: &Window,
        limit: usize,
    ) -> Result<Page<ExecutionSummary>, LedgerError> {
        let list = list_of(tenant, search);
        let Some(mut query) = self.query_window(&list, window) else {
            return Ok(Page::empty());
        };
        let mut filters = Vec::new();
        if let (Some(_), Some(workflow)) = (&search.subject, &search.workflow) {
            filters.push("workflow = :workflow");
            query = query.expression_attribute_values(":workflow", text(workflow));
        }
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
        let looked_at = match filters.is_empty() {
            true => limit,
            false => limit.max(LOOKED_AT),
        };
        if !filters.is_empty() {
            query = query.filter_expression(filters.join(" AND "));
        }
        let query = query.limit(i32::try_from(looked_at).unwrap_or(i32::MAX));
        Ok(read_page(query, &list, summary).await?.cut(limit))
    }
}
