//! What a request can reach: ledger and receipts by credentials that open one tenant's and nobody else's, and controls.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use holdfast_access::{Stores, session_policy};
use holdfast_aws::{Deployment, DynamoLedger, S3Store};

/// Tenants whose clients a warm function keeps; beyond that it begins anew.
const KEPT: usize = 200;

/// What one tenant has.
pub(crate) type TenantStores = (DynamoLedger, S3Store);

/// The stores of the deployment, handed out per tenant and in no other way, but for the controls.
pub(crate) struct TenantClients {
    deployment: Deployment,
    /// The role that is assumed for a tenant; its policy is cut down to what is the tenant's.
    role: String,
    stores: Stores,
    known: Mutex<HashMap<String, TenantStores>>,
    /// By the function's own credentials, which open controls and nothing else of the ledger.
    controls: DynamoLedger,
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
            known: Mutex::default(),
            controls: deployment.ledger()?,
            deployment,
        })
    }

    /// The ledger as far as it says what is paused.
    pub(crate) fn controls(&self) -> &DynamoLedger {
        &self.controls
    }

    /// The stores on behalf of `tenant`, whose name was checked.
    pub(crate) async fn on_behalf_of(&self, tenant: &str) -> Result<TenantStores, String> {
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(own) = known.get(tenant) {
                return Ok(own.clone());
            }
        }
        let policy = session_policy(&self.stores, tenant).to_string();
        let deployment = self.deployment.as_role(&self.role, tenant, policy).await;
        let own = (
            deployment.ledger()?,
            deployment.bucket("HOLDFAST_RECEIPT_BUCKET")?,
        );
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(tenant.to_owned(), own.clone());
        Ok(own)
    }
}
