//! The state of the model: one execution record, one step's record, the target, the clock and the
//! participants.

use holdfast_ledger::{ExecutionRecord, Phase, Snapshot, StepRecord, StepState, UndoNeed, need};
use holdfast_receipt::{ReceiptRef, Status};
use jiff::Timestamp;

use crate::{
    back::{Back, Stage},
    forward::{Forward, token},
    kept::SharedRecord,
    records::{at, begun},
};

/// The setting of a check: the kind of step and the number of faults.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// True if the step has an undo.
    pub reversible: bool,
    /// True if the target refuses the effect key after an undo.
    pub fences: bool,
    /// True if the target treats the same call twice as one call.
    pub idempotent: bool,
    /// The number of attempts at the step; each can start at any time.
    pub attempts: usize,
    /// The number of faults: deaths, lost answers, calls that time out or are refused.
    pub faults: u8,
    /// True if the recovery can act beside the state machine.
    pub recovery: bool,
    /// True if a redrive or a later rollback may follow the end.
    pub next_generation: bool,
    /// True if the execution is an Express one, which a second run of the same owner may run too.
    pub second_run: bool,
}

/// The difference of a redriven step from the step as it first ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is the same step.
    #[default]
    Nothing,
    /// It has another input.
    Input,
    /// It has another action.
    Action,
}

/// A rule that was broken on the path to this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// Two participants with live leases called the target at once.
    TwoAtWork,
    /// A completion was written by a participant that did not hold the claim.
    NotHolder,
    /// An undo began before the takeover, or while an attempt at the step held a live lease.
    UndoneUnfenced,
    /// A call was sent to the target after a committed undo.
    SentAfterUndo,
    /// A call without a possible effect under its key was sent again after a refusal for good, so
    /// that the target repeats its answer.
    SentAfterRefusal,
    /// A call with another action or input was sent under a key that had been sent before.
    SentAnother,
    /// A recovery that had read that every step was done sent an undo.
    SuccessUndone,
    /// A write did not raise the revision, lowered the epoch, changed the owner within an epoch, or
    /// removed an attempt that had acted.
    WentBack,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub(crate) now_s: i64,
    pub(crate) execution: SharedRecord<ExecutionRecord>,
    pub(crate) record: Option<SharedRecord<StepRecord>>,
    pub(crate) forward: Vec<Forward>,
    pub(crate) back: Vec<Back>,
    /// The target's state for each effect key.
    pub(crate) targets: [Target; 2],
    /// The epoch of the redrive; 0 before there is one.
    pub(crate) redriven_at: u64,
    /// The difference of the redriven step.
    pub(crate) change: Change,
    /// The step's record as the published receipt of this execution generation states it.
    pub(crate) receipt: Option<Option<SharedRecord<StepRecord>>>,
    /// The number of faults that may still happen.
    pub(crate) faults: u8,
    /// The numbers of committed successes of the step, and of its undo, under each effect key.
    pub(crate) committed: [(u8, u8); 2],
    pub(crate) breaches: u8,
}

/// The system that the step acts on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// The number of effects that remain; more than two count as two.
    pub(crate) effects: u8,
    /// True if the key was released, so that no call under it takes effect.
    pub(crate) released: bool,
    /// True if the target refused a call after the undo.
    pub(crate) refused_late: bool,
    /// True if the target refused a call for good, which it repeats under this key.
    pub(crate) refused: bool,
    /// The step as it was when a call was first sent under this key.
    pub(crate) sent: Option<Change>,
}

/// A write on its way to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    /// A write of the step's record, if it has this `rev`, or with `None` if there is none.
    Step(SharedRecord<StepRecord>, Option<u64>),
    /// A write of the execution record, if it has this `rev`.
    ExecutionRecord(SharedRecord<ExecutionRecord>, u64),
}

impl Write {
    fn step(&self) -> Option<&SharedRecord<StepRecord>> {
        match self {
            Self::Step(record, _) => Some(record),
            Self::ExecutionRecord(..) => None,
        }
    }
}

/// The answer to a write. The loser reads the stored record again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    Lost,
}

impl World {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self {
            now_s: 0,
            execution: begun().into(),
            record: None,
            forward: attempts(setting),
            back: rollbacks(setting),
            targets: Default::default(),
            redriven_at: 0,
            change: Change::Nothing,
            receipt: None,
            faults: setting.faults,
            committed: Default::default(),
            breaches: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        at(self.now_s)
    }

