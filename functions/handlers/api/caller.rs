//! Who is asking, and what for: nothing of any tenant is reached before the rule of roles has been asked.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use holdfast_aws::{DynamoLedger, S3Store};
use holdfast_core::{
    access::{Identity, Operation, Unknown, Verdict, Whose, verdict},
    keys::ExecutionKey,
    ledger::Ledger,
    names::{check_tenant, is_execution_id, quoted},
};
use lambda_http::request::RequestContext;

use crate::api::{App, problem::Problem};

/// Whoever presented a token that API Gateway verified.
#[derive(Debug, Clone)]
pub(crate) struct Visitor(Identity);

/// A visitor who may do what was asked, for one tenant.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: String,
    /// Who it is, for the audit: the token's subject.
    pub(crate) actor: String,
    /// Whether inputs, outputs and texts that may quote them are shown.
    pub(crate) sees_payloads: bool,
    /// The ledger, as far as it is the tenant's.
    pub(crate) ledger: DynamoLedger,
    /// The receipts, as far as they are the tenant's.
    pub(crate) receipts: S3Store,
}

/// What something is asked of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'a> {
    /// The tenant as a whole.
    Tenant,
    /// An execution, by its id.
    Execution(&'a str),
    /// An incident, by its id.
    Incident(&'a str),
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get() else {
            return Err(nobody());
        };
        let jwt = context.authorizer.as_ref().and_then(|by| by.jwt.as_ref());
        let claims = &jwt.ok_or_else(nobody)?.claims;
        let read = Identity::read(&app.claims, |name| claims.get(name).map(String::as_str));
        read.map(Self).map_err(|unknown| match unknown {
            Unknown::Nobody(why) => Problem::unauthenticated(why),
            Unknown::Nothing(why) => Problem::forbidden(why),
        })
    }
}

fn nobody() -> Problem {
    Problem::unauthenticated(
        "send the header Authorization: Bearer, and a token of the deployment's issuer",
    )
}

impl Visitor {
    /// The tenant that a request is about: the one that its query names, or the visitor's own.
    pub(crate) fn tenant(&self, named: Option<&str>) -> Result<String, Problem> {
        let tenant = named.or(self.0.tenant.as_deref()).ok_or_else(|| {
            Problem::bad_request(
                "name the tenant in the query: your token names none; such as ?tenant=acme",
            )
        })?;
        check_tenant(tenant).map_err(Problem::bad_request)?;
        Ok(tenant.to_owned())
    }

    /// The visitor as a caller, if the role may do this to `thing` of the tenant named.
    pub(crate) async fn may(
        self,
        app: &App,
        operation: Operation,
        named: Option<&str>,
        thing: Thing<'_>,
    ) -> Result<Caller, Problem> {
        let tenant = self.tenant(named)?;
        let Self(Identity { subject, role, .. }) = &self;
        let whose = self.0.whose(&tenant);
        let hidden = || Err(no_such(thing, &tenant));
        if verdict(*role, operation, whose) == Verdict::Hidden {
            return hidden();
        }
        let own = app.reach.on_behalf_of(&tenant).await;
        let (ledger, receipts) = own.map_err(|why| Problem::unavailable("the deployment", &why))?;
        let caller = Caller {
            sees_payloads: verdict(*role, Operation::ReadPayloads, whose) == Verdict::Allowed,
            actor: subject.clone(),
            tenant: tenant.clone(),
            ledger,
            receipts,
        };
        if verdict(*role, operation, whose) == Verdict::Allowed {
            return Ok(caller);
        }
        // What is not there is not there, whatever the role.
        if !caller.has(thing).await? {
            return hidden();
        }
        Err(self.forbidden(operation))
    }

    /// Who it is, if the role may turn the switch and see how it stands.
    pub(crate) fn may_control(&self) -> Result<&str, Problem> {
        match verdict(self.0.role, Operation::Control, Whose::Own) {
            Verdict::Allowed => Ok(&self.0.subject),
            Verdict::Forbidden | Verdict::Hidden => Err(self.forbidden(Operation::Control)),
        }
    }

    /// 403: not in this role.
    fn forbidden(&self, operation: Operation) -> Problem {
        Problem::forbidden(format!(
            "as {} you may not {}; {} may",
            self.0.role.name(),
            operation.says(),
            operation.roles().join(" or ")
        ))
    }
}

impl Caller {
    /// The partition of an execution of this tenant.
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
        no_such(Thing::Execution(id), &self.tenant)
    }

    async fn has(&self, thing: Thing<'_>) -> Result<bool, Problem> {
        Ok(match thing {
            Thing::Tenant => true,
            Thing::Execution(id) if is_execution_id(id) => {
                self.ledger.meta(&self.key(id)?).await?.is_some()
            }
            Thing::Incident(id) if is_execution_id(id) => {
                self.ledger.incident(&self.tenant, id).await?.is_some()
            }
            Thing::Execution(_) | Thing::Incident(_) => false,
        })
    }
}

/// 404: there is no such thing for this tenant.
pub(crate) fn no_such(thing: Thing<'_>, tenant: &str) -> Problem {
    Problem::not_found(match thing {
        Thing::Tenant => format!("there is no tenant {} for you", quoted(tenant)),
        Thing::Incident(id) => format!("there is no incident {} for this tenant", quoted(id)),
        Thing::Execution(id) if !is_execution_id(id) => format!(
            "{} is not an execution id: those have 40 hex digits",
            quoted(id)
        ),
        Thing::Execution(id) => format!(
            "there is no execution {} for this tenant; one started a moment ago may not be recorded yet",
            quoted(id)
        ),
    })
}
