//! The state of a rollback, by the execution's own Step Functions execution or by the recovery.

use holdfast_action::Verdict;
use holdfast_ledger::{StepRecord, UndoReport};
use jiff::SignedDuration;

use crate::{kept::SharedRecord, model::Deed, records::payload, world::Write};

/// One rollback.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Back {
    pub(crate) stage: Stage,
    /// The epoch of its plan.
    pub(crate) epoch: u64,
    /// The number of attempts at the undo that it began; each has a token of its own.
    pub(crate) tries: u8,
    /// True if it died before, so that its undo may be given up.
    pub(crate) died: bool,
    pub(crate) orphans: Vec<Write>,
    /// The effect generation of a call to undo whose caller no longer waits.
    pub(crate) late: Option<usize>,
    /// The execution generation of its plan.
    pub(crate) execution_generation: u32,
    /// True if it read, before it took over, that every step was done.
    pub(crate) done: bool,
}

/// The stage of a rollback.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Stage {
    #[default]
    Idle,
    /// It read the execution in this epoch.
    Saw(u64),
    Taking(u64, Write),
    /// About to read the steps.
    Planning,
    /// About to read the record and to claim its undo.
    Undoing,
    Claiming(Write),
    /// About to check that its plan is the latest.
    Claimed(SharedRecord<StepRecord>),
    /// About to call.
    Ready(SharedRecord<StepRecord>),
    /// Waits for an answer.
    Calling(SharedRecord<StepRecord>),
    Recording(Write, Outcome),
    GivingUp(Write),
    /// About to check that every step is closed.
    Finishing,
    Closing(Write),
    /// The end is on its way, with the step's record that it was decided on.
    Ending(Write, Option<SharedRecord<StepRecord>>),
    /// About to publish a receipt that states this record.
    Publishing(Option<SharedRecord<StepRecord>>),
    Over,
}

/// The outcome that an undo records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// The effect is undone. For a step without undo: the effect happened, or did not.
    Done(bool),
    /// The lease left no time to act.
    Busy,
    Refused,
    Unknown,
    Halted,
}

impl Outcome {
    pub(crate) fn undid(self, reversible: bool) -> UndoReport {
        match self {
            Self::Done(_) if reversible => UndoReport::Undone,
            Self::Done(true) => UndoReport::Verified(Verdict::Happened(payload())),
            Self::Done(false) => UndoReport::Verified(Verdict::DidNotHappen),
            Self::Busy => UndoReport::Transient {
                error: String::new(),
                wait: SignedDuration::ZERO,
            },
            Self::Refused if reversible => UndoReport::Permanent(String::new()),
            Self::Refused => UndoReport::Verified(Verdict::CannotTell),
            Self::Unknown => UndoReport::Unknown {
                error: String::new(),
                wait: SignedDuration::ZERO,
            },
            Self::Halted => UndoReport::Halted(String::new()),
        }
    }
}

impl Back {
    pub(crate) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The record under which it may be calling the target now.
    pub(crate) fn at_work(&self) -> Option<&SharedRecord<StepRecord>> {
        match &self.stage {
            Stage::Calling(record) => Some(record),
            _ => None,
        }
    }

    /// The record under which it may still call the target.
    pub(crate) fn holds(&self) -> Option<&SharedRecord<StepRecord>> {
        match &self.stage {
            Stage::Claimed(record) | Stage::Ready(record) | Stage::Calling(record) => Some(record),
            _ => None,
        }
    }

    /// The claim that is on its way.
    pub(crate) fn claims(&self) -> Option<&Write> {
        match &self.stage {
            Stage::Claiming(write) => Some(write),
            _ => None,
        }
    }

    pub(crate) fn token(&self, n: usize) -> String {
        format!("rollback {n} {}", self.tries)
    }

    /// The deeds that are possible, subject to the records that it reads.
    pub(crate) fn deeds(&self, deeds: &mut Vec<Deed>) {
        match &self.stage {
            Stage::Over => {}
            Stage::Idle => deeds.extend([Deed::GoesOn, Deed::EndsWell]),
            Stage::Undoing if self.died => deeds.extend([Deed::GoesOn, Deed::GivesUp]),
            Stage::Calling(_) => deeds.extend([Deed::GoesOn, Deed::IsRefused, Deed::TimesOut]),
            Stage::Taking(..)
            | Stage::Claiming(_)
            | Stage::Recording(..)
            | Stage::GivingUp(_)
            | Stage::Closing(_)
            | Stage::Ending(..) => deeds.extend([Deed::GoesOn, Deed::IsUnheard]),
            _ => deeds.push(Deed::GoesOn),
        }
        if !matches!(self.stage, Stage::Idle | Stage::Over) {
            deeds.push(Deed::Crashes);
        }
        deeds.extend((0..self.orphans.len()).map(Deed::OrphanArrives));
        deeds.extend(self.late.map(|_| Deed::LateCallArrives));
    }
}
