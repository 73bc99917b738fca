//! The first record of an execution, which `begin` writes, or `recover` if `begin` could not.

use holdfast_admission::Start;
use holdfast_ids::{keys::ExecutionKey, trace::TraceId};
use holdfast_ledger::{ExecutionRecord, Phase};
use holdfast_receipt::{Approval, GuardrailOutcome};
use holdfast_task::{AdmissionSpec, Choices, payload::Payload};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The parts of the record that the start names.
pub(crate) struct FirstRecord {
    pub(crate) at: ExecutionKey,
    pub(crate) idempotency_key: String,
    pub(crate) input: Payload,
    pub(crate) trigger: String,
    pub(crate) requested_by: Option<String>,
    pub(crate) approval: Option<Approval>,
    pub(crate) trace: TraceId,
    /// ARN of the Step Functions execution.
    pub(crate) owner: String,
    /// ARN of its state machine.
    pub(crate) machine: String,
    pub(crate) started_at: Timestamp,
}

/// The approval of a start as the record keeps it: its signature is verified if the guardrail
/// `approval` held.
pub(crate) fn recorded_approval(
    start: &Start,
    guardrails: &[GuardrailOutcome],
) -> Option<Approval> {
    let mut approval = start.approval.clone()?;
    let held = |outcome: &GuardrailOutcome| outcome.name == "approval" && outcome.held;
    if let Some(signature) = &mut approval.signature {
        signature.verified = guardrails.iter().any(held);
    }
    Some(approval)
}

/// The start of a record, with its recorded input.
pub(crate) fn recorded_start(stored: &ExecutionRecord, input: &Value) -> Start {
    Start {
        tenant: stored.at.tenant.clone(),
        idempotency_key: stored.idempotency_key.clone(),
        input: input.clone(),
        trigger: stored.trigger.clone(),
        requested_by: stored.requested_by.clone(),
        approval: stored.approval.clone(),
        trace: None,
        unmapped: None,
    }
}

impl FirstRecord {
    /// The record under the definition of `gate`, `Running`, before any guardrail is evaluated.
    pub(crate) fn under(self, gate: &AdmissionSpec) -> ExecutionRecord {
        let timeout = i64::try_from(gate.timeout_s).unwrap_or(i64::MAX / 1_000_000_000);
        let deadline = self
            .started_at
            .saturating_add(SignedDuration::from_secs(timeout));
        ExecutionRecord {
            rev: 1,
            workflow: gate.workflow.clone(),
            version: gate.version,
            definition_digest: gate.definition_digest.clone(),
            idempotency_key: self.idempotency_key,
            input: self.input,
            trigger: self.trigger,
            requested_by: self.requested_by,
            trace: self.trace,
            origin: None,
            owner: self.owner,
            machine: self.machine,
            epoch: 1,
            generation: 0,
            started_at: self.started_at,
            deadline: deadline.unwrap_or(Timestamp::MAX),
            guardrails: Vec::new(),
            policy_digest: None,
            approval: self.approval,
            subject: None,
            shown: Vec::new(),
            reservations: Vec::new(),
            unwound_at: None,
            phase: Phase::Running,
            output: None,
            choices: Choices::new(),
            stopped: None,
            receipt: None,
            previous: None,
            redriven: None,
            incidents: Vec::new(),
            past: Vec::new(),
            at: self.at,
        }
    }
}
