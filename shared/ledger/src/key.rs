//! Every key of the ledger's table, with the shape of the value under each.
//!
//! Only this file and `list.rs` write or read the text of a key. The patterns in `template.yaml`
//! and in the policy of a tenant's session repeat prefixes of partition keys;
//! `shared/aws/src/tenant_keys.rs` compares them with the keys that are built here.

use holdfast_ids::keys::ExecutionKey;
use jiff::Timestamp;

pub use super::record_keys::{IncidentKey, QuestionKey, StepKey};
use super::{
    bulk::BulkKey,
    bulk_part::BulkPartKey,
    control::Scope,
    counter::{Counter, CounterKind},
    delegation::DelegationKey,
    statistics::{StatisticsKey, StatisticsMark, hour_of_text, hour_text},
};

pub(crate) const TENANT: &str = "TENANT#";
const EXECUTION: &str = "EXEC#";
const INCIDENT: &str = "INCIDENT#";
const COUNT: &str = "COUNT#";
const REFUSED: &str = "REFUSED";
const BULK: &str = "BULK#";
const DELEGATIONS: &str = "DELEGATIONS";
const STATISTICS: &str = "STATISTICS";
const MARK: &str = "MARK#";
const META: &str = "META";
const DUPLICATES: &str = "DUPLICATES";
const PART: &str = "PART#";
const STEP: &str = "STEP#";
const QUESTION: &str = "ASK#";
const NO_PERIOD: &str = "-";
const CURSOR: &str = "#CURSOR";

/// A key of the table: partition key `pk` and sort key `sk`.
///
/// Each variant names `pk` and `sk`, then the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `TENANT#{tenant}#EXEC#{execution}`, `META`: an [`ExecutionRecord`](super::ExecutionRecord).
    Execution(ExecutionKey),
    /// `TENANT#{tenant}#EXEC#{execution}`, `STEP#{step}` or `STEP#{step}#{item}`: a
    /// [`StepRecord`](super::StepRecord).
    Step(StepKey),
    /// `TENANT#{tenant}#EXEC#{execution}`, `ASK#{step}`: a [`Question`](super::Question).
    Question(QuestionKey),
    /// `TENANT#{tenant}#EXEC#{execution}`, `DUPLICATES`: the refused duplicate starts, as
    /// `{ refused: number, workflow: text }`.
    Duplicates(ExecutionKey),
    /// `TENANT#{tenant}#INCIDENT#{id}`, `META`: an [`Incident`](super::Incident).
    Incident(IncidentKey),
    /// `TENANT#{tenant}#INCIDENT#{id}`, `EXEC#{execution}#{generation}`: a [`Link`](super::Link)
    /// and `told_at`, its time to the millisecond.
    Link {
        /// The incident.
        incident: IncidentKey,
        /// The execution that met it.
        execution: String,
        /// The execution generation that met it.
        generation: u32,
    },
    /// `TENANT#{tenant}#COUNT#{kind}#{name}`, `{period}` or `-`: a count, as
    /// `{ taken: number, expires_at: seconds }`.
    Counter(Counter),
    /// `TENANT#{tenant}#REFUSED`, `{time}#{id}`: a [`Refusal`](super::Refusal) and `expires_at`, in
    /// seconds.
    Refusal {
        /// The tenant that would have owned the execution.
        tenant: String,
        /// The time of the refusal.
        at: Timestamp,
        /// The refusal's id.
        id: String,
    },
    /// `TENANT#{tenant}#DELEGATIONS`, `{id}`: a [`Delegation`](super::Delegation).
    Delegation(DelegationKey),
    /// `TENANT#{tenant}#BULK#{id}`, `META`: a [`Bulk`](super::Bulk).
    Bulk(BulkKey),
    /// `TENANT#{tenant}#BULK#{id}`, `PART#{number}`: a [`BulkPart`](super::BulkPart).
    BulkPart(BulkPartKey),
    /// `TENANT#{tenant}#STATISTICS`, `{hour}#{workflow}`: [`Statistics`](super::Statistics), a
    /// number each, with `updated_at` and `expires_at`.
    Statistics(StatisticsKey),
    /// `TENANT#{tenant}#STATISTICS`, `MARK#{first}#{hour}#{workflow}`: the mark of a group of
    /// changes that the statistics contain, as `{ last: sequence number, expires_at: seconds }`.
    StatisticsMark(StatisticsMark),
    /// `CONTROL#{scope}`, `META`: a [`Control`](super::Control).
    Control(Scope),
    /// `CONTROL#COPY#{number}`, `META`: a copy of the list of paused scopes, a
    /// [`PausedScopes`](super::PausedScopes).
    ControlCopy(u8),
    /// `CHAINS`, `{tenant}`: the head of the tenant's chain of digests, as
    /// `{ hour: time, sha256: text }`.
    Head {
        /// The tenant.
        tenant: String,
    },
    /// `CHAINS`, `#CURSOR`: the place from which the next run extends quiet chains, as
    /// `{ after: tenant }`. No tenant's name has a `#`.
    ChainCursor,
    /// `TENANTS`, `{tenant}`: a [`TenantRecord`](super::TenantRecord).
    Tenant {
        /// The tenant.
        tenant: String,
    },
}

