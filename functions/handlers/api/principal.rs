//! The principal of a request and its authorization: no handler runs, and no tenant's store opens,
//! before the table of roles allows it.

use std::{future::Future, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request::Parts},
};
use holdfast_access::{
    Access, Claims, Identity, IdentityError, Operation, Ownership, Role, access,
};
use holdfast_aws::{DynamoLedger, S3Store};
use holdfast_ids::{
    keys::ExecutionKey,
    names::{check_tenant, is_execution_id},
};
use holdfast_ledger::{Bulk, BulkCaller, BulkKey, IncidentKey, Ledger, Question, Voter};

pub(crate) use crate::api::resource::{Resource, not_found};
use crate::api::{
    app::App,
    problem::Problem,
    resource::{has, tenant_of},
    tenant::check_named_tenant,
    tenant_clients::TenantStores,
    voter::{platform_voter, voter},
};
use crate::gateway::VerifiedClaims;

/// The bearer of a token that API Gateway verified.
#[derive(Debug, Clone)]
pub(crate) struct Principal(Identity);

/// A principal with the permission for one operation in one tenant.
#[derive(Clone)]
pub(crate) struct AuthorizedCaller {
    pub(crate) tenant: String,
    /// The token's subject, for the audit.
    pub(crate) actor: String,
    /// True if the caller may see inputs, outputs and texts that may quote them.
    pub(crate) sees_payloads: bool,
    /// The caller as a voter: role, groups, and the delegations that are in force now.
    pub(crate) voter: Voter,
    /// The ledger, limited to the tenant.
    pub(crate) ledger: DynamoLedger,
    /// The stores of the tenant.
    stores: Arc<TenantStores>,
    /// The identity, by which further operations are authorized.
    identity: Identity,
    /// Keeps every other module from making one.
    _sealed: (),
}

/// A principal with the permission for controls or for the registry, which belong to no tenant.
#[derive(Debug, Clone)]
pub(crate) struct ControlCaller {
    /// The token's subject, for the audit.
    pub(crate) actor: String,
    /// Keeps every other module from making one.
    _sealed: (),
}

/// A principal with the permission for a list, of one tenant or of every tenant.
#[derive(Debug, Clone)]
pub(crate) struct ListCaller {
    /// The tenant; none for every tenant.
    pub(crate) tenant: Option<String>,
    /// The caller as a voter.
    pub(crate) voter: Voter,
    /// The role.
    pub(crate) role: Role,
    /// True if the caller may see inputs, outputs and texts that may quote them.
    pub(crate) sees_payloads: bool,
    /// The ledger, limited to the tenant, or to the lists of every tenant.
    pub(crate) ledger: DynamoLedger,
    /// Keeps every other module from making one.
    _sealed: (),
}

/// The name of every tenant in a query.
const EVERY_TENANT: &str = "*";

/// A caller that only authorization can make.
pub(crate) trait Caller: Sized + Send {
    /// Authorizes `principal` for `operation` on `resource`, in the tenant that the query names.
    fn authorize(
        principal: Principal,
        app: &App,
        operation: Operation,
        named: Option<&str>,
        resource: Resource<'_>,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;
}

impl FromRequestParts<Arc<App>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let VerifiedClaims(verified) = parts.extensions.get().ok_or_else(no_token)?;
        let header = sole_authorization(parts).ok_or_else(no_token)?;
        let read = Claims::read(header, |name| verified.get(name).map(String::as_str))
            .and_then(|claims| Identity::read(&app.claims, &claims));
        read.map(Self).map_err(|unknown| match unknown {
            IdentityError::NoSubject(why) => Problem::unauthenticated(why),
            IdentityError::NoRole(why) => Problem::forbidden(why),
        })
    }
}

/// The value of the header `Authorization`, if the request has exactly one.
fn sole_authorization(parts: &Parts) -> Option<&str> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next()?;
    headers.next().is_none().then(|| header.to_str().ok())?
}

/// 401: the request carries no verified token.
fn no_token() -> Problem {
    Problem::unauthenticated(
        "send the header Authorization: Bearer, with a token of the deployment's issuer",
    )
}

impl Principal {
    /// The tenant that a request is about: the one that its query names, or else the token's.
    pub(crate) fn tenant(&self, named: Option<&str>) -> Result<String, Problem> {
        let tenant = named.or(self.0.tenant.as_deref()).ok_or_else(|| {
            Problem::bad_request(
                "the token names no tenant: name it in the query, such as ?tenant=acme",
            )
        })?;
        check_tenant(tenant).map_err(Problem::bad_request)?;
        Ok(tenant.to_owned())
    }

