//! Every list of the ledger: the hash keys of the table's indexes, and the records under each.

use holdfast_ids::keys::ExecutionKey;

use super::{incident::IncidentStatus, key::TENANT};

/// The number of shards of the list of open executions. One shard takes a thousand starts a second.
pub const SHARDS: u8 = 8;

/// A list of records: one hash key of one of the table's indexes.
///
/// An index has the name of the attribute that holds its hash key. Each variant names the hash key,
/// then what the list contains and by which time it is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// `TENANT#{tenant}#EXECUTIONS` in `listed`: a tenant's executions, by start.
    Executions {
        /// The tenant.
        tenant: String,
    },
    /// `TENANT#{tenant}#EXECUTIONS#{workflow}` in `of_workflow`: a workflow's executions, by start.
    OfWorkflow {
        /// The tenant.
        tenant: String,
        /// The workflow's id.
        workflow: String,
    },
    /// `TENANT#{tenant}#SUBJECT#{subject}` in `found_by`: a tenant's executions of one subject, by
    /// start. An execution without a subject is in no such list.
    OfSubject {
        /// The tenant.
        tenant: String,
        /// The subject.
        subject: String,
    },
    /// `TENANT#{tenant}#INCIDENTS#{status}` in `listed`: a tenant's incidents of one status, by the
    /// time they were opened.
    Incidents {
        /// The tenant.
        tenant: String,
        /// The status.
        status: IncidentStatus,
    },
    /// `TENANT#{tenant}#QUESTIONS` in `listed`: a tenant's open questions, by the start of their
    /// executions.
    Questions(String),
    /// `CONTROLS` in `listed`: every control, by its last change.
    Controls,
    /// `{shard}`, or `U{shard}` if urgent, in `open`, by the time of the next look: executions
    /// without a receipt, and questions that are new or have an undelivered decision.
    Open {
        /// The shard, below [`SHARDS`].
        shard: u8,
        /// True if the sweep takes the entry before those that only wait.
        urgent: bool,
    },
    /// `INCIDENTS` in `open`: unresolved incidents of all tenants, by the time they were opened.
    OpenIncidents,
}

impl List {
    /// The list of open executions that has `at`. Ids are hashes, so their first digit spreads
    /// evenly.
    pub fn open(at: &ExecutionKey, urgent: bool) -> Self {
        let digit = at.execution.chars().next();
        let digit = digit.and_then(|digit| digit.to_digit(16));
        let shard = digit.unwrap_or_default() % u32::from(SHARDS);
        Self::Open {
            shard: shard as u8,
            urgent,
        }
    }

    /// Every list of open executions of one urgency.
    pub fn all_open(urgent: bool) -> impl Iterator<Item = Self> {
        (0..SHARDS).map(move |shard| Self::Open { shard, urgent })
    }

    /// The name of the index, and of the attribute that holds its hash key.
    pub fn index(&self) -> &'static str {
        match self {
            Self::Executions { .. } | Self::Incidents { .. } => "listed",
            Self::Questions(_) | Self::Controls => "listed",
            Self::OfWorkflow { .. } => "of_workflow",
            Self::OfSubject { .. } => "found_by",
            Self::Open { .. } | Self::OpenIncidents => "open",
        }
    }

    /// The name of the attribute that holds the index's range key, a time to the millisecond.
    pub fn range(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::OpenIncidents => "due",
            _ => "listed_at",
        }
    }

    /// The hash key.
    pub fn hash(&self) -> String {
        match self {
            Self::Executions { tenant } => format!("{TENANT}{tenant}#EXECUTIONS"),
            Self::OfWorkflow { tenant, workflow } => {
                format!("{TENANT}{tenant}#EXECUTIONS#{workflow}")
            }
            Self::OfSubject { tenant, subject } => format!("{TENANT}{tenant}#SUBJECT#{subject}"),
            Self::Incidents { tenant, status } => {
                let status = match status {
                    IncidentStatus::Open => "OPEN",
                    IncidentStatus::Acknowledged => "ACKNOWLEDGED",
                    IncidentStatus::Resolved => "RESOLVED",
                };
                format!("{TENANT}{tenant}#INCIDENTS#{status}")
            }
            Self::Questions(tenant) => format!("{TENANT}{tenant}#QUESTIONS"),
            Self::Controls => "CONTROLS".to_owned(),
            Self::Open {
                shard,
                urgent: false,
            } => shard.to_string(),
            Self::Open {
                shard,
                urgent: true,
            } => format!("U{shard}"),
            Self::OpenIncidents => "INCIDENTS".to_owned(),
        }
    }
}
