//! An attempt at the step: claim, check the execution, call the target, complete. It can stop
//! between any two.

use holdfast_ledger::{
    AttemptReport, ClaimTransition, CompletionTransition, StepRecord, StepState,
};
use jiff::SignedDuration;

use crate::{
    kept::SharedRecord,
    model::{Deed, Protocol},
    records::{MAX_ATTEMPTS, action, claim, input, payload},
    world::{Breach, Change, Put, World, Write, holder, key_of, lease_until},
};

/// One attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Forward {
    pub(crate) stage: Stage,
    /// A write whose sender no longer waits.
    pub(crate) orphan: Option<Write>,
    /// The effect generation of a call whose caller no longer waits.
    pub(crate) late: Option<usize>,
    /// The execution generation of its task.
    pub(crate) execution_generation: u32,
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
        deeds.extend(self.late.map(|_| Deed::LateCallArrives));
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
                let key = next.forward[n].late.take()?;
                next.targets[key].act(&self.setting);
            }
            Deed::Crashes => {
                let mine = &mut next.forward[n];
                match std::mem::replace(&mut mine.stage, Stage::Gone) {
                    Stage::Claiming(write) | Stage::Recording(write, _) => {
                        mine.orphan = Some(write);
                    }
                    Stage::Calling(record) => mine.late = Some(key_of(&record)),
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
            (Stage::Idle, _) if !self.begins(world, n) => return None,
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
            (Stage::Claimed(_), Deed::IsPaused)
                if !(self.rules.admits)(&world.execution, self.epoch_of(world, n)) =>
            {
                return None;
            }
            (Stage::Claimed(record), Deed::IsPaused) => {
                self.ends(world, n, &record, Outcome::Paused)
            }
            (Stage::Claimed(record), _) => {
                if (self.rules.admits)(&world.execution, self.epoch_of(world, n)) {
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
                self.sends(world, n, &record);
                world.forward[n].called = true;
                world.forward[n].stage = Stage::Calling(record.clone());
                world.alone();
                Stage::Calling(record)
            }
            (Stage::Calling(record), Deed::TimesOut) => {
                world.forward[n].late = Some(key_of(&record));
                self.ends(world, n, &record, Outcome::Unknown)
            }
            (Stage::Calling(record), deed) => {
                let target = &mut world.targets[key_of(&record)];
                target.refused |= deed == Deed::IsRefused;
                let outcome = match deed {
                    Deed::IsBusy => Outcome::Busy,
                    Deed::GoesOn if target.act(&self.setting) => Outcome::Succeeded,
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

    /// Returns whether the attempt may start. The attempts of one execution generation are alike:
    /// they start in order.
    fn begins(&self, world: &World, n: usize) -> bool {
        match world.forward[n].execution_generation {
            0 => n == 0 || world.forward[n - 1].stage != Stage::Idle,
            _ => world.redriven_at > 0,
        }
    }

    /// The epoch of an attempt's task.
    fn epoch_of(&self, world: &World, n: usize) -> u64 {
        world.first_epoch(world.forward[n].execution_generation)
    }

    /// Checks a call under the record's key against the calls before it.
    fn sends(&self, world: &mut World, n: usize, record: &StepRecord) {
        let change = match world.forward[n].execution_generation {
            0 => Change::Nothing,
            _ => world.change,
        };
        let target = &mut world.targets[key_of(record)];
        let first = *target.sent.get_or_insert(change);
        if target.refused && !record.tainted {
            world.breach(Breach::SentAfterRefusal);
        }
        if first != change {
            world.breach(Breach::SentAnother);
        }
    }

    /// Decides the claim, given the stored record.
    fn claims(&self, world: &World, n: usize, stored: Option<&SharedRecord<StepRecord>>) -> Stage {
        let mut mine = claim(&self.setting, &token(n), world.now());
        if world.forward[n].execution_generation > 0 {
            mine.first.epoch = self.epoch_of(world, n);
            mine.first.execution_generation = world.forward[n].execution_generation;
            mine.first.action = action(world.change);
            mine.first.input = input(world.change);
        }
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
            if let Write::Step(record, _) = write {
                let succeeded = u8::from(outcome == Outcome::Succeeded);
                world.committed[key_of(record)].0 += succeeded;
            }
        }
        put
    }
}

pub(crate) fn token(n: usize) -> String {
    format!("attempt {n}")
}
