//! Answers about delegations.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::schema::time;

/// Delegations that are not over, by the time from which they hold.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Delegations {
    pub(crate) delegations: Vec<Delegation>,
}

/// A member of a group and the stand-in who decides for the group in their place.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Delegation {
    pub(crate) group: String,
    /// The member: the subject of the token that made the last change.
    pub(crate) by: String,
    /// The stand-in.
    pub(crate) to: String,
    /// The time from which the stand-in may decide.
    #[schemars(schema_with = "time")]
    pub(crate) from: Timestamp,
    /// The time from which the stand-in may no longer decide.
    #[schemars(schema_with = "time")]
    pub(crate) until: Timestamp,
    pub(crate) reason: String,
    /// The time of the last change.
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
    /// True if the stand-in may decide now.
    pub(crate) in_force: bool,
    /// True if the member removed it.
    pub(crate) removed: bool,
}

/// A delegation after a request to change it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DelegationChange {
    #[serde(flatten)]
    pub(crate) delegation: Delegation,
    /// True if it was in this state before.
    pub(crate) replayed: bool,
}
