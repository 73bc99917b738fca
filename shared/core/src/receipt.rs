//! The receipt: what an execution did, built from its ledger records alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    digest::canonical,
    keys::undo_key,
    ledger::{
        Decision, GuardrailOutcome, Phase, Ruling, Snapshot, Stands, Status, StepRecord, StepState,
    },
    task::{Approval, Failure, StepRef, error_name},
};

/// The format's name and version.
pub const FORMAT: &str = "holdfast.receipt/1";

/// A receipt, whatever the status. Members of the specification's example keep its names and values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`FORMAT`].
    pub format: String,
    /// Workflow id.
    pub workflow_id: String,
    /// The definition's version.
    pub workflow_version: u32,
    /// Digest of the definition's canonical JSON.
    pub definition_digest: String,
    /// Execution id.
    pub execution_id: String,
    /// The tenant it belongs to.
    pub tenant: String,
    /// `EXECUTED`, `ROLLED_BACK`, `PARTIALLY_ROLLED_BACK`, `FAILED` or `REJECTED`.
    pub status: String,
    /// Every step in declared order, whether or not it was reached; one entry per item in a `for_each`.
    pub steps: Vec<ReceiptStep>,
    /// When it ended, RFC 3339 UTC.
    pub timestamp: String,
    /// When it began, RFC 3339 UTC.
    pub started_at: String,
    /// From begin to end, in milliseconds.
    pub duration_ms: i64,
    /// Rises with a redrive, from 0.
    pub generation: u32,
    /// The trigger's name, or `api`/`direct`.
    pub trigger: String,
    /// The key that the start came with.
    pub idempotency_key: String,
    /// Hex SHA-256 of the input's canonical JSON.
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
    /// Detached JWS over the canonical JSON of all other members, see [`crate::evidence`].
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
    pub at: String,
}

/// The receipt that this one follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviousReceipt {
    /// Object key.
    pub object: String,
    /// Hex SHA-256 of its bytes.
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
    /// `SUCCESS`, `FAILED` (nothing was applied), `UNKNOWN` (it may have been), `UNDONE`, `UNDO_FAILED`, `SKIPPED` or
    /// `NOT_RUN`.
    pub status: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When the last attempt's end was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The idempotency key that its target received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Hex SHA-256 of its input's canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sha256: Option<String>,
    /// Hex SHA-256 of its output's canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// When the first attempt began.
    pub started_at: String,
    /// When the last attempt's end was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The idempotency key that its target received.
    pub idempotency_key: String,
    /// The last error, where it did not succeed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
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
    /// The receipt of an ended execution; `declared` is every step of its definition, `incident` the one it is a case of.
    pub fn of(
        snapshot: &Snapshot,
        declared: &[StepRef],
        incident: Option<String>,
    ) -> Result<Self, String> {
        let meta = &snapshot.meta;
        let Phase::Ended {
            status,
            at,
            failure,
        } = &meta.phase
        else {
            return Err("the execution has not ended".to_owned());
        };
        let executed = *status == Status::Executed;
        let unreached = if executed { "SKIPPED" } else { "NOT_RUN" };
        let mut steps = Vec::new();
        for step in declared {
            let of_step = |record: &&StepRecord| record.step == step.name;
            let mut records = snapshot.steps.iter().filter(of_step).peekable();
            if records.peek().is_none() {
                steps.push(ReceiptStep::unreached(step, unreached));
            }
            steps.extend(records.map(ReceiptStep::of));
        }
        Ok(Self {
            format: FORMAT.to_owned(),
            workflow_id: meta.workflow.clone(),
            workflow_version: meta.version,
            definition_digest: meta.definition_digest.clone(),
            execution_id: meta.at.execution.clone(),
            tenant: meta.at.tenant.clone(),
            status: status.name().to_owned(),
            steps,
            timestamp: at.to_string(),
            started_at: meta.started_at.to_string(),
            duration_ms: at.duration_since(meta.started_at).as_millis() as i64,
            generation: meta.generation,
            trigger: meta.trigger.clone(),
            idempotency_key: meta.idempotency_key.clone(),
            input_sha256: meta.fingerprint().to_owned(),
            guardrails: meta.guardrails.clone(),
            policy_digest: meta.policy_digest.clone(),
            approval: meta.approval.clone(),
            duplicates_prevented: snapshot.duplicates,
            failure: failure.as_ref().map(|failure| ReceiptFailure {
                state: failure.state.clone(),
                error: failure.error.clone(),
                reason: reason(snapshot, failure),
                requested_by: failure.by.clone(),
            }),
            previous_receipt: meta.previous.as_ref().map(|previous| PreviousReceipt {
                object: previous.object.clone(),
                sha256: previous.sha256.clone(),
            }),
            decisions: decisions(snapshot),
            residual_effects: residuals(&snapshot.steps, executed),
            incident,
            signature: None,
        })
    }

    /// Its canonical JSON (RFC 8785).
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        canonical(&value).map_err(|error| error.to_string())
    }
}

