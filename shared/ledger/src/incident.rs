//! Pure rules of incidents: causes that people must know of; one cause in many executions is one
//! incident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    execution::ExecutionRecord,
    key::{IncidentKey, Key},
    request::Request,
};
use holdfast_ids::keys::incident_id;

/// One cause, with every execution that met it. It is written whole, on condition that `rev` is
/// still the one that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The id, from [`incident_id`].
    pub id: String,
    /// The tenant of the executions.
    pub tenant: String,
    /// The workflow of the executions.
    pub workflow: String,
    /// The state that failed or that waits for a decision; empty if the cause came from outside.
    pub state: String,
    /// The error's name.
    pub error: String,
    /// The message for people, from the execution that opened it.
    pub message: String,
    /// The time at which it was opened, or opened again.
    pub opened_at: Timestamp,
    /// The id of the execution that opened it, or opened it again.
    pub execution: String,
    /// The version of that execution's definition.
    pub version: u32,
    /// The status.
    pub status: IncidentStatus,
    /// The actions of people, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handled: Vec<IncidentAction>,
}

/// The status of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IncidentStatus {
    /// No person has acknowledged it.
    Open,
    /// A person has acknowledged it; another execution with the same cause opens it again.
    Acknowledged,
    /// A person has resolved it; another execution with the same cause opens it again.
    Resolved,
}

/// A person's action on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentAction {
    /// The new status.
    pub status: IncidentStatus,
    /// The person.
    pub by: String,
    /// The reason, in the person's own words.
    pub reason: String,
    /// The time.
    pub at: Timestamp,
}

/// A link between an incident and an execution that met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The incident.
    pub incident: String,
    /// The tenant of both.
    pub tenant: String,
    /// The execution.
    pub execution: String,
    /// The execution generation.
    pub generation: u32,
    /// The time.
    pub at: Timestamp,
    /// `WAITING` for a decision, or the final status.
    pub status: String,
    /// The effects that remain or may remain; at most [`Self::STANDS_MAX`].
    pub stands: Vec<String>,
    /// The number of effects that remain or may remain.
    #[serde(default)]
    pub stands_total: usize,
}

impl Link {
    /// The key under which it is stored.
    pub fn key(&self) -> Key {
        Key::Link {
            incident: IncidentKey::new(&self.tenant, &self.incident),
            execution: self.execution.clone(),
            generation: self.generation,
        }
    }

    /// The maximum number of effects in a link. The receipt names all.
    pub const STANDS_MAX: usize = 20;
}

/// The status of an execution that waits for a decision.
pub const WAITING: &str = "WAITING";

/// The maximum number of recorded actions on an incident.
const HANDLED_MAX: usize = 50;

/// The cause of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The workflow.
    pub workflow: &'a str,
    /// The state.
    pub state: &'a str,
    /// The error's name.
    pub error: &'a str,
    /// The execution, for an approval: each has an incident of its own.
    pub execution: Option<&'a str>,
}

impl Cause<'_> {
    /// The id of the incident.
    pub fn id(&self) -> String {
        incident_id(
            self.tenant,
            self.workflow,
            self.state,
            self.error,
            self.execution,
        )
    }

    /// The incident, opened by the execution that met the cause.
    pub fn incident(&self, met: &ExecutionRecord, message: &str, now: Timestamp) -> Incident {
        Incident {
            rev: 1,
            id: self.id(),
            tenant: self.tenant.to_owned(),
            workflow: self.workflow.to_owned(),
            state: self.state.to_owned(),
            error: self.error.to_owned(),
            message: message.to_owned(),
            opened_at: now,
            execution: met.at.execution.clone(),
            version: met.version,
            status: IncidentStatus::Open,
            handled: Vec::new(),
        }
    }
}

/// Decides on an incident whose cause was met: the record to write, `None` if it is open already.
///
/// A failure that no link shows yet opens it again, since the person who handled it could not know
/// of that failure. So does a failure after the last action of a person.
pub fn open(current: Option<&Incident>, met: &Incident, linked: bool) -> Option<Incident> {
    let Some(stored) = current else {
        return Some(met.clone());
    };
    let handled_at = stored.handled.last().map(|handled| handled.at);
    let again = stored.status != IncidentStatus::Open
        && (!linked || handled_at.is_none_or(|handled_at| handled_at < met.opened_at));
    again.then(|| Incident {
        rev: stored.rev + 1,
        message: met.message.clone(),
        opened_at: met.opened_at,
        execution: met.execution.clone(),
        version: met.version,
        status: IncidentStatus::Open,
        ..stored.clone()
    })
}

/// Decides a person's request to acknowledge or resolve an incident: the record to write, `None` if
/// it has this status, the reason if it is refused.
pub fn handle(
    incident: &Incident,
    status: IncidentStatus,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Incident>, String> {
    match (incident.status, status) {
        (before, after) if before == after => return Ok(None),
        (IncidentStatus::Resolved, IncidentStatus::Acknowledged) => {
            return Err(
                "the incident is resolved, and a resolved incident cannot be acknowledged"
                    .to_owned(),
            );
        }
        _ => {}
    }
    let mut next = Incident {
        rev: incident.rev + 1,
        status,
        ..incident.clone()
    };
    next.handled.push(IncidentAction {
        status,
        by: request.by.clone(),
        reason: request.reason.clone(),
        at: now,
    });
    let excess = next.handled.len().saturating_sub(HANDLED_MAX);
    next.handled.drain(..excess);
    Ok(Some(next))
}
