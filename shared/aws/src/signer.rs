//! Signatures by AWS KMS, which never releases the private key.

use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use holdfast_receipt::evidence::{Jwk, Jwks, SignError, Signer};

use crate::failure;

/// Asymmetric keys of KMS.
#[derive(Debug, Clone)]
pub struct Keys {
    client: Client,
}

/// One key, which signs.
#[derive(Debug, Clone)]
pub struct KmsSigner {
    keys: Keys,
    key: String,
    public: Jwk,
    /// ARNs of the keys that signed before.
    retired: Vec<String>,
}

impl Keys {
    /// The keys that `client` may use.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A signer with the key of this id, ARN or alias. An alias is resolved once, so that every
    /// signature is by the key that its header names.
    pub async fn signer(&self, key: &str) -> Result<KmsSigner, String> {
        let (arn, public) = self.public(key).await?;
        Ok(KmsSigner {
            keys: self.clone(),
            key: arn,
            public,
            retired: Vec::new(),
        })
    }

    /// The public halves of these keys, each once. The error names the key that has none.
    pub async fn set(&self, keys: &[&str]) -> Result<Jwks, String> {
        let mut set: Vec<Jwk> = Vec::new();
        for key in keys {
            let (_, public) = self.public(key).await?;
            if set.iter().all(|one| one.kid() != public.kid()) {
                set.push(public);
            }
        }
        Ok(Jwks::new(set))
    }

    /// A key's ARN and public half.
    async fn public(&self, key: &str) -> Result<(String, Jwk), String> {
        let wrong = |why: &str| format!("key {key}: {why}");
        let answer = self.client.get_public_key().key_id(key).send().await;
        let answer = answer
            .map_err(|error| wrong(&format!("KMS GetPublicKey: {}", failure::reason(&error))))?;
        let der = answer
            .public_key()
            .ok_or_else(|| wrong("KMS returned no public key"))?;
        let public = Jwk::from_spki_der(der.as_ref()).map_err(|why| wrong(&why))?;
        Ok((answer.key_id().unwrap_or(key).to_owned(), public))
    }
}

impl KmsSigner {
    /// The same signer, which also knows the keys that signed before.
    pub fn after(self, retired: Vec<String>) -> Self {
        Self { retired, ..self }
    }
}

impl Signer for KmsSigner {
    fn kid(&self) -> &str {
        self.public.kid()
    }

    async fn keys(&self) -> Result<Jwks, SignError> {
        let mut keys = vec![self.public.clone()];
        for key in &self.retired {
            let (_, public) = self.keys.public(key).await.map_err(SignError)?;
            keys.push(public);
        }
        Ok(Jwks::new(keys))
    }

    async fn sign(&self, sha256: [u8; 32]) -> Result<Vec<u8>, SignError> {
        let answer = self
            .keys
            .client
            .sign()
            .key_id(&self.key)
            .message(Blob::new(sha256))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await
            .map_err(|error| SignError(format!("KMS Sign: {}", failure::reason(&error))))?;
        let signature = answer.signature().map(|der| der.as_ref().to_vec());
        signature.ok_or_else(|| SignError("KMS returned no signature".to_owned()))
    }
}
