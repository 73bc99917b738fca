//! The head of a chain: hour and SHA-256 of the last digest, kept apart from the digests.

use std::{collections::BTreeSet, future::Future};

use holdfast_ids::digest::sha256_hex;
use holdfast_ledger::LedgerError;
use holdfast_receipt::chain::Hour;

/// The last digest of a tenant's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The hour of the digest.
    pub hour: Hour,
    /// Hex SHA-256 of the digest's object.
    pub sha256: String,
}

impl Head {
    /// Makes the head that names this digest.
    pub fn of(hour: Hour, bytes: &[u8]) -> Self {
        Self {
            hour,
            sha256: sha256_hex(bytes),
        }
    }

    /// Returns whether this head may replace the `stored` one: a chain only goes forward, and an
    /// hour has one digest.
    pub fn may_follow(&self, stored: Option<&Self>) -> bool {
        stored.is_none_or(|stored| stored.hour < self.hour || stored == self)
    }
}

/// The store of the heads of all chains. Every read is strongly consistent.
pub trait Heads: Send + Sync {
    /// Reads a tenant's head.
    fn head(&self, tenant: &str) -> impl Future<Output = Result<Option<Head>, LedgerError>> + Send;
    /// Lists the tenants that have a head.
    fn tenants(&self) -> impl Future<Output = Result<BTreeSet<String>, LedgerError>> + Send;
    /// Writes a tenant's head if it [may follow](Head::may_follow) the stored one. Otherwise writes
    /// nothing and returns the stored head.
    fn raise(
        &self,
        tenant: &str,
        head: &Head,
    ) -> impl Future<Output = Result<Option<Head>, LedgerError>> + Send;
}
