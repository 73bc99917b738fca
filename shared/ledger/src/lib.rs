//! The ledger: what is recorded of an execution, the rules that change it, and the port to wherever it is kept.

mod apply_decision;
mod claim;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod control;
mod counter;
mod execution;
#[cfg(any(test, feature = "contract"))]
pub mod fixtures;
mod incident;
mod lifecycle;
mod memory;
mod question;
mod start_refusal;
mod step;
#[cfg(test)]
mod tests;
mod unwind;

pub use apply_decision::{enact, rule, settle};
pub use claim::{
    AttemptReport, Claim, ClaimTransition, CompletionTransition, StartTransition, claim, complete,
    start,
};
pub use control::{Control, Meanwhile, Scope, Switch, control, paused};
pub use counter::{CountedPut, Counter, CounterChange, CounterKind, Reservation};
pub use counter::{kept, returned_reservations};
pub use execution::{ExecutionRecord, Phase, Redrive};
pub use incident::{Cause, Incident, IncidentAction, IncidentStatus, Link, WAITING, handle, open};
pub use lifecycle::refused_redrive;
pub use lifecycle::{Request, RequestOutcome, RequestTransition, ask, cancel, redrive, withdraw};
pub use memory::MemoryLedger;
pub use question::{
    ExpiryTransition, Question, QuestionState, QuestionTransition, Ruling, RulingTransition,
    decide, expire, put_question,
};
pub use start_refusal::Refusal;
pub use step::{Attempt, Residue, StepRecord, StepState};
pub use unwind::{
    TakeoverTransition, UndoClaim, UndoClaimTransition, UndoCompletionTransition, UndoNeed,
    UndoReport, claim_undo, complete_undo, give_up, need, take, unwound_since,
};

use std::future::Future;

use holdfast_ids::keys::ExecutionKey;

/// What a conditional write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No record yet.
    Absent,
    /// The record with this `rev`.
    Rev(u64),
}

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq)]
pub enum Put<T> {
    /// It is recorded.
    Done,
    /// Another writer was first: here is what stands, or nothing if the expected record is absent.
    Lost(Option<Box<T>>),
}

/// Why the ledger did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It could not be reached or refused the load; the write may or may not have happened.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
    /// It refused for a reason that will not pass: missing table, missing permission.
    #[error("the ledger refused: {0}")]
    Refused(String),
    /// A record cannot be read: it was written by something else.
    #[error("a ledger record is damaged: {0}")]
    Damaged(String),
}

/// All that is recorded of one execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The execution.
    pub execution: ExecutionRecord,
    /// Its steps, in declared order, items by name.
    pub steps: Vec<StepRecord>,
    /// What people were asked, by step.
    pub questions: Vec<Question>,
    /// How many duplicate starts were refused.
    pub duplicates: u64,
}

impl Snapshot {
    /// Puts the steps in order: as declared, items by name.
    pub fn new(execution: ExecutionRecord, mut steps: Vec<StepRecord>, duplicates: u64) -> Self {
        steps.sort_by(|a, b| (a.number, &a.item).cmp(&(b.number, &b.item)));
        Self {
            execution,
            steps,
            questions: Vec::new(),
            duplicates,
        }
    }

    /// The same with what people were asked.
    pub fn asking(mut self, mut questions: Vec<Question>) -> Self {
        questions.sort_by(|a, b| a.step.cmp(&b.step));
        self.questions = questions;
        self
    }
}

/// Where records are kept. Every write is conditional; every read is strongly consistent.
///
/// A write whose answer was lost may be sent again by the adapter: the second then loses against the first, and the
/// rules recognise their own record by its token.
pub trait Ledger: Send + Sync {
    /// Writes an execution's record.
    fn put_execution(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
    ) -> impl Future<Output = Result<Put<ExecutionRecord>, LedgerError>> + Send;

    /// Writes an execution's record together with what it takes from counters and gives back, each counter once: all
    /// of it or nothing.
    fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        draws: &[CounterChange],
    ) -> impl Future<Output = Result<CountedPut, LedgerError>> + Send;

    /// Reads a counter.
    fn counted(&self, counter: &Counter) -> impl Future<Output = Result<i64, LedgerError>> + Send;

    /// Reads, in one request, an execution's record and every control that it is under.
    fn execution_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> impl Future<Output = Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError>> + Send;

    /// Reads what was last said of a scope.
    fn control(
        &self,
        scope: &Scope,
    ) -> impl Future<Output = Result<Option<Control>, LedgerError>> + Send;

    /// Writes what is said of a scope.
    fn put_control(
        &self,
        control: &Control,
        expect: Expect,
    ) -> impl Future<Output = Result<Put<Control>, LedgerError>> + Send;

    /// Writes a step's record.
    fn put_step(
        &self,
        record: &StepRecord,
        expect: Expect,
    ) -> impl Future<Output = Result<Put<StepRecord>, LedgerError>> + Send;

    /// Writes what people are asked about a step.
    fn put_question(
        &self,
        question: &Question,
        expect: Expect,
    ) -> impl Future<Output = Result<Put<Question>, LedgerError>> + Send;

    /// Writes an incident.
    fn put_incident(
        &self,
        incident: &Incident,
        expect: Expect,
    ) -> impl Future<Output = Result<Put<Incident>, LedgerError>> + Send;

    /// Writes which execution an incident met; a later word about the same execution replaces an earlier one.
    fn put_link(&self, link: &Link) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Reads an incident.
    fn incident(
        &self,
        tenant: &str,
        id: &str,
    ) -> impl Future<Output = Result<Option<Incident>, LedgerError>> + Send;

    /// Reads an execution's record.
    fn execution(
        &self,
        at: &ExecutionKey,
    ) -> impl Future<Output = Result<Option<ExecutionRecord>, LedgerError>> + Send;

    /// Reads a step's record.
    fn step(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<&str>,
    ) -> impl Future<Output = Result<Option<StepRecord>, LedgerError>> + Send;

    /// Reads everything recorded of an execution, in one query per page.
    fn snapshot(
        &self,
        at: &ExecutionKey,
    ) -> impl Future<Output = Result<Option<Snapshot>, LedgerError>> + Send;

    /// Counts a refused duplicate start of `workflow`. The count may be there before the execution's own record is, so
    /// it says by itself of which workflow it is.
    fn count_duplicate(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;
}
