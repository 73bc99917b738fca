//! The record of an execution: the idempotency claim on its start, who owns it, and how it ended.

use holdfast_receipt::{GuardrailOutcome, ReceiptRef, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::counter::{Counter, CounterChange, Reservation};
use holdfast_ids::{keys::ExecutionKey, trace::TraceId};
use holdfast_receipt::Approval;
use holdfast_task::{ExecutionRef, Failure, payload::Payload};

/// The execution's record. Written whole, each time on condition that `rev` is still what the writer read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The execution's partition.
    pub at: ExecutionKey,
    /// Workflow id.
    pub workflow: String,
    /// The definition's version.
    pub version: u32,
    /// Digest of the definition.
    pub definition_digest: String,
    /// The key that the start came with.
    pub idempotency_key: String,
    /// The input; its digest is the start's fingerprint.
    pub input: Payload,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// Who asked for it, if a person did: they cannot approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The trace that everything it does belongs to.
    pub trace: TraceId,
    /// ARN of the Step Functions execution that began it: where its definition can be read again.
    pub origin: String,
    /// ARN of the Step Functions execution that acts for it now; another one is a duplicate.
    pub owner: String,
    /// ARN of its state machine: where the compiled steps can be read again.
    pub machine: String,
    /// Rises whenever another part of the engine takes over; tasks of an older epoch can claim nothing.
    pub epoch: u64,
    /// Rises with a redrive and with a later rollback.
    pub generation: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it is overdue.
    pub deadline: Timestamp,
    /// What the gate decided.
    pub guardrails: Vec<GuardrailOutcome>,
    /// Digest of what it judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<String>,
    /// The approval that came with the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What it holds of its tenant's budgets and limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Reservation>,
    /// Where its life stands.
    pub phase: Phase,
    /// Its receipt, once written.
    pub receipt: Option<ReceiptRef>,
    /// The receipt of the generation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ReceiptRef>,
    /// The last redrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven: Option<Redrive>,
}

/// A redrive, and who asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The generation that it began.
    pub generation: u32,
    /// The person or program that asked.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Where an execution's life stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Steps may act.
    Running,
    /// The gate said no; the end is not recorded yet.
    Rejected,
    /// It goes no further; no step may act any more, and what was done is undone.
    Unwinding {
        /// Why.
        failure: Failure,
    },
    /// Over.
    Ended {
        /// How.
        status: Status,
        /// When.
        at: Timestamp,
        /// Why it did not end well.
        failure: Option<Failure>,
    },
}

impl Phase {
    /// Its name, as people and the API see it: the final status once it has one.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Rejected => "CLOSING",
            Self::Unwinding { .. } => "ROLLING_BACK",
            Self::Ended { status, .. } => status.name(),
        }
    }
}

impl ExecutionRecord {
    /// What later tasks are handed.
    pub fn reference(&self) -> ExecutionRef {
        ExecutionRef {
            id: self.at.execution.clone(),
            tenant: self.at.tenant.clone(),
            workflow: self.workflow.clone(),
            version: self.version,
            epoch: self.epoch,
            generation: self.generation,
            started_at: self.started_at.to_string(),
            trigger: self.trigger.clone(),
            trace: self.trace.clone(),
        }
    }

    /// The redrive that began this generation, if one did.
    pub fn redrive(&self) -> Option<&Redrive> {
        let last = self.redriven.as_ref();
        last.filter(|redriven| redriven.generation == self.generation)
    }

    /// The same start, by its input.
    pub fn fingerprint(&self) -> &str {
        self.input.sha256()
    }

    /// Whether a step's task of `epoch` may still act.
    pub fn admits(&self, epoch: u64) -> bool {
        self.phase == Phase::Running && self.epoch == epoch
    }

    /// Whether an undo's task of `epoch` may still act.
    pub fn unwinds(&self, epoch: u64) -> bool {
        matches!(self.phase, Phase::Unwinding { .. }) && self.epoch == epoch
    }

    /// Puts outcomes in the place of earlier ones of the same name.
    pub fn decided(&mut self, outcomes: impl Iterator<Item = GuardrailOutcome>) {
        for outcome in outcomes {
            let mut earlier = self.guardrails.iter_mut();
            match earlier.find(|one| one.name == outcome.name) {
                Some(earlier) => *earlier = outcome,
                None => self.guardrails.push(outcome),
            }
        }
    }

    /// Whether something is still to be done for it: its receipt is the last thing.
    pub fn is_open(&self) -> bool {
        self.receipt.is_none()
    }
}

/// The counter changes that go with a change of an execution record: every reservation that is gone
/// is given back.
pub fn returned_reservations(
    before: &ExecutionRecord,
    after: &ExecutionRecord,
) -> Vec<CounterChange> {
    let held = before.holds.iter();
    let gone = held.filter(|reservation| !after.holds.contains(reservation));
    gone.map(|reservation| CounterChange {
        counter: Counter {
            tenant: before.at.tenant.clone(),
            kind: reservation.kind,
            name: reservation.name.clone(),
            period: reservation.period.clone(),
        },
        amount: -reservation.amount,
        most: None,
        until: None,
    })
    .collect()
}
