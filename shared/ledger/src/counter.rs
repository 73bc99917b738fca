//! Counts that a tenant's executions share, and what one execution holds of them.
//!
//! They change only together with an execution's own record, in one write that is carried out whole or not at all. So
//! an execution that begins twice takes nothing twice, and what it holds is given back exactly once, by its end: there
//! is nothing that could leak, and nothing to reconcile.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use holdfast_receipt::Status;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterKind {
    /// What was used of a budget in a period, in ten-thousandths.
    Budget,
    /// How many executions of a workflow are open.
    Open,
    /// How many executions of a workflow started in a minute. It is never given back.
    Starts,
    /// Whether an approval has admitted a start: one, whatever becomes of it. It is never given back.
    Approval,
}

impl CounterKind {
    const ALL: [Self; 4] = [Self::Budget, Self::Open, Self::Starts, Self::Approval];

    /// The kind with this name in keys.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Budget => "BUDGET",
            Self::Open => "OPEN",
            Self::Starts => "STARTS",
            Self::Approval => "APPROVAL",
        }
    }

    /// Whether what an execution holds of it is given back when it ends like this. A budget is used up by what stands,
    /// or may stand.
    fn returned_reservations(self, status: Status) -> bool {
        match self {
            Self::Open => true,
            Self::Starts | Self::Approval => false,
            Self::Budget => match status {
                Status::Executed | Status::PartiallyRolledBack => false,
                Status::RolledBack | Status::Failed | Status::Rejected => true,
            },
        }
    }
}

/// A count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// The tenant whose executions share it.
    pub tenant: String,
    /// What is counted.
    pub kind: CounterKind,
    /// A budget's name, a workflow, or an approval's reference.
    pub name: String,
    /// The period, or nothing where it has none.
    pub period: String,
}

/// What a write takes from a counter, or, where it is negative, gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterChange {
    /// From which.
    pub counter: Counter,
    /// How much.
    pub amount: i64,
    /// The count may be no more than this afterwards.
    pub most: Option<i64>,
    /// When the count may be forgotten.
    pub until: Option<Timestamp>,
}

impl CounterChange {
    /// Whether it may be taken where `taken` is the count.
    pub fn fits(&self, taken: i64) -> bool {
        self.most
            .is_none_or(|most| taken.saturating_add(self.amount) <= most)
    }

    /// What an execution holds by it, unless it is never given back.
    pub fn hold(&self) -> Option<Reservation> {
        let held = matches!(self.counter.kind, CounterKind::Budget | CounterKind::Open);
        held.then(|| Reservation {
            kind: self.counter.kind,
            name: self.counter.name.clone(),
            period: self.counter.period.clone(),
            amount: self.amount,
        })
    }
}

/// What an execution holds of a counter of its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// What is counted.
    pub kind: CounterKind,
    /// A budget's name, or a workflow.
    pub name: String,
    /// The period.
    pub period: String,
    /// How much.
    pub amount: i64,
}

/// What an execution still holds once it has ended like this.
pub fn kept(holds: &[Reservation], status: Status) -> Vec<Reservation> {
    let kept = holds
        .iter()
        .filter(|hold| !hold.kind.returned_reservations(status));
    kept.cloned().collect()
}
