//! Sealed files: canonical JSON objects whose member `signature` is a JWS over all other members.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    certificate::{Signatory, signatory},
    jwks::Jwks,
    jws::{Kind, from_der, signing_input},
    signer::{SignError, Signer},
};
use holdfast_ids::digest::canonical;

/// The size of the largest sealed file that is read, in bytes: a digest of some 300,000 receipts.
pub const MAX_BYTES: usize = 64 << 20;
const SIGNATURE: &str = "signature";

/// The reason why an object could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The signer did not answer. Another attempt may succeed.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// The object cannot be sealed. Another attempt cannot help.
    #[error("it cannot be signed: {0}")]
    Unfit(String),
}

/// Signs an object without a signature, and returns the bytes of the sealed file.
///
/// ECDSA signatures of KMS differ each time. Therefore a writer that finds a file in place adopts
/// it.
pub async fn seal<S: Signer>(signer: &S, kind: Kind, value: Value) -> Result<Vec<u8>, SealError> {
    let payload = canonical(&value).map_err(|error| SealError::Unfit(error.to_string()))?;
    let input = signing_input(signer.kid(), kind, &payload).map_err(SealError::Unfit)?;
    let der = signer.sign(input.sha256()).await?;
    let signature = from_der(&der).map_err(SealError::Unfit)?;
    with_signature(value, &input.jws(&signature)).map_err(SealError::Unfit)
}

/// Checks that a stored file was signed with a key of this signer, or with a short-lived key that
/// such a key certified, before it is adopted.
pub async fn signed_by<S: Signer>(signer: &S, kind: Kind, stored: &[u8]) -> Result<(), SealError> {
    let sealed = open(stored).map_err(SealError::Unfit)?;
    let keys = signer.keys().await?;
    signatory(&sealed, kind, &keys).map_err(SealError::Unfit)?;
    Ok(())
}

/// Adds `jws`, the detached JWS over the object's canonical JSON, and returns the sealed file.
pub fn with_signature(value: Value, jws: &str) -> Result<Vec<u8>, String> {
    let Value::Object(mut members) = value else {
        return Err("only an object can carry a signature".to_owned());
    };
    if members.contains_key(SIGNATURE) {
        return Err("it has a signature already".to_owned());
    }
    members.insert(SIGNATURE.to_owned(), jws.into());
    canonical(&Value::Object(members)).map_err(|error| error.to_string())
}

/// The parts of a sealed file that is not verified.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedFile {
    /// The object, with its signature.
    pub value: Value,
    /// The signed bytes: the canonical JSON of all members but the signature.
    pub payload: Vec<u8>,
    /// The detached JWS.
    pub jws: String,
}

/// Splits a sealed file into its parts.
///
/// The file must be canonical JSON to the byte. Therefore no name occurs twice, and two readers
/// cannot read different content under one signature.
pub fn open(bytes: &[u8]) -> Result<SealedFile, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
    if canonical(&value).map_err(|error| error.to_string())? != bytes {
        return Err(
            "it is not canonical JSON (RFC 8785), so not the file that was written: members out of order or twice, \
             white space, or a number or text spelled differently"
                .to_owned(),
        );
    }
    let Value::Object(members) = &value else {
        return Err("it is not a JSON object".to_owned());
    };
    let jws = match members.get(SIGNATURE) {
        Some(Value::String(jws)) => jws.clone(),
        Some(_) => return Err("its signature is not a text".to_owned()),
        None => return Err("it has no signature".to_owned()),
    };
    let rest: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| *name != SIGNATURE)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let payload = canonical(&Value::Object(rest)).map_err(|error| error.to_string())?;
    Ok(SealedFile {
        value,
        payload,
        jws,
    })
}

/// The content of a sealed file, and the key that signed it.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedFile<T> {
    /// The content.
    pub content: T,
    /// The key that signed it.
    pub signatory: Signatory,
}

/// Opens a sealed file, verifies its signature and reads it. The error says what is wrong with the
/// file.
pub fn verified<T: DeserializeOwned>(
    bytes: &[u8],
    kind: Kind,
    format: &str,
    keys: &Jwks,
) -> Result<VerifiedFile<T>, String> {
    let sealed = open(bytes)?;
    let signatory = signatory(&sealed, kind, keys)?;
    let found = sealed.value.get("format").and_then(Value::as_str);
    if found != Some(format) {
        return Err(format!(
            "its format is not {format}, the one that is known here"
        ));
    }
    let content = serde_json::from_value(sealed.value)
        .map_err(|error| format!("it is signed, but it is no {format}: {error}"))?;
    Ok(VerifiedFile { content, signatory })
}