    pub(crate) fn breach(&mut self, breach: Breach) {
        self.breaches |= 1 << breach as u8;
    }

    pub(crate) fn has(&self, breach: Breach) -> bool {
        self.breaches & 1 << breach as u8 != 0
    }

    /// The epoch in which the state machine of an execution generation begins.
    pub(crate) fn first_epoch(&self, execution_generation: u32) -> u64 {
        match execution_generation {
            0 => 1,
            _ => self.redriven_at,
        }
    }

    /// Returns whether every step of this execution generation is done.
    pub(crate) fn is_done(&self) -> bool {
        let generation = self.execution.generation;
        self.record.as_ref().is_some_and(|record| {
            record.state == StepState::Succeeded && record.execution_generation == generation
        })
    }

    pub(crate) fn ended(&self) -> bool {
        matches!(self.execution.phase, Phase::Ended { .. })
    }

    pub(crate) fn is_executed(&self) -> bool {
        let executed = Status::Executed;
        matches!(self.execution.phase, Phase::Ended { status, .. } if status == executed)
    }

    /// Returns whether the step needs no work, or has no attempt that ever called the target.
    pub(crate) fn is_closed(&self) -> bool {
        let Some(record) = &self.record else {
            return true;
        };
        let called = self.forward.iter().any(|attempt| attempt.called);
        match record.state {
            StepState::Succeeded if self.is_executed() => true,
            _ => {
                !called || need(record, self.execution.generation, self.now()) == UndoNeed::Nothing
            }
        }
    }

    /// Returns whether no attempt may be at work under the step's record.
    pub(crate) fn rests(&self) -> bool {
        let running = |record: &&SharedRecord<StepRecord>| matches!(record.state, StepState::Running { lease_until, .. } if self.now() < lease_until);
        !self.record.as_ref().is_some_and(|record| running(&record))
    }

    /// The execution and its step, as one read returns them.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let steps = self.record.iter().map(|record| (**record).clone());
        Snapshot::new((*self.execution).clone(), steps.collect(), 0)
    }

    /// The step's record as a receipt lists it.
    pub(crate) fn listed(&self) -> Option<SharedRecord<StepRecord>> {
        let record = self.record.clone()?;
        (!self.snapshot().steps.is_empty()).then_some(record)
    }

    /// Publishes the receipt of an execution generation, unless it is published already.
    pub(crate) fn publish(
        &mut self,
        execution_generation: u32,
        seen: Option<SharedRecord<StepRecord>>,
    ) {
        if self.execution.generation != execution_generation || self.receipt.is_some() {
            return;
        }
        let receipt = ReceiptRef {
            object: String::new(),
            sha256: String::new(),
        };
        // A receipt does not list a step that no attempt claimed before the end.
        self.receipt = Some(seen.filter(|record| record.was_claimed()));
        self.execution = SharedRecord::from(ExecutionRecord {
            rev: self.execution.rev + 1,
            receipt: Some(receipt),
            ..(*self.execution).clone()
        });
    }

    /// Returns whether the condition of a write holds.
    pub(crate) fn admits(&self, write: &Write) -> bool {
        match write {
            Write::Step(_, expect) => self.record.as_ref().map(|stored| stored.rev) == *expect,
            Write::ExecutionRecord(_, expect) => self.execution.rev == *expect,
        }
    }

    /// Applies a write if its condition holds.
    pub(crate) fn put(&mut self, write: &Write) -> Put {
        if !self.admits(write) {
            return Put::Lost;
        }
        match write {
            Write::Step(next, _) => {
                if let Some(stored) = &self.record {
                    let rises = next.rev > stored.rev && next.epoch >= stored.epoch;
                    let kept = next.attempts.len() >= stored.attempts.len();
                    if !rises || !(kept || self.never_acted(stored)) {
                        self.breach(Breach::WentBack);
                    }
                }
                self.record = Some(next.clone());
            }
            Write::ExecutionRecord(next, _) => {
                let changes_hands = next.owner != self.execution.owner;
                let rises = next.rev > self.execution.rev && next.epoch >= self.execution.epoch;
                if !rises || (changes_hands && next.epoch == self.execution.epoch) {
                    self.breach(Breach::WentBack);
                }
                self.execution = next.clone();
            }
        }
        Put::Done
    }

    /// Returns whether the holder of the record never called the target. Only such an attempt may
    /// be removed from it.
    fn never_acted(&self, stored: &StepRecord) -> bool {
        let holds = |n: &usize| holder(stored) == Some(&token(*n));
        let holder = (0..self.forward.len()).find(holds);
        holder.is_some_and(|n| !self.forward[n].called)
    }

    /// Advances the time to the end of the next lease. It is a fault if a live participant holds
    /// the lease.
    pub(crate) fn lease_ends(&self) -> Option<Self> {
        let ends = |record: &SharedRecord<StepRecord>| self.time_left(record);
        let arrives = |write: &&Write| self.admits(write);
        let sent = self.forward.iter().filter_map(Forward::claims);
        let sent = sent.chain(self.back.iter().filter_map(Back::claims));
        let held = self.forward.iter().filter_map(Forward::holds);
        let held = held.chain(self.back.iter().filter_map(Back::holds));
        let alive = sent.filter(arrives).filter_map(Write::step).chain(held);
        let alive = alive.filter_map(ends).min();
        let dead = self.forward.iter().filter_map(|one| one.orphan.as_ref());
        let dead = dead.filter(arrives).filter_map(Write::step);
        let dead = dead.chain(&self.record).filter_map(ends).min();
        let until = alive.into_iter().chain(dead).min()?;
        let slow = alive.is_some_and(|end| end <= until);
        Some(Self {
            now_s: self.now_s + until,
            faults: self.faults.checked_sub(slow.into())?,
            ..self.clone()
        })
    }

    /// Seconds until a live lease ends.
    fn time_left(&self, record: &SharedRecord<StepRecord>) -> Option<i64> {
        let left = lease_until(record)?.duration_since(self.now()).as_secs();
        (left > 0).then_some(left)
    }

    /// Checks, before the holder of `record` calls the target, that no other participant is calling
    /// it.
    pub(crate) fn alone(&mut self) {
        let now = self.now();
        let forward = self.forward.iter().filter_map(Forward::at_work);
        let back = self.back.iter().filter_map(Back::at_work);
        let at_work = forward
            .chain(back)
            .filter(|record| lease_until(record).is_some_and(|until| now < until));
        if at_work.count() > 1 {
            self.breach(Breach::TwoAtWork);
        }
    }
}

