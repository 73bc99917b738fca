//! The head of a chain: hour and SHA-256 of the last digest, kept apart from the digests.

use std::{collections::BTreeMap, future::Future};

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

/// The heads of all chains, and the place where the last run stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainHeads {
    /// The hour of each tenant's last digest.
    pub hours: BTreeMap<String, Hour>,
    /// The last tenant of an unfinished run.
    pub cursor: Option<String>,
}

/// The store of the heads of all chains. Every read is strongly consistent.
pub trait Heads: Send + Sync {
    /// Reads a tenant's head.
    fn head(&self, tenant: &str) -> impl Future<Output = Result<Option<Head>, LedgerError>> + Send;
    /// Lists the heads, and the cursor beside them.
    fn heads(&self) -> impl Future<Output = Result<ChainHeads, LedgerError>> + Send;
    /// Writes the cursor: the last tenant of an unfinished run.
    fn set_cursor(&self, after: &str) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// Writes a tenant's head if it [may follow](Head::may_follow) the stored one. Otherwise writes
    /// nothing and returns the stored head.
    fn raise(
        &self,
        tenant: &str,
        head: &Head,
    ) -> impl Future<Output = Result<Option<Head>, LedgerError>> + Send;
}
