//! Who a verified token says is asking: a subject, one role, and the tenant that it belongs to.

use super::Role;
use holdfast_ids::names::{check_tenant, is_hidden, quoted};

/// Longest subject, in characters: it is recorded with whatever its bearer asks for.
const SUBJECT_MAX: usize = 200;

/// Which claims of a token say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim that names the tenant.
    pub tenant: String,
    /// The claim that names the role.
    pub role: String,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`: who it is, for the audit.
    pub subject: String,
    /// What they are.
    pub role: Role,
    /// Where they belong; only a platform admin may belong nowhere.
    pub tenant: Option<String>,
}

/// Why a token does not say who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// It names nobody.
    Nobody(String),
    /// It names somebody who is nothing to this deployment.
    Nothing(String),
}

/// Whose something is, as seen by whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Of the tenant that the token names.
    Own,
    /// Of another tenant.
    Other,
}

impl Identity {
    /// Reads the claims of a verified token.
    pub fn read<'a>(
        names: &ClaimNames,
        claim: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, Unknown> {
        let subject = claim("sub").unwrap_or_default();
        let length = subject.chars().count();
        if !(1..=SUBJECT_MAX).contains(&length) || subject.chars().any(is_hidden) {
            return Err(Unknown::Nobody(format!(
                "the token's claim sub must name its bearer in 1 to {SUBJECT_MAX} characters that can be seen"
            )));
        }
        let role = read_role(&names.role, claim(&names.role).unwrap_or_default())?;
        let tenant = claim(&names.tenant).filter(|tenant| !tenant.is_empty());
        if let Some(tenant) = tenant {
            let wrong =
                |why| Unknown::Nothing(format!("the token's claim {}: {why}", names.tenant));
            check_tenant(tenant).map_err(wrong)?;
        } else if role != Role::PlatformAdmin {
            return Err(Unknown::Nothing(format!(
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

    /// Whose `tenant`'s things are.
    pub fn whose(&self, tenant: &str) -> Whose {
        if self.tenant.as_deref() == Some(tenant) {
            Whose::Own
        } else {
            Whose::Other
        }
    }
}

/// The one role of ours among the values of a claim: a text, or what API Gateway makes of a list,
/// `[a b]`. Two would leave open which of them rules.
fn read_role(name: &str, claim: &str) -> Result<Role, Unknown> {
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
        _ => Err(Unknown::Nothing(format!(
            "the token's claim {name} is {}; it must name one of {}",
            quoted(claim),
            Role::ALL.map(Role::name).join(", ")
        ))),
    }
}