/// The attempts of the first execution generation, and the one of the redrive.
fn attempts(setting: &Setting) -> Vec<Forward> {
    let first = (0..setting.attempts).map(|_| Forward::default());
    let next = setting.next_generation.then(|| Forward {
        execution_generation: 1,
        ..Forward::default()
    });
    first.chain(next).collect()
}

/// The rollbacks of the state machine, of the recovery, of the owner that a request names, and of
/// the second run. Those that the setting does not have are over.
fn rollbacks(setting: &Setting) -> Vec<Back> {
    let rollback = |exists, execution_generation| Back {
        stage: if exists { Stage::Idle } else { Stage::Over },
        execution_generation,
        ..Back::default()
    };
    vec![
        rollback(true, 0),
        rollback(setting.recovery, 0),
        rollback(setting.next_generation, 1),
        rollback(setting.second_run, 0),
    ]
}

/// The place of a record's effect key among the target's.
pub(crate) fn key_of(record: &StepRecord) -> usize {
    (record.effect_generation as usize).min(1)
}

impl Target {
    /// Applies a call to act; `false` if it is refused.
    pub(crate) fn act(&mut self, setting: &Setting) -> bool {
        if self.released && setting.fences {
            self.refused_late = true;
            return false;
        }
        self.effects = match setting.idempotent {
            true => 1,
            false => (self.effects + 1).min(2),
        };
        true
    }

    /// Applies a call to undo.
    pub(crate) fn undo(&mut self) {
        self.effects = 0;
        self.released = true;
    }
}

pub(crate) fn lease_until(record: &StepRecord) -> Option<Timestamp> {
    match record.state {
        StepState::Running { lease_until, .. } | StepState::Undoing { lease_until, .. } => {
            Some(lease_until)
        }
        _ => None,
    }
}

/// The token of the attempt that holds the claim.
pub(crate) fn holder(record: &StepRecord) -> Option<&str> {
    match &record.state {
        StepState::Running { token, .. } | StepState::Undoing { token, .. } => Some(token),
        _ => None,
    }
}
