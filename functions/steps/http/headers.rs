//! The headers of the `http` action: those that a definition may set, and those of an answer that
//! the output has.

use std::collections::BTreeMap;

use holdfast_action::StepError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers that the engine or the connection sets. A definition that set them would break either.
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

/// Headers of credentials. In `headers`, a credential would be stored in the ledger with the input.
const CREDENTIALS: &[&str] = &["authorization", "proxy-authorization"];

/// Headers of an answer that later steps may read. Cookies and tokens are not among them.
pub(super) const OUTPUT_HEADERS: &[&str] = &[
    "content-type",
    "etag",
    "last-modified",
    "location",
    "request-id",
    "x-amzn-requestid",
    "x-correlation-id",
    "x-request-id",
];

/// The headers that a definition sets.
pub(super) fn from_input(headers: &BTreeMap<String, String>) -> Result<HeaderMap, StepError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let parsed = name_of(name)?;
        if CREDENTIALS.contains(&parsed.as_str()) {
            return refuse(
                name,
                "carries credentials: use auth, which keeps them out of the ledger",
            );
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

/// `text` as a header value if it is visible ASCII. A target may decode any other character
/// wrongly, such as U+560A as a line break.
pub(super) fn value_of(text: &str) -> Option<HeaderValue> {
    let plain = text.is_ascii();
    plain.then(|| HeaderValue::from_str(text).ok()).flatten()
}

/// The headers of an answer that the output has.
pub(super) fn to_output(headers: &HeaderMap) -> BTreeMap<String, String> {
    OUTPUT_HEADERS
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
