//! The sealer that signs receipts with a short-lived key, which a key of the deployment certifies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    certificate::{CERTIFICATE, Certificate, ended_at},
    jws::Kind,
    sealed::{SealError, seal, signed_by},
    sealer::Seal,
    signer::{MemorySigner, SignError, Signer},
};

/// The time for which a short-lived key is used.
const USED: SignedDuration = SignedDuration::from_hours(1);

/// The time before the making of a short-lived key from which it may sign. An execution ends before
/// its receipt is signed, and the sweep takes up a missing receipt after five minutes.
const BEFORE: SignedDuration = SignedDuration::from_mins(15);

/// The clock and the randomness of the machine on which a sealer runs.
pub trait SealerHost: Send + Sync {
    /// The current time.
    fn time(&self) -> Timestamp;
    /// Fills a new secret with random bytes of the operating system.
    fn random(&self, secret: &mut [u8]) -> Result<(), String>;
    /// Reports that a new short-lived key signs receipts until `not_after`.
    fn certified(&self, kid: &str, not_after: Timestamp);
}

/// A sealer with a short-lived key in memory.
///
/// The first receipt makes the key, and `signer` certifies it by one signature. After an hour, the
/// next receipt replaces it. A receipt that no certificate covers, since its execution ended
/// earlier, is signed by `signer` itself.
pub struct CertifiedSealer<S, H> {
    signer: S,
    host: H,
    deployment: String,
    function_version: String,
    current: Mutex<Option<Arc<CertifiedKey>>>,
}

/// A short-lived key and its certificate.
struct CertifiedKey {
    key: MemorySigner,
    certificate: Certificate,
    jws: String,
}

impl<S: Signer, H: SealerHost> CertifiedSealer<S, H> {
    /// A sealer without a key yet, for the receipts of `deployment`.
    pub fn new(signer: S, host: H, deployment: &str, function_version: &str) -> Self {
        Self {
            signer,
            host,
            deployment: deployment.to_owned(),
            function_version: function_version.to_owned(),
            current: Mutex::default(),
        }
    }

    /// The signer that certifies keys.
    pub fn signer(&self) -> &S {
        &self.signer
    }

    /// The current key, or a new one. It is chosen at each receipt, since Lambda can freeze a
    /// process for hours.
    async fn key(&self) -> Result<Arc<CertifiedKey>, SealError> {
        let now = self.host.time();
        let current = self.current().clone();
        if let Some(key) = current.filter(|key| key.certificate.covers(now)) {
            return Ok(key);
        }
        let key = Arc::new(self.new_key(now).await?);
        self.host
            .certified(key.key.kid(), key.certificate.not_after);
        Ok(self.current().insert(key).clone())
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<CertifiedKey>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn new_key(&self, now: Timestamp) -> Result<CertifiedKey, SealError> {
        let key = MemorySigner::generate(|secret| self.host.random(secret)).map_err(SignError)?;
        let end = |time: Result<Timestamp, jiff::Error>| {
            time.map_err(|error| SignError(format!("no certificate at {now}: {error}")))
        };
        let certificate = Certificate {
            deployment: self.deployment.clone(),
            function_version: self.function_version.clone(),
            jwk: key.public().clone(),
            not_after: end(now.checked_add(USED))?,
            not_before: end(now.checked_sub(BEFORE))?,
        };
        let jws = certificate.signed(&self.signer).await?;
        Ok(CertifiedKey {
            key,
            certificate,
            jws,
        })
    }
}

impl<S: Signer, H: SealerHost> Seal for CertifiedSealer<S, H> {
    async fn receipt(&self, mut value: Value) -> Result<Vec<u8>, SealError> {
        let ended_at = ended_at(&value).map_err(SealError::Unfit)?;
        // No key that is made now covers an earlier end.
        let late = self.host.time().duration_since(ended_at) > USED + BEFORE;
        if late {
            return seal(&self.signer, Kind::Receipt, value).await;
        }
        let key = self.key().await?;
        if !key.certificate.covers(ended_at) {
            return seal(&self.signer, Kind::Receipt, value).await;
        }
        value[CERTIFICATE] = key.jws.clone().into();
        seal(&key.key, Kind::Receipt, value).await
    }

    async fn verify(&self, stored: &[u8]) -> Result<(), SealError> {
        signed_by(&self.signer, Kind::Receipt, stored).await
    }
}
