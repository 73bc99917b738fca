//! What a definition writes for an `http` step, and what the step gives back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Verb,
    /// The address, within what the parameter HttpAllow lists.
    pub url: String,
    /// Headers. Idempotency-Key is always set by the engine; credentials belong in `auth`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, sent as JSON; a string is sent as it is if `headers` names a content-type other than JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

/// The method: GET only reads, so that it is retried whatever became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
// Without a text each: the schema is then one `enum`, which editors complete and errors list.
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A credential from Secrets Manager, sent in a header.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The secret's name; its text is sent as it is.
    pub secret: String,
    /// The header.
    #[serde(default = "authorization")]
    pub header: String,
    /// The word before the secret; empty for none.
    #[serde(default = "bearer")]
    pub scheme: String,
}

fn authorization() -> String {
    "Authorization".to_owned()
}

fn bearer() -> String {
    "Bearer".to_owned()
}

/// The answer of a request that succeeded.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The status, 200 to 299.
    pub status: u16,
    /// Those of content-type, location, etag, last-modified and the target's request id that it sent, in lower case.
    pub headers: BTreeMap<String, String>,
    /// JSON if the body parses as such, else text; null if there was none. Integers that JSON readers round
    /// (beyond ±(2^53 - 1)) are given as strings.
    pub body: Value,
    /// True if the body was larger than 1 MiB and therefore left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub body_omitted: bool,
}
