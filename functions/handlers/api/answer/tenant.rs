//! Answers about the registry of tenants.

use holdfast_ledger::{TenantRecord, TenantState};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time;

/// Every registered tenant, by name.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tenants {
    pub(crate) tenants: Vec<Tenant>,
}

/// The registration of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tenant {
    pub(crate) tenant: String,
    pub(crate) state: TenantState,
    /// The subject of the token that made the last change.
    pub(crate) by: String,
    /// The time of the last change.
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// A tenant's registration after a request to change it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantChange {
    #[serde(flatten)]
    pub(crate) tenant: Tenant,
    /// True if the tenant was in this state before.
    pub(crate) replayed: bool,
}

impl From<TenantRecord> for Tenant {
    fn from(record: TenantRecord) -> Self {
        Self {
            tenant: record.tenant,
            state: record.state,
            by: record.by,
            at: record.at,
        }
    }
}
