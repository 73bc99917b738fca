//! The identity that a verified token names: a subject, one role, and a tenant.

use holdfast_ids::names::{check_tenant, is_hidden, quoted};
use serde_json::Value;

use super::{Claims, Role};

/// Longest subject, in characters: it is recorded with every request of its bearer.
const SUBJECT_MAX: usize = 200;

/// The names of the claims that a deployment reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim that names the tenant.
    pub tenant: String,
    /// The claim that names the role.
    pub role: String,
}

/// The verified caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`, for the audit.
    pub subject: String,
    /// The role that the token names.
    pub role: Role,
    /// The tenant that the token names; only a role of every tenant may have none.
    pub tenant: Option<String>,
}

/// The reason why a verified token names no caller of this deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityError {
    /// The subject is missing or unfit.
    NoSubject(String),
    /// The subject has no single role here, or no valid tenant.
    NoRole(String),
}

/// The relation between a caller's tenant and the tenant of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// The resource belongs to the tenant that the token names.
    Own,
    /// The resource belongs to another tenant.
    Other,
}

impl Identity {
    /// Reads the claims of a verified token.
    pub fn read(names: &ClaimNames, claims: &Claims) -> Result<Self, IdentityError> {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or("");
        let length = subject.chars().count();
        let blank = subject.trim().is_empty();
        if !(1..=SUBJECT_MAX).contains(&length) || subject.chars().any(is_hidden) || blank {
            return Err(IdentityError::NoSubject(format!(
                "the token's claim sub must name its bearer in 1 to {SUBJECT_MAX} visible characters"
            )));
        }
        let role = read_role(&names.role, claims.get(&names.role))?;
        let tenant = read_tenant(&names.tenant, claims.get(&names.tenant))?;
        if tenant.is_none() && !role.is_of_every_tenant() {
            return Err(IdentityError::NoRole(format!(
                "the token's claim {} must name the tenant of its bearer, who is {}",
                names.tenant,
                role.name()
            )));
        }
        Ok(Self {
            subject: subject.to_owned(),
            role,
            tenant,
        })
    }

    /// The relation of the caller to the resources of `tenant`.
    pub fn ownership(&self, tenant: &str) -> Ownership {
        if self.tenant.as_deref() == Some(tenant) {
            Ownership::Own
        } else {
            Ownership::Other
        }
    }
}

/// Finds the role in a claim: a text, or a list of texts of which exactly one is a role. Two roles
/// are refused, since neither takes precedence.
fn read_role(name: &str, claim: Option<&Value>) -> Result<Role, IdentityError> {
    let texts = match claim {
        Some(Value::String(text)) => Some(vec![text.as_str()]),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let texts = texts.unwrap_or_default().into_iter();
    let found: Vec<Role> = texts
        .filter_map(|text| Role::ALL.into_iter().find(|role| role.name() == text))
        .collect();
    match found[..] {
        [role] => Ok(role),
        _ => Err(IdentityError::NoRole(format!(
            "the token's claim {name} is {}; it must be one of {}, or a list of texts with exactly \
             one of them",
            shown(claim),
            Role::ALL.map(Role::name).join(", ")
        ))),
    }
}

/// Reads the tenant of a claim, which is a text. A claim that is absent names none.
fn read_tenant(name: &str, claim: Option<&Value>) -> Result<Option<String>, IdentityError> {
    let Some(claim) = claim else { return Ok(None) };
    let tenant = claim.as_str().ok_or_else(|| {
        IdentityError::NoRole(format!(
            "the token's claim {name} is {}; it must be a text, or absent",
            shown(Some(claim))
        ))
    })?;
    check_tenant(tenant)
        .map_err(|why| IdentityError::NoRole(format!("the token's claim {name}: {why}")))?;
    Ok(Some(tenant.to_owned()))
}

/// The value of a claim, as an error quotes it.
fn shown(claim: Option<&Value>) -> String {
    match claim {
        None => "missing".to_owned(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    }
}
