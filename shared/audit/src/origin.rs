//! The execution of a step or a question, as far as events, metrics and spans of it need it.

use holdfast_ids::trace::TraceId;
use holdfast_ledger::ExecutionRecord;
use jiff::Timestamp;

use crate::about::About;

/// The execution that a step or a question belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The tenant, the workflow and the version.
    pub about: About,
    /// The trace of everything that the execution does.
    pub trace: TraceId,
    /// The time at which Step Functions accepted the start.
    pub started_at: Timestamp,
}

impl Origin {
    /// The origin of the records of an execution.
    pub fn of(execution: &ExecutionRecord) -> Self {
        Self {
            about: About::of(execution),
            trace: execution.trace.clone(),
            started_at: execution.started_at,
        }
    }
}
