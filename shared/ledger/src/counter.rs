//! Counters that a tenant's executions share, and the reservations that an execution has of them.
//!
//! A counter changes only together with an execution record, in one write that is applied whole or
//! not at all. So an execution that begins twice reserves once, and its end gives a reservation
//! back exactly once. No reservation can leak, and nothing has to be reconciled.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use holdfast_receipt::Status;

/// The quantity that a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterKind {
    /// The used part of a budget in a period, in ten-thousandths.
    Budget,
    /// The number of open executions of a workflow.
    Open,
    /// The number of executions of a workflow that started in one minute. It is never given back.
    Starts,
    /// 1 if an approval has admitted a start. It is never given back.
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

    /// Returns whether an execution that ends with `status` gives its reservation back. A budget
    /// remains used if an effect remains, or may remain.
    fn is_returned(self, status: Status) -> bool {
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

/// A counter of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// The tenant whose executions share it.
    pub tenant: String,
    /// The quantity.
    pub kind: CounterKind,
    /// A budget's name, a workflow, or an approval's reference.
    pub name: String,
    /// The period; empty if the quantity has none.
    pub period: String,
}

/// The change of a counter by one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterChange {
    /// The counter.
    pub counter: Counter,
    /// The amount that is added; a negative amount is given back.
    pub amount: i64,
    /// The maximum of the count after the change.
    pub most: Option<i64>,
    /// The time after which the count may be deleted.
    pub until: Option<Timestamp>,
}

impl CounterChange {
    /// Returns whether the change keeps to its maximum if `taken` is the count.
    pub fn fits(&self, taken: i64) -> bool {
        self.most
            .is_none_or(|most| taken.saturating_add(self.amount) <= most)
    }

    /// The reservation that the change makes; `None` if it is never given back.
    pub fn reservation(&self) -> Option<Reservation> {
        let held = matches!(self.counter.kind, CounterKind::Budget | CounterKind::Open);
        held.then(|| Reservation {
            kind: self.counter.kind,
            name: self.counter.name.clone(),
            period: self.counter.period.clone(),
            amount: self.amount,
        })
    }
}

/// The amount that an execution has taken from a counter of its tenant and may give back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The quantity.
    pub kind: CounterKind,
    /// A budget's name, or a workflow.
    pub name: String,
    /// The period.
    pub period: String,
    /// The amount.
    pub amount: i64,
}

/// The reservations that an execution keeps when it ends with `status`.
pub fn kept(reservations: &[Reservation], status: Status) -> Vec<Reservation> {
    let kept = reservations
        .iter()
        .filter(|reservation| !reservation.kind.is_returned(status));
    kept.cloned().collect()
}
