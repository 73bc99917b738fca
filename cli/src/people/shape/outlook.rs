//! The members of the API's answers about what an action would do, and about statistics.

use std::collections::BTreeMap;

use jiff::Timestamp;
#[cfg(test)]
use schemars::JsonSchema;
use serde::Deserialize;

use super::Control;

/// The requests and decisions for an execution.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Actions {
    pub(in crate::people) execution_id: String,
    pub(in crate::people) workflow_id: String,
    pub(in crate::people) status: String,
    pub(in crate::people) actions: Vec<Action>,
}

/// A request or a decision, and what it would do.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Action {
    pub(in crate::people) action: String,
    #[serde(default)]
    pub(in crate::people) decision: Option<String>,
    #[serde(default)]
    pub(in crate::people) step: Option<String>,
    pub(in crate::people) allowed: bool,
    #[serde(default)]
    pub(in crate::people) refusal: Option<ActionRefusal>,
    pub(in crate::people) command: String,
    pub(in crate::people) effect: String,
    pub(in crate::people) undoes: Vec<Effect>,
    pub(in crate::people) cannot_undo: Vec<RemainingEffect>,
    #[serde(default)]
    pub(in crate::people) continues: Option<Continuation>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(in crate::people) waits_until: Option<Timestamp>,
}

/// The reason why an action would not take effect.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct ActionRefusal {
    /// Absent in answers of earlier releases.
    #[serde(default)]
    pub(in crate::people) code: String,
    pub(in crate::people) message: String,
}

/// An effect of a step.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Effect {
    pub(in crate::people) step: String,
    #[serde(default)]
    pub(in crate::people) item: Option<String>,
    pub(in crate::people) state: String,
    pub(in crate::people) certainty: String,
}

/// An effect that remains or may remain.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct RemainingEffect {
    #[serde(flatten)]
    pub(in crate::people) effect: Effect,
    pub(in crate::people) why: String,
}

/// The steps that an execution continues with.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Continuation {
    pub(in crate::people) version: u32,
    pub(in crate::people) keeps: Vec<Effect>,
    pub(in crate::people) runs: Vec<String>,
}

/// The statistics of a tenant, or of every tenant.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Statistics {
    #[cfg_attr(test, schemars(with = "String"))]
    pub(in crate::people) from: Timestamp,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(in crate::people) until: Timestamp,
    pub(in crate::people) total: Figures,
    pub(in crate::people) buckets: Vec<Bucket>,
    pub(in crate::people) workflows: Vec<WorkflowFigures>,
    pub(in crate::people) steps: Vec<StepFigures>,
    pub(in crate::people) now: Now,
}

/// The figures of some executions.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Figures {
    pub(in crate::people) started: u64,
    pub(in crate::people) ended: BTreeMap<String, u64>,
    pub(in crate::people) withdrawn: u64,
    pub(in crate::people) success_rate: Option<f64>,
    pub(in crate::people) mean_time_to_complete_ms: Option<u64>,
    pub(in crate::people) decisions: u64,
    pub(in crate::people) mean_time_to_decide_ms: Option<u64>,
}

/// A control, and what a pause of its scope would touch now.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct ControlOutlook {
    pub(in crate::people) scope: String,
    pub(in crate::people) state: String,
    #[serde(default)]
    pub(in crate::people) reason: Option<String>,
    #[serde(default)]
    pub(in crate::people) by: Option<String>,
    pub(in crate::people) scope_check: String,
    #[serde(default)]
    pub(in crate::people) open_executions: Option<u64>,
    #[serde(default)]
    pub(in crate::people) open_executions_more: bool,
    #[serde(default)]
    pub(in crate::people) workflows: Option<Vec<CoveredWorkflow>>,
    #[serde(default)]
    pub(in crate::people) workflows_more: bool,
}

/// A workflow with open executions in the scope of a control.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct CoveredWorkflow {
    pub(in crate::people) workflow_id: String,
    pub(in crate::people) open_executions: u64,
}

/// The figures of an hour or a day.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Bucket {
    #[cfg_attr(test, schemars(with = "String"))]
    pub(in crate::people) at: Timestamp,
    #[serde(flatten)]
    pub(in crate::people) figures: Figures,
}

/// The figures of a workflow.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct WorkflowFigures {
    pub(in crate::people) workflow_id: String,
    #[serde(flatten)]
    pub(in crate::people) figures: Figures,
}

/// The figures of a step.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct StepFigures {
    pub(in crate::people) workflow_id: String,
    pub(in crate::people) step: String,
    pub(in crate::people) ended: u64,
    pub(in crate::people) attempts: u64,
    pub(in crate::people) mean_ms: u64,
}

/// The state at the time of the request.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Now {
    pub(in crate::people) open_incidents: Count,
    pub(in crate::people) waiting_questions: Count,
    pub(in crate::people) paused: Vec<Control>,
}

/// A number of records.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Count {
    pub(in crate::people) count: u64,
    pub(in crate::people) more: bool,
}
