//! An execution as the API shows it. What comes from inputs, outputs, targets or people is left out for observers.

use holdfast_ids::trace::TraceId;
use holdfast_receipt::{AttemptOutcome, GuardrailOutcome};
use holdfast_task::payload::Payload;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::incident::Question;
use crate::schema::{time, time_or_null};

/// An execution, recorded or about to be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ExecutionView {
    /// It is recorded.
    Recorded(Box<Execution>),
    /// Step Functions has it, the ledger not yet.
    Starting(Starting),
}

/// A start that is not recorded yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Starting {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// `STARTING`
    pub(crate) status: &'static str,
    /// None yet.
    pub(crate) steps: Vec<Step>,
}

/// What the ledger knows of an execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Execution {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) workflow_version: u32,
    pub(crate) tenant: String,
    pub(crate) status: String,
    /// The trigger's name, or `api` or `direct`.
    pub(crate) trigger: String,
    /// One for the execution, in logs and to its targets.
    #[schemars(with = "String")]
    pub(crate) trace_id: TraceId,
    /// Rises with a redrive and with a later rollback.
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    #[schemars(schema_with = "time")]
    pub(crate) deadline: Timestamp,
    /// What the gate decided; the messages only for who may see what comes from inputs.
    pub(crate) guardrails: Vec<GuardrailOutcome>,
    /// Why it does not go on.
    pub(crate) failure: Option<ExecutionFailure>,
    /// The last redrive.
    pub(crate) redriven: Option<Redrive>,
    /// Repeats of its start that were refused.
    pub(crate) duplicates_prevented: u64,
    /// What people are asked.
    pub(crate) questions: Vec<Question>,
    pub(crate) steps: Vec<Step>,
    pub(crate) receipt: Option<ReceiptLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<PayloadView>,
}

/// Why an execution does not go on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExecutionFailure {
    /// The state that failed; empty where it came from outside.
    pub(crate) state: String,
    pub(crate) error: String,
    pub(crate) requested_by: Option<String>,
}

/// A redrive: somebody let it go on where it had failed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Redrive {
    /// The generation that it began.
    pub(crate) generation: u32,
    /// Who asked for it.
    pub(crate) by: String,
    /// Why, in their own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// Where a receipt's link is asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReceiptLink {
    pub(crate) href: String,
    pub(crate) sha256: String,
}

/// A step, or one item of a `for_each`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) action: String,
    pub(crate) status: &'static str,
    /// What its target receives.
    pub(crate) idempotency_key: String,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) started_at: Option<Timestamp>,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) undo_attempts: Vec<Attempt>,
    #[serde(flatten)]
    pub(crate) payloads: Option<StepPayloads>,
}

/// What a step is about.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StepPayloads {
    /// The item's name in a `for_each`.
    pub(crate) item: Option<String>,
    pub(crate) input: PayloadView,
    pub(crate) output: Option<PayloadView>,
}

/// One attempt.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Attempt {
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub(crate) outcome: Option<AttemptOutcome>,
    /// What went wrong; null where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Option<String>>,
}

/// A payload: a small one itself, of a large one the digest and the size.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PayloadView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
    /// Hex SHA-256 of its canonical JSON.
    pub(crate) sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<usize>,
}

impl From<&Payload> for PayloadView {
    fn from(payload: &Payload) -> Self {
        let (value, bytes) = match payload {
            Payload::Inline { value, .. } => (Some(value.clone()), None),
            Payload::Stored(stored) => (None, Some(stored.bytes)),
        };
        Self {
            value,
            sha256: payload.sha256().to_owned(),
            bytes,
        }
    }
}

/// An execution's story: CloudEvents 1.0, in order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Story {
    pub(crate) execution_id: String,
    pub(crate) status: String,
    pub(crate) events: Vec<Value>,
}