    /// Returns whether a request is about every tenant: the role is for all of them, and the query
    /// names `*`, or neither the query nor the token names one.
    fn means_every_tenant(&self, named: Option<&str>) -> bool {
        let every = match named {
            Some(named) => named == EVERY_TENANT,
            None => self.0.tenant.is_none(),
        };
        every && self.0.role.is_of_every_tenant()
    }

    /// The principal whose request a bulk recorded; an error if it names no role of this release.
    pub(crate) fn of_bulk(by: &BulkCaller) -> Result<Self, String> {
        let role = Role::ALL.into_iter().find(|role| role.name() == by.role);
        Ok(Self(Identity {
            subject: by.subject.clone(),
            role: role.ok_or_else(|| format!("no role is called {}", by.role))?,
            tenant: by.tenant.clone(),
            groups: by.groups.clone(),
        }))
    }
}

/// 403: the role does not permit the operation.
fn forbidden(role: Role, operation: Operation) -> Problem {
    let (role, says, roles) = (role.name(), operation.says(), operation.roles());
    Problem::forbidden(match roles.contains(&role) {
        true => format!(
            "the role {role} may {says} only if a question asks one of its groups: \
             GET /v1/questions lists those"
        ),
        false => format!("the role {role} may not {says}; {} may", roles.join(" or ")),
    })
}

impl Caller for AuthorizedCaller {
    async fn authorize(
        principal: Principal,
        app: &App,
        operation: Operation,
        named: Option<&str>,
        resource: Resource<'_>,
    ) -> Result<Self, Problem> {
        let by_id = resource.id().is_some() && principal.means_every_tenant(named);
        let tenant = match by_id {
            true => tenant_of(app, resource).await?,
            false => principal.tenant(named)?,
        };
        let Principal(identity) = &principal;
        let ownership = identity.ownership(&tenant);
        let access_of = |operation| access(identity.role, operation, ownership);
        if access_of(operation) == Access::Hidden {
            return Err(not_found(resource, &tenant));
        }
        let stores = app
            .tenants
            .on_behalf_of(&tenant)
            .map_err(Problem::misconfigured)?;
        let voter = voter(identity, &stores.ledger, &tenant).await?;
        let caller = Self {
            voter,
            sees_payloads: access_of(Operation::ReadPayloads) == Access::Allowed,
            actor: identity.subject.clone(),
            identity: identity.clone(),
            tenant,
            ledger: stores.ledger.clone(),
            stores,
            _sealed: (),
        };
        if access_of(operation) == Access::Allowed {
            if resource.id().is_none() {
                check_named_tenant(app, identity, operation, &caller.tenant).await?;
            }
            return Ok(caller);
        }
        // 403 says that a resource exists. An id can be computed, so that a role that reads the
        // resource only where asked gets 404 elsewhere, whatever the operation.
        let where_asked = resource.reading().map(access_of) == Some(Access::WhereAsked);
        let known = match where_asked {
            true => caller.is_asked_in(resource).await?,
            // The lookup has found it.
            false => by_id || has(&caller.ledger, &caller.tenant, resource).await?,
        };
        match access_of(operation) {
            _ if !known => Err(not_found(resource, &caller.tenant)),
            Access::WhereAsked if where_asked => Ok(caller),
            _ => Err(forbidden(identity.role, operation)),
        }
    }
}

impl Caller for ControlCaller {
    async fn authorize(
        principal: Principal,
        _: &App,
        operation: Operation,
        _: Option<&str>,
        _: Resource<'_>,
    ) -> Result<Self, Problem> {
        match access(principal.0.role, operation, Ownership::Own) {
            Access::Allowed => Ok(Self {
                actor: principal.0.subject,
                _sealed: (),
            }),
            Access::WhereAsked | Access::Forbidden | Access::Hidden => {
                Err(forbidden(principal.0.role, operation))
            }
        }
    }
}

impl Caller for ListCaller {
    async fn authorize(
        principal: Principal,
        app: &App,
        operation: Operation,
        named: Option<&str>,
        resource: Resource<'_>,
    ) -> Result<Self, Problem> {
        let Principal(identity) = &principal;
        let role = identity.role;
        let may = |operation| access(role, operation, Ownership::Other) == Access::Allowed;
        if principal.means_every_tenant(named) && may(operation) {
            let ledger = app.tenants.every_tenants_lists().await;
            let ledger = ledger.map_err(Problem::misconfigured)?;
            return Ok(Self {
                tenant: None,
                voter: platform_voter(identity),
                role,
                sees_payloads: may(Operation::ReadPayloads),
                ledger,
                _sealed: (),
            });
        }
        if named == Some(EVERY_TENANT) {
            return Err(Problem::forbidden(
                "tenant=*: only a platform admin or a platform observer lists every tenant; \
                 leave `tenant` out for your own",
            ));
        }
        let caller =
            AuthorizedCaller::authorize(principal, app, operation, named, resource).await?;
        Ok(caller.of_list())
    }
}

