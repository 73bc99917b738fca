//! The record of a start that the API refused. Its idempotency key remains unused, and the refusal
//! has an audit event.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A refused start, without its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The id, which distinguishes the refusals of one start.
    pub id: String,
    /// The tenant that would have owned the execution.
    pub tenant: String,
    /// The workflow.
    pub workflow: String,
    /// The version that refused; `None` if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The id that the execution would have had; the same idempotency key yields it again.
    pub execution: String,
    /// The guardrails that refused, by the reserved names of admission.
    pub guardrails: Vec<String>,
    /// The requester.
    pub by: String,
    /// The time of the refusal.
    pub at: Timestamp,
}
