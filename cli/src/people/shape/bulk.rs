//! The members of the API's answers about a bulk.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Deserialize;

/// The answer that shows what a bulk would do.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct BulkPreview {
    pub(in crate::people) bulk_id: String,
    pub(in crate::people) tenant: String,
    pub(in crate::people) operation: String,
    #[serde(default)]
    pub(in crate::people) decision: Option<String>,
    pub(in crate::people) total: u32,
    pub(in crate::people) statuses: Vec<StatusCount>,
    pub(in crate::people) sample: Vec<BulkSample>,
    pub(in crate::people) checked: u32,
    pub(in crate::people) refused_now: Vec<RefusalCount>,
    pub(in crate::people) token: String,
}

/// The number of executions in a status.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct StatusCount {
    pub(in crate::people) status: String,
    pub(in crate::people) count: u32,
}

/// An execution of a bulk's list.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct BulkSample {
    pub(in crate::people) execution_id: String,
    pub(in crate::people) workflow_id: String,
    #[serde(default)]
    pub(in crate::people) subject: Option<String>,
    pub(in crate::people) status: String,
    #[serde(default)]
    pub(in crate::people) step: Option<String>,
    #[serde(default)]
    pub(in crate::people) message: Option<String>,
}

/// The number of refusals for one reason.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct RefusalCount {
    pub(in crate::people) reason: String,
    pub(in crate::people) count: u32,
    pub(in crate::people) execution_id: String,
}

/// A bulk after a request to run or stop it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct BulkChange {
    pub(in crate::people) bulk_id: String,
    pub(in crate::people) status: String,
}

/// The report of a bulk.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct BulkReport {
    pub(in crate::people) bulk_id: String,
    pub(in crate::people) operation: String,
    #[serde(default)]
    pub(in crate::people) decision: Option<String>,
    pub(in crate::people) status: String,
    pub(in crate::people) total: u32,
    pub(in crate::people) counts: BulkCounts,
}

/// The number of executions with each outcome.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct BulkCounts {
    pub(in crate::people) done: u32,
    pub(in crate::people) already: u32,
    pub(in crate::people) refused: u32,
    pub(in crate::people) not_reached: u32,
    pub(in crate::people) pending: u32,
}

/// The outcome for one execution.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct BulkItem {
    pub(in crate::people) execution_id: String,
    pub(in crate::people) outcome: String,
    #[serde(default)]
    pub(in crate::people) note: Option<String>,
}
