//! A start that the API turned away: it never became an execution and its key is as good as new, but it is told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is kept of a start that was turned away; nothing of its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which refusal it is, among those of one start.
    pub id: String,
    /// Who would have owned the execution.
    pub tenant: String,
    /// What was to be started.
    pub workflow: String,
    /// The version that said no; none if that could not be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The id that the execution would have had: the same key, sent again, has it.
    pub execution: String,
    /// What said no, by the names of [`holdfast_admission::RESERVED`].
    pub guardrails: Vec<String>,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
