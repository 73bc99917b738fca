//! The rules of the model: the production functions, each of which a test can replace by a broken
//! one.

use holdfast_ledger::{
    AttemptReport, Claim, ClaimTransition, CompletionTransition, ExecutionRecord, Request,
    RequestTransition, Snapshot, StepRecord, TakeoverTransition, UndoClaim, UndoClaimTransition,
    UndoCompletionTransition, UndoNeed, UndoReport,
};
use holdfast_task::{AdmissionSpec, Failure, StepRef};
use jiff::Timestamp;

/// The decisions of the protocol.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Decides whether an attempt may act.
    pub claim: fn(Option<&StepRecord>, &Claim, Timestamp) -> ClaimTransition,
    /// Decides whether an attempt may record its outcome.
    pub complete: fn(&StepRecord, &str, &AttemptReport, u32, Timestamp) -> CompletionTransition,
    /// Decides whether an owner may take the execution over.
    pub take: fn(&ExecutionRecord, &str, u64, &Failure, Timestamp) -> TakeoverTransition,
    /// Decides whether an owner may finish an execution whose steps are all done.
    pub take_to_finish: fn(&ExecutionRecord, &str, u64, Timestamp) -> TakeoverTransition,
    /// Decides the work that a step needs during a rollback.
    pub need: fn(&StepRecord, u32, Timestamp) -> UndoNeed,
    /// Decides whether an attempt may undo.
    pub claim_undo: fn(&StepRecord, &UndoClaim, Timestamp) -> UndoClaimTransition,
    /// Decides whether an attempt may record the outcome of its undo.
    pub complete_undo: fn(&StepRecord, &str, &UndoReport, Timestamp) -> UndoCompletionTransition,
    /// Decides whether an undo may be given up.
    pub give_up: GiveUp,
    /// Decides whether a step of this epoch may act.
    pub admits: fn(&ExecutionRecord, u64) -> bool,
    /// Decides whether an undo of this epoch may act.
    pub unwinds: fn(&ExecutionRecord, u64) -> bool,
    /// Decides whether an ended execution may be redriven.
    pub redrive: Redrive,
    /// Decides whether a receipt may state the records that were read before the end was written.
    /// Its argument is true if the own write was the end.
    pub states_own_snapshot: fn(bool) -> bool,
}

/// The signature of [`holdfast_ledger::redrive`].
pub type Redrive =
    fn(&Snapshot, &AdmissionSpec, &[StepRef], &Request, &str, Timestamp) -> RequestTransition;

/// The signature of [`holdfast_ledger::give_up`].
pub type GiveUp =
    fn(&StepRecord, &UndoClaim, &str, Timestamp) -> Result<Option<StepRecord>, Timestamp>;

/// The rules of the engine.
pub const PRODUCTION: Rules = Rules {
    claim: holdfast_ledger::claim,
    complete: holdfast_ledger::complete,
    take: holdfast_ledger::take,
    take_to_finish: holdfast_ledger::take_to_finish,
    need: holdfast_ledger::need,
    claim_undo: holdfast_ledger::claim_undo,
    complete_undo: holdfast_ledger::complete_undo,
    give_up: holdfast_ledger::give_up,
    admits: ExecutionRecord::admits,
    unwinds: ExecutionRecord::unwinds,
    redrive: holdfast_ledger::redrive,
    states_own_snapshot: |won| won,
};
