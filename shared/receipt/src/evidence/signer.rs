//! The port to the holder of the private key, and a signer with a key in memory.

use std::future::Future;

use p256::{
    ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner},
    elliptic_curve::zeroize::Zeroizing,
};

use super::jwks::{Jwk, Jwks};

/// A signer of hashes with an EC P-256 key, which can stay outside this process, as in AWS KMS.
pub trait Signer: Send + Sync {
    /// The key's id, which is [`Jwk::kid`] of its public half. It changes only with the key.
    fn kid(&self) -> &str;
    /// Signs a SHA-256 hash and returns the ECDSA signature as DER. KMS `Sign` does the same with
    /// `ECDSA_SHA_256` and `DIGEST`.
    fn sign(&self, sha256: [u8; 32]) -> impl Future<Output = Result<Vec<u8>, SignError>> + Send;
    /// The public halves of every key that signed here, the current one first.
    fn keys(&self) -> impl Future<Output = Result<Jwks, SignError>> + Send;
}

/// The reason why a signer did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signer is unavailable: {0}")]
pub struct SignError(pub String);

/// A signer with a key in memory: the short-lived key of a process, or a key of tests and the
/// drill, which have no secrets. The key is overwritten when the signer is dropped.
#[derive(Debug, Clone)]
pub struct MemorySigner {
    key: SigningKey,
    public: Jwk,
}

impl MemorySigner {
    /// A signer with this private key, a big-endian number of 32 bytes. The same key makes the same
    /// signatures.
    pub fn new(secret: &[u8; 32]) -> Result<Self, String> {
        let key = SigningKey::from_slice(secret)
            .map_err(|_| "these 32 bytes are not a private key of P-256".to_owned())?;
        let public = Jwk::of(*key.verifying_key());
        Ok(Self { key, public })
    }

    /// A signer with a new key, whose 32 random bytes `random` writes.
    pub fn generate(random: impl FnOnce(&mut [u8]) -> Result<(), String>) -> Result<Self, String> {
        let mut secret = Zeroizing::new([0; 32]);
        random(secret.as_mut_slice())?;
        Self::new(&secret)
    }

    /// The public half of the key.
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

    async fn keys(&self) -> Result<Jwks, SignError> {
        Ok(Jwks::new(vec![self.public.clone()]))
    }
}
