//! The index of open executions: what the sweep looks at, and when it looks again.

use std::future::Future;

use holdfast_ids::keys::ExecutionKey;
use jiff::Timestamp;

use super::{
    due::NextLook,
    execution::ExecutionRecord,
    port::{Ledger, LedgerError},
    question::Question,
};

/// An entry of the index of open executions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueEntry {
    /// An execution without a receipt.
    Execution(ExecutionKey),
    /// A question of this execution that is new, that has a reminder due, or whose decision is not
    /// delivered.
    Question(ExecutionKey),
}

/// A ledger with the index of open executions.
pub trait OpenIndex: Ledger {
    /// The entries that were due before `now`: urgent ones first, then in the order in which they
    /// became due, at most `limit`. The index is eventually consistent, so the caller reads each
    /// record again.
    fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DueEntry>, LedgerError>> + Send;

    /// Sets the time of the next look at an execution, unless its record has changed since it was
    /// read. It changes the index alone: the record keeps its revision, so that no writer loses a
    /// race against a look.
    fn look_again(
        &self,
        execution: &ExecutionRecord,
        next: NextLook,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Sets the time of the next reminder of a question in the index, or takes the question out if
    /// there is none, unless its record has changed since it was read. Like [`Self::look_again`] it
    /// changes the index alone.
    fn looked_at(
        &self,
        question: &Question,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;
}
