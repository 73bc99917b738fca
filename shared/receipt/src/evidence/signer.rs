//! The port to whoever holds the private key, and a signer whose key lies in memory.

use std::future::Future;

use p256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};

use super::jwks::Jwk;

/// Signs hashes with an EC P-256 key that we need not see, such as one of AWS KMS.
pub trait Signer: Send + Sync {
    /// The key's id: the RFC 7638 thumbprint of its public half, see [`Jwk::kid`]. The same until another key is used.
    fn kid(&self) -> &str;
    /// The ECDSA signature over a SHA-256 hash, as DER: what KMS `Sign` answers to `ECDSA_SHA_256` and `DIGEST`.
    fn sign(&self, sha256: [u8; 32]) -> impl Future<Output = Result<Vec<u8>, SignError>> + Send;
}

/// Why a signer did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signer is unavailable: {0}")]
pub struct SignError(pub String);

/// A signer whose key lies in memory: for tests and the drill, which keep nothing secret.
#[derive(Debug, Clone)]
pub struct MemorySigner {
    key: SigningKey,
    public: Jwk,
}

impl MemorySigner {
    /// From the private key's 32 bytes, a big-endian number; the same bytes always make the same signatures.
    pub fn new(secret: &[u8; 32]) -> Result<Self, String> {
        let key = SigningKey::from_slice(secret)
            .map_err(|_| "these 32 bytes are not a private key of P-256".to_owned())?;
        let public = Jwk::of(*key.verifying_key());
        Ok(Self { key, public })
    }

    /// Its public half.
    pub fn public(&self) -> &Jwk {
        &self.public
    }
}

impl Signer for MemorySigner {
    fn kid(&self) -> &str {
        self.public.kid()
    }

    async fn sign(&self, sha256: [u8; 32]) -> Result<Vec<u8>, SignError> {
        let signature: Signature = self
            .key
            .sign_prehash(&sha256)
            .map_err(|error| SignError(error.to_string()))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}
