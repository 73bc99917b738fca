//! Answers about bulks: what one would do, and what it has done.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::{time, time_or_null};

/// The preview of a bulk, which has done nothing yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkPreview {
    pub(crate) bulk_id: String,
    pub(crate) tenant: String,
    pub(crate) operation: &'static str,
    /// The decision, if the operation is `decide`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<&'static str>,
    pub(crate) reason: String,
    /// Number of executions; of questions, if the operation is `decide`.
    pub(crate) total: u32,
    /// Hex SHA-256 of the list, which is stored: what is shown is what is requested.
    pub(crate) list_sha256: String,
    /// Number of executions in each status.
    pub(crate) statuses: Vec<StatusCount>,
    /// The first of them.
    pub(crate) sample: Vec<BulkSample>,
    /// Number of executions whose single request was checked now. The others are checked when the
    /// bulk runs.
    pub(crate) checked: u32,
    /// Requests that would be refused now, of those that were checked.
    pub(crate) refused_now: Vec<RefusalCount>,
    /// The token of `run`. It works for you alone.
    pub(crate) token: String,
    /// The time from which the token no longer works.
    #[schemars(schema_with = "time")]
    pub(crate) expires_at: Timestamp,
    pub(crate) links: BulkLinks,
}

/// The number of executions in a status.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatusCount {
    pub(crate) status: String,
    pub(crate) count: u32,
}

/// The number of refusals for one reason.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RefusalCount {
    pub(crate) reason: String,
    pub(crate) count: u32,
    /// One of the executions.
    pub(crate) execution_id: String,
}

/// An execution of a bulk's list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkSample {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    /// The subject, if it has one and your role sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) status: String,
    pub(crate) generation: u32,
    /// The step that waits, if the operation is `decide`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    /// The message of the question, if the operation is `decide` and your role sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    pub(crate) href: String,
}

/// Paths of a bulk.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkLinks {
    /// POST runs it.
    pub(crate) run: String,
    /// GET returns its report, DELETE stops it.
    pub(crate) report: String,
}

/// A bulk after a request to run or stop it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkChange {
    pub(crate) bulk_id: String,
    pub(crate) status: &'static str,
    pub(crate) total: u32,
    /// True if it was requested before.
    pub(crate) replayed: bool,
    pub(crate) links: BulkLinks,
}

/// The report of a bulk, which accounts for each execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkReport {
    pub(crate) bulk_id: String,
    pub(crate) tenant: String,
    pub(crate) operation: &'static str,
    /// The decision, if the operation is `decide`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<&'static str>,
    pub(crate) reason: String,
    /// The subject of the token that ran it.
    pub(crate) by: String,
    /// `SHOWN`, `RUNNING`, `STOPPING`, `STOPPED` or `DONE`.
    pub(crate) status: &'static str,
    /// The subject of the token that stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_by: Option<String>,
    pub(crate) total: u32,
    pub(crate) counts: BulkCounts,
    #[schemars(schema_with = "time")]
    pub(crate) shown_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    /// A page of the executions, in the order of the list.
    pub(crate) items: Vec<BulkReportItem>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// The number of executions with each outcome. Their sum is `total`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct BulkCounts {
    /// The request is recorded and takes effect.
    pub(crate) done: u32,
    /// It was requested before, or happens in any case.
    pub(crate) already: u32,
    /// The single request was refused.
    pub(crate) refused: u32,
    /// No request succeeded: the bulk was stopped before, or a service did not answer.
    pub(crate) not_reached: u32,
    /// The bulk has yet to come to it.
    pub(crate) pending: u32,
}

/// The outcome for one execution, or for one question.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkReportItem {
    pub(crate) execution_id: String,
    pub(crate) generation: u32,
    /// The step that waits, if the operation is `decide`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    pub(crate) outcome: OutcomeName,
    /// The reason, unless it is done or pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    pub(crate) href: String,
}

/// An outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeName {
    /// The request is recorded and takes effect.
    Done,
    /// It was requested before, or happens in any case.
    Already,
    /// The single request was refused.
    Refused,
    /// No request succeeded.
    NotReached,
    /// The bulk has yet to come to it.
    Pending,
}
