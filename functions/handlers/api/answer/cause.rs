//! The answer about incidents by cause.

use holdfast_ledger::IncidentStatus;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::statistics::Count;
use crate::api::schema::time;

/// Incidents by cause, those with most executions first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Causes {
    pub(crate) causes: Vec<CauseGroup>,
    /// True if there are more incidents than the newest 500, which were grouped.
    pub(crate) more: bool,
}

/// One cause: the same state of one workflow failed or asks in the same way.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CauseGroup {
    pub(crate) workflow_id: String,
    pub(crate) state: String,
    pub(crate) error: String,
    /// The message of the newest incident, for roles that see payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// True if an effect of the executions remains or may remain.
    pub(crate) standing: bool,
    /// The tenants that met it, by name.
    pub(crate) tenants: Vec<String>,
    /// The time of the oldest of the incidents.
    #[schemars(schema_with = "time")]
    pub(crate) since: Timestamp,
    /// The time of the newest.
    #[schemars(schema_with = "time")]
    pub(crate) latest: Timestamp,
    /// Executions that met it, each execution generation counted separately.
    pub(crate) executions: Count,
    /// The incidents, newest first.
    pub(crate) incidents: Vec<CauseIncident>,
}

/// An incident of a cause.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CauseIncident {
    pub(crate) incident_id: String,
    pub(crate) tenant: String,
    #[schemars(with = "String")]
    pub(crate) status: IncidentStatus,
    #[schemars(schema_with = "time")]
    pub(crate) opened_at: Timestamp,
    pub(crate) executions: Count,
    pub(crate) href: String,
}
