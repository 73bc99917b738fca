//! The state of the model: one execution record, one step's record, the target, the clock and the
//! participants.

use holdfast_ledger::{ExecutionRecord, Phase, StepRecord, StepState, UndoNeed, need};
use holdfast_receipt::Status;
use jiff::Timestamp;

use crate::{
    back::Back,
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
    /// True if a redrive or a later rollback may follow the end.
    pub again: bool,
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
    /// A call without a possible effect under its key was sent again after the target had refused
    /// it for good, so that the target repeats its answer.
    SentAfterRefusal,
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
    /// True if the redrive has another input for the step.
    pub(crate) another: bool,
    /// The step's record as the finisher read it, which the receipt states.
    pub(crate) receipt: Option<Option<SharedRecord<StepRecord>>>,
    /// The number of faults that may still happen.
    pub(crate) faults: u8,
    /// The number of committed successes of the step, and of its undo.
    pub(crate) committed: (u8, u8),
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
}

/// A write on its way to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    /// A write of the step's record, if it has this `rev`, or with `None` if there is none.
    Step(SharedRecord<StepRecord>, Option<u64>),
    /// A write of the execution record, if it has this `rev`; an end carries the record that it was
    /// decided on.
    ExecutionRecord(
        SharedRecord<ExecutionRecord>,
        u64,
        Option<SharedRecord<StepRecord>>,
    ),
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
            back: vec![Back::default(); 2 + usize::from(setting.again)],
            targets: Default::default(),
            redriven_at: 0,
            another: false,
            receipt: None,
            faults: setting.faults,
            committed: (0, 0),
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

    /// The epoch of an attempt's task.
    pub(crate) fn epoch_of(&self, n: usize) -> u64 {
        if self.forward[n].again {
            self.redriven_at
        } else {
            1
        }
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

    /// Returns whether the condition of a write holds.
    pub(crate) fn admits(&self, write: &Write) -> bool {
        match write {
            Write::Step(_, expect) => self.record.as_ref().map(|stored| stored.rev) == *expect,
            Write::ExecutionRecord(_, expect, _) => self.execution.rev == *expect,
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
            Write::ExecutionRecord(next, _, seen) => {
                let changes_hands = next.owner != self.execution.owner;
                let rises = next.rev > self.execution.rev && next.epoch >= self.execution.epoch;
                if !rises || (changes_hands && next.epoch == self.execution.epoch) {
                    self.breach(Breach::WentBack);
                }
                self.execution = next.clone();
                if self.ended() {
                    self.receipt = Some(seen.clone());
                }
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
    let again = setting.again.then(|| Forward {
        again: true,
        ..Forward::default()
    });
    first.chain(again).collect()
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
