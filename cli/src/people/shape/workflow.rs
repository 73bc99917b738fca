//! The members of the API's answers about workflows and their versions.

use jiff::Timestamp;
#[cfg(test)]
use schemars::JsonSchema;
use serde::Deserialize;

/// A workflow in the list of workflows.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct Workflow {
    pub(in crate::people) workflow_id: String,
    pub(in crate::people) version: u32,
    pub(in crate::people) tier: String,
    #[serde(default)]
    pub(in crate::people) description: Option<String>,
}

/// The versions of a workflow.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct WorkflowVersions {
    pub(in crate::people) versions: Vec<WorkflowVersion>,
    pub(in crate::people) more: bool,
}

/// A version of a workflow.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(in crate::people) struct WorkflowVersion {
    pub(in crate::people) version: u32,
    pub(in crate::people) tier: String,
    #[serde(default)]
    pub(in crate::people) description: Option<String>,
    pub(in crate::people) definition_digest: String,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(in crate::people) published_at: Option<Timestamp>,
    pub(in crate::people) deployed: bool,
}
