//! Every list of the ledger: the hash keys of the table's indexes, and the records under each.

use holdfast_ids::keys::ExecutionKey;

use super::{incident::IncidentStatus, key::TENANT};

/// The number of shards of a tenant's list of executions, and of the list of open executions.
///
/// An execution writes its entry in each of them twice: at its start, and with its receipt or when
/// it leaves. So 3,000 starts a second write 6,000 units a second. A shard takes 1,000, so that
/// eight take 8,000, a quarter more than hashes that spread evenly need (decision 0107).
pub const SHARDS: u8 = 8;

/// The number of entries that a query with a filter reads of a list, or of one shard of it.
pub const LOOKED_AT: usize = 500;

/// A list of records: one hash key of one of the table's indexes.
///
/// An index has the name of the attribute that holds its hash key. Each variant names the hash key,
/// then what the list contains and by which time it is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// `TENANT#{tenant}#EXECUTIONS#{shard}` in `listed`: a shard of a tenant's executions, by
    /// start.
    Executions {
        /// The tenant.
        tenant: String,
        /// The shard, below [`SHARDS`].
        shard: u8,
    },
    /// `TENANT#{tenant}#SUBJECT#{subject}` in `found_by`: a tenant's executions of one subject, by
    /// start. An execution without a subject is in no such list.
    OfSubject {
        /// The tenant.
        tenant: String,
        /// The subject.
        subject: String,
    },
    /// `TENANT#{tenant}#INCIDENTS#{status}` in `for_people`: a tenant's incidents of one status, by
    /// the time they were opened.
    Incidents {
        /// The tenant.
        tenant: String,
        /// The status.
        status: IncidentStatus,
    },
    /// `TENANT#{tenant}#QUESTIONS` in `for_people`: a tenant's open questions, by the start of
    /// their executions.
    Questions(String),
    /// `CONTROLS` in `for_people`: every control, by its last change.
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
    /// The list of open executions that has `at`.
    pub fn open(at: &ExecutionKey, urgent: bool) -> Self {
        Self::Open {
            shard: Self::shard_of(&at.execution),
            urgent,
        }
    }

    /// The list of its tenant's executions that has `at`.
    pub fn executions(at: &ExecutionKey) -> Self {
        Self::Executions {
            tenant: at.tenant.clone(),
            shard: Self::shard_of(&at.execution),
        }
    }

    /// The shard of an execution. Ids are hashes, so their first digit spreads evenly.
    pub fn shard_of(execution: &str) -> u8 {
        let digit = execution.chars().next();
        let digit = digit.and_then(|digit| digit.to_digit(16));
        (digit.unwrap_or_default() % u32::from(SHARDS)) as u8
    }

    /// Every list of open executions of one urgency.
    pub fn all_open(urgent: bool) -> impl Iterator<Item = Self> {
        (0..SHARDS).map(move |shard| Self::Open { shard, urgent })
    }

    /// The name of the index, and of the attribute that holds its hash key.
    pub fn index(&self) -> &'static str {
        match self {
            Self::Executions { .. } => "listed",
            Self::Incidents { .. } | Self::Questions(_) | Self::Controls => "for_people",
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
            Self::Executions { tenant, shard } => format!("{TENANT}{tenant}#EXECUTIONS#{shard}"),
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
