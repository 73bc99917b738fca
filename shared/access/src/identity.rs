//! The identity that a verified token names: a subject, one role, and a tenant.

use holdfast_ids::names::{check_group, check_tenant, is_hidden, quoted};
use serde_json::Value;

use super::{Claims, Role};

/// Longest subject, in characters: it is recorded with every request of its bearer.
const SUBJECT_MAX: usize = 200;

/// Most groups that a token may name. Microsoft Entra ID writes 200 at most into a token:
/// <https://learn.microsoft.com/en-us/entra/identity/hybrid/connect/how-to-connect-fed-group-claims>.
const GROUPS_MAX: usize = 200;

/// The names of the claims that a deployment reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim that names the tenant.
    pub tenant: String,
    /// The claim that names the role.
    pub role: String,
    /// The claim that names the groups of an approver.
    pub groups: String,
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
    /// The groups of an approver; other roles have none here.
    pub groups: Vec<String>,
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
        // Another role decides for no group, so its claim is not read.
        let groups = match role {
            Role::Approver => read_groups(&names.groups, claims.get(&names.groups))?,
            _ => Vec::new(),
        };
        Ok(Self {
            subject: subject.to_owned(),
            role,
            tenant,
            groups,
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

/// Reads the groups of a claim: a list of names, or one name. A claim that is absent names none, so
/// that its bearer decides as a stand-in at most. One unfit name refuses the whole claim.
fn read_groups(name: &str, claim: Option<&Value>) -> Result<Vec<String>, IdentityError> {
    let texts: Option<Vec<&str>> = match claim {
        None => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let texts = texts.filter(|texts| texts.len() <= GROUPS_MAX).ok_or_else(|| {
        IdentityError::NoRole(format!(
            "the token's claim {name} is {}; it must be a list of at most {GROUPS_MAX} names of \
             groups, or absent",
            shown(claim)
        ))
    })?;
    for text in &texts {
        check_group(text)
            .map_err(|why| IdentityError::NoRole(format!("the token's claim {name}: {why}")))?;
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// The value of a claim, as an error quotes it.
fn shown(claim: Option<&Value>) -> String {
    match claim {
        None => "missing".to_owned(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    }
}
