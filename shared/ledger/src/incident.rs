//! Incidents, pure: what people must know of or decide; the same cause in many executions is one incident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{execution::ExecutionRecord, request::Request};
use holdfast_ids::keys::incident_id;

/// One cause, however many executions it met. Written whole, each time on condition that `rev` is still what the
/// writer read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// See [`incident_id`].
    pub id: String,
    /// The tenant whose executions it met.
    pub tenant: String,
    /// Their workflow.
    pub workflow: String,
    /// The state that failed or asks; empty where it came from outside.
    pub state: String,
    /// The error's name.
    pub error: String,
    /// What people read: of the first execution that it met.
    pub message: String,
    /// When it was opened, or opened again.
    pub opened_at: Timestamp,
    /// The id of the execution that opened it, or opened it again.
    pub execution: String,
    /// The version of that execution's definition.
    pub version: u32,
    /// Whether somebody looks after it.
    pub status: IncidentStatus,
    /// What people did about it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handled: Vec<IncidentAction>,
}

/// Whether somebody looks after an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IncidentStatus {
    /// Nobody yet.
    Open,
    /// Somebody does, until another execution meets the same cause.
    Acknowledged,
    /// It is over, until an execution meets the same cause.
    Resolved,
}

/// What a person did about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentAction {
    /// What it became.
    pub status: IncidentStatus,
    /// By whom.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// One execution that an incident met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The incident.
    pub incident: String,
    /// The tenant of both.
    pub tenant: String,
    /// The execution.
    pub execution: String,
    /// Its generation.
    pub generation: u32,
    /// When.
    pub at: Timestamp,
    /// `WAITING` for a decision, or how it ended.
    pub status: String,
    /// Effects that stand, or may stand: [`Self::STANDS_MAX`] of them at most.
    pub stands: Vec<String>,
    /// How many there are.
    #[serde(default)]
    pub stands_total: usize,
}

impl Link {
    /// How many effects it names. The receipt names them all.
    pub const STANDS_MAX: usize = 20;
}

/// The status of an execution that waits for a decision.
pub const WAITING: &str = "WAITING";

/// What is kept of the hands that an incident passed through.
const HANDLED_MAX: usize = 50;

/// What happened, as an incident would tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause<'a> {
    /// Whose.
    pub tenant: &'a str,
    /// Of which workflow.
    pub workflow: &'a str,
    /// At which state.
    pub state: &'a str,
    /// The error's name.
    pub error: &'a str,
    /// An approval is a cause of its own for each execution.
    pub execution: Option<&'a str>,
}

impl Cause<'_> {
    /// The id of its incident.
    pub fn id(&self) -> String {
        incident_id(
            self.tenant,
            self.workflow,
            self.state,
            self.error,
            self.execution,
        )
    }

    /// Its incident, newly opened by the execution that met it.
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

/// Decides what becomes of an incident whose cause was met: the record to write, `None` if it is open already. Only
/// what happened after somebody acknowledged or resolved it opens it again: they knew of what was there before.
pub fn open(current: Option<&Incident>, met: &Incident) -> Option<Incident> {
    let Some(stands) = current else {
        return Some(met.clone());
    };
    let handled_at = stands.handled.last().map(|handled| handled.at);
    let again = stands.status != IncidentStatus::Open
        && handled_at.is_none_or(|handled_at| handled_at < met.opened_at);
    again.then(|| Incident {
        rev: stands.rev + 1,
        message: met.message.clone(),
        opened_at: met.opened_at,
        execution: met.execution.clone(),
        version: met.version,
        status: IncidentStatus::Open,
        ..stands.clone()
    })
}

/// Decides what becomes of an incident that a person acknowledges or resolves: the record to write, `None` if it was
/// done before, why not otherwise.
pub fn handle(
    incident: &Incident,
    status: IncidentStatus,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Incident>, String> {
    match (incident.status, status) {
        (before, after) if before == after => return Ok(None),
        (IncidentStatus::Resolved, IncidentStatus::Acknowledged) => {
            return Err("it is resolved: there is nothing left to acknowledge".to_owned());
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