impl Key {
    /// The first characters of every partition that holds a control or a copy of their list.
    pub const CONTROL_PREFIX: &str = "CONTROL#";
    /// The first characters of every partition that holds a copy of the list of paused scopes.
    pub const CONTROL_COPY_PREFIX: &str = "CONTROL#COPY#";
    /// The partition of the heads of all chains.
    pub const HEADS: &str = "CHAINS";
    /// The partition of the registry of tenants. No session of a tenant reaches it.
    pub const TENANTS: &str = "TENANTS";
    /// The first characters of the sort key of every link of an incident.
    pub const LINK_PREFIX: &str = EXECUTION;
    /// The first characters of the sort key of every step of an execution.
    pub const STEP_PREFIX: &str = STEP;
    /// The first characters of the sort key of every part of a bulk.
    pub const PART_PREFIX: &str = PART;

    /// The partition key.
    pub fn pk(&self) -> String {
        match self {
            Self::Execution(at)
            | Self::Duplicates(at)
            | Self::Step(StepKey { at, .. })
            | Self::Question(QuestionKey { at, .. }) => {
                format!("{TENANT}{}#{EXECUTION}{}", at.tenant, at.execution)
            }
            Self::Incident(incident) | Self::Link { incident, .. } => {
                format!("{TENANT}{}#{INCIDENT}{}", incident.tenant, incident.id)
            }
            Self::Counter(counter) => {
                let Counter {
                    tenant, kind, name, ..
                } = counter;
                format!("{TENANT}{tenant}#{COUNT}{}#{name}", kind.name())
            }
            Self::Refusal { tenant, .. } => format!("{TENANT}{tenant}#{REFUSED}"),
            Self::Delegation(key) => Self::delegations(&key.tenant),
            Self::Statistics(of) | Self::StatisticsMark(StatisticsMark { of, .. }) => {
                Self::statistics(&of.tenant)
            }
            Self::Bulk(bulk) | Self::BulkPart(BulkPartKey { bulk, .. }) => {
                format!("{TENANT}{}#{BULK}{}", bulk.tenant, bulk.id)
            }
            Self::Control(scope) => format!("{}{}", Self::CONTROL_PREFIX, scope.name()),
            Self::ControlCopy(number) => format!("{}{number:02}", Self::CONTROL_COPY_PREFIX),
            Self::Head { .. } | Self::ChainCursor => Self::HEADS.to_owned(),
            Self::Tenant { .. } => Self::TENANTS.to_owned(),
        }
    }

    /// The partition of a tenant's delegations.
    pub fn delegations(tenant: &str) -> String {
        format!("{TENANT}{tenant}#{DELEGATIONS}")
    }

    /// The partition of a tenant's statistics.
    pub fn statistics(tenant: &str) -> String {
        format!("{TENANT}{tenant}#{STATISTICS}")
    }

    /// The sort key.
    pub fn sk(&self) -> String {
        match self {
            Self::Execution(_)
            | Self::Incident(_)
            | Self::Bulk(_)
            | Self::Control(_)
            | Self::ControlCopy(_) => META.to_owned(),
            Self::Duplicates(_) => DUPLICATES.to_owned(),
            Self::Step(StepKey { step, item, .. }) => match item {
                Some(item) => format!("{STEP}{step}#{item}"),
                None => format!("{STEP}{step}"),
            },
            Self::Question(QuestionKey { step, .. }) => format!("{QUESTION}{step}"),
            Self::Link {
                execution,
                generation,
                ..
            } => format!("{EXECUTION}{execution}#{generation}"),
            Self::Counter(Counter { period, .. }) if period.is_empty() => NO_PERIOD.to_owned(),
            Self::Counter(Counter { period, .. }) => period.clone(),
            Self::Refusal { at, id, .. } => format!("{}#{id}", instant(*at)),
            Self::Delegation(key) => key.id.clone(),
            Self::BulkPart(part) => format!("{PART}{:04}", part.number),
            Self::Statistics(of) => format!("{}#{}", hour_text(of.hour), of.workflow),
            Self::StatisticsMark(StatisticsMark { of, first }) => {
                format!("{MARK}{first}#{}#{}", hour_text(of.hour), of.workflow)
            }
            Self::ChainCursor => CURSOR.to_owned(),
            Self::Head { tenant } | Self::Tenant { tenant } => tenant.clone(),
        }
    }

