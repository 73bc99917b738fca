//! Sealed files: canonical JSON objects that carry, as the member `signature`, a JWS over all that is beside it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    jwks::Jwks,
    jws::{Kind, from_der, signing_input, verify},
    signer::{SignError, Signer},
};
use holdfast_ids::digest::canonical;

/// Largest sealed file that is read, in bytes: a digest of some 300,000 receipts.
pub const MAX_BYTES: usize = 64 << 20;
const SIGNATURE: &str = "signature";

/// Why an object could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The signer did not answer: worth another try.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// It cannot be sealed at all.
    #[error("it cannot be signed: {0}")]
    Unfit(String),
}

/// Signs an object without a signature, and answers the sealed file's bytes.
///
/// ECDSA signatures of KMS differ each time: whoever finds such a file in place adopts it.
pub async fn seal<S: Signer>(signer: &S, kind: Kind, value: Value) -> Result<Vec<u8>, SealError> {
    let payload = canonical(&value).map_err(|error| SealError::Unfit(error.to_string()))?;
    let input = signing_input(signer.kid(), kind, &payload).map_err(SealError::Unfit)?;
    let der = signer.sign(input.sha256()).await?;
    let signature = from_der(&der).map_err(SealError::Unfit)?;
    with_signature(value, &input.jws(&signature)).map_err(SealError::Unfit)
}

/// The sealed file of an object and the detached JWS over its canonical JSON.
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

/// A sealed file, taken apart and not yet verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// What the file says, with its signature.
    pub value: Value,
    /// What was signed.
    pub payload: Vec<u8>,
    /// The detached JWS.
    pub jws: String,
}

/// Takes a sealed file apart. It must be canonical JSON to the byte: so no name occurs twice, and nothing beside what is
/// signed can be told to anybody.
pub fn open(bytes: &[u8]) -> Result<Sealed, String> {
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
    Ok(Sealed {
        value,
        payload,
        jws,
    })
}

/// What a sealed file says, and which key vouches for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T> {
    /// What it says.
    pub content: T,
    /// The key that signed it.
    pub kid: String,
}

/// Opens a sealed file, verifies its signature and reads it. The error says what is wrong with the file.
pub fn verified<T: DeserializeOwned>(
    bytes: &[u8],
    kind: Kind,
    format: &str,
    keys: &Jwks,
) -> Result<Verified<T>, String> {
    let sealed = open(bytes)?;
    let kid = verify(&sealed.jws, kind, &sealed.payload, keys)?;
    let said = sealed.value.get("format").and_then(Value::as_str);
    if said != Some(format) {
        return Err(format!(
            "its format is not {format}, the one that is known here"
        ));
    }
    let content = serde_json::from_value(sealed.value)
        .map_err(|error| format!("it is signed, but it is no {format}: {error}"))?;
    Ok(Verified { content, kid })
}
