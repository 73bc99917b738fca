//! What a function finds of something that it depends on, when it is asked by `{"check": true}`
//! instead of a task.

use serde::{Deserialize, Serialize};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was tried, such as `the ledger can be read`.
    pub what: String,
    /// Why it is not so; never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Check {
    /// The finding that an attempt ends in.
    pub fn of<T>(what: impl Into<String>, tried: Result<T, impl ToString>) -> Self {
        Self {
            what: what.into(),
            trouble: tried.err().map(|error| error.to_string()),
        }
    }
}

/// What a function answers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// One for each thing it depends on.
    pub checks: Vec<Check>,
}
