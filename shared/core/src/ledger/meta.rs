//! The record of an execution: the idempotency claim on its start, who owns it, and how it ended.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    keys::ExecutionKey,
    payload::Payload,
    task::{ExecutionRef, Failure},
};

/// The execution's record. Written whole, each time on condition that `rev` is still what the writer read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
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
    /// ARN of the Step Functions execution that acts for it; another one is a duplicate.
    pub owner: String,
    /// ARN of its state machine: where the compiled steps can be read again.
    pub machine: String,
    /// Rises whenever another part of the engine takes over; tasks of an older epoch can claim nothing.
    pub epoch: u64,
    /// Rises with a redrive.
    pub generation: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it is overdue.
    pub deadline: Timestamp,
    /// What the gate decided.
    pub guardrails: Vec<GuardrailOutcome>,
    /// Where its life stands.
    pub phase: Phase,
    /// Its receipt, once written.
    pub receipt: Option<ReceiptRef>,
}

/// Where an execution's life stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Steps may act.
    Running,
    /// The gate said no; the end is not recorded yet.
    Rejected,
    /// It failed; no step may act any more.
    Closing {
        /// What the machine caught.
        failure: Failure,
    },
    /// Over.
    Ended {
        /// How.
        status: Status,
        /// When.
        at: Timestamp,
        /// What the machine caught, where it did not end well.
        failure: Option<Failure>,
    },
}

impl Phase {
    /// Its name, as people and the API see it: the final status once it has one.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Rejected | Self::Closing { .. } => "CLOSING",
            Self::Ended { status, .. } => status.name(),
        }
    }
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Every step took effect or was skipped.
    Executed,
    /// A step failed for good; the receipt names what stands.
    Failed,
    /// A guardrail or the input schema said no; nothing was applied.
    Rejected,
}

impl Status {
    /// Its name in receipts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Executed => "EXECUTED",
            Self::Failed => "FAILED",
            Self::Rejected => "REJECTED",
        }
    }
}

/// What one guardrail decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardrailOutcome {
    /// Its name; `input` is the input schema, `tenant` the list of tenants.
    pub name: String,
    /// Whether it held.
    pub held: bool,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Where a receipt lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRef {
    /// Object key.
    pub object: String,
    /// Hex SHA-256 of its bytes.
    pub sha256: String,
}

impl Meta {
    /// What later tasks are handed.
    pub fn reference(&self) -> ExecutionRef {
        ExecutionRef {
            id: self.at.execution.clone(),
            tenant: self.at.tenant.clone(),
            workflow: self.workflow.clone(),
            version: self.version,
            epoch: self.epoch,
            started_at: self.started_at.to_string(),
            trigger: self.trigger.clone(),
        }
    }

    /// The same start, by its input.
    pub fn fingerprint(&self) -> &str {
        self.input.sha256()
    }

    /// Whether a task of `epoch` may still act.
    pub fn admits(&self, epoch: u64) -> bool {
        self.phase == Phase::Running && self.epoch == epoch
    }
}
