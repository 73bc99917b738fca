//! The port that turns a receipt into stored bytes, with a signature or without one.

use std::future::Future;

use serde_json::Value;

use super::{
    jws::Kind,
    sealed::{SealError, seal, signed_by},
    signer::Signer,
};
use holdfast_ids::digest::canonical;

/// The maker of the bytes that are stored for a receipt.
pub trait Seal: Send + Sync {
    /// Seals a receipt and returns the canonical JSON.
    fn receipt(&self, value: Value) -> impl Future<Output = Result<Vec<u8>, SealError>> + Send;
    /// Checks that a stored receipt was sealed here, so that it can be adopted. `Unfit` says what
    /// is wrong with it.
    fn verify(&self, stored: &[u8]) -> impl Future<Output = Result<(), SealError>> + Send;
}

impl<S: Signer> Seal for S {
    async fn receipt(&self, value: Value) -> Result<Vec<u8>, SealError> {
        seal(self, Kind::Receipt, value).await
    }

    async fn verify(&self, stored: &[u8]) -> Result<(), SealError> {
        signed_by(self, Kind::Receipt, stored).await
    }
}

/// A sealer that adds no signature, for the drill and for tests of a receipt's content.
#[derive(Debug, Clone, Copy)]
pub struct NoSigner;

impl Seal for NoSigner {
    async fn receipt(&self, value: Value) -> Result<Vec<u8>, SealError> {
        canonical(&value).map_err(|error| SealError::Unfit(error.to_string()))
    }

    async fn verify(&self, _: &[u8]) -> Result<(), SealError> {
        Ok(())
    }
}
