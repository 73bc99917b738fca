//! Answers about controls.

use holdfast_ledger::{ControlState, PauseBehavior};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time_or_null;

/// Every control that was ever set, last changed first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Controls {
    pub(crate) controls: Vec<Control>,
}

/// A control after a request to set it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ControlChange {
    #[serde(flatten)]
    pub(crate) control: Control,
    /// True if the control was in this state before.
    pub(crate) replayed: bool,
    pub(crate) scope_check: ScopeCheck,
    /// Number of open executions in the scope; absent if they could not be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_executions: Option<u64>,
    /// True if there are more open executions than were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) open_executions_more: bool,
}

/// A control, and what a pause of its scope would touch now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ControlOutlook {
    #[serde(flatten)]
    pub(crate) control: Control,
    pub(crate) scope_check: ScopeCheck,
    /// Number of open executions in the scope; absent if they could not be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_executions: Option<u64>,
    /// True if there are more open executions than were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) open_executions_more: bool,
    /// The workflows of open executions, most executions first; absent if they could not be
    /// counted. Of the platform, those that run in Step Functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workflows: Option<Vec<CoveredWorkflow>>,
    /// True if there are more open executions than `workflows` has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) workflows_more: bool,
}

/// A workflow with open executions in the scope of a control.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CoveredWorkflow {
    pub(crate) workflow_id: String,
    pub(crate) open_executions: u64,
}

/// The result of looking for a control's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeCheck {
    /// The scope exists: a deployed workflow, a registered tenant, or a scope that was controlled
    /// before.
    Found,
    /// The scope does not exist yet.
    New,
    /// The scope could not be checked. The control is set, since it may be an emergency.
    Unavailable,
}

/// The control of the platform, a tenant or a workflow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Control {
    /// `platform`, `tenant/NAME` or `workflow/WF-ID`.
    pub(crate) scope: String,
    pub(crate) state: ControlState,
    /// The behaviour of running executions during the pause; absent while the scope runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running_executions: Option<PauseBehavior>,
    /// The reason. It is absent, like `by` and `at`, if the control was never set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The subject of the token that set the control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_or_null")]
    pub(crate) at: Option<Timestamp>,
}
