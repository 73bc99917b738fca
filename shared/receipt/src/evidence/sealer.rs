//! Who turns a receipt into the bytes that are stored: a signer, or nobody.

use std::future::Future;

use serde_json::Value;

use super::{
    jws::Kind,
    sealed::{SealError, seal},
    signer::Signer,
};
use holdfast_ids::digest::canonical;

/// Turns a receipt into the bytes that are stored.
pub trait Seal: Send + Sync {
    /// The receipt's canonical JSON, sealed.
    fn receipt(&self, value: Value) -> impl Future<Output = Result<Vec<u8>, SealError>> + Send;
}

impl<S: Signer> Seal for S {
    async fn receipt(&self, value: Value) -> Result<Vec<u8>, SealError> {
        seal(self, Kind::Receipt, value).await
    }
}

/// No signature: for the drill, and for tests of what a receipt says.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned;

impl Seal for Unsigned {
    async fn receipt(&self, value: Value) -> Result<Vec<u8>, SealError> {
        canonical(&value).map_err(|error| SealError::Unfit(error.to_string()))
    }
}
