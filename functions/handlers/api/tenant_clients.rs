//! Clients of ledger and receipts whose credentials open one tenant only, and the client of
//! controls and the registry of tenants.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use holdfast_access::{Stores, every_tenants_lists_policy, session_policy};
use holdfast_aws::{Deployment, DynamoLedger, S3Store};
use tokio::sync::OnceCell;

/// Number of tenants whose clients a warm function keeps. At this number it drops all of them.
pub(crate) const CACHE_MAX: usize = 200;

/// The stores of one tenant.
pub(crate) struct TenantStores {
    pub(crate) ledger: DynamoLedger,
    deployment: Deployment,
    receipts: OnceLock<S3Store>,
}

impl TenantStores {
    /// The receipts. Their client is made at the first call, so that a program that never calls
    /// this function links no client of S3.
    pub(crate) fn receipts(&self) -> Result<&S3Store, String> {
        if let Some(made) = self.receipts.get() {
            return Ok(made);
        }
        let made = self.deployment.bucket("HOLDFAST_RECEIPT_BUCKET")?;
        Ok(self.receipts.get_or_init(|| made))
    }
}

/// The stores of the deployment. They are available per tenant only, except for controls
/// and the registry of tenants.
pub(crate) struct TenantClients {
    deployment: Deployment,
    /// ARN of the role that is assumed for a tenant, under a session policy limited to the tenant.
    role: String,
    stores: Stores,
    cache: Mutex<HashMap<String, Arc<TenantStores>>>,
    /// The ledger, limited to the lists of every tenant, once a request has needed it.
    lists: OnceCell<DynamoLedger>,
    /// The ledger under the function's own credentials, which open controls and the registry of
    /// tenants, and no other item.
    own: DynamoLedger,
}

impl TenantClients {
    pub(crate) fn of(deployment: Deployment) -> Result<Self, String> {
        let variable = |name| deployment.variable(name).map(str::to_owned);
        Ok(Self {
            role: variable("HOLDFAST_TENANT_ROLE")?,
            stores: Stores {
                table: variable("HOLDFAST_LEDGER_ARN")?,
                bucket: variable("HOLDFAST_RECEIPT_BUCKET_ARN")?,
            },
            cache: Mutex::default(),
            lists: OnceCell::new(),
            own: deployment.ledger()?,
            deployment,
        })
    }

    /// The ledger, limited to controls.
    pub(crate) fn controls(&self) -> &DynamoLedger {
        &self.own
    }

    /// The ledger, limited to the registry of tenants.
    pub(crate) fn registry(&self) -> &DynamoLedger {
        &self.own
    }

    /// The ledger, limited to the lists of every tenant.
    pub(crate) async fn every_tenants_lists(&self) -> Result<DynamoLedger, String> {
        let lists = self.lists.get_or_try_init(|| async {
            let policy = every_tenants_lists_policy(&self.stores).to_string();
            // No tenant has this name, so that a trail of sessions tells them apart.
            let deployment = self.deployment.as_role(&self.role, "@lists", policy);
            deployment.ledger()
        });
        lists.await.cloned()
    }

    /// The stores of `tenant`, whose name has passed `check_tenant`.
    pub(crate) fn on_behalf_of(&self, tenant: &str) -> Result<Arc<TenantStores>, String> {
        {
            let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(stores) = cache.get(tenant) {
                return Ok(Arc::clone(stores));
            }
        }
        let policy = session_policy(&self.stores, tenant).to_string();
        let deployment = self.deployment.as_role(&self.role, tenant, policy);
        let stores = Arc::new(TenantStores {
            ledger: deployment.ledger()?,
            deployment,
            receipts: OnceLock::new(),
        });
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(tenant.to_owned(), Arc::clone(&stores));
        Ok(stores)
    }
}