impl AuthorizedCaller {
    /// Refuses an operation that the role does not permit anywhere in the tenant.
    pub(crate) fn check(&self, operation: Operation) -> Result<(), Problem> {
        match self.access(operation) {
            Access::Allowed | Access::WhereAsked => Ok(()),
            Access::Forbidden | Access::Hidden => Err(forbidden(self.identity.role, operation)),
        }
    }

    /// The access to an operation in the tenant.
    pub(crate) fn access(&self, operation: Operation) -> Access {
        let ownership = self.identity.ownership(&self.tenant);
        access(self.identity.role, operation, ownership)
    }

    /// The caller as a bulk records them.
    pub(crate) fn of_bulk(&self) -> BulkCaller {
        BulkCaller {
            subject: self.identity.subject.clone(),
            role: self.identity.role.name().to_owned(),
            tenant: self.identity.tenant.clone(),
            groups: self.identity.groups.clone(),
        }
    }

    /// The same caller, for the lists of the tenant.
    pub(crate) fn of_list(&self) -> ListCaller {
        ListCaller {
            tenant: Some(self.tenant.clone()),
            voter: self.voter.clone(),
            role: self.identity.role,
            sees_payloads: self.sees_payloads,
            ledger: self.ledger.clone(),
            _sealed: (),
        }
    }

    /// The receipts, limited to the tenant.
    pub(crate) fn receipts(&self) -> Result<&S3Store, Problem> {
        self.stores.receipts().map_err(Problem::misconfigured)
    }

    /// The ledger's key of an execution of this tenant, or 404 if `id` is no execution id.
    pub(crate) fn key(&self, id: &str) -> Result<ExecutionKey, Problem> {
        if !is_execution_id(id) {
            return Err(self.unknown(id));
        }
        Ok(ExecutionKey {
            tenant: self.tenant.clone(),
            execution: id.to_owned(),
        })
    }

    /// 404 for an execution that this tenant does not have.
    pub(crate) fn unknown(&self, id: &str) -> Problem {
        not_found(Resource::Execution(id), &self.tenant)
    }

    /// Returns whether the question names a group of the caller, who is an approver, or one for
    /// which the caller stands in.
    pub(crate) fn is_asked(&self, question: &Question) -> bool {
        self.voter.is_asked(question.approvers.as_ref())
    }

    /// Returns whether the caller may see the texts of a question: its message and the reasons of
    /// people.
    pub(crate) fn sees_texts_of(&self, question: &Question) -> bool {
        self.sees_payloads || self.is_asked(question)
    }

    /// Returns whether a question of the execution, or of the incident, asks the caller. The
    /// incident of an approval belongs to one execution.
    async fn is_asked_in(&self, resource: Resource<'_>) -> Result<bool, Problem> {
        let (execution, incident) = match resource {
            Resource::Execution(id) => (id.to_owned(), None),
            Resource::Incident(id) if is_execution_id(id) => {
                let key = IncidentKey::new(&self.tenant, id);
                match self.ledger.read(&key).await? {
                    Some(incident) => (incident.execution, Some(id)),
                    None => return Ok(false),
                }
            }
            Resource::Tenant | Resource::Incident(_) | Resource::Bulk(_) => return Ok(false),
        };
        if !is_execution_id(&execution) {
            return Ok(false);
        }
        let snapshot = self.ledger.snapshot(&self.key(&execution)?).await?;
        let questions = snapshot.map(|snapshot| snapshot.questions);
        let mut asking = questions.iter().flatten().filter(|one| self.is_asked(one));
        let shows = |question: &Question| {
            incident.is_none_or(|id| question.incidents().any(|incident| incident == id))
        };
        Ok(asking.any(shows))
    }

    /// The tenant's bulk with this id.
    pub(crate) async fn bulk(&self, id: &str) -> Result<Option<Bulk>, Problem> {
        let key = BulkKey {
            tenant: self.tenant.clone(),
            id: id.to_owned(),
        };
        // Ids of bulks are hashes of the same length.
        match is_execution_id(id) {
            true => Ok(self.ledger.read(&key).await?),
            false => Ok(None),
        }
    }
}
