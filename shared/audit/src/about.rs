//! The tenant and the workflow that an audit event belongs to.

use holdfast_ledger::{Control, ExecutionRecord, Scope};

/// The tenant and the workflow that an event belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The tenant's name; `*` for every tenant.
    pub tenant: String,
    /// The workflow's id; `*` for every workflow.
    pub workflow: String,
    /// The definition's version, if one applies. An incident has the version of the execution that
    /// opened it; the repeats of a start can meet many versions.
    pub version: Option<u32>,
    /// The subject of the execution, if it has one. It comes from an input.
    pub subject: Option<String>,
}

impl About {
    /// The tenant, workflow and version of an execution.
    pub fn of(execution: &ExecutionRecord) -> Self {
        Self {
            tenant: execution.at.tenant.clone(),
            workflow: execution.workflow.clone(),
            version: Some(execution.version),
            subject: execution.subject.clone(),
        }
    }

    /// The tenants and workflows in the scope of a control.
    pub(crate) fn of_control(control: &Control) -> Self {
        let all = || "*".to_owned();
        let (tenant, workflow) = match &control.scope {
            Scope::Platform => (all(), all()),
            Scope::Tenant(tenant) => (tenant.clone(), all()),
            Scope::Workflow(workflow) => (all(), workflow.clone()),
        };
        Self {
            tenant,
            workflow,
            version: None,
            subject: None,
        }
    }
}
