//! Answers to requests that start, cancel, roll back or redrive an execution.

use schemars::JsonSchema;
use serde::Serialize;

use super::execution::Execution;

/// The execution that a start belongs to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StartResult {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// True if an earlier start with this key began the execution.
    pub(crate) replayed: bool,
    /// With the header `Prefer: wait=N`: the status of the ended execution, or `WAITING` if it
    /// waits for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// With the header `Prefer: wait=N`: the execution, if it ended in that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution: Option<Box<Execution>>,
    pub(crate) links: StartLinks,
}

/// Paths of the execution and of its receipt.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StartLinks {
    pub(crate) execution: String,
    pub(crate) receipt: String,
}

/// The execution after a request to cancel, roll back or redrive it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RequestResult {
    pub(crate) execution_id: String,
    pub(crate) status: String,
    pub(crate) generation: u32,
    /// True if it was requested before, or happens in any case.
    pub(crate) replayed: bool,
    /// If replayed, which of the two.
    pub(crate) note: Option<String>,
    pub(crate) links: ExecutionLinks,
}

/// The path of the execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExecutionLinks {
    pub(crate) execution: String,
}
