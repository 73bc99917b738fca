//! The votes of an approval as a model whose every interleaving can be visited; the rules are those
//! of `holdfast-ledger`.

mod ask;
mod cast;
mod end;
mod model;
mod properties;
mod state;
mod voter;

pub use cast::{ApprovalSetting, Person};
pub use model::{ApprovalModel, VoteAction};
pub use state::ApprovalState;

use holdfast_ledger::{
    Delegation, ExecutionRecord, ExpiryTransition, Question, QuestionTransition, Request,
    RulingTransition, StandIn, Voter,
};
use holdfast_receipt::Decision;
use jiff::Timestamp;

/// The rules of votes: the production functions, each of which a test can replace by a broken one.
#[derive(Clone, Copy)]
pub struct VoteRules {
    /// Decides whether a person's decision is recorded.
    pub decide: Decide,
    /// Finds the members for whom a person may decide.
    pub stand_ins: fn(&[Delegation], &str, Timestamp) -> Vec<StandIn>,
    /// Decides on a question that a state puts.
    pub put_question: fn(Option<&Question>, &Question) -> QuestionTransition,
    /// Decides on a question whose time is over.
    pub expire: fn(&Question, Timestamp) -> ExpiryTransition,
    /// Closes an open question of an execution that has stopped.
    pub close: fn(&Question, Timestamp) -> Option<Question>,
    /// Decides whether a write of a question takes effect: the revision that the writer read, and
    /// the stored one.
    pub admits_write: fn(Option<u64>, Option<u64>) -> bool,
}

/// The signature of [`holdfast_ledger::decide`].
pub type Decide =
    fn(&Question, &ExecutionRecord, Decision, &Voter, &Request, Timestamp) -> RulingTransition;

/// The rules of the ledger.
pub const VOTES: VoteRules = VoteRules {
    decide: holdfast_ledger::decide,
    stand_ins: holdfast_ledger::stand_ins,
    put_question: holdfast_ledger::put_question,
    expire: holdfast_ledger::expire,
    close: holdfast_ledger::closed_question,
    admits_write: |read, stored| read == stored,
};
