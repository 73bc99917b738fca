//! The state that every request shares: clients, keys and settings of the deployment.

use std::{ops::RangeInclusive, time::Duration};

use holdfast_access::ClaimNames;
use holdfast_aws::{Deployment, Keys, Machines};
use holdfast_receipt::evidence::Jwks;
use tokio::sync::OnceCell;

use crate::api::{start::WAIT_MAX_S, tenant_clients::TenantClients};

/// Longest life of a receipt's link, in seconds. The link works only as long as the session that
/// signed it. The SDK renews the session when three quarters of an hour are left, or, at random, up
/// to half of that later.
const RECEIPT_URL_MAX_S: u64 = 1200;

/// Clients, keys and settings that every handler may use.
pub(crate) struct App {
    pub(crate) tenants: TenantClients,
    pub(crate) machines: Machines,
    pub(crate) keys: Keys,
    /// The key that signs receipts, then the keys that signed them before.
    pub(crate) signing_keys: Vec<String>,
    /// Public halves of the signing keys, fetched once. They never change, so a later request needs
    /// no call to KMS.
    pub(crate) key_set: OnceCell<Jwks>,
    pub(crate) receipt_url_valid_for: Duration,
    /// The longest time that a start waits for the end of its execution, in seconds; 0 for none.
    pub(crate) wait_max_s: u64,
    /// The stack's name, the source of audit events.
    pub(crate) stack: String,
    /// Names of the claims that carry tenant and role.
    pub(crate) claims: ClaimNames,
}

impl App {
    /// Reads the settings of the deployment from its environment variables.
    pub(crate) fn from(deployment: Deployment) -> Result<Self, String> {
        let seconds = |variable: &str, range: RangeInclusive<u64>| {
            let value = deployment.variable(variable)?.parse().ok();
            value
                .filter(|seconds| range.contains(seconds))
                .ok_or_else(|| {
                    let (least, most) = range.into_inner();
                    format!("{variable} must be a number of seconds, {least} to {most}")
                })
        };
        let valid_for = seconds("HOLDFAST_RECEIPT_URL_SECONDS", 1..=RECEIPT_URL_MAX_S)?;
        let wait_max_s = seconds("HOLDFAST_START_WAIT_SECONDS", 0..=WAIT_MAX_S)?;
        Ok(Self {
            machines: deployment.machines()?,
            keys: deployment.keys(),
            signing_keys: std::iter::once(deployment.variable("HOLDFAST_SIGNING_KEY")?)
                .chain(deployment.retired_signing_keys())
                .map(str::to_owned)
                .collect(),
            key_set: OnceCell::new(),
            receipt_url_valid_for: Duration::from_secs(valid_for),
            wait_max_s,
            stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
            claims: ClaimNames {
                tenant: deployment.variable("HOLDFAST_TENANT_CLAIM")?.to_owned(),
                role: deployment.variable("HOLDFAST_ROLE_CLAIM")?.to_owned(),
                groups: deployment.variable("HOLDFAST_GROUP_CLAIM")?.to_owned(),
            },
            tenants: TenantClients::of(deployment)?,
        })
    }
}
