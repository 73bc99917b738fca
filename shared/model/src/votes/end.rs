//! The end of an execution that is not approved, a cancel, and the redrive that asks again.

use std::hash::{Hash, Hasher};

use holdfast_ledger::{
    ExecutionRecord, Phase, RequestTransition, TakeoverTransition, redrive, take,
};
use holdfast_receipt::{ReceiptRef, Status};
use jiff::Timestamp;

use super::{
    ask::StateMachine,
    model::ApprovalModel,
    state::{ApprovalState, QuestionWrite},
    voter::VotingStage,
};
use crate::{
    again::{admission, request},
    records::{OWNERS, RECOVERY, REQUESTED, failure},
};

/// The stage of the rollback.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum EndStage {
    #[default]
    Idle,
    /// The write that closes the question is on its way.
    Closes(QuestionWrite),
    /// Has read that no question is open.
    Ready,
}

impl EndStage {
    /// Hashes the relevant parts.
    pub(crate) fn hash_by<H: Hasher, W: Hash>(
        &self,
        to: &mut H,
        sent: impl Fn(&QuestionWrite) -> Option<W>,
    ) {
        match self {
            Self::Idle => 0.hash(to),
            Self::Closes(write) => (1, sent(write)).hash(to),
            Self::Ready => 2.hash(to),
        }
    }
}

/// The record of an execution that has ended, with its receipt.
pub(crate) fn ended(
    execution: &ExecutionRecord,
    status: Status,
    now: Timestamp,
) -> ExecutionRecord {
    ExecutionRecord {
        rev: execution.rev + 1,
        phase: Phase::Ended {
            status,
            at: now,
            failure: None,
        },
        receipt: Some(ReceiptRef {
            object: String::new(),
            sha256: String::new(),
        }),
        ..execution.clone()
    }
}

impl ApprovalModel {
    /// The rollback closes the question, then ends the execution.
    pub(crate) fn rolls_back(&self, state: &mut ApprovalState) -> Option<()> {
        let now = state.now.time();
        state.end = match std::mem::take(&mut state.end) {
            EndStage::Idle => {
                let open = state.question.as_deref();
                let closed = open.and_then(|open| Some(((self.rules.close)(open, now)?, open.rev)));
                match closed {
                    Some((next, rev)) => EndStage::Closes(QuestionWrite {
                        next: next.into(),
                        expect: Some(rev),
                    }),
                    None => EndStage::Ready,
                }
            }
            EndStage::Closes(write) => {
                state.put(&self.rules, &write);
                EndStage::Idle
            }
            EndStage::Ready => {
                state.write_execution(ended(&state.execution, Status::RolledBack, now));
                EndStage::Idle
            }
        };
        Some(())
    }

    /// A person cancels the execution.
    pub(crate) fn is_cancelled(&self, state: &mut ApprovalState) -> Option<()> {
        let (owner, epoch) = (OWNERS[RECOVERY], state.execution.epoch);
        let now = state.now.time();
        match take(&state.execution, owner, epoch, &failure(RECOVERY), now) {
            TakeoverTransition::Write(next) => state.write_execution(*next),
            _ => return None,
        }
        Some(())
    }

    /// A redrive begins the second execution generation, in which each person can decide again.
    pub(crate) fn is_redriven(&self, state: &mut ApprovalState) -> Option<()> {
        let snapshot = holdfast_ledger::Snapshot::new((*state.execution).clone(), Vec::new(), 0);
        let (owner, now) = (OWNERS[REQUESTED], state.now.time());
        let redriven = redrive(&snapshot, &admission(), &[], &request(), owner, now);
        let RequestTransition::Write(next) = redriven else {
            return None;
        };
        state.machines[1] = StateMachine::begun(next.epoch);
        state.write_execution(*next);
        for person in &mut state.people {
            if person.stage == VotingStage::Answered {
                person.stage = VotingStage::Idle;
            }
        }
        Some(())
    }
}
