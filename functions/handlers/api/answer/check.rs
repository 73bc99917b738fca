//! The answer to the check of a start.

use schemars::JsonSchema;
use serde::Serialize;

/// The result of a check. Nothing was started or recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StartCheck {
    /// True if nothing that can be checked beforehand refuses such a start.
    pub(crate) admissible: bool,
    pub(crate) problems: Vec<StartProblem>,
    /// The names of what only the start decides: an approval and what reads it, budgets, limits.
    pub(crate) decided_at_start: Vec<String>,
}

/// A reason why a start would be refused.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StartProblem {
    /// The guardrail: one of the definition, or `input`, `tenant`, `paused`, `hours`,
    /// `freeze`, `subject`, `show`.
    pub(crate) guardrail: String,
    /// The place in the body as a JSON pointer, such as `/input/amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    pub(crate) message: String,
}

impl StartProblem {
    /// A problem of the whole request.
    pub(crate) fn of(guardrail: &str, message: String) -> Self {
        Self {
            guardrail: guardrail.to_owned(),
            pointer: None,
            message,
        }
    }
}
