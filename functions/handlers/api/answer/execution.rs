//! Answers about one execution. Observers see nothing that comes from inputs, outputs, targets or
//! people.

use holdfast_ids::trace::TraceId;
use holdfast_receipt::{AttemptOutcome, GuardrailOutcome, Residual, ShownField};
use holdfast_task::{Tier, payload::Payload};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    incident::Question,
    progress::{OpenQuestion, Pause},
};
use crate::api::schema::{tier, time, time_or_null};

/// An execution, recorded or not yet.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ExecutionView {
    /// An execution that the ledger records.
    Recorded(Box<Execution>),
    /// An execution that Step Functions runs and the ledger does not record yet.
    Starting(Starting),
}

/// A start that the ledger does not record yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Starting {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) tenant: String,
    /// `STARTING`
    pub(crate) status: &'static str,
    /// Empty until the start is recorded.
    pub(crate) steps: Vec<Step>,
}

/// An execution as the ledger records it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Execution {
    pub(crate) execution_id: String,
    pub(crate) workflow_id: String,
    pub(crate) workflow_version: u32,
    /// The tier of the state machine that began it.
    #[schemars(schema_with = "tier")]
    pub(crate) tier: Tier,
    pub(crate) tenant: String,
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<OpenQuestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<Pause>,
    /// The trigger's name, or `api` or `direct`.
    pub(crate) trigger: String,
    /// The person who requested the start, if it names one.
    pub(crate) requested_by: Option<String>,
    /// The subject, which the definition names; null if it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// Further fields that the definition shows, in declared order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<Vec<ShownField>>,
    /// Hex SHA-256 of the input's canonical JSON, also for an approver whom a question asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_sha256: Option<String>,
    /// The trace id of the execution, in logs and in requests to targets.
    #[schemars(with = "String")]
    pub(crate) trace_id: TraceId,
    /// The execution generation; it rises with a redrive and with a later rollback.
    pub(crate) generation: u32,
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    #[schemars(schema_with = "time")]
    pub(crate) deadline: Timestamp,
    /// Outcomes of the admission check; messages only for roles that see payloads.
    pub(crate) guardrails: Vec<GuardrailOutcome>,
    /// The failure that stopped the execution.
    pub(crate) failure: Option<ExecutionFailure>,
    /// The last redrive.
    pub(crate) redriven: Option<Redrive>,
    /// Number of repeated starts that were refused.
    pub(crate) duplicates_prevented: u64,
    /// Effects that remain, or may remain, after the end; only for roles that see payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) residual_effects: Option<Vec<Residual>>,
    /// Questions to people, open and closed.
    pub(crate) questions: Vec<Question>,
    /// The paths of the incidents that its ended generations met, until one comes to a good end. An
    /// open question names its own.
    pub(crate) incidents: Vec<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) receipt: Option<ReceiptLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<PayloadView>,
    /// The output of an executed execution, if its definition declares one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<PayloadView>,
    /// The reason why a declared output is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_missing: Option<String>,
}

/// The failure that stopped an execution.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExecutionFailure {
    /// The state that failed; empty if the cause is outside the state machine.
    pub(crate) state: String,
    pub(crate) error: String,
    pub(crate) requested_by: Option<String>,
    /// The reason of a request, in the requester's words; else what failed, as the receipt has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A redrive, which continues the execution where it failed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Redrive {
    /// The execution generation that the redrive began.
    pub(crate) generation: u32,
    /// The subject of the token that requested it.
    pub(crate) by: String,
    /// The reason in the requester's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[schemars(schema_with = "time")]
    pub(crate) at: Timestamp,
}

/// The path that returns a link to the receipt.
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
    /// The effect key, which the target receives.
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

/// Payloads of a step.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StepPayloads {
    /// The item key in a `for_each`.
    pub(crate) item: Option<String>,
    pub(crate) input: PayloadView,
    pub(crate) output: Option<PayloadView>,
}

/// One attempt at a step or at its undo.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Attempt {
    #[schemars(schema_with = "time")]
    pub(crate) started_at: Timestamp,
    #[schemars(schema_with = "time_or_null")]
    pub(crate) ended_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub(crate) outcome: Option<AttemptOutcome>,
    /// The error; null if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Option<String>>,
    /// The answer of a target that did not succeed, of the newest three attempts at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<TargetAnswer>,
}

/// The answer of a target that did not succeed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TargetAnswer {
    /// The path of the request, without the query; at most 256 bytes.
    pub(crate) path: String,
    /// The beginning of the body: at most 1,024 bytes. Control characters and invisible ones are
    /// replaced, but for line ends and tabs.
    pub(crate) body: String,
    /// True if the body is longer.
    pub(crate) cut: bool,
}

/// A payload: its value if it is small, otherwise its size; always its digest.
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

/// The audit events of an execution as CloudEvents 1.0, in order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Story {
    pub(crate) execution_id: String,
    pub(crate) status: String,
    pub(crate) events: Vec<Value>,
}
