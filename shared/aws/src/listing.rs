//! Queries of the ledger's lists: open executions, a tenant's incidents and
//! questions, links of an incident.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::Select};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    BulkKey, BulkPart, Incident, IncidentKey, IncidentStatus, Key, LedgerError, Link, List,
    Question,
};

use crate::pages::{Page, Window};
use crate::workflows::OpenCount;
use crate::{
    item::{key_item, key_of, read, text},
    ledger::{DynamoLedger, read_all, unavailable},
};

impl DynamoLedger {
    /// The number of executions without a receipt, of `tenant` or of all. Reads some pages of each
    /// shard at most. The index is eventually consistent.
    pub async fn count_open(&self, tenant: Option<&str>) -> Result<OpenCount, LedgerError> {
        Ok(self.first_open(tenant, 0).await?.0)
    }

    /// Counts open executions as [`count_open`](Self::count_open) does, and returns the keys of up
    /// to `limit` of them, in no order of time.
    pub async fn first_open(
        &self,
        tenant: Option<&str>,
        limit: usize,
    ) -> Result<(OpenCount, Vec<ExecutionKey>), LedgerError> {
        const PAGES: usize = 4;
        let mut open = OpenCount::default();
        let mut first = Vec::new();
        for list in [true, false].into_iter().flat_map(List::all_open) {
            let mut pages = self.query_list(&list).into_paginator().send();
            for _ in 0..PAGES {
                let Some(page) = pages.next().await else {
                    break;
                };
                let page = page.map_err(|error| unavailable(&error))?;
                let executions = page.items().iter().filter_map(|item| match key_of(item)? {
                    Key::Execution(at) => Some(at),
                    _ => None,
                });
                for at in executions {
                    if tenant.is_some_and(|tenant| tenant != at.tenant) {
                        continue;
                    }
                    open.count += 1;
                    if first.len() < limit {
                        first.push(at);
                    }
                }
            }
            open.more |= pages.next().await.is_some();
        }
        Ok((open, first))
    }

    /// The number of unresolved incidents of all tenants. The index is eventually consistent.
    pub async fn open_incidents(&self) -> Result<i64, LedgerError> {
        let list = List::OpenIncidents;
        let mut pages = self
            .query_list(&list)
            .select(Select::Count)
            .into_paginator()
            .send();
        let mut found = 0;
        while let Some(page) = pages.next().await {
            found += i64::from(page.map_err(|error| unavailable(&error))?.count());
        }
        Ok(found)
    }

    /// A page of a tenant's incidents of one status, at most `limit` of them.
    pub async fn incidents(
        &self,
        tenant: &str,
        status: IncidentStatus,
        window: &Window,
        limit: usize,
    ) -> Result<Page<Incident>, LedgerError> {
        let list = List::Incidents {
            tenant: tenant.to_owned(),
            status,
        };
        self.page(&list, window, limit).await
    }

    /// A page of a tenant's open questions, by the start of their executions, at most `limit`.
    pub async fn questions(
        &self,
        tenant: &str,
        window: &Window,
        limit: usize,
    ) -> Result<Page<Question>, LedgerError> {
        let list = List::Questions(tenant.to_owned());
        self.page(&list, window, limit).await
    }

    /// Reads every open question of the tenant's executions that started in the window, with one
    /// request for each thousand. The index is eventually consistent.
    pub async fn questions_within(
        &self,
        tenant: &str,
        window: &Window,
    ) -> Result<Vec<Question>, LedgerError> {
        let list = List::Questions(tenant.to_owned());
        match self.query_window(&list, window) {
            Some(query) => read_all(query).await,
            None => Ok(Vec::new()),
        }
    }

    /// A page of the links of an incident, sorted by execution, after the link `after`. The flag is
    /// true if more may follow.
    pub(crate) async fn read_links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> Result<(Vec<Link>, bool), LedgerError> {
        let start = after.map(|link| {
            key_item(&Key::Link {
                incident: incident.clone(),
                execution: link.execution.clone(),
                generation: link.generation,
            })
        });
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :link)")
            .expression_attribute_values(":pk", text(Key::Incident(incident.clone()).pk()))
            .expression_attribute_values(":link", text(Key::LINK_PREFIX))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let more = found.last_evaluated_key.is_some();
        let items = found.items.unwrap_or_default().into_iter();
        Ok((items.map(read).collect::<Result<_, _>>()?, more))
    }

    /// The parts of a bulk's list, in order.
    pub async fn bulk_parts(&self, bulk: &BulkKey) -> Result<Vec<BulkPart>, LedgerError> {
        let query = self
            .query_partition(Key::Bulk(bulk.clone()).pk())
            .key_condition_expression("pk = :pk AND begins_with(sk, :part)")
            .expression_attribute_values(":part", text(Key::PART_PREFIX));
        read_all(query).await
    }

    /// The number of executions that met an incident: exact up to `limit`, or up to one page of a
    /// megabyte.
    pub async fn count_links(
        &self,
        incident: &IncidentKey,
        limit: u16,
    ) -> Result<OpenCount, LedgerError> {
        let query = self
            .query_partition(Key::Incident(incident.clone()).pk())
            .key_condition_expression("pk = :pk AND begins_with(sk, :link)")
            .expression_attribute_values(":link", text(Key::LINK_PREFIX))
            .consistent_read(false)
            // One more shows whether there are more.
            .limit(i32::from(limit) + 1);
        Ok(count_of(query).await?.at_most(u64::from(limit)))
    }

    /// The number of a tenant's incidents of one status: exact up to one page of a megabyte.
    pub async fn count_incidents(
        &self,
        tenant: &str,
        status: IncidentStatus,
    ) -> Result<OpenCount, LedgerError> {
        let list = List::Incidents {
            tenant: tenant.to_owned(),
            status,
        };
        count_of(self.query_list(&list)).await
    }

    /// The number of a tenant's open questions: exact up to one page of a megabyte.
    pub async fn count_questions(&self, tenant: &str) -> Result<OpenCount, LedgerError> {
        let list = List::Questions(tenant.to_owned());
        count_of(self.query_list(&list)).await
    }

    /// The executions that met an incident.
    pub async fn links(&self, tenant: &str, incident: &str) -> Result<Vec<Link>, LedgerError> {
        let incident = Key::Incident(IncidentKey::new(tenant, incident));
        let query = self
            .query_partition(incident.pk())
            .key_condition_expression("pk = :pk AND begins_with(sk, :link)")
            .expression_attribute_values(":link", text(Key::LINK_PREFIX));
        read_all(query).await
    }
}

/// The number of items on the first page of a query.
async fn count_of(query: QueryFluentBuilder) -> Result<OpenCount, LedgerError> {
    let page = query.select(Select::Count).send().await;
    let page = page.map_err(|error| unavailable(&error))?;
    Ok(OpenCount {
        count: u64::try_from(page.count()).unwrap_or(0),
        more: page.last_evaluated_key().is_some(),
    })
}
