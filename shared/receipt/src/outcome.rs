//! The words in which a receipt says how things ended; the ledger records the same.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use holdfast_ids::names::check_text;

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Every step took effect or was skipped.
    Executed,
    /// It did not execute, and everything that had been applied was undone.
    RolledBack,
    /// It did not execute, and something stands or may stand: the receipt names it.
    PartiallyRolledBack,
    /// It did not execute, and nothing had been applied.
    Failed,
    /// A guardrail or the input schema said no; nothing was applied.
    Rejected,
}

impl Status {
    /// Its name in receipts.
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

/// What one guardrail decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardrailOutcome {
    /// Its name; one of the definition's own, or one that every gate has, such as `input`.
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

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The effect stands.
    Succeeded,
    /// Nothing happened; another attempt may succeed.
    Transient,
    /// Nothing happened, for good.
    Permanent,
    /// It may have happened: no answer, or none that says.
    Unknown,
    /// It never reported back; its lease ran out.
    Lost,
    /// The execution had moved on when it was about to act; it did nothing.
    Halted,
}

impl AttemptOutcome {
    /// Its name in audit events.
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

    /// Whether the attempt may have reached its target.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::Lost)
    }
}

/// What a person can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The step is tried again, with attempts of its own.
    Retry,
    /// The workflow goes on without the step.
    Skip,
    /// What was done is undone.
    Rollback,
    /// The workflow goes on.
    Approve,
    /// What was done is undone.
    Reject,
}

impl Decision {
    /// Its name, as the API takes it.
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

/// Another person's agreement to one start, as the system that asked for it records it. Its JSON Schema is
/// `docs/schemas/approval.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The person who agreed: never the one who asks for the start.
    #[schemars(length(min = 1, max = 200))]
    pub approved_by: String,
    /// When, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub approved_at: Timestamp,
    /// From when on it counts no more, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
    /// What was agreed to: hex SHA-256 of the input's canonical JSON (RFC 8785).
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub input_sha256: String,
    /// Where the agreement is recorded, in the words of that system: it is good for one start.
    #[schemars(length(min = 1, max = 200))]
    pub reference: String,
}

impl Approval {
    /// Checks its form.
    pub fn check(&self) -> Result<(), String> {
        check_text("approval.approved_by", &self.approved_by)?;
        check_text("approval.reference", &self.reference)?;
        let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if self.input_sha256.len() != 64 || !self.input_sha256.chars().all(hex) {
            return Err("approval.input_sha256 has 64 lower-case hex digits".to_owned());
        }
        if self.expires_at <= self.approved_at {
            return Err("approval.expires_at is later than approval.approved_at".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-receipt published` writes it anew.
    #[test]
    fn the_published_schema_of_an_approval_is_that_of_the_code() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/schemas/approval.json");
        let right = format!("{:#}\n", serde_json::json!(schemars::schema_for!(Approval)));
        if std::env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
            std::fs::write(&file, &right).expect("docs can be written");
        }
        let stands = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(stands, right, "{} is stale", file.display());
    }
}
