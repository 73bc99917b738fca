//! Lists of a tenant's executions, newest first: one query of each shard per page.

use futures_util::future::try_join_all;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    ExecutionRecord, Key, LIST_STATUS, LOOKED_AT, LedgerError, List, SHARDS, ShownExecution,
};

use crate::{
    item::{Item, key_of, read, text},
    ledger::DynamoLedger,
    merge::{MergedEnd, merged, window_of},
    pages::{Page, Window, read_page},
};

/// The filters of a list of executions, beside its times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionSearch {
    /// The workflow.
    pub workflow: Option<String>,
    /// The exact subject.
    pub subject: Option<String>,
    /// The status that lists show, as in [`ExecutionRecord::list_status`].
    pub status: Option<String>,
    /// Only executions with a receipt.
    pub with_receipt: bool,
}

/// An execution as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionSummary {
    /// The execution.
    pub at: ExecutionKey,
    /// The attributes of its entry.
    pub shown: ShownExecution,
}

impl From<ExecutionRecord> for ExecutionSummary {
    fn from(record: ExecutionRecord) -> Self {
        Self {
            at: record.at.clone(),
            shown: record.into(),
        }
    }
}

fn summary(item: Item) -> Result<ExecutionSummary, LedgerError> {
    let Some(Key::Execution(at)) = key_of(&item) else {
        let error = "an entry of a list of executions is another record";
        return Err(LedgerError::Damaged(error.to_owned()));
    };
    Ok(ExecutionSummary {
        at,
        shown: read(item)?,
    })
}

impl DynamoLedger {
    /// A page of a tenant's executions: at most `limit` of them. A page can be shorter than
    /// `limit`, even empty, while more follow: the filters of workflow, status and receipt leave
    /// entries out after the query has read them.
    pub async fn executions(
        &self,
        tenant: &str,
        search: &ExecutionSearch,
        window: &Window,
        limit: usize,
    ) -> Result<Page<ExecutionSummary>, LedgerError> {
        if let Some(subject) = search.subject.clone() {
            let tenant = tenant.to_owned();
            let list = List::OfSubject { tenant, subject };
            return self.executions_in(&list, search, window, limit).await;
        }
        let whole = Window {
            after: None,
            ..window.clone()
        };
        let after = window.after.clone().map(|place| MergedEnd {
            list: List::shard_of(&place.1),
            place,
        });
        let reads = (0..SHARDS).map(|shard| {
            let window = window_of(&shard, &whole, after.as_ref());
            let tenant = tenant.to_owned();
            async move {
                let list = List::Executions { tenant, shard };
                let page = self.executions_in(&list, search, &window, limit).await;
                page.map(|page| (shard, page))
            }
        });
        let page = merged(try_join_all(reads).await?, limit);
        let entries = page.entries.into_iter();
        Ok(Page {
            entries: entries.map(|(end, value)| (end.place, value)).collect(),
            next: page.next.map(|end| end.place),
        })
    }

    /// A page of one list of executions, by one query.
    async fn executions_in(
        &self,
        list: &List,
        search: &ExecutionSearch,
        window: &Window,
        limit: usize,
    ) -> Result<Page<ExecutionSummary>, LedgerError> {
        let Some(mut query) = self.query_window(list, window) else {
            return Ok(Page::empty());
        };
        let mut filters = Vec::new();
        if let Some(workflow) = &search.workflow {
            filters.push("workflow = :workflow");
            query = query.expression_attribute_values(":workflow", text(workflow));
        }
        if let Some(status) = &search.status {
            filters.push("#status = :status");
            query = query
                .expression_attribute_names("#status", LIST_STATUS)
                .expression_attribute_values(":status", text(status));
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
        Ok(read_page(query, list, summary).await?.cut(limit))
    }
}
