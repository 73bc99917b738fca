//! Equality of states: records are shared, and differ only by the parts that a rule can still read.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use holdfast_ledger::{Attempt, StepRecord};
use holdfast_receipt::AttemptOutcome;

use crate::{
    back::{self, Back},
    forward::{self, Forward},
    world::{World, Write, holder, lease_until},
};

/// A record that several places of a state can hold.
#[derive(Debug, PartialEq)]
pub(crate) struct SharedRecord<T>(Arc<T>);

impl<T> Clone for SharedRecord<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> From<T> for SharedRecord<T> {
    fn from(record: T) -> Self {
        Self(Arc::new(record))
    }
}

impl<T> Deref for SharedRecord<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// States with the same hash are visited once. Four properties make no difference to later states:
/// - the time, except for the leases that have ended, since a rule only compares a lease with now;
/// - revisions, except for the writes that can still succeed, since revisions only rise;
/// - the content of a write that can no longer succeed;
/// - names, since attempts are alike and differ only by whether the record is their own.
impl Hash for World {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let execution = &self.execution;
        (execution.epoch, &execution.owner, execution.phase.name()).hash(to);
        self.record
            .as_ref()
            .map(|record| self.view(record))
            .hash(to);
        let mut attempts: Vec<u64> = self
            .forward
            .iter()
            .enumerate()
            .map(|one| self.attempt(one))
            .collect();
        attempts.sort_unstable();
        attempts.hash(to);
        for one in self.back.iter().enumerate() {
            self.rollback(one).hash(to);
        }
        let called = self.forward.iter().any(|attempt| attempt.called);
        called.hash(to);
        (execution.generation, self.redriven_at, self.change).hash(to);
        let receipt = self.receipt.as_ref();
        receipt.map(|seen| self.stated(seen.as_ref())).hash(to);
        (self.targets, self.faults, self.committed, self.breaches).hash(to);
    }
}

impl World {
    /// The relevant parts of a record, except its holder.
    fn view(&self, record: &StepRecord) -> impl Hash + use<> {
        let last = record.attempts.last().and_then(|last| last.outcome);
        let unknown = |attempts: &[Attempt]| {
            let mut ends = attempts.iter().filter_map(|attempt| attempt.outcome);
            ends.any(AttemptOutcome::is_unknown)
        };
        let counts = |one: &&Attempt| one.outcome != Some(AttemptOutcome::Halted);
        (
            (
                record.state.name(),
                self.lives(record),
                holder(record).is_some(),
            ),
            (record.epoch, record.tainted, record.output.is_some()),
            (record.attempts.len(), last.map(|outcome| outcome as u8)),
            record.undo_attempts.iter().filter(counts).count(),
            (unknown(&record.attempts), unknown(&record.undo_attempts)),
            (
                (record.effect_generation, record.earlier.len()),
                (record.execution_generation, record.closed),
                (record.forgiven, record.undo_forgiven),
                (record.earlier_attempts, record.earlier_undo_attempts),
                record.residue_of_key() as u8,
                record.acted_under_earlier_keys_only(),
            ),
        )
    }

    fn lives(&self, record: &StepRecord) -> bool {
        lease_until(record).is_some_and(|until| self.now() < until)
    }

    /// Returns whether a record that an attempt or a rollback read is still stored, and whether its
    /// lease lives.
    fn held(&self, record: &SharedRecord<StepRecord>) -> (bool, bool) {
        let stored = self
            .record
            .as_ref()
            .is_some_and(|now| now.rev == record.rev);
        (stored, self.lives(record))
    }

    /// The statement of a receipt about a record, and whether the record has changed since.
    fn stated(&self, seen: Option<&SharedRecord<StepRecord>>) -> impl Hash + use<> {
        seen.map(|record| {
            let residue = (record.residue_of_key() as u8, record.was_claimed());
            let keys = (record.effect_generation, record.earlier.len());
            (
                residue,
                keys,
                self.needs_no_work(record),
                self.held(record).0,
            )
        })
    }

