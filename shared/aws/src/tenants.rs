//! The registry of tenants in the ledger's table, in one partition.

use holdfast_ledger::{Key, LedgerError, TenantRecord};

use crate::{
    item::{read, text},
    ledger::{DynamoLedger, unavailable},
};

impl DynamoLedger {
    /// Reads every registered tenant, by name.
    pub async fn registered_tenants(&self) -> Result<Vec<TenantRecord>, LedgerError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(Key::TENANTS))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(read(item.map_err(|error| unavailable(&error))?)?);
        }
        Ok(found)
    }
}
