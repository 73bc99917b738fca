//! Answers about one receipt and the keys that verify it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::schema::time;

/// A link to a receipt that works without credentials until it expires.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FetchLink {
    pub(crate) execution_id: String,
    pub(crate) url: String,
    #[schemars(schema_with = "time")]
    pub(crate) expires_at: Timestamp,
    /// Hex SHA-256 of the file that the link returns.
    pub(crate) sha256: String,
    /// The object's key in the bucket of receipts.
    pub(crate) object: String,
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeySet {
    /// Public keys.
    pub(crate) keys: Vec<Value>,
}
