//! The vocabulary of outcomes, which receipts and the ledger share: status, attempt outcome,
//! decision, guardrail outcome, approval.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use holdfast_ids::names::check_text;

/// The status of an ended execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Every step took effect or was skipped.
    Executed,
    /// The execution did not succeed, and every effect was undone.
    RolledBack,
    /// The execution did not succeed, and an effect remains or may remain: the receipt names it.
    PartiallyRolledBack,
    /// The execution did not succeed and had no effect.
    Failed,
    /// The admission check rejected the start, so that no step began.
    Rejected,
}

impl Status {
    /// The name in receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Executed => "EXECUTED",
            Self::RolledBack => "ROLLED_BACK",
            Self::PartiallyRolledBack => "PARTIALLY_ROLLED_BACK",
            Self::Failed => "FAILED",
            Self::Rejected => "REJECTED",
        }
    }
}

/// The outcome of one guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardrailOutcome {
    /// Name of a guardrail of the definition, or of a general one, such as `input`.
    pub name: String,
    /// `true` if the guardrail held.
    pub held: bool,
    /// Reason why it did not hold, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The `stop` at which an execution ended early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {
    /// Name of the `stop`. The steps after it were skipped.
    pub step: String,
    /// Reason, in the words of the definition.
    pub reason: String,
}

/// The place and the digest of a stored receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRef {
    /// Object key of the receipt.
    pub object: String,
    /// Hex SHA-256 of the receipt's bytes.
    pub sha256: String,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The effect happened.
    Succeeded,
    /// The effect did not happen; another attempt may succeed.
    Transient,
    /// The effect did not happen, and another attempt cannot help.
    Permanent,
    /// The effect may have happened: the target did not answer, or its answer does not say.
    Unknown,
    /// The attempt never reported an outcome, and its lease ended.
    Lost,
    /// The execution had moved on, and the attempt did nothing.
    Halted,
}

impl AttemptOutcome {
    /// The name in audit events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Unknown => "unknown",
            Self::Lost => "lost",
            Self::Halted => "halted",
        }
    }

    /// Returns true if certainly nothing happened.
    pub fn is_clean(self) -> bool {
        matches!(self, Self::Transient | Self::Permanent | Self::Halted)
    }

    /// Returns true if the effect may have happened without an answer that says so.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::Lost)
    }
}

/// A decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The step is retried, and its earlier attempts no longer count against the maximum.
    Retry,
    /// The execution continues without the step.
    Skip,
    /// The execution is rolled back.
    Rollback,
    /// The execution continues.
    Approve,
    /// The execution is rolled back.
    Reject,
}

impl Decision {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Rollback => "rollback",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// One person's decision on an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// Decision of this person.
    pub decision: Decision,
    /// Person who decided, as the token names them.
    pub by: String,
    /// Group for which the person decided, if the definition names groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Member of the group for whom the person stood in, if they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<String>,
    /// `true` if the person is a platform admin who decided in the place of a group.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_place_of_group: bool,
    /// Time of the decision, RFC 3339 UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Reason, in that person's words.
    pub reason: String,
    /// Hex SHA-256 of the canonical JSON of what the person was shown. Questions of earlier
    /// releases have none.
    #[schemars(regex(pattern = r"^([0-9a-f]{64})?$"))]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shown_sha256: String,
}

/// The outcome of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    /// Enough people approved.
    Approved,
    /// A person rejected.
    Rejected,
    /// The rule asked no person, and the execution continued.
    Skipped,
    /// The time was over, or the execution was stopped, before enough people had decided.
    Undecided,
}

/// An approval that the execution reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptApproval {
    /// Name of the step.
    pub step: String,
    /// Execution generation in which the question was asked. A later one may not have reached it.
    pub generation: u32,
    /// Outcome.
    pub outcome: ApprovalOutcome,
    /// Rule that yielded false, as the definition writes it, if no person was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Groups whose members may approve. Without any, platform admins approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Number of distinct people who must approve.
    pub count: u32,
    /// `true` if each of them must approve for another group.
    #[serde(default, skip_serializing_if = "is_false")]
    pub distinct_groups: bool,
    /// Decision of each person, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Another person's agreement to one start, as the system that collects approvals records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Person who agreed, 1 to 200 characters: never the person who requests the start.
    #[schemars(length(min = 1, max = 200))]
    pub approved_by: String,
    /// Time of the agreement, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub approved_at: Timestamp,
    /// Time after which the approval is no longer valid, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
    /// Hex SHA-256 of the canonical JSON (RFC 8785) of the approved input.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub input_sha256: String,
    /// Reference to the approval in that system, 1 to 200 characters: it is valid for one start.
    #[schemars(length(min = 1, max = 200))]
    pub reference: String,
    /// Signature in which the approval was sent. Without it, the sender of the start wrote the
    /// approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<ApprovalSignature>,
}

/// The signature of an approval, by the system that collects approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalSignature {
    /// Id of the key, as the sender names it.
    pub kid: String,
    /// `true` if the admission check verified the signature with a key of the deployment, for this
    /// tenant and workflow, and accepted the approval.
    pub verified: bool,
    /// Compact JWS (RFC 7515) that was sent.
    pub jws: String,
}

impl Approval {
    /// Checks the form of every member.
    pub fn check(&self) -> Result<(), String> {
        check_text("approval.approved_by", &self.approved_by)?;
        check_text("approval.reference", &self.reference)?;
        let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if self.input_sha256.len() != 64 || !self.input_sha256.chars().all(hex) {
            return Err("approval.input_sha256 must have 64 lower-case hex digits".to_owned());
        }
        if self.expires_at <= self.approved_at {
            return Err("approval.expires_at must be later than approval.approved_at".to_owned());
        }
        Ok(())
    }
}
