//! The identity that a verified token names: a subject, one role, and a tenant.

use super::Role;
use holdfast_ids::names::{check_tenant, is_hidden, quoted};

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
    /// The tenant that the token names; only a platform admin may have none.
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
    pub fn read<'a>(
        names: &ClaimNames,
        claim: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, IdentityError> {
        let subject = claim("sub").unwrap_or_default();
        let length = subject.chars().count();
        let blank = subject.trim().is_empty();
        if !(1..=SUBJECT_MAX).contains(&length) || subject.chars().any(is_hidden) || blank {
            return Err(IdentityError::NoSubject(format!(
                "the token's claim sub must name its bearer in 1 to {SUBJECT_MAX} visible characters"
            )));
        }
        let role = read_role(&names.role, claim(&names.role).unwrap_or_default())?;
        let tenant = claim(&names.tenant).filter(|tenant| !tenant.is_empty());
        if let Some(tenant) = tenant {
            let wrong =
                |why| IdentityError::NoRole(format!("the token's claim {}: {why}", names.tenant));
            check_tenant(tenant).map_err(wrong)?;
        } else if role != Role::PlatformAdmin {
            return Err(IdentityError::NoRole(format!(
                "the token's claim {} must name the tenant of its bearer, who is {}",
                names.tenant,
                role.name()
            )));
        }
        Ok(Self {
            subject: subject.to_owned(),
            role,
            tenant: tenant.map(str::to_owned),
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

/// Finds the one role among the values of a claim. A claim is a text, or `[a b]`, as API Gateway
/// writes a list. Two roles are refused, since neither takes precedence.
fn read_role(name: &str, claim: &str) -> Result<Role, IdentityError> {
    let list = claim
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let values: Vec<_> = match list {
        Some(list) => list.split([' ', ',']).collect(),
        None => vec![claim],
    };
    let mut found: Vec<Role> = values
        .into_iter()
        .filter_map(|value| Role::ALL.into_iter().find(|role| role.name() == value))
        .collect();
    found.dedup();
    match found[..] {
        [role] => Ok(role),
        _ => Err(IdentityError::NoRole(format!(
            "the token's claim {name} is {}; it must name one of {}",
            quoted(claim),
            Role::ALL.map(Role::name).join(", ")
        ))),
    }
}
