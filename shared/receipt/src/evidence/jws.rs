//! JSON Web Signatures (RFC 7515) with ES256, detached (appendix F) or compact: their making, and
//! their verification against a key set.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, signature::hazmat::PrehashVerifier};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::jwks::{Jwk, Jwks};
use holdfast_ids::{digest::canonical, names::quoted};

/// The kind of a signed text. The signed header has it, so that a digest never passes for a
/// receipt, nor a certificate for either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The receipt of an execution.
    Receipt,
    /// The digest of a tenant and an hour.
    Digest,
    /// The certificate of a short-lived key.
    Certificate,
}

impl Kind {
    /// The value of `typ` in the header.
    pub fn typ(self) -> &'static str {
        match self {
            Self::Receipt => "holdfast-receipt+jws",
            Self::Digest => "holdfast-digest+jws",
            Self::Certificate => "holdfast-certificate+jws",
        }
    }
}

/// The input of a signature (RFC 7515, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningInput {
    protected: String,
    bytes: Vec<u8>,
}

impl SigningInput {
    /// The signed bytes: header and payload in base64url, joined by a dot.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the signed bytes. A signer receives this hash, because KMS accepts messages
    /// of 4 KB at most, and a hash in place of a longer one.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// The detached JWS, `BASE64URL(header)..BASE64URL(R || S)`.
    pub fn jws(&self, signature: &[u8; 64]) -> String {
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        format!("{}..{signature}", self.protected)
    }

    /// The compact JWS, `BASE64URL(header).BASE64URL(payload).BASE64URL(R || S)`.
    pub(super) fn compact(&self, signature: &[u8; 64]) -> String {
        let signed = String::from_utf8_lossy(&self.bytes);
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The signing input of key `kid` for this payload. The header is canonical JSON: `alg`, `kid`,
/// `typ`.
pub fn signing_input(kid: &str, kind: Kind, payload: &[u8]) -> Result<SigningInput, String> {
    let header = canonical(&header(kid, kind)).map_err(|error| error.to_string())?;
    Ok(joined(BASE64_URL_SAFE_NO_PAD.encode(header), payload))
}

fn header(kid: &str, kind: Kind) -> Value {
    json!({ "alg": "ES256", "kid": kid, "typ": kind.typ() })
}

fn joined(protected: String, payload: &[u8]) -> SigningInput {
    let bytes = format!("{protected}.{}", BASE64_URL_SAFE_NO_PAD.encode(payload)).into_bytes();
    SigningInput { protected, bytes }
}

/// Converts a DER signature, which KMS returns, to the form of JWS: R and S with 32 bytes each.
pub fn from_der(der: &[u8]) -> Result<[u8; 64], String> {
    Signature::from_der(der)
        .map(|signature| signature.to_bytes().into())
        .map_err(|_| "not the DER of an ECDSA signature of P-256".to_owned())
}

/// Verifies a detached JWS over `payload` with any key of the set, and returns the key's id.
///
/// The header must be the one that [`signing_input`] writes. Another `alg`, a `crit` or any other
/// extension is refused, because a verifier would have to understand it.
pub fn verify(jws: &str, kind: Kind, payload: &[u8], keys: &Jwks) -> Result<String, String> {
    verify_by(jws, kind, payload, |kid| keys.find(kid))
}

/// Verifies a detached JWS over `payload` with the key that `find` returns for the header's key id.
pub(super) fn verify_by<'a>(
    jws: &str,
    kind: Kind,
    payload: &[u8],
    find: impl FnOnce(&str) -> Result<&'a Jwk, String>,
) -> Result<String, String> {
    let mut parts = jws.split('.');
    let (Some(protected), Some(""), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the signature is not a detached JWS, `header..signature`".to_owned());
    };
    verify_parts(protected, payload, signature, kind, find)
}

/// Verifies a compact JWS with any key of the set, and returns its payload and the key's id.
pub(super) fn verify_compact(
    jws: &str,
    kind: Kind,
    keys: &Jwks,
) -> Result<(Vec<u8>, String), String> {
    let mut parts = jws.split('.');
    let (Some(protected), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it is not a compact JWS, `header.payload.signature`".to_owned());
    };
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| "its payload is not base64url")?;
    let kid = verify_parts(protected, &payload, signature, kind, |kid| keys.find(kid))?;
    Ok((payload, kid))
}

fn verify_parts<'a>(
    protected: &str,
    payload: &[u8],
    signature: &str,
    kind: Kind,
    find: impl FnOnce(&str) -> Result<&'a Jwk, String>,
) -> Result<String, String> {
    let kid = checked_header(protected, kind)?;
    let key = find(&kid)?.key();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or("the signature is not 64 bytes of ES256 in base64url")?;
    let input = joined(protected.to_owned(), payload);
    key.verify_prehash(&input.sha256(), &signature)
        .map_err(|_| "the signature does not fit: it is not what that key signed".to_owned())?;
    Ok(kid)
}

/// The `kid` of a header that has exactly our members.
fn checked_header(protected: &str, kind: Kind) -> Result<String, String> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(protected)
        .map_err(|_| "the signature's header is not base64url".to_owned())?;
    let found: Value = serde_json::from_slice(&bytes)
        .map_err(|_| "the signature's header is not JSON".to_owned())?;
    let text = |name: &str| found.get(name).and_then(Value::as_str);
    let shown = |name: &str| text(name).map_or("missing".to_owned(), quoted);
    if text("alg") != Some("ES256") {
        return Err(format!(
            "the signature's alg is {}: only ES256 is accepted",
            shown("alg")
        ));
    }
    if found.get("crit").is_some() {
        return Err("the signature's header has crit: no extension is accepted".to_owned());
    }
    if text("typ") != Some(kind.typ()) {
        return Err(format!(
            "the signature's typ is {}, not {}: something else was signed",
            shown("typ"),
            kind.typ()
        ));
    }
    let kid = text("kid").ok_or("the signature names no key (kid)")?;
    if canonical(&header(kid, kind)).ok() != Some(bytes) {
        return Err(
            "the signature's header must be canonical JSON of alg, kid and typ alone".to_owned(),
        );
    }
    Ok(kid.to_owned())
}
