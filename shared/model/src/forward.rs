//! An attempt at the step: claim, check the execution, call the target, complete. It can stop
//! between any two.

use holdfast_ledger::{
    AttemptReport, ClaimTransition, CompletionTransition, StepRecord, StepState,
};
use jiff::SignedDuration;

use crate::{
    kept::SharedRecord,
    model::{Deed, Protocol},
    records::{MAX_ATTEMPTS, claim, payload},
    world::{Breach, Put, World, Write, holder, lease_until},
};

/// One attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Forward {
    pub(crate) stage: Stage,
    /// A write whose sender no longer waits.
    pub(crate) orphan: Option<Write>,
    /// A call whose caller no longer waits.
    pub(crate) late: bool,
    /// True if it ever called the target.
    pub(crate) called: bool,
}

/// The stage of an attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Stage {
    #[default]
    Idle,
    /// The claim, or the record that no attempt may follow, is on its way.
    Claiming(Write),
    /// About to check that the execution is running.
    Claimed(SharedRecord<StepRecord>),
    /// About to call.
    Ready(SharedRecord<StepRecord>),
    /// Waits for an answer.
    Calling(SharedRecord<StepRecord>),
    /// The outcome is on its way.
    Recording(Write, Outcome),
    Gone,
}

/// The outcome that an attempt records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Succeeded,
    Busy,
    Refused,
    Unknown,
    Halted,
    Paused,
}

impl Outcome {
    fn attempted(self) -> AttemptReport {
        match self {
            Self::Succeeded => AttemptReport::Succeeded(payload()),
            Self::Busy => AttemptReport::Transient {
                error: String::new(),
                wait: SignedDuration::ZERO,
            },
            Self::Refused => AttemptReport::Permanent(String::new()),
            Self::Unknown => AttemptReport::Unknown {
                error: String::new(),
                wait: SignedDuration::ZERO,
            },
            Self::Halted => AttemptReport::Halted(String::new()),
            Self::Paused => AttemptReport::Paused(String::new()),
        }
    }
}

impl Forward {
    pub(crate) fn is_gone(&self) -> bool {
        self.stage == Stage::Gone
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

    /// The deeds that are possible.
    pub(crate) fn deeds(&self, deeds: &mut Vec<Deed>) {
        match &self.stage {
            Stage::Gone => {}
            Stage::Idle | Stage::Ready(_) => deeds.push(Deed::GoesOn),
            Stage::Claimed(_) => deeds.extend([Deed::GoesOn, Deed::IsPaused]),
            Stage::Claiming(_) | Stage::Recording(..) => {
                deeds.extend([Deed::GoesOn, Deed::IsUnheard]);
            }
            Stage::Calling(_) => {
                deeds.extend([Deed::GoesOn, Deed::IsBusy, Deed::IsRefused, Deed::TimesOut]);
            }
        }
        if !matches!(self.stage, Stage::Idle | Stage::Gone) {
            deeds.push(Deed::Crashes);
        }
        deeds.extend(self.orphan.is_some().then_some(Deed::OrphanArrives(0)));
        deeds.extend(self.late.then_some(Deed::LateCallArrives));
    }
}

impl Protocol {
    /// Applies a deed of an attempt; `None` if it is not possible now.
    pub(crate) fn forward(&self, world: &World, n: usize, deed: Deed) -> Option<World> {
        let mut next = world.clone();
        next.faults = next.faults.checked_sub(u8::from(deed.is_fault()))?;
        match deed {
            Deed::OrphanArrives(_) => {
                let write = next.forward[n].orphan.take()?;
                next.put(&write);
            }
            Deed::LateCallArrives => {
                next.forward[n].late = false;
                next.target.act(&self.setting);
            }
            Deed::Crashes => {
                let mine = &mut next.forward[n];
                match std::mem::replace(&mut mine.stage, Stage::Gone) {
                    Stage::Claiming(write) | Stage::Recording(write, _) => {
                        mine.orphan = Some(write);
                    }
                    Stage::Calling(_) => mine.late = true,
                    _ => {}
                }
            }
            _ => next.forward[n].stage = self.proceeds(&mut next, n, deed)?,
        }
        Some(next)
    }

