//! The head of a chain: which digest was the last that was written, kept where the digests
//! themselves are not.

use std::{collections::BTreeSet, future::Future};

use holdfast_ids::digest::sha256_hex;
use holdfast_ledger::LedgerError;
use holdfast_receipt::chain::Hour;

/// The last digest of a tenant's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its hour.
    pub hour: Hour,
    /// Hex SHA-256 of its object.
    pub sha256: String,
}

impl Head {
    /// The head that a chain has by this digest.
    pub fn of(hour: Hour, bytes: &[u8]) -> Self {
        Self {
            hour,
            sha256: sha256_hex(bytes),
        }
    }

    /// Whether it may be written where `stands` is the head: a chain goes forward alone, and an
    /// hour has one digest.
    pub fn may_follow(&self, stands: Option<&Self>) -> bool {
        stands.is_none_or(|stands| stands.hour < self.hour || stands == self)
    }
}

/// Where the heads of all chains are kept; every read is of what was written last.
pub trait Heads: Send + Sync {
    /// A tenant's head.
    fn head(&self, tenant: &str) -> impl Future<Output = Result<Option<Head>, LedgerError>> + Send;
    /// The tenants that have one.
    fn tenants(&self) -> impl Future<Output = Result<BTreeSet<String>, LedgerError>> + Send;
    /// Writes a tenant's head if it [may follow](Head::may_follow) the one that stands. Otherwise
    /// nothing is written, and this is the one that stands.
    fn raise(
        &self,
        tenant: &str,
        head: &Head,
    ) -> impl Future<Output = Result<Option<Head>, LedgerError>> + Send;
}
