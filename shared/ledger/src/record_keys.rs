//! The keys of records that have several parts.

use holdfast_ids::keys::ExecutionKey;

/// The key of one step of an execution, or of one item of a `for_each`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// The execution.
    pub at: ExecutionKey,
    /// The step's name.
    pub step: String,
    /// The item's name in a `for_each`.
    pub item: Option<String>,
}

impl StepKey {
    /// The key of `step`, or of its `item`, in the execution `at`.
    pub fn new(at: &ExecutionKey, step: &str, item: Option<&str>) -> Self {
        Self {
            at: at.clone(),
            step: step.to_owned(),
            item: item.map(str::to_owned),
        }
    }
}

/// The key of the question about one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuestionKey {
    /// The execution.
    pub at: ExecutionKey,
    /// The step's name.
    pub step: String,
}

/// The key of an incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncidentKey {
    /// The tenant.
    pub tenant: String,
    /// The incident's id.
    pub id: String,
}

impl IncidentKey {
    /// The key of the tenant's incident `id`.
    pub fn new(tenant: &str, id: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            id: id.to_owned(),
        }
    }
}
