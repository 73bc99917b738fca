//! Links between incidents and the executions that met them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    execution::ExecutionRecord,
    key::{IncidentKey, Key},
    question::Question,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_receipt::Status;

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
    /// The number of them that are known to remain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certain: Option<usize>,
    /// The reason of this execution; at most [`Self::REASON_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// True if this is the link by which people are notified of the effects that remain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub standing: bool,
    /// True if the execution came to a good end, as far as this incident is concerned. Links of
    /// earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<bool>,
    /// The workflow. Links of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The version of the execution's definition. Links of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The subject of the execution, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
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
    /// The maximum number of characters of a reason.
    pub const REASON_MAX: usize = 500;

    /// The link of an execution that waits for a decision.
    pub fn waiting(incident: &str, met: &ExecutionRecord, reason: &str, now: Timestamp) -> Self {
        Self {
            reason: Some(reason.chars().take(Self::REASON_MAX).collect()),
            workflow: Some(met.workflow.clone()),
            version: Some(met.version),
            subject: met.subject.clone(),
            ..Self::of(incident, &met.at, met.generation, now)
        }
    }

    /// A link with the key of the one that `Ask` writes for the question.
    pub fn asking(question: &Question) -> Self {
        let Question {
            incident,
            at,
            execution_generation: generation,
            entered,
            ..
        } = question;
        Self::of(incident, at, *generation, *entered)
    }

    fn of(incident: &str, at: &ExecutionKey, generation: u32, now: Timestamp) -> Self {
        Self {
            incident: incident.to_owned(),
            tenant: at.tenant.clone(),
            execution: at.execution.clone(),
            generation,
            at: now,
            status: WAITING.to_owned(),
            stands: Vec::new(),
            stands_total: 0,
            certain: None,
            reason: None,
            standing: false,
            settled: Some(false),
            workflow: None,
            version: None,
            subject: None,
        }
    }

    /// Returns whether the execution came to a good end.
    pub fn is_settled(&self) -> bool {
        self.settled
            .unwrap_or_else(|| self.status == Status::Executed.name())
    }
}

/// Finds an execution of an incident that has not come to a good end, in links sorted by execution.
/// The latest generation of an execution takes effect.
#[derive(Debug, Default)]
pub struct Settlement {
    latest: Option<Link>,
}

impl Settlement {
    /// Adds the next link. Returns the latest link of the execution before it, if that execution
    /// has not come to a good end.
    pub fn add(&mut self, link: Link) -> Option<Link> {
        let before = match &self.latest {
            Some(latest) if latest.execution == link.execution => {
                if latest.generation < link.generation {
                    self.latest = Some(link);
                }
                return None;
            }
            _ => self.latest.replace(link),
        };
        before.filter(|link| !link.is_settled())
    }

    /// The latest link of the last execution, if that execution has not come to a good end.
    pub fn finish(self) -> Option<Link> {
        self.latest.filter(|link| !link.is_settled())
    }
}

/// The status of an execution that waits for a decision.
pub const WAITING: &str = "WAITING";
