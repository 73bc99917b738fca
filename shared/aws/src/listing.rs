//! Queries of the ledger's lists: open executions, a tenant's incidents, links of an incident.

use aws_sdk_dynamodb::types::Select;
use holdfast_ledger::{
    Incident, IncidentKey, IncidentStatus, Key, LedgerError, Link, List, instant,
};

use crate::executions::PageEnd;
use crate::workflows::OpenCount;
use crate::{
    item::{key_item, key_of, read, text},
    ledger::{DynamoLedger, read_all, unavailable},
};

impl DynamoLedger {
    /// The number of executions without a receipt, of `tenant` or of all. Reads some pages of each
    /// shard at most. The index is eventually consistent.
    pub async fn count_open(&self, tenant: Option<&str>) -> Result<OpenCount, LedgerError> {
        const PAGES: usize = 4;
        let mut open = OpenCount::default();
        for list in [true, false].into_iter().flat_map(List::all_open) {
            let mut pages = self.query_list(&list).into_paginator().send();
            for _ in 0..PAGES {
                let Some(page) = pages.next().await else {
                    break;
                };
                let page = page.map_err(|error| unavailable(&error))?;
                let executions = page.items().iter().filter_map(|item| match key_of(item)? {
                    Key::Execution(at) => Some(at.tenant),
                    _ => None,
                });
                let covered = |of: &String| tenant.is_none_or(|tenant| tenant == of);
                open.count += executions.filter(covered).count() as u64;
            }
            open.more |= pages.next().await.is_some();
        }
        Ok(open)
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

    /// A page of a tenant's incidents of one status, newest first: at most `limit` of them, after
    /// the one that `after` names. The flag is true if more may follow.
    pub async fn incidents(
        &self,
        tenant: &str,
        status: IncidentStatus,
        limit: usize,
        after: Option<PageEnd>,
    ) -> Result<(Vec<Incident>, bool), LedgerError> {
        let list = List::Incidents {
            tenant: tenant.to_owned(),
            status,
        };
        let key = after.map(|(opened_at, id)| {
            let mut key = key_item(&Key::Incident(IncidentKey::new(tenant, &id)));
            key.insert(list.index().to_owned(), text(list.hash()));
            key.insert(list.range().to_owned(), text(instant(opened_at)));
            key
        });
        let found = self
            .query_list(&list)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(key)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let more = found.last_evaluated_key.is_some();
        let items = found.items.unwrap_or_default().into_iter();
        Ok((items.map(read).collect::<Result<_, _>>()?, more))
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
