//! Input and output of an `http` step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{address::Part, headers::OUTPUT_HEADERS};

/// A request.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Verb,
    /// The address, within what the parameter HttpAllow lists: literal, with the fixed path.
    pub url: String,
    /// Further segments of the path, each escaped by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Part>,
    /// Members of the query, each escaped by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Part>,
    /// Headers. Idempotency-Key is always set by the engine; credentials belong in `auth`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, sent as JSON. A string is sent unchanged if `headers` has another content-type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

/// The method. A GET only reads by default, so that it can be retried after any outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
// The variants have no doc comments, so that the schema is one `enum`, which editors complete and
// errors list.
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
    /// The secret's name. Its text is sent unchanged.
    pub secret: String,
    /// The header that carries the secret.
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
    #[schemars(range(min = 200, max = 299))]
    pub status: u16,
    /// Of the answer's headers: content-type, location, etag, last-modified and the target's
    /// request id, in lower case.
    #[schemars(extend("propertyNames" = { "enum": OUTPUT_HEADERS }))]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON if it parses, else text, or null if there is none. A number from 10^15 on is
    /// a string, as the target wrote it, since texts of JSONata have 15 digits of a number.
    pub body: Value,
    /// True if there is a body and it was left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub body_omitted: bool,
    /// The reason why the body was left out: it is larger than 1 MiB, or it is not what its headers
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_error: Option<String>,
}
