//! The execution record: the idempotency claim on its start, its owner, its phase and its end.

use holdfast_receipt::{EarlyStop, GuardrailOutcome, ReceiptRef, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    counter::{Counter, CounterChange, Reservation},
    past::PastGeneration,
    shown_status::{CLOSING, ROLLING_BACK, RUNNING},
};
use holdfast_ids::{arn::is_express, keys::ExecutionKey, trace::TraceId};
use holdfast_receipt::Approval;
use holdfast_task::{Choices, ExecutionRef, Failure, Tier, payload::Payload};

/// The execution record. It is written whole, on condition that `rev` is still the one that was
/// read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The execution.
    pub at: ExecutionKey,
    /// Workflow id.
    pub workflow: String,
    /// The definition's version.
    pub version: u32,
    /// Digest of the definition.
    pub definition_digest: String,
    /// The idempotency key of the start.
    pub idempotency_key: String,
    /// The input; its digest is the start's fingerprint.
    pub input: Payload,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The person who requested the execution, if a person did; the same person cannot approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The trace of everything that the execution does.
    pub trace: TraceId,
    /// ARN of the Step Functions execution that began it, if another one acts for it now. Left out
    /// otherwise, so that most records fit into one write unit. Earlier releases always wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// ARN of the Step Functions execution that may act for it.
    pub owner: String,
    /// ARN of its state machine, from which the compiled steps can be read.
    pub machine: String,
    /// The epoch. It rises with every takeover, redrive and stop; a task of an older epoch can
    /// claim nothing.
    pub epoch: u64,
    /// The execution generation. It rises with a redrive and with a later rollback.
    pub generation: u32,
    /// The time of the start.
    pub started_at: Timestamp,
    /// The deadline, after which the sweep considers it overdue.
    pub deadline: Timestamp,
    /// The outcomes of admission.
    pub guardrails: Vec<GuardrailOutcome>,
    /// The digest of the guardrails that admission applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<String>,
    /// The approval that came with the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// The subject that the definition names for people, such as `order 4711`. Evaluated once, at
    /// the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The further fields that the definition shows to people, each a label and a text, in declared
    /// order. Evaluated once, at the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(String, String)>,
    /// Its reservations of its tenant's budgets and limits.
    #[serde(rename = "holds", default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<Reservation>,
    /// The time at which the rollback of this execution generation began, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwound_at: Option<Timestamp>,
    /// The phase.
    pub phase: Phase,
    /// The output of an executed execution, if its definition declares one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ExecutionOutput>,
    /// The branches that it took, recorded at its end. If a recovery ended it, they are those that
    /// the records of its steps show.
    #[serde(default, skip_serializing_if = "Choices::is_empty")]
    pub choices: Choices,
    /// The `stop` at which it ended early, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<EarlyStop>,
    /// The receipt, once written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptRef>,
    /// The receipt of the previous execution generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ReceiptRef>,
    /// The last redrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven: Option<Redrive>,
    /// The incidents that its generations met, until the last one comes to a good end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<MetIncident>,
    /// The ended generations before this one, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<PastGeneration>,
}

/// The output of an executed execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionOutput {
    /// The value.
    Value(Payload),
    /// The definition declares an output, and the execution has none for this reason.
    Missing(String),
}

/// An incident that an execution met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetIncident {
    /// The incident's id.
    pub id: String,
    /// True if the incident is about effects that remain or may remain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub standing: bool,
}

/// A redrive and its requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The execution generation that it began.
    pub generation: u32,
    /// The person or program that requested it.
    pub by: String,
    /// The reason, in the requester's own words.
    pub reason: String,
    /// The time of the request.
    pub at: Timestamp,
    /// ARN of the state machine version with which the request was checked, and which the redrive
    /// runs. Absent in records of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
}

