//! The output of an execution, as a task carries it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The maximum size of an execution's output, in bytes of canonical JSON.
pub const MAX_OUTPUT_BYTES: usize = 8_192;

/// The output of an execution, as its state machine evaluated it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluatedOutput {
    /// The value.
    Value(Value),
    /// The value is too long; it has this many characters as JSON.
    TooLong(u64),
    /// An expression failed.
    Failed,
}
