//! The receipt: its members, and its canonical JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{EarlierGeneration, ShownField};
use crate::outcome::{
    Approval, AttemptOutcome, Decision, EarlyStop, GuardrailOutcome, ReceiptApproval, ReceiptRef,
    Status,
};
use holdfast_ids::{
    digest::{CanonicalError, canonical, sha256_hex},
    names::step_label,
};

/// The name and version of the format.
pub const FORMAT: &str = "holdfast.receipt/1";

/// The form of [`Receipt::deployment`]: account, region and stack, each as AWS names it.
const DEPLOYMENT: &str = "^[0-9]{12}/[a-z0-9-]+/[A-Za-z][A-Za-z0-9-]*$";

const SHA256: &str = "^[0-9a-f]{64}$";

/// The receipt of an ended execution, with the names and values of the specification's example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Name and version of the format.
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// Deployment that wrote the receipt: `ACCOUNT/REGION/STACK`. Receipts of earlier releases have
    /// none.
    #[schemars(extend("pattern" = DEPLOYMENT))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Workflow id.
    pub workflow_id: String,
    /// The definition's version.
    pub workflow_version: u32,
    /// Digest of the definition's canonical JSON.
    pub definition_digest: String,
    /// Execution id.
    #[schemars(extend("pattern" = "^[0-9a-f]{40}$"))]
    pub execution_id: String,
    /// Tenant that owns the execution.
    pub tenant: String,
    /// Status with which the execution ended.
    pub status: Status,
    /// Every step in declared order, reached or not; one entry for each item of a `for_each`.
    pub steps: Vec<ReceiptStep>,
    /// Time at which the execution ended, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    /// Time at which the execution began, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// Milliseconds from start to end.
    pub duration_ms: i64,
    /// Subject of the execution, which its definition names: evaluated once, at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Further fields that its definition shows to people, in declared order: evaluated once, at
    /// the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<ShownField>,
    /// Execution generation: 0, and one more with each later rollback or redrive.
    pub generation: u32,
    /// Redrive that began this execution generation, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven: Option<ReceiptRedrive>,
    /// Name of the trigger, or `api` or `direct`.
    pub trigger: String,
    /// Person who requested the start, if the start names one. If `trigger` is `api`, the name is
    /// that of the verified token, as far as IAM lets only the API start the state machine under
    /// the execution's id. Otherwise the name is the word of the start's sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Idempotency key of the start.
    pub idempotency_key: String,
    /// Hex SHA-256 of the input's canonical JSON.
    #[schemars(extend("pattern" = SHA256))]
    pub input_sha256: String,
    /// Hex SHA-256 of the canonical JSON of the execution's output, if its definition declares one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SHA256))]
    pub output_sha256: Option<String>,
    /// Reason why the execution has no output, although its definition declares one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_missing: Option<String>,
    /// Outcome of each guardrail of the admission check, in order.
    pub guardrails: Vec<GuardrailOutcome>,
    /// Digest of what the admission check evaluated: input schema, tenants and guardrails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<String>,
    /// Approval that came with the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Number of repeats of this start that were refused before the receipt was written.
    pub duplicates_prevented: u64,
    /// Reason why the execution did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ReceiptFailure>,
    /// Branch that the execution took at each `choose` or `stop` that it reached: the number of
    /// the `when` that was true, from 1, or `otherwise`; at a `stop`, `stop` or `continue`. If a
    /// recovery ended the execution, only branches with a step that an attempt claimed are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<String, String>,
    /// The `stop` at which the execution ended early, with success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<EarlyStop>,
    /// Decisions of people during the execution, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<ReceiptDecision>,
    /// Approvals that the execution reached, and the decision of each person on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ReceiptApproval>,
    /// Effects that remain, or may remain, after a failure or a skipped step.
    pub residual_effects: Vec<Residual>,
    /// Id of the incident that this execution is a case of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Execution generations before this one, oldest first: the last 50. Receipts of earlier
    /// releases name none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierGeneration>,
    /// Receipt of the execution generation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_receipt: Option<PreviousReceipt>,
    /// Certificate of the short-lived key that signed the receipt: a compact JWS of a key of the
    /// deployment (RFC 7515, ES256). A receipt that a key of the deployment signed itself has none.
    #[schemars(extend("pattern" = r"^[\w-]+\.[\w-]+\.[\w-]{86}$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Detached JWS (RFC 7515, ES256) over the canonical JSON of all other members.
    #[schemars(extend("pattern" = r"^[\w-]+\.\.[\w-]{86}$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptDecision {
    /// Name of the step that waited for the decision.
    pub step: String,
    /// The decision.
    pub decision: Decision,
    /// Person who decided.
    pub by: String,
    /// Reason, in that person's words.
    pub reason: String,
    /// Time, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

