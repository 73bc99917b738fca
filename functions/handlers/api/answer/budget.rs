//! Answers about the budgets and limits of workflows.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time_or_null;

/// The budgets and limits of the workflows that are open to a tenant, by workflow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Budgets {
    pub(crate) budgets: Vec<Allowance>,
    pub(crate) limits: Vec<Allowance>,
}

/// A budget or a limit, and what is left of it now. Workflows that name the same budget share it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Allowance {
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// The budget's name, `concurrent_executions` or `starts_per_minute`.
    pub(crate) name: String,
    /// The current period; null if the limit has no periods.
    pub(crate) period: Option<String>,
    /// A decimal, as a text.
    pub(crate) limit: String,
    /// Of a budget, a sum of amounts from inputs: only for roles that see payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<String>,
    /// Never below 0: a limit can be lower than it was when its use began. Of a budget, only for
    /// roles that see payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<String>,
    /// The start of the next period; null if the limit has no periods.
    #[schemars(schema_with = "time_or_null")]
    pub(crate) resets_at: Option<Timestamp>,
}
