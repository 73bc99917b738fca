//! Pure rules of incidents: causes that people must know of; one cause in many executions is one
//! incident.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{execution::ExecutionRecord, link::Link, request::Request};
use holdfast_ids::{keys::incident_id, names::loggable};

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
    /// The subject of that execution, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// True if its executions ended with an effect that remains or may remain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub standing: bool,
    /// The status.
    pub status: IncidentStatus,
    /// The actions of people and of the engine, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handled: Vec<IncidentAction>,
}

impl Incident {
    /// The time of a new opening, which is later than the last action whatever the clocks say.
    fn opening_at(&self, now: Timestamp) -> Timestamp {
        let last = self.handled.last().map(|handled| handled.at);
        last.map_or(now, |last| now.max(last + SignedDuration::from_millis(1)))
    }
}

/// The name under which the engine handles an incident.
pub const ENGINE: &str = "holdfast";

/// The status of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IncidentStatus {
    /// No person has acknowledged it.
    Open,
    /// A person has acknowledged it; another execution with the same cause opens it again.
    Acknowledged,
    /// A person has resolved it, or the engine after every execution came to a good end; another
    /// execution with the same cause opens it again.
    Resolved,
}

/// An action on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentAction {
    /// The new status.
    pub status: IncidentStatus,
    /// The person, or [`ENGINE`].
    pub by: String,
    /// The reason, in their own words.
    pub reason: String,
    /// The time.
    pub at: Timestamp,
}

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
    /// The reason, which [`kind_of_reason`] reduces to what executions can share. Empty if the
    /// error says everything.
    pub reason: &'a str,
    /// True if an effect remains or may remain. Such an execution shares no incident with one that
    /// left nothing.
    pub standing: bool,
    /// The execution, for an approval: each has an incident of its own.
    pub execution: Option<&'a str>,
}

impl Cause<'_> {
    /// The id of the incident.
    pub fn id(&self) -> String {
        let reason = kind_of_reason(self.reason);
        let distinct: &[&str] = match (reason.as_str(), self.standing) {
            ("", false) => &[],
            (reason, false) => &[reason],
            (reason, true) => &[reason, "standing"],
        };
        incident_id(
            self.tenant,
            self.workflow,
            self.state,
            self.error,
            self.execution,
            distinct,
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
            subject: met.subject.clone(),
            standing: self.standing,
            status: IncidentStatus::Open,
            handled: Vec::new(),
        }
    }
}

/// The part of a reason that executions with the same cause share.
///
/// A reason lists clauses, separated by `; `. A clause ends after an HTTP status, since the rest
/// quotes the answer. Elsewhere, words with a digit and quoted texts are left out, since they name
/// one execution's data. So are the names of items.
pub fn kind_of_reason(reason: &str) -> String {
    let clauses: BTreeSet<String> = reason.split("; ").map(kind_of_clause).collect();
    clauses.into_iter().collect::<Vec<_>>().join("; ")
}

fn kind_of_clause(clause: &str) -> String {
    const ANSWERED: &str = " answered ";
    let (before, status) = match clause.split_once(ANSWERED) {
        Some((before, after)) => {
            let status = after.get(..3);
            let is_status = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
            (before, status.filter(is_status))
        }
        None => (clause, None),
    };
    let kept = match status {
        Some(_) => before,
        None => clause,
    };
    let kept = without_quotes(&loggable(kept));
    let words =
        kept.split_whitespace().map(
            |word| match word.bytes().any(|byte| byte.is_ascii_digit()) {
                true => "#",
                false => word,
            },
        );
    let words = words.collect::<Vec<_>>().join(" ");
    match status {
        Some(status) => format!("{words}{ANSWERED}{status}"),
        None => words,
    }
}

/// The text without the parts between double quotes or backticks.
fn without_quotes(text: &str) -> String {
    let odd = |(n, _): &(usize, &str)| n.is_multiple_of(2);
    let outside = text.split(['"', '`']).enumerate().filter(odd);
    outside.map(|(_, part)| part).collect::<Vec<_>>().join("#")
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
        opened_at: stored.opening_at(met.opened_at),
        execution: met.execution.clone(),
        version: met.version,
        subject: met.subject.clone(),
        status: IncidentStatus::Open,
        ..stored.clone()
    })
}

/// The incident, opened again because of an execution that came to no good end or waits. The engine
/// or a person had handled it at the same moment.
pub fn reopen(incident: &Incident, unsettled: &Link, now: Timestamp) -> Incident {
    Incident {
        rev: incident.rev + 1,
        message: unsettled
            .reason
            .clone()
            .unwrap_or_else(|| incident.message.clone()),
        opened_at: incident.opening_at(now),
        execution: unsettled.execution.clone(),
        version: unsettled.version.unwrap_or(incident.version),
        subject: unsettled.subject.clone(),
        status: IncidentStatus::Open,
        ..incident.clone()
    }
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