/// A redrive: a person continued an ended execution where it had failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRedrive {
    /// Person who requested it.
    pub by: String,
    /// Reason, in that person's words.
    pub reason: String,
    /// Time, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

/// The receipt of the execution generation before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviousReceipt {
    /// Object key of that receipt.
    pub object: String,
    /// Hex SHA-256 of that receipt's bytes.
    #[schemars(extend("pattern" = SHA256))]
    pub sha256: String,
}

/// One step in a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptStep {
    /// Name of the step.
    pub name: String,
    /// Item key in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Action that performs the step.
    pub action: String,
    /// State of the step at the end.
    pub status: StepStatus,
    /// Number of attempts.
    pub attempts: u32,
    /// Attempts, oldest first, with those of earlier execution generations.
    pub history: Vec<ReceiptAttempt>,
    /// Time at which the first attempt began, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Option<String>,
    /// Time at which the end of the last attempt was recorded, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
    /// Idempotency key that the target received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Hex SHA-256 of the canonical JSON of the step's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SHA256))]
    pub input_sha256: Option<String>,
    /// Hex SHA-256 of the canonical JSON of the step's output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SHA256))]
    pub output_sha256: Option<String>,
    /// Last error, if the first attempt did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Code of the failure after which the execution continued, as the definition says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued_on: Option<String>,
    /// Attempts to undo the step, or to verify its effect at the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<ReceiptUndo>,
}

/// The attempts to undo one step, or to verify its effect at the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptUndo {
    /// Number of attempts.
    pub attempts: u32,
    /// Attempts, oldest first, with those of earlier execution generations.
    pub history: Vec<ReceiptAttempt>,
    /// Time at which the first attempt began, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// Time at which the end of the last attempt was recorded, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
    /// Idempotency key that the target received.
    pub idempotency_key: String,
    /// Last error, if the first attempt did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// The state of a step at the end of an execution.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepStatus {
    /// The step took effect, and the effect remains.
    Success,
    /// The step had no effect.
    Failed,
    /// The step may have had its effect.
    Unknown,
    /// The effect was undone, or it never happened and cannot happen any more.
    Undone,
    /// The undo failed for good.
    UndoFailed,
    /// The execution continued without the step.
    Skipped,
    /// The execution did not reach the step.
    NotRun,
}

impl StepStatus {
    /// The name in receipts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
            Self::Undone => "UNDONE",
            Self::UndoFailed => "UNDO_FAILED",
            Self::Skipped => "SKIPPED",
            Self::NotRun => "NOT_RUN",
        }
    }
}

/// One attempt at a step, or at undoing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptAttempt {
    /// Time at which the attempt claimed the step, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// Time at which the end of the attempt was recorded, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
    /// Outcome of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// Error that the action reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The reason why an execution did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFailure {
    /// State at which the error was caught.
    pub state: String,
    /// Name of the error.
    pub error: String,
    /// Error text in the records, or the reason that a person gave.
    pub reason: String,
    /// Person who requested the cancellation or the rollback, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Time of that request, RFC 3339 UTC. Receipts of earlier releases do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub requested_at: Option<String>,
}

/// An effect that remains, or may remain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// Name of the step, with the item key in a `for_each`.
    pub step: String,
    /// Action that caused the effect.
    pub action: String,
    /// Idempotency key of the effect at its target.
    pub idempotency_key: String,
    /// `true`: the effect remains. `false`: the effect may remain.
    pub certain: bool,
}

impl Receipt {
    /// The place of the receipt of the execution generation before, as the receipt in `bytes` names
    /// it. `recorded` has the place and the SHA-256 of `bytes`.
    pub fn before(bytes: &[u8], recorded: &ReceiptRef) -> Result<Option<ReceiptRef>, String> {
        if sha256_hex(bytes) != recorded.sha256 {
            return Err(format!(
                "{} is not the file that was recorded",
                recorded.object
            ));
        }
        let receipt = serde_json::from_slice::<Self>(bytes);
        let receipt =
            receipt.map_err(|error| format!("{} is no {FORMAT}: {error}", recorded.object))?;
        Ok(receipt.previous_receipt.map(|before| ReceiptRef {
            object: before.object,
            sha256: before.sha256,
        }))
    }

    /// The canonical JSON (RFC 8785).
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        canonical(&value).map_err(|error: CanonicalError| error.to_string())
    }
}

impl ReceiptStep {
    /// `step`, or `step[item]`.
    pub fn label(&self) -> String {
        step_label(&self.name, self.item.as_deref())
    }
}
