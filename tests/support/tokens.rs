//! Tokens of the local issuer, and claims for tokens that the API must refuse.

use std::{path::Path, sync::LazyLock};

use holdfast_access::Role;
use holdfast_identity::Issuer;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::variable;

/// The issuer whose key the running stack trusts.
pub static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    Issuer::open(Path::new(&variable("HOLDFAST_ISSUER_KEY"))).expect("the local issuer's key")
});

/// The claims of a token that is valid for an hour.
pub fn claims(role: Role, tenant: Option<&str>, subject: &str) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": variable("HOLDFAST_ISSUER"),
        "aud": variable("HOLDFAST_AUDIENCE"),
        "sub": subject,
        "role": role.name(),
        "iat": now,
        "exp": now + 3600,
    });
    if let Some(tenant) = tenant {
        claims["tenant"] = tenant.into();
    }
    claims
}

/// A token of the local issuer.
pub fn token(role: Role, tenant: Option<&str>, subject: &str) -> String {
    signed(&claims(role, tenant, subject))
}

/// A token of the local issuer with these claims.
pub fn signed(claims: &Value) -> String {
    ISSUER.token(claims).expect("a token")
}
