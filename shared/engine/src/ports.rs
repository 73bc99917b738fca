//! The ports of the engine that are not the ledger: the host and the object stores.

use std::{future::Future, time::Duration};

use jiff::Timestamp;

/// Time, waiting and randomness: all that the engine may not have of itself.
pub trait Host: Send + Sync {
    /// The time, to the millisecond.
    fn now(&self) -> Timestamp;
    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
    /// A text that nobody else has: an attempt's identity.
    fn token(&self) -> String;
}

/// Objects by key, each written once.
pub trait ObjectStore: Send + Sync {
    /// Writes an object unless the key is taken; says whether it was free.
    fn put_new(
        &self,
        key: &str,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Reads an object.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;
}

/// Why an object store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the object store is unavailable: {0}")]
pub struct StoreError(pub String);
