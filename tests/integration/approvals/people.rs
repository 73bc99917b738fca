//! The people of the matrix of approvals: each is written as `role/groups:name`, and acts by a
//! token.

use holdfast_access::Role;
use holdfast_tests::{Api, Stack, tokens};

/// The people of one row. Its names end in a text that no other row has, so that the delegations of
/// a row concern no other row.
#[derive(Clone)]
pub(super) struct People<'a> {
    pub(super) stack: &'a Stack,
    pub(super) suffix: String,
}

impl People<'_> {
    /// The client of a person such as `cfo+treasury:ann`, an approver of acme with two groups.
    ///
    /// Before the colon, `admin`, `tenant-admin`, `observer` and `auditor` name roles, `none` is an
    /// approver without groups, and `@` names another tenant than acme. `␣` is a space.
    pub(super) fn api(&self, person: &str) -> Api {
        let person = person.replace('\u{2423}', " ");
        let (what, name) = person.split_once(':').expect("role:name");
        let (what, tenant) = what.split_once('@').unwrap_or((what, "acme"));
        let (role, groups) = match what {
            "admin" => (Role::PlatformAdmin, Vec::new()),
            "tenant-admin" => (Role::TenantAdmin, Vec::new()),
            "observer" => (Role::Observer, Vec::new()),
            "auditor" => (Role::Auditor, Vec::new()),
            "none" => (Role::Approver, Vec::new()),
            groups => (Role::Approver, groups.split('+').collect()),
        };
        let mut claims = tokens::claims(role, Some(tenant), &self.subject(name));
        if !groups.is_empty() {
            claims["groups"] = groups.into();
        }
        let api = self.stack.api.as_role(role, tenant);
        let api = api.bearing(tokens::signed(&claims));
        match role {
            Role::PlatformAdmin => api.as_tenant("acme"),
            _ => api,
        }
    }

    /// The subject of a name. A mark before the name asks for another spelling: `^` for capitals,
    /// `~` for wide letters, `_` for spaces around it.
    pub(super) fn subject(&self, name: &str) -> String {
        let plain = name.trim_start_matches(['^', '~', '_']);
        let plain = format!("{plain}-{}", self.suffix);
        match name.chars().next() {
            Some('^') => plain.to_uppercase(),
            Some('~') => plain.chars().map(wide).collect(),
            Some('_') => format!("  {plain} "),
            _ => plain,
        }
    }
}

/// The wide form of a letter, which Unicode's compatibility form makes the letter again.
fn wide(letter: char) -> char {
    match letter {
        'a'..='z' => char::from_u32(u32::from(letter) - u32::from('a') + 0xff41).unwrap_or(letter),
        other => other,
    }
}
