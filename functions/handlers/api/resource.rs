//! The resource that a request acts on, its tenant, and the answer if no tenant has such one.

use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_access::Operation;
use holdfast_aws::DynamoLedger;
use holdfast_ids::{
    keys::ExecutionKey,
    names::{is_execution_id, quoted},
};
use holdfast_ledger::{BulkKey, IncidentKey, Ledger, LedgerError};

use crate::api::{app::App, problem::Problem, tenant_clients::CACHE_MAX};

/// Number of tenants in which a resource is looked for at the same time.
const AT_ONCE: usize = 16;

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

impl<'a> Resource<'a> {
    /// The id; none for the tenant as a whole.
    pub(crate) fn id(self) -> Option<&'a str> {
        match self {
            Self::Tenant => None,
            Self::Execution(id) | Self::Incident(id) | Self::Bulk(id) => Some(id),
        }
    }

    /// The operation that reads the resource; none for the tenant as a whole.
    pub(crate) fn reading(self) -> Option<Operation> {
        match self {
            Self::Tenant | Self::Bulk(_) => None,
            Self::Execution(_) => Some(Operation::ReadExecutions),
            Self::Incident(_) => Some(Operation::ReadIncidents),
        }
    }
}

/// The tenant that has a resource, for a role of every tenant that names none. Each id is a hash
/// that covers its tenant (`holdfast_ids::keys`), so that at most one tenant has it.
///
/// The session of one tenant reads the records of that tenant, and no session reads those of every
/// tenant (decision 0095). So a lookup opens as many sessions as a warm function keeps, at most.
pub(crate) async fn tenant_of(app: &App, resource: Resource<'_>) -> Result<String, Problem> {
    if !resource.id().is_some_and(is_execution_id) {
        return Err(not_found_anywhere(resource));
    }
    let registered = app.tenants.registry().registered_tenants().await?;
    check_count(registered.len())?;
    let reads = registered.into_iter().map(|one| async move {
        let stores = app.tenants.on_behalf_of(&one.tenant);
        let stores = stores.map_err(Problem::misconfigured)?;
        let has = has(&stores.ledger, &one.tenant, resource).await?;
        Ok::<_, Problem>(has.then_some(one.tenant))
    });
    let reads: Vec<_> = reads.collect();
    let found = stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut found = found.try_filter_map(|tenant| async { Ok(tenant) }).boxed();
    let first = found.try_next().await?;
    first.ok_or_else(|| not_found_anywhere(resource))
}

/// Refuses a lookup in more tenants than a warm function keeps sessions of.
fn check_count(registered: usize) -> Result<(), Problem> {
    if registered <= CACHE_MAX {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "the token names no tenant, and an id is looked for in {CACHE_MAX} tenants at most, not in \
         {registered}: name its tenant in the query, such as ?tenant=acme"
    )))
}

/// Returns whether the tenant has the resource.
pub(crate) async fn has(
    ledger: &DynamoLedger,
    tenant: &str,
    resource: Resource<'_>,
) -> Result<bool, LedgerError> {
    if resource.id().is_some_and(|id| !is_execution_id(id)) {
        return Ok(false);
    }
    let tenant = tenant.to_owned();
    Ok(match resource {
        Resource::Tenant => true,
        Resource::Execution(id) => {
            let execution = id.to_owned();
            let key = ExecutionKey { tenant, execution };
            ledger.read(&key).await?.is_some()
        }
        Resource::Incident(id) => {
            let key = IncidentKey::new(&tenant, id);
            ledger.read(&key).await?.is_some()
        }
        Resource::Bulk(id) => {
            let id = id.to_owned();
            ledger.read(&BulkKey { tenant, id }).await?.is_some()
        }
    })
}

/// 404: the tenant has no such resource, or the caller cannot see the tenant.
pub(crate) fn not_found(resource: Resource<'_>, tenant: &str) -> Problem {
    absent(resource, Some(tenant))
}

/// 404: no registered tenant has such a resource.
fn not_found_anywhere(resource: Resource<'_>) -> Problem {
    absent(resource, None)
}

/// 404 of one tenant, or of every registered one.
fn absent(resource: Resource<'_>, tenant: Option<&str>) -> Problem {
    let lacking = match tenant {
        Some(_) => "this tenant has no",
        None => "no registered tenant has the",
    };
    Problem::not_found(match resource {
        Resource::Tenant => {
            let tenant = quoted(tenant.unwrap_or_default());
            format!("the tenant {tenant} is not open to you")
        }
        Resource::Incident(id) => format!(
            "{lacking} incident {}; one that opened a moment ago may not be recorded yet",
            quoted(id)
        ),
        Resource::Bulk(id) => format!("{lacking} bulk {}; one is kept for 90 days", quoted(id)),
        Resource::Execution(id) if !is_execution_id(id) => format!(
            "{} is no execution id: an execution id has 40 hex digits",
            quoted(id)
        ),
        Resource::Execution(id) => format!(
            "{lacking} execution {}; one that started a moment ago may not be recorded \
             yet",
            quoted(id)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_looked_for_in_as_many_tenants_as_a_function_keeps_sessions_of() {
        assert!(check_count(CACHE_MAX).is_ok());
        let Err(refused) = check_count(CACHE_MAX + 1) else {
            panic!("one tenant more is refused");
        };
        assert!(refused.into_detail().contains("?tenant=acme"));
    }
}
