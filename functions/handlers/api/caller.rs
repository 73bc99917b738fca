//! Who is asking: the tenant in the caller's verified token, or, on the local stack only, in a header.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use holdfast_core::names::check_tenant;
use lambda_http::request::RequestContext;

use crate::{App, problem::Problem};

/// The claim of a token that names its tenant.
const TENANT_CLAIM: &str = "tenant";
/// The claim of a token that names its bearer.
const SUBJECT_CLAIM: &str = "sub";
/// The headers that name the tenant, and who it is, on the local stack.
const TENANT_HEADER: &str = "x-holdfast-tenant";
const ACTOR_HEADER: &str = "x-holdfast-actor";

/// The tenant on whose behalf a request is made.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: String,
    /// Who it is, for the audit: the token's subject, or on the local stack the tenant.
    pub(crate) actor: String,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let actor = claimed(parts, SUBJECT_CLAIM);
        let tenant = match claimed(parts, TENANT_CLAIM) {
            Some(tenant) => tenant,
            None if app.trust_tenant_header => from_header(parts)?,
            None => {
                return Err(Problem::unauthenticated(format!(
                    "send a token with the claim {TENANT_CLAIM}"
                )));
            }
        };
        check_tenant(&tenant).map_err(Problem::bad_request)?;
        let actor = match actor {
            Some(actor) => actor,
            None if app.trust_tenant_header => {
                let named = parts.headers.get(ACTOR_HEADER);
                let named = named.and_then(|name| name.to_str().ok());
                named.map_or_else(|| format!("tenant {tenant}"), str::to_owned)
            }
            None => format!("tenant {tenant}"),
        };
        Ok(Self { tenant, actor })
    }
}

/// A claim of the token that API Gateway verified.
fn claimed(parts: &Parts, claim: &str) -> Option<String> {
    let RequestContext::ApiGatewayV2(context) = parts.extensions.get::<RequestContext>()? else {
        return None;
    };
    context
        .authorizer
        .as_ref()?
        .jwt
        .as_ref()?
        .claims
        .get(claim)
        .cloned()
}

fn from_header(parts: &Parts) -> Result<String, Problem> {
    let mut values = parts.headers.get_all(TENANT_HEADER).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map(str::to_owned).map_err(|_| {
            Problem::bad_request(format!("header {TENANT_HEADER} is not plain ASCII"))
        }),
        (None, _) => Err(Problem::unauthenticated(format!(
            "send the header {TENANT_HEADER} with a tenant's name"
        ))),
        (Some(_), Some(_)) => Err(Problem::bad_request(format!(
            "send the header {TENANT_HEADER} once"
        ))),
    }
}
