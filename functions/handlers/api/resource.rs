//! The resource that a request acts on, and the answer if the tenant has no such one.

use holdfast_access::Operation;
use holdfast_ids::names::{is_execution_id, quoted};

use crate::api::problem::Problem;

/// The resource that a request acts on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource<'a> {
    /// The tenant as a whole.
    Tenant,
    /// An execution, by its id.
    Execution(&'a str),
    /// An incident, by its id.
    Incident(&'a str),
    /// A bulk, by its id.
    Bulk(&'a str),
}

impl Resource<'_> {
    /// The operation that reads the resource; none for the tenant as a whole.
    pub(crate) fn reading(self) -> Option<Operation> {
        match self {
            Self::Tenant | Self::Bulk(_) => None,
            Self::Execution(_) => Some(Operation::ReadExecutions),
            Self::Incident(_) => Some(Operation::ReadIncidents),
        }
    }
}

/// 404: the tenant has no such resource, or the caller cannot see the tenant.
pub(crate) fn not_found(resource: Resource<'_>, tenant: &str) -> Problem {
    Problem::not_found(match resource {
        Resource::Tenant => format!("the tenant {} is not open to you", quoted(tenant)),
        Resource::Incident(id) => format!("this tenant has no incident {}", quoted(id)),
        Resource::Bulk(id) => format!(
            "this tenant has no bulk {}; one is kept for 90 days",
            quoted(id)
        ),
        Resource::Execution(id) if !is_execution_id(id) => format!(
            "{} is no execution id: an execution id has 40 hex digits",
            quoted(id)
        ),
        Resource::Execution(id) => format!(
            "this tenant has no execution {}; one that started a moment ago may not be recorded \
             yet",
            quoted(id)
        ),
    })
}
