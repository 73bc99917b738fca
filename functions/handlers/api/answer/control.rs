//! Answers about controls.

use holdfast_ledger::{Meanwhile, Switch};
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
}

/// The control of the platform, a tenant or a workflow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Control {
    /// `platform`, `tenant/NAME` or `workflow/WF-ID`.
    pub(crate) scope: String,
    pub(crate) state: Switch,
    /// The behaviour of running executions during the pause; absent while the scope runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running_executions: Option<Meanwhile>,
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
