//! The ports of the engine that are not the ledger: the host and the object stores.

use std::{future::Future, time::Duration};

use jiff::Timestamp;

/// Time, waiting and randomness, which the engine takes from its host alone.
pub trait Host: Send + Sync {
    /// The current time, to the millisecond.
    fn now(&self) -> Timestamp;
    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
    /// Makes a fencing token, which no other attempt has.
    fn token(&self) -> String;
}

/// A store of objects by key, each written once.
pub trait ObjectStore: Send + Sync {
    /// Writes an object unless the key is taken; returns whether the key was free.
    fn put_new(
        &self,
        key: &str,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Reads an object; `None` if the key is free.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;
}

/// The reason why an object store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the object store is unavailable: {0}")]
pub struct StoreError(pub String);