    /// The key of these texts; `None` if the ledger writes no such key.
    pub fn parse(pk: &str, sk: &str) -> Option<Self> {
        let tenant = sk.to_owned();
        match (pk, sk) {
            (Self::HEADS, CURSOR) => return Some(Self::ChainCursor),
            (Self::HEADS, _) => return Some(Self::Head { tenant }),
            (Self::TENANTS, _) => return Some(Self::Tenant { tenant }),
            _ => {}
        }
        if let Some(number) = pk.strip_prefix(Self::CONTROL_COPY_PREFIX) {
            let number = number.parse().ok()?;
            return (sk == META).then_some(Self::ControlCopy(number));
        }
        if let Some(scope) = pk.strip_prefix(Self::CONTROL_PREFIX) {
            let scope = Scope::read(scope).ok()?;
            return (sk == META).then_some(Self::Control(scope));
        }
        let (tenant, rest) = pk.strip_prefix(TENANT)?.split_once('#')?;
        if let Some(execution) = rest.strip_prefix(EXECUTION) {
            let at = ExecutionKey {
                tenant: tenant.to_owned(),
                execution: execution.to_owned(),
            };
            Self::parse_in_execution(at, sk)
        } else if let Some(id) = rest.strip_prefix(INCIDENT) {
            Self::parse_in_incident(IncidentKey::new(tenant, id), sk)
        } else if let Some(count) = rest.strip_prefix(COUNT) {
            let (kind, name) = count.split_once('#')?;
            Some(Self::Counter(Counter {
                tenant: tenant.to_owned(),
                kind: CounterKind::of_name(kind)?,
                name: name.to_owned(),
                period: Some(sk)
                    .filter(|sk| *sk != NO_PERIOD)
                    .unwrap_or_default()
                    .to_owned(),
            }))
        } else if let Some(id) = rest.strip_prefix(BULK) {
            let (tenant, id) = (tenant.to_owned(), id.to_owned());
            Self::parse_in_bulk(BulkKey { tenant, id }, sk)
        } else if rest == DELEGATIONS {
            Some(Self::Delegation(DelegationKey {
                tenant: tenant.to_owned(),
                id: sk.to_owned(),
            }))
        } else if rest == STATISTICS {
            Self::parse_statistics(tenant, sk)
        } else if rest == REFUSED {
            let (at, id) = sk.split_once('#')?;
            Some(Self::Refusal {
                tenant: tenant.to_owned(),
                at: at.parse().ok()?,
                id: id.to_owned(),
            })
        } else {
            None
        }
    }

    fn parse_in_execution(at: ExecutionKey, sk: &str) -> Option<Self> {
        if sk == META {
            Some(Self::Execution(at))
        } else if sk == DUPLICATES {
            Some(Self::Duplicates(at))
        } else if let Some(step) = sk.strip_prefix(STEP) {
            let (step, item) = match step.split_once('#') {
                Some((step, item)) => (step, Some(item)),
                None => (step, None),
            };
            Some(Self::Step(StepKey::new(&at, step, item)))
        } else {
            let step = sk.strip_prefix(QUESTION)?.to_owned();
            Some(Self::Question(QuestionKey { at, step }))
        }
    }

    fn parse_in_incident(incident: IncidentKey, sk: &str) -> Option<Self> {
        if sk == META {
            return Some(Self::Incident(incident));
        }
        let (execution, generation) = sk.strip_prefix(EXECUTION)?.rsplit_once('#')?;
        Some(Self::Link {
            incident,
            execution: execution.to_owned(),
            generation: generation.parse().ok()?,
        })
    }

    fn parse_in_bulk(bulk: BulkKey, sk: &str) -> Option<Self> {
        if sk == META {
            return Some(Self::Bulk(bulk));
        }
        let number = sk.strip_prefix(PART)?.parse().ok()?;
        Some(Self::BulkPart(BulkPartKey { bulk, number }))
    }

    fn parse_statistics(tenant: &str, sk: &str) -> Option<Self> {
        let place = |place: &str| {
            let (hour, workflow) = place.split_once('#')?;
            Some(StatisticsKey {
                tenant: tenant.to_owned(),
                hour: hour_of_text(hour)?,
                workflow: workflow.to_owned(),
            })
        };
        let Some(mark) = sk.strip_prefix(MARK) else {
            return place(sk).map(Self::Statistics);
        };
        let (first, of) = mark.split_once('#')?;
        Some(Self::StatisticsMark(StatisticsMark {
            of: place(of)?,
            first: first.to_owned(),
        }))
    }

    /// The execution whose partition the key lies in.
    pub fn execution(&self) -> Option<&ExecutionKey> {
        match self {
            Self::Execution(at)
            | Self::Duplicates(at)
            | Self::Step(StepKey { at, .. })
            | Self::Question(QuestionKey { at, .. }) => Some(at),
            _ => None,
        }
    }
}

/// A text of `at`, to the millisecond, that sorts as the time does.
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}
