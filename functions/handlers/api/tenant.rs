//! `/v1/tenants`: lists the registered tenants, registers and closes one. The registry belongs to
//! no tenant, so a tenant in the query has no effect.

use axum::{Json, routing::MethodFilter};
use holdfast_access::{Identity, Operation, Ownership};
use holdfast_audit::Kind;
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ids::names::{check_tenant, quoted};
use holdfast_ledger::{Expect, Ledger, Put, TenantKey, TenantState, not_registered, registration};

use crate::api::{
    answer::{Tenant, TenantChange, Tenants},
    app::App,
    extract::{EmptyBody, TenantQuery},
    principal::ControlCaller,
    problem::Problem,
    route::{AuthorizedRequest, Route},
    schema::shape,
};

/// An authorized request about the registry.
type RegistryRequest = AuthorizedRequest<TenantQuery, EmptyBody, ControlCaller>;

/// The routes of the registry.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/tenants",
            "listTenants",
            "Lists the registered tenants, by name",
            Operation::ManageTenants,
            shape::<Tenants>,
            list,
        )
        .without_query(),
        Route::get(
            "/v1/tenants/{tenant}",
            "readTenant",
            "Returns a tenant's registration",
            Operation::ManageTenants,
            shape::<Tenant>,
            read,
        )
        .without_query(),
        Route::registry(
            ("put", MethodFilter::PUT),
            "registerTenant",
            "Registers a tenant, or opens a closed one",
            register,
        ),
        Route::registry(
            ("delete", MethodFilter::DELETE),
            "closeTenant",
            "Closes a tenant: nothing of it starts, and reads work",
            close,
        ),
    ]
}

pub(crate) async fn list(
    AuthorizedRequest { app, .. }: RegistryRequest,
) -> Result<Json<Tenants>, Problem> {
    let registered = app.tenants.registry().registered_tenants().await?;
    let tenants = registered.into_iter().map(Tenant::from).collect();
    Ok(Json(Tenants { tenants }))
}

pub(crate) async fn read(
    AuthorizedRequest { app, id, .. }: RegistryRequest,
) -> Result<Json<Tenant>, Problem> {
    check_tenant(&id).map_err(Problem::bad_request)?;
    let registered = app.tenants.registry().read(&TenantKey(id.clone())).await?;
    match registered {
        Some(record) => Ok(Json(record.into())),
        None => Err(Problem::not_found(not_registered(&id))),
    }
}

pub(crate) async fn register(request: RegistryRequest) -> Result<Json<TenantChange>, Problem> {
    set(&request, TenantState::Open).await
}

pub(crate) async fn close(request: RegistryRequest) -> Result<Json<TenantChange>, Problem> {
    set(&request, TenantState::Closed).await
}

/// Writes the state of a tenant. If a concurrent request wrote it first, decides again on the new
/// state.
async fn set(request: &RegistryRequest, state: TenantState) -> Result<Json<TenantChange>, Problem> {
    let (tenant, by) = (&request.id, &request.caller.actor);
    check_tenant(tenant).map_err(Problem::bad_request)?;
    let registry = request.app.tenants.registry();
    let mut current = registry.read(&TenantKey(tenant.clone())).await?;
    let (record, replayed) = loop {
        let next = registration(current.as_ref(), tenant, state, by, SystemHost.now());
        let Some(next) = next else {
            let unknown = || {
                let tenant = quoted(tenant);
                Problem::not_found(format!(
                    "tenant {tenant} is not registered: nothing to close"
                ))
            };
            break (current.ok_or_else(unknown)?, true);
        };
        match registry.put(&next, Expect::after(current.as_ref())).await? {
            Put::Done => {
                let audit = match state {
                    TenantState::Open => Kind::TenantRegistered.name(),
                    TenantState::Closed => Kind::TenantClosed.name(),
                };
                tracing::warn!(audit, tenant, by, "registration of a tenant changed");
                break (next, false);
            }
            Put::Lost(winner) => current = winner.map(|winner| *winner),
        }
    };
    Ok(Json(TenantChange {
        tenant: record.into(),
        replayed,
    }))
}

/// The registration of the tenant of a request, if it may begin new work.
pub(crate) enum Registration {
    /// The tenant is open.
    Open,
    /// The tenant is closed, for this reason.
    Closed(String),
    /// The tenant is not registered.
    Unknown,
}

/// Reads whether a tenant may begin new work.
pub(crate) async fn registration_of(app: &App, tenant: &str) -> Result<Registration, Problem> {
    let registered = app.tenants.registry().registration(tenant).await?;
    Ok(match registered.map(|record| record.refusal()) {
        Some(None) => Registration::Open,
        Some(Some(why)) => Registration::Closed(why),
        None => Registration::Unknown,
    })
}

/// Refuses a request of a role of every tenant about another tenant than its own that is not
/// registered. Only registered tenants start, so that this tenant has nothing, and an empty list
/// would hide a misspelled name (decision 0142).
///
/// A start looks for its tenant itself, and counts what it refuses.
pub(crate) async fn check_named_tenant(
    app: &App,
    identity: &Identity,
    operation: Operation,
    tenant: &str,
) -> Result<(), Problem> {
    let of_another = identity.ownership(tenant) == Ownership::Other;
    if !of_another || !identity.role.is_of_every_tenant() || operation == Operation::Start {
        return Ok(());
    }
    match registration_of(app, tenant).await? {
        Registration::Unknown => Err(Problem::not_found(not_registered(tenant))),
        Registration::Open | Registration::Closed(_) => Ok(()),
    }
}
