//! A committed record of the ledger, of any kind that audit events are derived from.

use jiff::Timestamp;

use crate::about::About;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, ExecutionRecord, Incident, Link, Question, Refusal, StepRecord, TenantRecord,
};

/// A record of the ledger, as it was committed.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An execution record.
    Execution(Box<ExecutionRecord>),
    /// The record of a step, or of one item of a `for_each`.
    Step(Box<StepRecord>),
    /// A question that is put to a person.
    Question(Box<Question>),
    /// An incident.
    Incident(Box<Incident>),
    /// A link between an incident and an execution that met it.
    Link(Box<Link>),
    /// A control of the platform, a tenant or a workflow.
    Control(Box<Control>),
    /// A tenant's registration.
    Tenant(Box<TenantRecord>),
    /// A start that the API refused.
    Refusal(Box<Refusal>),
    /// The count of refused repeats of an execution's start.
    Duplicates {
        /// The execution's key.
        at: ExecutionKey,
        /// The workflow's id. A repeat can be refused before the execution record is written.
        workflow: String,
        /// The count.
        refused: u64,
        /// The times of the first repeats, in the order of their numbers.
        times: Vec<Timestamp>,
    },
}

impl Record {
    /// The key of the execution whose record names the workflow. `None` if [`about`](Self::about)
    /// names it.
    pub fn execution(&self) -> Option<&ExecutionKey> {
        match self {
            Self::Execution(_)
            | Self::Incident(_)
            | Self::Link(_)
            | Self::Control(_)
            | Self::Tenant(_)
            | Self::Refusal(_)
            | Self::Duplicates { .. } => None,
            Self::Step(step) => Some(&step.at),
            Self::Question(question) => Some(&question.at),
        }
    }

    /// The tenant and the workflow, if this record names them itself.
    pub fn about(&self) -> Option<About> {
        match self {
            Self::Execution(execution) => Some(About::of(execution)),
            Self::Incident(incident) => Some(About {
                tenant: incident.tenant.clone(),
                workflow: incident.workflow.clone(),
                version: Some(incident.version),
                subject: incident.subject.clone(),
            }),
            Self::Link(link) => Some(About {
                tenant: link.tenant.clone(),
                // A link of an earlier version names no workflow, and has no events.
                workflow: link.workflow.clone().unwrap_or_default(),
                version: link.version,
                subject: link.subject.clone(),
            }),
            Self::Duplicates { at, workflow, .. } => Some(About {
                tenant: at.tenant.clone(),
                workflow: workflow.clone(),
                version: None,
                subject: None,
            }),
            Self::Control(control) => Some(About::of_control(control)),
            Self::Tenant(tenant) => Some(About {
                tenant: tenant.tenant.clone(),
                workflow: "*".to_owned(),
                version: None,
                subject: None,
            }),
            Self::Refusal(refusal) => Some(About {
                tenant: refusal.tenant.clone(),
                workflow: refusal.workflow.clone(),
                version: refusal.version,
                subject: None,
            }),
            Self::Step(_) | Self::Question(_) => None,
        }
    }
}