/// The phase of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Steps may act.
    Running,
    /// Admission rejected the start; the end is not recorded yet.
    Rejected,
    /// No step may act any more, and effects are undone.
    Unwinding {
        /// The reason.
        failure: Failure,
    },
    /// The execution has ended.
    Ended {
        /// The final status.
        status: Status,
        /// The time of the end.
        at: Timestamp,
        /// The reason why it did not execute; `None` if it did.
        failure: Option<Failure>,
    },
}

impl Phase {
    /// The name in the API and for people: the final status once there is one.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => RUNNING,
            Self::Rejected => CLOSING,
            Self::Unwinding { .. } => ROLLING_BACK,
            Self::Ended { status, .. } => status.name(),
        }
    }
}

/// The members of an execution record that decide whether a task may act. Each attempt of a step
/// reads them, and no other member.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EpochAndPhase {
    /// The epoch.
    pub epoch: u64,
    /// The phase.
    pub phase: Phase,
}

impl EpochAndPhase {
    /// Returns whether a step's task of `epoch` may still act.
    pub fn admits(&self, epoch: u64) -> bool {
        self.phase == Phase::Running && self.epoch == epoch
    }
}

impl ExecutionRecord {
    /// The reference that every later task carries.
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

    /// ARN of the Step Functions execution that began it, from which its definition can be read.
    pub fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or(&self.owner)
    }

    /// The tier of the state machine that began it, which a recovery does not change.
    pub fn tier(&self) -> Tier {
        match is_express(self.origin()) {
            true => Tier::Express,
            false => Tier::Standard,
        }
    }

    /// The redrive that began this execution generation, if one did.
    pub fn redrive(&self) -> Option<&Redrive> {
        let last = self.redriven.as_ref();
        last.filter(|redriven| redriven.generation == self.generation)
    }

    /// The digest of the input, by which a repeated start and a reused key differ.
    pub fn fingerprint(&self) -> &str {
        self.input.sha256()
    }

    /// Returns whether no input is recorded, because the start could not be read. Every other
    /// record has an outcome of admission or an input, and no input schema accepts `null`.
    pub fn lacks_input(&self) -> bool {
        let null = matches!(&self.input, Payload::Inline { value, .. } if value.is_null());
        null && self.guardrails.is_empty()
    }

    /// The members that each attempt of a step reads.
    pub fn epoch_and_phase(&self) -> EpochAndPhase {
        EpochAndPhase {
            epoch: self.epoch,
            phase: self.phase.clone(),
        }
    }

    /// The rule of [`EpochAndPhase::admits`].
    pub fn admits(&self, epoch: u64) -> bool {
        self.epoch_and_phase().admits(epoch)
    }

    /// Returns whether an undo's task of `epoch` may still act.
    pub fn unwinds(&self, epoch: u64) -> bool {
        matches!(self.phase, Phase::Unwinding { .. }) && self.epoch == epoch
    }

    /// Replaces outcomes of the same name and adds the others.
    pub fn decided(&mut self, outcomes: impl Iterator<Item = GuardrailOutcome>) {
        for outcome in outcomes {
            let mut earlier = self.guardrails.iter_mut();
            match earlier.find(|earlier| earlier.name == outcome.name) {
                Some(earlier) => *earlier = outcome,
                None => self.guardrails.push(outcome),
            }
        }
    }

    /// The status that lists show. A list shows the end of an execution together with its receipt,
    /// so that the write of the end alone changes no index (decision 0107).
    pub fn list_status(&self) -> &'static str {
        match &self.phase {
            Phase::Ended { .. } if self.receipt.is_some() => self.phase.name(),
            Phase::Ended { status, .. } if *status == Status::Rejected => CLOSING,
            Phase::Ended { .. } if self.unwound_at.is_some() => ROLLING_BACK,
            Phase::Ended { .. } => RUNNING,
            Phase::Running | Phase::Rejected | Phase::Unwinding { .. } => self.phase.name(),
        }
    }

    /// Returns whether work remains for the execution: its receipt is written last.
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
    let held = before.reservations.iter();
    let gone = held.filter(|reservation| !after.reservations.contains(reservation));
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
