//! The registry of tenants in the ledger's table, in one partition.

use holdfast_ledger::{Key, LedgerError, TenantRecord};

use crate::ledger::{DynamoLedger, read_all};

impl DynamoLedger {
    /// Reads every registered tenant, by name.
    pub async fn registered_tenants(&self) -> Result<Vec<TenantRecord>, LedgerError> {
        read_all(self.query_partition(Key::TENANTS)).await
    }
}
