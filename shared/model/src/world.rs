//! What exists: one execution's record, one step's record, the target, the clock, and everyone who acts.

use holdfast_ledger::{ExecutionRecord, Phase, StepRecord, StepState, UndoNeed, need};
use holdfast_receipt::Status;
use jiff::Timestamp;

use crate::{
    back::Back,
    forward::{Forward, token},
    kept::Shared,
    records::{at, begun},
};

/// What is checked: the kind of step, and how much goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Whether the step has an undo.
    pub reversible: bool,
    /// Whether the target, once told to undo, refuses the effect's key from then on.
    pub fences: bool,
    /// Whether the target takes the same call twice as once.
    pub idempotent: bool,
    /// How many attempts at the step there are, started whenever.
    pub attempts: usize,
    /// How much goes wrong, wherever it does: deaths, lost answers, calls that time out or are refused.
    pub faults: u8,
}

/// A rule that was broken on the way here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    TwoAtWork,
    NotHolder,
    UndoneUnfenced,
    SentAfterUndo,
    WentBack,
}

/// One state of everything.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub(crate) now_s: i64,
    pub(crate) execution: Shared<ExecutionRecord>,
    pub(crate) record: Option<Shared<StepRecord>>,
    pub(crate) forward: Vec<Forward>,
    pub(crate) back: Vec<Back>,
    pub(crate) target: Target,
    /// The record as whoever ended the execution saw it: what the receipt says.
    pub(crate) receipt: Option<Option<Shared<StepRecord>>>,
    /// What may still go wrong.
    pub(crate) faults: u8,
    /// Committed ends that say the effect stands, and that it is gone.
    pub(crate) committed: (u8, u8),
    pub(crate) breaches: u8,
}

/// The system that the step acts on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// How many effects of the step stand; two are as many as are told apart.
    pub(crate) effects: u8,
    /// The key was released: no call under it takes effect any more.
    pub(crate) released: bool,
    /// It refused a call that came after its undo.
    pub(crate) refused_late: bool,
}

/// A write on its way to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    /// Of the step's record, on condition that it has this `rev`; `None`: that there is none.
    Step(Shared<StepRecord>, Option<u64>),
    /// Of the execution's record, on condition that it has this `rev`; an end with the record that it was decided on.
    ExecutionRecord(Shared<ExecutionRecord>, u64, Option<Shared<StepRecord>>),
}

impl Write {
    fn step(&self) -> Option<&Shared<StepRecord>> {
        match self {
            Self::Step(record, _) => Some(record),
            Self::ExecutionRecord(..) => None,
        }
    }
}

/// What became of a write; of one that lost, what stands is read anew.
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
            forward: vec![Forward::default(); setting.attempts],
            back: vec![Back::default(); 2],
            target: Target::default(),
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

    pub(crate) fn ended(&self) -> bool {
        matches!(self.execution.phase, Phase::Ended { .. })
    }

    pub(crate) fn is_executed(&self) -> bool {
        let executed = Status::Executed;
        matches!(self.execution.phase, Phase::Ended { status, .. } if status == executed)
    }

    /// Whether the record asks for nothing, or holds no attempt that ever called the target.
    pub(crate) fn is_closed(&self) -> bool {
        let Some(record) = &self.record else {
            return true;
        };
        let called = self.forward.iter().any(|attempt| attempt.called);
        match record.state {
            StepState::Succeeded if self.is_executed() => true,
            _ => !called || need(record, 0, self.now()) == UndoNeed::Nothing,
        }
    }

    /// Whether the condition of a write holds.
    pub(crate) fn admits(&self, write: &Write) -> bool {
        match write {
            Write::Step(_, expect) => self.record.as_ref().map(|stands| stands.rev) == *expect,
            Write::ExecutionRecord(_, expect, _) => self.execution.rev == *expect,
        }
    }

    /// The ledger carries a write out if its condition holds.
    pub(crate) fn put(&mut self, write: &Write) -> Put {
        if !self.admits(write) {
            return Put::Lost;
        }
        match write {
            Write::Step(next, _) => {
                if let Some(stands) = &self.record {
                    let rises = next.rev > stands.rev && next.epoch >= stands.epoch;
                    let kept = next.attempts.len() >= stands.attempts.len();
                    if !rises || !(kept || self.never_acted(stands)) {
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

    /// Whether whoever holds the record was kept from calling: only such an attempt may be taken out of it.
    fn never_acted(&self, stands: &StepRecord) -> bool {
        let holds = |n: &usize| holder(stands) == Some(&token(*n));
        let holder = (0..self.forward.len()).find(holds);
        holder.is_some_and(|n| !self.forward[n].called)
    }

    /// Time passes until the next lease ends. That is a fault if somebody alive counts on it: he is slow.
    pub(crate) fn lease_ends(&self) -> Option<Self> {
        let ends = |record: &Shared<StepRecord>| self.time_left(record);
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
    fn time_left(&self, record: &Shared<StepRecord>) -> Option<i64> {
        let left = lease_until(record)?.duration_since(self.now()).as_secs();
        (left > 0).then_some(left)
    }

    /// Somebody is about to call the target while he holds the lease of `record`: nobody else may be at it.
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

impl Target {
    /// A call to act arrives; `false` if it is refused.
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

    /// A call to undo arrives.
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

/// Who holds the claim.
pub(crate) fn holder(record: &StepRecord) -> Option<&str> {
    match &record.state {
        StepState::Running { token, .. } | StepState::Undoing { token, .. } => Some(token),
        _ => None,
    }
}
