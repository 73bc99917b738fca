//! The headers of the `http` action: which ones a definition may set, and which ones of an answer it gets back.

use std::collections::BTreeMap;

use holdfast_action::StepError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Set by the engine or the connection, so that a definition setting them would break one or the other.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "holdfast-forward-key",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Credentials, which would be kept in the ledger with the rest of the input if a definition wrote them.
const CREDENTIALS: &[&str] = &["authorization", "proxy-authorization"];

/// What an answer may say to later steps: never a cookie or a token.
const GIVEN_BACK: &[&str] = &[
    "content-type",
    "etag",
    "last-modified",
    "location",
    "request-id",
    "x-amzn-requestid",
    "x-correlation-id",
    "x-request-id",
];

/// The headers a definition sets.
pub(super) fn from_input(headers: &BTreeMap<String, String>) -> Result<HeaderMap, StepError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let parsed = name_of(name)?;
        if CREDENTIALS.contains(&parsed.as_str()) {
            return refuse(name, "carries credentials: use auth, which keeps them out of the ledger");
        }
        let Some(value) = value_of(value) else {
            return refuse(name, "has control or non-ASCII characters in its value");
        };
        if map.insert(parsed, value).is_some() {
            return refuse(name, "is there twice");
        }
    }
    Ok(map)
}

/// Checks the name of a header that a definition sets.
pub(super) fn name_of(name: &str) -> Result<HeaderName, StepError> {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(parsed) if RESERVED.contains(&parsed.as_str()) => {
            refuse(name, "is set by the engine and cannot be changed")
        }
        Ok(parsed) => Ok(parsed),
        Err(_) => refuse(name, "is not a header name"),
    }
}

/// A value of visible ASCII. Of anything else a target may make something else, such as a line break of U+560A.
pub(super) fn value_of(text: &str) -> Option<HeaderValue> {
    let plain = text.is_ascii();
    plain.then(|| HeaderValue::from_str(text).ok()).flatten()
}

/// The headers of an answer that the output has.
pub(super) fn to_output(headers: &HeaderMap) -> BTreeMap<String, String> {
    GIVEN_BACK
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        })
        .collect()
}

fn refuse<T>(name: &str, why: &str) -> Result<T, StepError> {
    Err(StepError::permanent(format!("header {name:?} {why}")))
}
