//! The answer of a target that did not succeed, for people who may see outputs.

use std::fmt;

/// The path of a request, and the text by which the target explained its answer.
///
/// The ledger keeps the beginning of it. It must have no credential, and a log never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetAnswer {
    /// The path of the request, without the query.
    pub path: String,
    /// The body of the answer; empty if it is no text.
    pub body: String,
}

/// Without the text, so that an error can be logged.
impl fmt::Debug for TargetAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetAnswer({} bytes)", self.body.len())
    }
}
