//! The registry of tenants: the record of each tenant, and the pure rule that changes it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key of a tenant's record: the tenant's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantKey(pub String);

/// The state of a registered tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// Its workflows can start.
    Open,
    /// No workflow starts and no execution is redriven. What runs continues, and reads work.
    Closed,
}

/// The registration of a tenant. A tenant without one is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// The tenant's name.
    pub tenant: String,
    /// Its state.
    pub state: TenantState,
    /// The requester of the last change.
    pub by: String,
    /// The time of the last change.
    pub at: Timestamp,
}

/// Decides a change of a tenant's registration: the record to write, or `None` if the tenant is in
/// this state, or is unknown and would be closed.
pub fn registration(
    current: Option<&TenantRecord>,
    tenant: &str,
    state: TenantState,
    by: &str,
    now: Timestamp,
) -> Option<TenantRecord> {
    let changes = match current {
        Some(stored) => stored.state != state,
        None => state == TenantState::Open,
    };
    changes.then(|| TenantRecord {
        rev: current.map_or(1, |stored| stored.rev + 1),
        tenant: tenant.to_owned(),
        state,
        by: by.to_owned(),
        at: now,
    })
}

/// The message for a caller whose tenant is not registered. It names the remedy.
pub fn not_registered(tenant: &str) -> String {
    format!(
        "tenant {tenant} is not registered: a platform admin registers it by \
         PUT /v1/tenants/{tenant}"
    )
}

impl TenantRecord {
    /// The message for a caller whose start or redrive this registration refuses; `None` if the
    /// tenant is open.
    pub fn refusal(&self) -> Option<String> {
        let Self { tenant, state, .. } = self;
        (*state == TenantState::Closed).then(|| {
            format!(
                "tenant {tenant} is closed: a platform admin opens it by PUT /v1/tenants/{tenant}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_written_only_where_it_changes_something() {
        use TenantState::{Closed, Open};
        let at = Timestamp::UNIX_EPOCH;
        let put = |current: Option<&TenantRecord>, state| {
            registration(current, "acme", state, "root", at)
        };
        assert_eq!(put(None, Closed), None);
        let first = put(None, Open).expect("it was unknown");
        assert_eq!((first.rev, first.refusal()), (1, None));
        assert_eq!(put(Some(&first), Open), None);
        let closed = put(Some(&first), Closed).expect("it was open");
        assert_eq!((closed.rev, closed.state), (2, Closed));
        assert_eq!(put(Some(&closed), Closed), None);
        assert_eq!(put(Some(&closed), Open).map(|open| open.rev), Some(3));
        let why = closed.refusal().expect("it is closed");
        assert!(why.contains("PUT /v1/tenants/acme"), "{why}");
    }

    /// A deployment that is upgraded registers its tenants by this item beforehand, so that no
    /// start is refused in between.
    #[test]
    fn the_item_in_the_documentation_is_an_open_tenant() {
        let page = include_str!("../../../docs/tenants.md");
        let item = page
            .split("--item '")
            .nth(1)
            .and_then(|rest| rest.split('\'').next());
        let item: serde_json::Value =
            serde_json::from_str(item.expect("an item")).expect("JSON of DynamoDB");
        let plain = |name: &str| match &item[name] {
            typed if typed["N"].is_string() => {
                serde_json::from_str(typed["N"].as_str().expect("digits")).expect("a number")
            }
            typed => typed["S"].clone(),
        };
        let key = (plain("pk"), plain("sk"));
        let members = ["rev", "tenant", "state", "by", "at"];
        let record: serde_json::Map<_, _> = members
            .map(|name| (name.to_owned(), plain(name)))
            .into_iter()
            .collect();
        let record: TenantRecord = serde_json::from_value(record.into()).expect("a record");
        assert_eq!((record.rev, record.state), (1, TenantState::Open));
        assert_eq!(key, ("TENANTS".into(), record.tenant.into()));
    }
}
