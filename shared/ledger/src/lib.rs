//! The ledger: the records of an execution, the pure rules that change them, and the port to their
//! store.

mod apply_decision;
mod asking_execution;
mod attempt;
mod bulk;
mod bulk_part;
mod claim;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod control;
mod counter;
mod delegation;
mod due;
mod duplicate;
mod execution;
mod expiry;
#[cfg(any(test, feature = "contract"))]
pub mod fixtures;
mod inbox;
mod incident;
mod key;
mod late_claim;
mod left_out;
mod lifecycle;
mod link;
mod list;
mod memory;
mod open;
mod outlook;
mod past;
mod paused_scopes;
mod port;
mod question;
mod record;
mod record_keys;
mod request;
mod retired;
mod shown;
mod shown_execution;
mod shown_status;
mod snapshot;
mod start;
mod start_refusal;
mod statistics;
mod step;
mod takeover;
mod tenant;
#[cfg(test)]
mod tests;
mod units;
mod unwind;
mod vote;
mod voter;

pub use apply_decision::{closed_by_skip, enact, rule, too_early_to_decide};
pub use asking_execution::AskingExecution;
pub use bulk::{
    Bulk, BulkCaller, BulkFilter, BulkKey, BulkOperation, BulkRequest, BulkState, BulkTransition,
};
pub use bulk_part::{
    BulkItem, BulkOutcome, BulkOutcomeKind, BulkPart, BulkPartKey, BulkQuestion, BulkTarget,
};
pub use claim::{AttemptReport, Claim, ClaimTransition, CompletionTransition, claim, complete};
pub use control::{Control, ControlState, PauseBehavior, Scope, control, paused};
pub use counter::{Counter, CounterChange, CounterKind, Reservation, kept};
pub use delegation::{
    Delegation, DelegationKey, DelegationRequest, delegate, end_delegation, stand_ins,
};
pub use due::{LOOK_EVERY, NextLook, runs_end_at};
pub use duplicate::{Duplicate, Duplicates};
pub use execution::{
    EpochAndPhase, ExecutionOutput, ExecutionRecord, MetIncident, Phase, Redrive,
    returned_reservations,
};
pub use expiry::{ExpiryTransition, closed_question, expire};
pub use incident::{
    Cause, ENGINE, Incident, IncidentAction, IncidentStatus, handle, kind_of_reason, open, reopen,
};
pub use key::{IncidentKey, Key, QuestionKey, StepKey, instant};
pub use late_claim::closed_late_claim;
pub use left_out::restore_left_out;
pub use lifecycle::{
    RequestOutcome, RequestTransition, ask, bound_choices, cancel, misfit, redefined, redrive,
    refused_redrive, taken_choices, withdraw,
};
pub use link::{Link, Settlement, WAITING};
pub use list::{LOOKED_AT, List, SHARDS};
pub use memory::MemoryLedger;
pub use open::{DueEntry, OpenIndex};
pub use outlook::{
    ContinuationOutlook, OutlookEffect, Remainder, RollbackOutlook, foresee_continuation,
    foresee_redrive, foresee_rollback, sort_for_undo,
};
pub use past::PastGeneration;
pub use paused_scopes::{COPIES, PausedScopes};
pub use port::{CountedPut, Expect, Ledger, LedgerError, Put};
pub use question::{Question, QuestionState, QuestionTransition, Reminders, Ruling, put_question};
pub use record::{AnyRecord, Record, RecordKey};
pub use request::Request;
pub use retired::RetiredKey;
pub use shown::shown;
pub use shown_execution::ShownExecution;
pub use shown_status::{CLOSING, DERIVED, PAUSED, ROLLING_BACK, RUNNING, STATUSES, shown_status};
pub use snapshot::Snapshot;
pub use start::{StartTransition, start};
pub use start_refusal::Refusal;
pub use statistics::{
    Addition, Contribution, ContributionGroup, Statistics, StatisticsKey, StatisticsMark,
    StatisticsStore, StepStatistics, add_contributions, hour_of, hour_text,
};
pub use step::{
    Attempt, RecordedAnswer, RecordedEffect, Residue, StepRecord, StepState, record_answer,
};
pub use takeover::{TakeoverTransition, take, take_to_finish, unwound_since};
pub use tenant::{TenantKey, TenantRecord, TenantState, not_registered, registration};
pub use units::{
    ENDED_AT, INDEXES, Index, Item, LIST_STATUS, Partition, Projection, read_units_of,
    statistics_units, write_units, write_units_of,
};
pub use unwind::{
    UndoClaim, UndoClaimTransition, UndoCompletionTransition, UndoNeed, UndoReport, claim_undo,
    close, complete_undo, give_up, need,
};
pub use vote::{RulingTransition, decide};
pub use voter::{Seat, StandIn, Voter, VoterRole};
