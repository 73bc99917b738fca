//! The registry of tenants, and the delegations of one, each in one partition of the table.

use holdfast_ledger::{Delegation, Key, LedgerError, TenantRecord};

use crate::ledger::{DynamoLedger, read_all};

impl DynamoLedger {
    /// Reads every registered tenant, by name.
    pub async fn registered_tenants(&self) -> Result<Vec<TenantRecord>, LedgerError> {
        read_all(self.query_partition(Key::TENANTS)).await
    }

    /// Reads every delegation of `tenant`, with those that are over. A member has one for each of
    /// their groups, so the list stays short.
    pub async fn delegations(&self, tenant: &str) -> Result<Vec<Delegation>, LedgerError> {
        read_all(self.query_partition(Key::delegations(tenant))).await
    }
}
