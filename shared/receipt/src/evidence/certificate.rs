//! Certificates of short-lived keys, and the verification of a receipt that carries one.
//!
//! A key of the deployment signs a certificate: which public key may sign receipts, of which
//! deployment, and with which end times. A verifier checks the certificate by the key set, then the
//! receipt by the certificate's key.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    jwks::{Jwk, Jwks, members},
    jws::{Kind, from_der, signing_input, verify, verify_by, verify_compact},
    sealed::{SealError, SealedFile},
    signer::Signer,
};
use holdfast_ids::{digest::canonical, names::quoted};

/// The member of a receipt that has its certificate.
pub(super) const CERTIFICATE: &str = "certificate";

/// The longest time that a certificate may cover, so that no mistake certifies a key for years.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// The statement of a key of the deployment about a short-lived key. Its payload has these members,
/// each once, and no other, so that a certificate grants nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The deployment whose receipts the key may sign: `ACCOUNT/REGION/STACK`.
    pub deployment: String,
    /// The version of the Lambda function in whose memory the key is.
    pub function_version: String,
    /// The public half of the key.
    #[serde(with = "members")]
    pub jwk: Jwk,
    /// The latest `timestamp` of a receipt that the key may sign.
    pub not_after: Timestamp,
    /// The earliest `timestamp` of a receipt that the key may sign.
    pub not_before: Timestamp,
}

/// The key that signed a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Signatory {
    /// The id of the key of the key set that signed the file, or the certificate of the key that
    /// did.
    pub kid: String,
    /// The certificate of the short-lived key that signed the file.
    pub certificate: Option<Certificate>,
}

impl Certificate {
    /// Signs the certificate by `signer`, and returns it as a compact JWS.
    pub(super) async fn signed<S: Signer>(&self, signer: &S) -> Result<String, SealError> {
        let payload = self.payload().map_err(SealError::Unfit)?;
        let input =
            signing_input(signer.kid(), Kind::Certificate, &payload).map_err(SealError::Unfit)?;
        let der = signer.sign(input.sha256()).await?;
        Ok(input.compact(&from_der(&der).map_err(SealError::Unfit)?))
    }

    fn payload(&self) -> Result<Vec<u8>, String> {
        let value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        canonical(&value).map_err(|error| error.to_string())
    }

    /// Verifies a certificate by the key set and reads it. Returns it with the id of its signer.
    fn read(jws: &str, keys: &Jwks) -> Result<(Self, String), String> {
        let (payload, kid) = verify_compact(jws, Kind::Certificate, keys)?;
        let read: Self = serde_json::from_slice(&payload)
            .map_err(|error| format!("it is signed, but it is no certificate: {error}"))?;
        if read.payload()? != payload {
            return Err("it is not the canonical JSON (RFC 8785) of a certificate".to_owned());
        }
        let covered = read.not_after.duration_since(read.not_before);
        if covered.is_negative() || covered > LONGEST {
            return Err(format!(
                "it covers the time from {} to {}: at most {} hours are accepted",
                read.not_before,
                read.not_after,
                LONGEST.as_hours()
            ));
        }
        Ok((read, kid))
    }

    /// True if the key may sign a receipt of an execution that ended at this time.
    pub fn covers(&self, timestamp: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&timestamp)
    }

    /// Checks that the key may sign this receipt.
    fn admits(&self, receipt: &Value) -> Result<(), String> {
        let text = |name: &str| receipt.get(name).and_then(Value::as_str);
        let shown = |name: &str| text(name).map_or("none".to_owned(), quoted);
        if text("deployment") != Some(&self.deployment) {
            return Err(format!(
                "its certificate is of the deployment {}, and its own is {}",
                quoted(&self.deployment),
                shown("deployment")
            ));
        }
        let timestamp = ended_at(receipt)?;
        let order = match self.covers(timestamp) {
            true => return Ok(()),
            false if timestamp < self.not_before => "earlier",
            false => "later",
        };
        Err(format!(
            "its timestamp {timestamp} is {order} than the time of its certificate, {} to {}: the \
             key may sign no such receipt",
            self.not_before, self.not_after
        ))
    }
}

/// The time at which the execution of a receipt ended.
pub(super) fn ended_at(receipt: &Value) -> Result<Timestamp, String> {
    let timestamp = receipt.get("timestamp").and_then(Value::as_str);
    let timestamp = timestamp.and_then(|text| text.parse().ok());
    timestamp.ok_or_else(|| "its timestamp is no time in RFC 3339".to_owned())
}

/// Verifies a sealed file by the key set, and returns the key that signed it. A short-lived key is
/// accepted for a receipt alone, and only as its certificate says.
pub fn signatory(sealed: &SealedFile, kind: Kind, keys: &Jwks) -> Result<Signatory, String> {
    let certificate = match sealed.value.get(CERTIFICATE) {
        Some(certificate) if kind == Kind::Receipt => certificate,
        _ => {
            let kid = verify(&sealed.jws, kind, &sealed.payload, keys)?;
            let certificate = None;
            return Ok(Signatory { kid, certificate });
        }
    };
    let jws = certificate
        .as_str()
        .ok_or("its certificate is not a text")?;
    let (certificate, kid) =
        Certificate::read(jws, keys).map_err(|why| format!("its certificate: {why}"))?;
    verify_by(&sealed.jws, kind, &sealed.payload, |kid| {
        let key = &certificate.jwk;
        (key.kid() == kid).then_some(key).ok_or_else(|| {
            let (signed, certified) = (quoted(kid), key.kid());
            format!("it is signed with key {signed}, and its certificate is of key {certified}")
        })
    })?;
    certificate.admits(&sealed.value)?;
    let certificate = Some(certificate);
    Ok(Signatory { kid, certificate })
}