    fn proceeds(&self, world: &mut World, n: usize, deed: Deed) -> Option<Stage> {
        let stage = world.forward[n].stage.clone();
        Some(match (stage, deed) {
            // Attempts are alike: they start in order.
            (Stage::Idle, _) if n > 0 && world.forward[n - 1].stage == Stage::Idle => return None,
            (Stage::Idle, _) => self.claims(world, n, None),
            (Stage::Claiming(write) | Stage::Recording(write, _), Deed::IsUnheard)
                if !world.admits(&write) =>
            {
                return None;
            }
            (Stage::Claiming(write), Deed::IsUnheard) => {
                world.put(&write);
                Stage::Claiming(write)
            }
            (Stage::Claiming(write), _) => match (world.put(&write), write) {
                (Put::Done, Write::Step(record, _)) if holder(&record) == Some(&token(n)) => {
                    Stage::Claimed(record)
                }
                (Put::Done, _) => Stage::Gone,
                (Put::Lost, _) => self.claims(world, n, world.record.as_ref()),
            },
            (Stage::Claimed(_), Deed::IsPaused) if !(self.rules.admits)(&world.execution, 1) => {
                return None;
            }
            (Stage::Claimed(record), Deed::IsPaused) => {
                self.ends(world, n, &record, Outcome::Paused)
            }
            (Stage::Claimed(record), _) => {
                if (self.rules.admits)(&world.execution, 1) {
                    Stage::Ready(record)
                } else {
                    self.ends(world, n, &record, Outcome::Halted)
                }
            }
            (Stage::Ready(record), _) => {
                if lease_until(&record).is_none_or(|until| world.now() >= until) {
                    return Some(self.ends(world, n, &record, Outcome::Busy));
                }
                let undone = |stored: &SharedRecord<StepRecord>| stored.state == StepState::Undone;
                if world.record.as_ref().is_some_and(undone) {
                    world.breach(Breach::SentAfterUndo);
                }
                world.forward[n].called = true;
                world.forward[n].stage = Stage::Calling(record.clone());
                world.alone();
                Stage::Calling(record)
            }
            (Stage::Calling(record), Deed::TimesOut) => {
                world.forward[n].late = true;
                self.ends(world, n, &record, Outcome::Unknown)
            }
            (Stage::Calling(record), deed) => {
                let outcome = match deed {
                    Deed::IsBusy => Outcome::Busy,
                    Deed::GoesOn if world.target.act(&self.setting) => Outcome::Succeeded,
                    _ => Outcome::Refused,
                };
                self.ends(world, n, &record, outcome)
            }
            (Stage::Recording(write, outcome), Deed::IsUnheard) => {
                self.records(world, n, &write, outcome);
                Stage::Recording(write, outcome)
            }
            (Stage::Recording(write, outcome), _) => {
                match self.records(world, n, &write, outcome) {
                    Put::Done => Stage::Gone,
                    Put::Lost => {
                        let stored = world.record.clone()?;
                        self.ends(world, n, &stored, outcome)
                    }
                }
            }
            (Stage::Gone, _) => return None,
        })
    }

    /// Decides the claim, given the stored record.
    fn claims(&self, world: &World, n: usize, stored: Option<&SharedRecord<StepRecord>>) -> Stage {
        let mine = claim(&self.setting, &token(n), world.now());
        match (self.rules.claim)(stored.map(|stored| &**stored), &mine, world.now()) {
            ClaimTransition::Write(next) | ClaimTransition::Unknown(Some(next)) => {
                let expect = stored.map(|stored| stored.rev);
                Stage::Claiming(Write::Step((*next).into(), expect))
            }
            ClaimTransition::Mine => stored.cloned().map_or(Stage::Gone, Stage::Claimed),
            _ => Stage::Gone,
        }
    }

    /// Decides the completion, given the stored record.
    fn ends(
        &self,
        world: &World,
        n: usize,
        stored: &SharedRecord<StepRecord>,
        outcome: Outcome,
    ) -> Stage {
        let attempted = outcome.attempted();
        let now = world.now();
        match (self.rules.complete)(stored, &token(n), &attempted, MAX_ATTEMPTS, now) {
            CompletionTransition::Write(next) => {
                Stage::Recording(Write::Step((*next).into(), Some(stored.rev)), outcome)
            }
            CompletionTransition::Mine | CompletionTransition::Fenced => Stage::Gone,
        }
    }

    fn records(&self, world: &mut World, n: usize, write: &Write, outcome: Outcome) -> Put {
        let held = world.record.as_ref().and_then(|record| holder(record)) == Some(&token(n));
        let put = world.put(write);
        if put == Put::Done {
            if !held {
                world.breach(Breach::NotHolder);
            }
            world.committed.0 += u8::from(outcome == Outcome::Succeeded);
        }
        put
    }
}

pub(crate) fn token(n: usize) -> String {
    format!("attempt {n}")
}
