//! The answer about statistics: names, times, statuses and counts, which every role of the lists
//! may see.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::control::Control;
use crate::api::schema::{time, time_or_null};

/// The statistics of a tenant, or of every tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Statistics {
    /// The tenant; null for every tenant.
    pub(crate) tenant: Option<String>,
    /// The begin of the first hour.
    #[schemars(schema_with = "time")]
    pub(crate) from: Timestamp,
    /// The time up to which changes count. The hour that contains it is the last one.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    /// `hour` or `day`: the length of a bucket.
    pub(crate) by: &'static str,
    pub(crate) total: Figures,
    /// Every hour or day of the range, oldest first. Means of nothing are null.
    pub(crate) buckets: Vec<Bucket>,
    /// The workflows, slowest first.
    pub(crate) workflows: Vec<WorkflowFigures>,
    /// The slowest steps by their mean, 50 at most.
    pub(crate) steps: Vec<StepFigures>,
    /// The figures of each tenant, if every tenant is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenants: Option<Vec<TenantFigures>>,
    pub(crate) now: Now,
    /// The time of the last counted change in the range; null if none is counted.
    #[schemars(schema_with = "time_or_null")]
    pub(crate) updated_at: Option<Timestamp>,
}

/// The figures of some executions.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Figures {
    /// Executions that started.
    pub(crate) started: u64,
    /// Ends, by status. A redriven execution ends once in each generation.
    pub(crate) ended: BTreeMap<String, u64>,
    /// Rollbacks that were requested after the end. They are in no other figure.
    pub(crate) withdrawn: u64,
    /// The part of the ends that were EXECUTED, from 0 to 1; null without ends.
    pub(crate) success_rate: Option<f64>,
    /// The mean from start to end, with all waits; null without ends.
    pub(crate) mean_time_to_complete_ms: Option<u64>,
    pub(crate) total_time_to_complete_ms: u64,
    /// Questions that people decided, or that expired.
    pub(crate) decisions: u64,
    /// The mean from a question to its decision; null without decisions.
    pub(crate) mean_time_to_decide_ms: Option<u64>,
    pub(crate) total_time_to_decide_ms: u64,
}

/// The figures of an hour or a day.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Bucket {
    /// The begin of the hour or the day, in UTC.
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// The figures of a workflow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowFigures {
    pub(crate) workflow_id: String,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// The figures of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantFigures {
    pub(crate) tenant: String,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// The figures of a step that ended for good.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StepFigures {
    pub(crate) workflow_id: String,
    pub(crate) step: String,
    /// The number of ends; each item of a `for_each` counts.
    pub(crate) ended: u64,
    pub(crate) attempts: u64,
    /// The mean from the first attempt to the end.
    pub(crate) mean_ms: u64,
    pub(crate) total_ms: u64,
}

/// The state at the time of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Now {
    pub(crate) open_incidents: Count,
    pub(crate) waiting_questions: Count,
    /// The controls that pause something, as `GET /v1/controls` lists them.
    pub(crate) paused: Vec<Control>,
}

/// A number of records.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(crate) struct Count {
    pub(crate) count: u64,
    /// True if there are more.
    pub(crate) more: bool,
}
