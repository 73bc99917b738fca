//! Payloads: small inputs and outputs are kept in the ledger, larger ones in the payload store.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The maximum size of an inline payload, in bytes of JSON, so that most ledger items stay under
/// the 1 KB that one write is charged by.
pub const LEDGER_INLINE_BYTES: usize = 256;

/// A JSON value, or a reference to one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// The value itself, with its digest.
    Inline {
        /// The value; kept as text, since a database's numbers differ from JSON's.
        #[serde(with = "json_text")]
        value: Value,
        /// Hex SHA-256 of its canonical JSON.
        sha256: String,
    },
    /// A reference.
    Stored(StoredPayload),
}

/// A reference to a stored payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPayload {
    /// Object key in the payload store.
    pub key: String,
    /// Hex SHA-256 of its canonical JSON.
    pub sha256: String,
    /// The size in bytes.
    pub bytes: usize,
}

/// The member that marks an object in a state machine's data as a reference: `{"$stored": {…}}`.
pub const STORED_MARK: &str = "$stored";

impl Payload {
    /// Hex SHA-256 of the payload's canonical JSON.
    pub fn sha256(&self) -> &str {
        match self {
            Self::Inline { sha256, .. } => sha256,
            Self::Stored(stored) => &stored.sha256,
        }
    }
}

impl StoredPayload {
    /// The reference as a state machine carries it.
    pub fn to_marked(&self) -> Value {
        serde_json::json!({ STORED_MARK: { "key": self.key, "sha256": self.sha256, "bytes": self.bytes } })
    }

    /// The reference in `value`, if that is what it is.
    pub fn from_marked(value: &Value) -> Option<Self> {
        let members = value.as_object().filter(|members| members.len() == 1)?;
        serde_json::from_value(members.get(STORED_MARK)?.clone()).ok()
    }
}

/// A JSON value as a string of JSON.
mod json_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
        value.to_string().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}
