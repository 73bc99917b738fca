//! The format of a receipt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::{Approval, AttemptOutcome, Decision, GuardrailOutcome, ReceiptRef, Status};
use holdfast_ids::{
    digest::{CanonicalError, canonical, sha256_hex},
    names::step_label,
};

/// The format's name and version.
pub const FORMAT: &str = "holdfast.receipt/1";

const SHA256: &str = "^[0-9a-f]{64}$";

/// A receipt, whatever the status. Members of the specification's example keep its names and values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// Workflow id.
    pub workflow_id: String,
    /// The definition's version.
    pub workflow_version: u32,
    /// Digest of the definition's canonical JSON.
    pub definition_digest: String,
    /// Execution id.
    #[schemars(extend("pattern" = "^[0-9a-f]{40}$"))]
    pub execution_id: String,
    /// The tenant it belongs to.
    pub tenant: String,
    /// How it ended.
    pub status: Status,
    /// Every step in declared order, whether or not it was reached; one entry per item in a `for_each`.
    pub steps: Vec<ReceiptStep>,
    /// When it ended, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    /// When it began, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// From begin to end, in milliseconds.
    pub duration_ms: i64,
    /// Rises with each later rollback or redrive, from 0.
    pub generation: u32,
    /// The redrive that this generation is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven: Option<ReceiptRedrive>,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The key that the start came with.
    pub idempotency_key: String,
    /// Hex SHA-256 of the input's canonical JSON.
    #[schemars(extend("pattern" = SHA256))]
    pub input_sha256: String,
    /// What the gate decided, in order.
    pub guardrails: Vec<GuardrailOutcome>,
    /// Digest of what it judged by: schema, tenants and rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<String>,
    /// The approval that came with the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// How many repeats of this start were refused by then.
    pub duplicates_prevented: u64,
    /// Why it did not execute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ReceiptFailure>,
    /// What people decided on the way, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<ReceiptDecision>,
    /// Effects that stand, or may, although the execution did not end well or went on without them.
    pub residual_effects: Vec<Residual>,
    /// The incident that this execution is a case of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The receipt of the generation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_receipt: Option<PreviousReceipt>,
    /// Detached JWS (RFC 7515, ES256) over the canonical JSON of all other members.
    #[schemars(extend("pattern" = r"^[\w-]+\.\.[\w-]{86}$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptDecision {
    /// The step that waited for it.
    pub step: String,
    /// What was decided.
    pub decision: Decision,
    /// By whom.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
    /// When, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

/// A redrive: somebody let an ended execution go on where it had failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRedrive {
    /// Who asked for it.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
    /// When, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

/// The receipt that this one follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviousReceipt {
    /// Object key.
    pub object: String,
    /// Hex SHA-256 of its bytes.
    #[schemars(extend("pattern" = SHA256))]
    pub sha256: String,
}

/// One step in a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptStep {
    /// The step's name.
    pub name: String,
    /// The item's name in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The action that performed it.
    pub action: String,
    /// What came of it.
    pub status: StepStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// Each time that it was tried, oldest first; those of earlier generations too.
    pub history: Vec<ReceiptAttempt>,
    /// When the first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Option<String>,
    /// When the last attempt's end was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
    /// The idempotency key that its target received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Hex SHA-256 of its input's canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SHA256))]
    pub input_sha256: Option<String>,
    /// Hex SHA-256 of its output's canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SHA256))]
    pub output_sha256: Option<String>,
    /// The last error, where it did not succeed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// What was done to undo it, or to ask its target about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<ReceiptUndo>,
}

/// The attempts to undo one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptUndo {
    /// How often it was tried.
    pub attempts: u32,
    /// Each time that it was tried, oldest first; those of earlier generations too.
    pub history: Vec<ReceiptAttempt>,
    /// When the first attempt began.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// When the last attempt's end was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
    /// The idempotency key that its target received.
    pub idempotency_key: String,
    /// The last error, where it did not succeed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// What came of a step.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepStatus {
    /// It took effect, and the effect stands.
    Success,
    /// Nothing was applied.
    Failed,
    /// It may have taken effect.
    Unknown,
    /// It was undone, or never happened and cannot any more.
    Undone,
    /// Its undo failed for good.
    UndoFailed,
    /// The execution ended well without it.
    Skipped,
    /// The execution did not get that far.
    NotRun,
}

impl StepStatus {
    /// Its name in receipts.
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
    /// When it claimed the step, RFC 3339 UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// When its end was recorded, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why an execution did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFailure {
    /// The state at which it was caught.
    pub state: String,
    /// The error's name.
    pub error: String,
    /// What the records say of it, or the reason that somebody gave.
    pub reason: String,
    /// Who asked for it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
}

/// An effect that stands, or may stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The step, with its item in a `for_each`.
    pub step: String,
    /// The action that caused it.
    pub action: String,
    /// The key by which its target knows it.
    pub idempotency_key: String,
    /// `true`: it stands; `false`: it may.
    pub certain: bool,
}

impl Receipt {
    /// Where the receipt of the generation before lies, as the receipt in `bytes` says, which `recorded` names.
    pub fn before(bytes: &[u8], recorded: &ReceiptRef) -> Result<Option<ReceiptRef>, String> {
        if sha256_hex(bytes) != recorded.sha256 {
            return Err(format!(
                "{} is not the file that was recorded",
                recorded.object
            ));
        }
        let read = serde_json::from_slice::<Self>(bytes);
        let read = read.map_err(|error| format!("{} is no {FORMAT}: {error}", recorded.object))?;
        Ok(read.previous_receipt.map(|before| ReceiptRef {
            object: before.object,
            sha256: before.sha256,
        }))
    }

    /// Its canonical JSON (RFC 8785).
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
