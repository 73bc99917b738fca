//! The findings of a function about its dependencies, in answer to `{"check": true}`.

use serde::{Deserialize, Serialize};

/// One finding about one dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The claim that was tested, such as `the ledger can be read`.
    pub what: String,
    /// The reason why the claim is false, if it is; never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Check {
    /// Turns the result of a test into a finding.
    pub fn of<T>(what: impl Into<String>, tried: Result<T, impl ToString>) -> Self {
        Self {
            what: what.into(),
            trouble: tried.err().map(|error| error.to_string()),
        }
    }
}

/// The answer of a function to `{"check": true}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// One finding for each dependency.
    pub checks: Vec<Check>,
}
