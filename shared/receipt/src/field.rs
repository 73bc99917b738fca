//! The fields of an execution that people see, and the earlier generations that a receipt names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Status;

/// A field that the definition shows to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownField {
    /// Label, as the definition writes it.
    pub label: String,
    /// Value, as a text.
    pub value: String,
}

impl ShownField {
    /// The fields of a record, each a label and a text.
    pub fn all(fields: &[(String, String)]) -> Vec<Self> {
        let field = |(label, value): &(String, String)| Self {
            label: label.clone(),
            value: value.clone(),
        };
        fields.iter().map(field).collect()
    }
}

/// An execution generation that ended before the one of the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierGeneration {
    /// Execution generation.
    pub generation: u32,
    /// Status with which it ended.
    pub status: Status,
    /// Time at which it ended, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: String,
}
