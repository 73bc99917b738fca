//! The rules that the model runs on: the production functions, each of which a test can replace by a broken one.

use holdfast_ledger::{
    AttemptReport, Claim, ClaimTransition, CompletionTransition, ExecutionRecord, StepRecord,
    TakeoverTransition, UndoClaim, UndoClaimTransition, UndoCompletionTransition, UndoNeed,
    UndoReport,
};
use holdfast_task::Failure;
use jiff::Timestamp;

/// Every decision that the protocol rests on.
#[derive(Clone, Copy)]
pub struct Rules {
    /// May an attempt act?
    pub claim: fn(Option<&StepRecord>, &Claim, Timestamp) -> ClaimTransition,
    /// May an attempt record its outcome?
    pub complete: fn(&StepRecord, &str, &AttemptReport, u32, Timestamp) -> CompletionTransition,
    /// May somebody take the execution over?
    pub take: fn(&ExecutionRecord, &str, u64, &Failure, Timestamp) -> TakeoverTransition,
    /// What does a record ask for while its execution unwinds?
    pub need: fn(&StepRecord, u32, Timestamp) -> UndoNeed,
    /// May an attempt undo?
    pub claim_undo: fn(&StepRecord, &UndoClaim, Timestamp) -> UndoClaimTransition,
    /// May an attempt record how its undo went?
    pub complete_undo: fn(&StepRecord, &str, &UndoReport, Timestamp) -> UndoCompletionTransition,
    /// May an undo be given up?
    pub give_up: GiveUp,
    /// May a step of this epoch still act?
    pub admits: fn(&ExecutionRecord, u64) -> bool,
    /// May an undo of this epoch still act?
    pub unwinds: fn(&ExecutionRecord, u64) -> bool,
}

/// See [`holdfast_ledger::give_up`].
pub type GiveUp =
    fn(&StepRecord, &UndoClaim, &str, Timestamp) -> Result<Option<StepRecord>, Timestamp>;

/// What the engine runs on.
pub const PRODUCTION: Rules = Rules {
    claim: holdfast_ledger::claim,
    complete: holdfast_ledger::complete,
    take: holdfast_ledger::take,
    need: holdfast_ledger::need,
    claim_undo: holdfast_ledger::claim_undo,
    complete_undo: holdfast_ledger::complete_undo,
    give_up: holdfast_ledger::give_up,
    admits: ExecutionRecord::admits,
    unwinds: ExecutionRecord::unwinds,
};
