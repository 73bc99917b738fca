//! Audit events: what a committed change of a ledger record tells the world, without payloads.
//!
//! Everything a record says is derived from the record alone; what it said before the change is taken away. So a
//! change tells only what is new, whoever reads the same change twice tells the same events under the same ids, and
//! the ledger as it stands can be asked what must have been told.

mod event;
mod execution;
mod metrics;
mod people;
mod step;
mod story;

pub use event::{Event, Kind};
pub use metrics::{Metric, Unit, emf, metrics};
pub use story::story;

use std::collections::HashSet;

use jiff::Timestamp;

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, ExecutionRecord, Incident, Question, Refusal, Snapshot, StepRecord,
};

/// A record of the ledger, as it was committed.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An execution.
    Execution(Box<ExecutionRecord>),
    /// A step, or one item of a `for_each`.
    Step(Box<StepRecord>),
    /// What is asked of people.
    Question(Box<Question>),
    /// An incident.
    Incident(Box<Incident>),
    /// What is said of the platform, a tenant or a workflow.
    Control(Box<Control>),
    /// A start that the API turned away.
    Refusal(Box<Refusal>),
    /// How many repeats of an execution's start were refused.
    Duplicates {
        /// The execution.
        at: ExecutionKey,
        /// Its workflow. A repeat can be refused before the execution's own record is written.
        workflow: String,
        /// How many.
        refused: u64,
    },
}

impl Record {
    /// The execution whose own record names the workflow; `None` where this record does so itself.
    pub fn execution(&self) -> Option<&ExecutionKey> {
        match self {
            Self::Execution(_)
            | Self::Incident(_)
            | Self::Control(_)
            | Self::Refusal(_)
            | Self::Duplicates { .. } => None,
            Self::Step(step) => Some(&step.at),
            Self::Question(question) => Some(&question.at),
        }
    }

    /// Of which workflow it is, where it says so itself.
    pub fn about(&self) -> Option<About> {
        match self {
            Self::Execution(execution) => Some(About::of(execution)),
            Self::Incident(incident) => Some(About {
                tenant: incident.tenant.clone(),
                workflow: incident.workflow.clone(),
                version: Some(incident.version),
            }),
            Self::Duplicates { at, workflow, .. } => Some(About {
                tenant: at.tenant.clone(),
                workflow: workflow.clone(),
                version: None,
            }),
            Self::Control(control) => Some(people::under(control)),
            Self::Refusal(refusal) => Some(About {
                tenant: refusal.tenant.clone(),
                workflow: refusal.workflow.clone(),
                version: refusal.version,
            }),
            Self::Step(_) | Self::Question(_) => None,
        }
    }
}

/// Whose event it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The tenant.
    pub tenant: String,
    /// The workflow.
    pub workflow: String,
    /// The definition's version; of an incident, that of the execution that opened it. A count can meet many.
    pub version: Option<u32>,
}

impl About {
    /// What an execution's own record says.
    pub fn of(execution: &ExecutionRecord) -> Self {
        Self {
            tenant: execution.at.tenant.clone(),
            workflow: execution.workflow.clone(),
            version: Some(execution.version),
        }
    }
}

/// What a change from `old` to `new`, committed at `committed`, tells; in order.
pub fn events(
    old: Option<&Record>,
    new: &Record,
    about: &About,
    committed: Timestamp,
) -> Vec<Event> {
    let mut news = match (old, new) {
        // A key can be repeated for ever: what was counted before is not made again to be left out.
        (
            Some(Record::Duplicates { refused: told, .. }),
            Record::Duplicates { at, refused, .. },
        ) => execution::duplicates(at, told + 1..=*refused, about, committed),
        _ => {
            let said = old.map_or(Vec::new(), |old| all(old, about, committed));
            let said: HashSet<_> = said.iter().map(|event| &event.id).collect();
            let mut news = all(new, about, committed);
            news.retain(|event| !said.contains(&event.id));
            news
        }
    };
    news.sort_by_key(Event::sequence);
    news
}

/// Everything that the records of one execution must have told, as far as they still show it: a redrive or a later
/// rollback writes over how the generation before it ended.
pub fn events_of(snapshot: &Snapshot) -> Vec<Event> {
    let Snapshot {
        execution,
        steps,
        questions,
        duplicates,
        ..
    } = snapshot;
    let about = About::of(execution);
    let steps = steps
        .iter()
        .map(|step| Record::Step(Box::new(step.clone())));
    let questions = questions
        .iter()
        .map(|one| Record::Question(Box::new(one.clone())));
    let refused = Record::Duplicates {
        at: execution.at.clone(),
        workflow: execution.workflow.clone(),
        refused: *duplicates,
    };
    let records = std::iter::once(Record::Execution(Box::new(execution.clone())))
        .chain(steps)
        .chain(questions)
        .chain([refused]);
    let mut told: Vec<_> = records
        .flat_map(|record| all(&record, &about, execution.started_at))
        .collect();
    told.sort_by_key(Event::sequence);
    told
}

/// Where a batch of changes has to begin again: the first change of which not every event was published, if each tells
/// as many as `lengths` says and the event numbered `from` was the first that was not.
pub fn first_unpublished(lengths: &[usize], from: usize) -> Option<usize> {
    let mut before = 0;
    lengths.iter().position(|length| {
        before += length;
        from < before
    })
}

fn all(record: &Record, about: &About, committed: Timestamp) -> Vec<Event> {
    match record {
        Record::Execution(execution) => execution::events_of(execution),
        Record::Step(step) => step::events_of(step, about),
        Record::Question(question) => people::asked(question, about),
        Record::Incident(incident) => people::handled(incident, about),
        Record::Control(control) => people::controlled(control, about),
        Record::Refusal(refusal) => vec![people::turned_away(refusal, about)],
        Record::Duplicates { at, refused, .. } => {
            execution::duplicates(at, 1..=*refused, about, committed)
        }
    }
}

#[cfg(test)]
mod tests;
