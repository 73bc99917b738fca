//! The ended generations of an execution, which its record keeps so that its story stays whole.

use holdfast_receipt::{GuardrailOutcome, ReceiptRef, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::execution::{ExecutionRecord, Phase, Redrive};
use holdfast_task::Failure;

/// An ended generation of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastGeneration {
    /// The execution generation.
    pub generation: u32,
    /// The version of its definition.
    pub version: u32,
    /// The digest of its definition.
    pub definition_digest: String,
    /// The redrive that began it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven: Option<Redrive>,
    /// The guardrails that did not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<GuardrailOutcome>,
    /// The deadline, from which the time of the rollback follows.
    pub deadline: Timestamp,
    /// The time at which its rollback began. Records of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwound_at: Option<Timestamp>,
    /// The status.
    pub status: Status,
    /// The time of the end.
    pub at: Timestamp,
    /// The failure, without its cause.
    pub failure: Option<Failure>,
    /// The receipt.
    pub receipt: Option<ReceiptRef>,
}

impl ExecutionRecord {
    /// The maximum number of past generations in a record. The oldest are dropped; the chain of
    /// receipts names them all.
    pub const PAST_MAX: usize = 50;

    /// The past generations of the generation that follows this one.
    pub(super) fn past_after(&self) -> Vec<PastGeneration> {
        let mut past = self.past.clone();
        if let Phase::Ended {
            status,
            at,
            failure,
        } = &self.phase
        {
            let refused = self.guardrails.iter().filter(|outcome| !outcome.held);
            past.push(PastGeneration {
                generation: self.generation,
                version: self.version,
                definition_digest: self.definition_digest.clone(),
                redriven: self.redrive().cloned(),
                refused: refused.cloned().collect(),
                deadline: self.deadline,
                unwound_at: self.unwound_at,
                status: *status,
                at: *at,
                failure: failure.as_ref().map(|failure| Failure {
                    cause: String::new(),
                    ..failure.clone()
                }),
                receipt: self.receipt.clone(),
            });
        }
        let excess = past.len().saturating_sub(Self::PAST_MAX);
        past.drain(..excess);
        past
    }

    /// The record as it was at the end of a past generation, as far as its story needs it.
    pub fn as_of(&self, past: &PastGeneration) -> Self {
        Self {
            generation: past.generation,
            version: past.version,
            definition_digest: past.definition_digest.clone(),
            redriven: past.redriven.clone(),
            guardrails: past.refused.clone(),
            deadline: past.deadline,
            unwound_at: past.unwound_at,
            phase: Phase::Ended {
                status: past.status,
                at: past.at,
                failure: past.failure.clone(),
            },
            receipt: past.receipt.clone(),
            past: Vec::new(),
            ..self.clone()
        }
    }
}