    /// The content of a write on its way; `None` if it can no longer succeed.
    fn sent(&self, write: &Write) -> Option<u64> {
        let mut view = DefaultHasher::new();
        match write {
            _ if !self.admits(write) => return None,
            Write::Step(record, _) => self.view(record).hash(&mut view),
            Write::ExecutionRecord(execution, _) => {
                (execution.epoch, &execution.owner, execution.phase.name()).hash(&mut view);
            }
        }
        Some(view.finish())
    }

    fn attempt(&self, (n, attempt): (usize, &Forward)) -> u64 {
        use forward::Stage;
        let mut view = DefaultHasher::new();
        match &attempt.stage {
            Stage::Idle => 0.hash(&mut view),
            Stage::Claiming(write) => (1, self.sent(write)).hash(&mut view),
            Stage::Claimed(record) => (2, self.held(record)).hash(&mut view),
            Stage::Ready(record) => (3, self.held(record)).hash(&mut view),
            Stage::Calling(record) => (4, self.held(record)).hash(&mut view),
            Stage::Recording(write, outcome) => (5, self.sent(write), outcome).hash(&mut view),
            Stage::Gone => 6.hash(&mut view),
        }
        let mine = self.record.as_ref().is_some_and(|record| {
            record
                .attempts
                .last()
                .is_some_and(|last| last.token == forward::token(n))
        });
        let orphan = attempt.orphan.as_ref().and_then(|write| self.sent(write));
        (
            mine && !attempt.is_gone(),
            orphan,
            attempt.late,
            (attempt.called, attempt.execution_generation),
        )
            .hash(&mut view);
        view.finish()
    }

    fn rollback(&self, (n, rollback): (usize, &Back)) -> u64 {
        use back::Stage;
        let mut view = DefaultHasher::new();
        match &rollback.stage {
            Stage::Idle => 0.hash(&mut view),
            Stage::Saw(epoch) => (1, epoch).hash(&mut view),
            Stage::Taking(epoch, write) => (2, epoch, self.sent(write)).hash(&mut view),
            Stage::Planning => 3.hash(&mut view),
            Stage::Undoing => 4.hash(&mut view),
            Stage::Claiming(write) => (5, self.sent(write)).hash(&mut view),
            Stage::Claimed(record) => (6, self.held(record)).hash(&mut view),
            Stage::Ready(record) => (7, self.held(record)).hash(&mut view),
            Stage::Calling(record) => (8, self.held(record)).hash(&mut view),
            Stage::Recording(write, outcome) => (9, self.sent(write), outcome).hash(&mut view),
            Stage::GivingUp(write) => (10, self.sent(write)).hash(&mut view),
            Stage::Finishing => 11.hash(&mut view),
            Stage::Closing(write) => (12, self.sent(write)).hash(&mut view),
            Stage::Ending(write, seen) => {
                (13, self.sent(write), self.stated(seen.as_ref())).hash(&mut view);
            }
            Stage::Publishing(seen) => (14, self.stated(seen.as_ref())).hash(&mut view),
            Stage::Over => 15.hash(&mut view),
        }
        let token = rollback.token(n);
        let mine = self.record.as_ref().and_then(|record| {
            let mut undos = record.undo_attempts.iter();
            undos
                .find(|undo| undo.token == token && !rollback.is_over())
                .map(|undo| undo.outcome.map(|one| one as u8))
        });
        let orphans: Vec<u64> = rollback
            .orphans
            .iter()
            .filter_map(|write| self.sent(write))
            .collect();
        (mine, orphans, rollback.late).hash(&mut view);
        if !rollback.is_over() {
            let plan = (rollback.epoch, rollback.execution_generation);
            (plan, rollback.died, rollback.done).hash(&mut view);
        }
        view.finish()
    }
}