impl ReceiptStep {
    fn of(record: &StepRecord) -> Self {
        let undo = record.undo_attempts.first().map(|first| ReceiptUndo {
            attempts: record.undo_attempts.len() as u32,
            started_at: first.started_at.to_string(),
            ended_at: record
                .undo_attempts
                .last()
                .and_then(|last| last.ended_at)
                .map(|at| at.to_string()),
            idempotency_key: undo_key(&record.key),
            last_error: record.last_undo_error().map(str::to_owned),
        });
        Self {
            name: record.step.clone(),
            item: record.item.clone(),
            action: record.action.clone(),
            status: record.state.name().to_owned(),
            attempts: record.attempts.len() as u32,
            started_at: record.started_at().map(|at| at.to_string()),
            ended_at: record.ended_at().map(|at| at.to_string()),
            idempotency_key: Some(record.key.clone()),
            input_sha256: Some(record.input.sha256().to_owned()),
            output_sha256: record
                .output
                .as_ref()
                .map(|output| output.sha256().to_owned()),
            last_error: record.last_error().map(str::to_owned),
            undo,
        }
    }

    fn unreached(step: &StepRef, status: &str) -> Self {
        Self {
            name: step.name.clone(),
            item: None,
            action: step.action.clone(),
            status: status.to_owned(),
            attempts: 0,
            started_at: None,
            ended_at: None,
            idempotency_key: None,
            input_sha256: None,
            output_sha256: None,
            last_error: None,
            undo: None,
        }
    }
}

/// What the records say: a machine's cause can be a branch's, or lost. A person's reason is said as given.
pub(crate) fn reason(snapshot: &Snapshot, failure: &Failure) -> String {
    if failure.by.is_some() {
        return failure.cause.clone();
    }
    let failed = |step: &&StepRecord| step.output.is_none() && step.last_error().is_some();
    let refused = |outcome: &&GuardrailOutcome| !outcome.held;
    let steps = snapshot.steps.iter().filter(failed).map(|step| {
        let error = step.last_error().unwrap_or_default();
        format!("{}: {error}", step.label())
    });
    let guardrails = snapshot.meta.guardrails.iter().filter(refused);
    let said: Vec<_> = steps
        .chain(guardrails.map(|outcome| {
            let message = outcome.message.as_deref();
            format!("{}: {}", outcome.name, message.unwrap_or("it did not hold"))
        }))
        .collect();
    if said.is_empty() {
        caught(failure)
    } else {
        said.join("; ")
    }
}

/// Why, where no record says it. A cause is quoted only if a function of ours wrote it: others may quote payloads.
fn caught(failure: &Failure) -> String {
    let Failure {
        state,
        error,
        cause,
        ..
    } = failure;
    let ours = error_name::FINAL.contains(&&**error) || error == error_name::TRANSIENT;
    let message = serde_json::from_str::<serde_json::Value>(cause).ok();
    let message = message.and_then(|cause| Some(cause.get("errorMessage")?.as_str()?.to_owned()));
    match (error.as_str(), message) {
        (_, Some(message)) if ours => message,
        ("States.QueryEvaluationError", _) => {
            format!("an expression of {state} failed, or yielded nothing, on this input")
        }
        ("States.Timeout", _) if state.is_empty() => {
            "it took longer than limits.timeout".to_owned()
        }
        (error_name::ABORTED, _) => "its machine was stopped from outside".to_owned(),
        (error_name::LOST, _) => "its machine ended without a word".to_owned(),
        _ => format!("the machine caught {error}"),
    }
}

fn decisions(snapshot: &Snapshot) -> Vec<ReceiptDecision> {
    let rulings = snapshot.questions.iter().flat_map(|question| {
        let all = question.earlier.iter().chain(question.ruling());
        all.map(|ruling| (question.step.as_str(), ruling))
    });
    let mut rulings: Vec<(&str, &Ruling)> = rulings.collect();
    rulings.sort_by_key(|(_, ruling)| ruling.at);
    let decision = |(step, ruling): (&str, &Ruling)| ReceiptDecision {
        step: step.to_owned(),
        decision: ruling.decision,
        by: ruling.by.clone(),
        reason: ruling.reason.clone(),
        at: ruling.at.to_string(),
    };
    rulings.into_iter().map(decision).collect()
}

/// What stands; of an executed one only what it went on without.
fn residuals(steps: &[StepRecord], executed: bool) -> Vec<Residual> {
    let left = |step: &&StepRecord| !executed || step.state != StepState::Succeeded;
    let standing = steps
        .iter()
        .filter(left)
        .filter_map(|step| match step.stands() {
            Stands::Nothing => None,
            Stands::Maybe => Some((step, false)),
            Stands::Certainly => Some((step, true)),
        });
    let residual = |(step, certain): (&StepRecord, bool)| Residual {
        step: step.label(),
        action: step.action.clone(),
        idempotency_key: step.key.clone(),
        certain,
    };
    standing.map(residual).collect()
}
