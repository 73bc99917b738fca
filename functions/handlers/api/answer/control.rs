//! What the API answers about what is paused.

use holdfast_ledger::{Meanwhile, Switch};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::schema::time_or_null;

/// Everything that was ever paused, as it stands, last changed first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Controls {
    pub(crate) controls: Vec<Control>,
}

/// What stands of a scope after it was turned.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ControlChange {
    #[serde(flatten)]
    pub(crate) control: Control,
    /// Whether it stood like this before.
    pub(crate) replayed: bool,
}

/// What was last said of the platform, a tenant or a workflow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Control {
    /// `platform`, `tenant/NAME` or `workflow/WF-ID`.
    pub(crate) scope: String,
    pub(crate) state: Switch,
    /// While it is paused: what executions do that have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running_executions: Option<Meanwhile>,
    /// Why. Left out, as what follows, where nothing was ever said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Who said so: the subject of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_or_null")]
    pub(crate) at: Option<Timestamp>,
}
