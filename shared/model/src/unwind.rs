//! The steps of a rollback: take over, read, undo, end. It can die between any two and then
//! restarts.

use holdfast_ledger::{
    Phase, StepRecord, TakeoverTransition, UndoClaim, UndoClaimTransition,
    UndoCompletionTransition, UndoNeed,
};

use crate::{
    back::{Outcome, Stage},
    forward::Forward,
    kept::SharedRecord,
    model::{Deed, Protocol},
    records::{OWNERS, RECOVERY, REQUESTED, failure},
    world::{Breach, Put, World, Write, holder, key_of, lease_until},
};

impl Protocol {
    /// Applies a deed of a rollback; `None` if it is not possible now.
    pub(crate) fn back(&self, world: &World, n: usize, deed: Deed) -> Option<World> {
        let mut next = world.clone();
        next.faults = next.faults.checked_sub(u8::from(deed.is_fault()))?;
        match deed {
            Deed::OrphanArrives(which) => {
                let write = next.back[n].orphans.remove(which);
                next.put(&write);
            }
            Deed::LateCallArrives => {
                let key = next.back[n].late.take()?;
                next.targets[key].undo();
            }
            Deed::Crashes => {
                let mine = &mut next.back[n];
                mine.died = true;
                mine.tries += 1;
                match std::mem::take(&mut mine.stage) {
                    Stage::Taking(_, write)
                    | Stage::Claiming(write)
                    | Stage::Recording(write, _)
                    | Stage::GivingUp(write)
                    | Stage::Closing(write)
                    | Stage::Ending(write, _) => mine.orphans.push(write),
                    Stage::Calling(record) => {
                        mine.late = self.setting.reversible.then(|| key_of(&record));
                    }
                    _ => {}
                }
            }
            Deed::IsUnheard => {
                if self.arrives(&mut next, n)? == Put::Lost {
                    return None;
                }
            }
            _ => {
                let stage = self.unwinds(&mut next, n, deed)?;
                next.back[n].stage = stage;
            }
        }
        Some(next)
    }

    fn unwinds(&self, world: &mut World, n: usize, deed: Deed) -> Option<Stage> {
        let stage = world.back[n].stage.clone();
        Some(match (stage, deed) {
            (Stage::Over, _) => return None,
            (Stage::Idle, _) if n == REQUESTED && world.execution.generation == 0 => return None,
            (Stage::Idle, Deed::EndsWell) => return self.ends_well(world, n),
            // The own Step Functions execution has the epoch in which it began; the recovery reads
            // it.
            (Stage::Idle, _) if n == RECOVERY => {
                self.reads(world, n);
                Stage::Saw(world.execution.epoch)
            }
            (Stage::Idle, _) => {
                let epoch = world.first_epoch(world.back[n].execution_generation);
                self.takes(world, n, epoch)
            }
            (Stage::Saw(epoch), _) => self.takes(world, n, epoch),
            (Stage::Taking(epoch, write), _) => match world.put(&write) {
                Put::Done => self.owns(world, n),
                Put::Lost => {
                    if n == RECOVERY {
                        self.reads(world, n);
                    }
                    self.takes(world, n, epoch)
                }
            },
            (Stage::Planning, _) => {
                if world.ended() {
                    return Some(Stage::Finishing);
                }
                if world.execution.epoch != world.back[n].epoch {
                    return Some(Stage::Over);
                }
                match self.asks(world, n)? {
                    UndoNeed::Wait(_) => return None,
                    UndoNeed::Undo => Stage::Undoing,
                    UndoNeed::Nothing | UndoNeed::Close(_) => Stage::Finishing,
                }
            }
            (Stage::Undoing, Deed::GivesUp) => return self.gives_up(world, n),
            (Stage::Undoing, _) => {
                let stage = self.claims_undo(world, n)?;
                if stage == Stage::Undoing {
                    return None;
                }
                stage
            }
            (Stage::Claiming(write), _) => match (world.put(&write), write) {
                (Put::Done, Write::Step(record, _)) if holder(&record).is_some() => {
                    Stage::Claimed(record)
                }
                (Put::Done, _) => Stage::Finishing,
                (Put::Lost, _) => self.claims_undo(world, n)?,
            },
            (Stage::Claimed(record), _) => {
                if (self.rules.unwinds)(&world.execution, world.back[n].epoch) {
                    Stage::Ready(record)
                } else {
                    self.records_undo(world, n, &record, Outcome::Halted)
                }
            }
            (Stage::Ready(record), _) => {
                if lease_until(&record).is_none_or(|until| world.now() >= until) {
                    return Some(self.records_undo(world, n, &record, Outcome::Busy));
                }
                self.fenced(world, n, &record);
                if world.back[n].done {
                    world.breach(Breach::SuccessUndone);
                }
                world.back[n].stage = Stage::Calling(record.clone());
                world.alone();
                Stage::Calling(record)
            }
            (Stage::Calling(record), Deed::TimesOut) => {
                world.back[n].late = self.setting.reversible.then(|| key_of(&record));
                self.records_undo(world, n, &record, Outcome::Unknown)
            }
            (Stage::Calling(record), Deed::IsRefused) => {
                self.records_undo(world, n, &record, Outcome::Refused)
            }
            (Stage::Calling(record), _) => {
                let key = key_of(&record);
                let happened = world.targets[key].effects > 0;
                if self.setting.reversible {
                    if !record.acted_under_earlier_keys_only() {
                        world.targets[key].undo();
                    }
                    // What may have arrived late under an earlier key is undone again.
                    for earlier in 0..record.earlier.len() {
                        world.targets[earlier].undo();
                    }
                }
                self.records_undo(world, n, &record, Outcome::Done(happened))
            }
            (Stage::Recording(_, outcome), _) => match self.arrives(world, n)? {
                Put::Done => self.goes_over(world, n, outcome),
                Put::Lost => {
                    let stored = world.record.clone()?;
                    self.records_undo(world, n, &stored, outcome)
                }
            },
            (Stage::GivingUp(_), _) => match self.arrives(world, n)? {
                Put::Done => Stage::Finishing,
                Put::Lost => Stage::Undoing,
            },
            (Stage::Finishing, _) => return self.finishes(world, n),
            (Stage::Closing(_), _) => {
                self.arrives(world, n)?;
                Stage::Finishing
            }
            (Stage::Ending(_, seen), _) => self.after_end(world, n, seen)?,
            (Stage::Publishing(seen), _) => {
                world.publish(world.back[n].execution_generation, seen);
                Stage::Over
            }
        })
    }

    /// Applies the write that is on its way.
    pub(crate) fn arrives(&self, world: &mut World, n: usize) -> Option<Put> {
        let stage = world.back[n].stage.clone();
        Some(match &stage {
            Stage::Recording(write, outcome) => {
                let token = world.back[n].token(n);
                let held = world.record.as_ref().and_then(|record| holder(record)) == Some(&*token);
                let put = world.put(write);
                if put == Put::Done {
                    if !held {
                        world.breach(Breach::NotHolder);
                    }
                    let undone = self.setting.reversible && matches!(outcome, Outcome::Done(_));
                    if let Write::Step(record, _) = write {
                        world.committed[key_of(record)].1 += u8::from(undone);
                    }
                }
                put
            }
            Stage::Taking(_, write)
            | Stage::Claiming(write)
            | Stage::GivingUp(write)
            | Stage::Closing(write)
            | Stage::Ending(write, _) => world.put(write),
            _ => return None,
        })
    }

    /// Reads the execution and its step, as a recovery does before it takes over.
    fn reads(&self, world: &mut World, n: usize) {
        let done = world.execution.phase == Phase::Running && world.is_done();
        world.back[n].done = done;
        world.back[n].execution_generation = world.execution.generation;
    }

    /// Decides the takeover. A recovery finishes an execution whose steps were all done.
    fn takes(&self, world: &mut World, n: usize, epoch: u64) -> Stage {
        // If its write is lost to another takeover, it reads again.
        world.back[n].done &= world.execution.phase == Phase::Running;
        let (execution, by, now) = (&world.execution, OWNERS[n], world.now());
        let taken = match world.back[n].done {
            true => (self.rules.take_to_finish)(execution, by, epoch, now),
            false => (self.rules.take)(execution, by, epoch, &failure(n), now),
        };
        match taken {
            TakeoverTransition::Write(next) => {
                let write = Write::ExecutionRecord((*next).into(), execution.rev);
                Stage::Taking(epoch, write)
            }
            TakeoverTransition::Mine => self.owns(world, n),
            TakeoverTransition::Over => Stage::Finishing,
            TakeoverTransition::Superseded => Stage::Over,
        }
    }

    /// The stage after a takeover.
    fn owns(&self, world: &mut World, n: usize) -> Stage {
        world.back[n].epoch = world.execution.epoch;
        match world.execution.phase {
            Phase::Running => Stage::Finishing,
            _ => Stage::Planning,
        }
    }

    /// The work that the step needs.
    pub(crate) fn asks(&self, world: &World, n: usize) -> Option<UndoNeed> {
        let Some(record) = &world.record else {
            return Some(UndoNeed::Nothing);
        };
        Some((self.rules.need)(
            record,
            world.back[n].execution_generation,
            world.now(),
        ))
    }

    fn undo_claim(&self, world: &World, n: usize) -> UndoClaim {
        UndoClaim {
            token: world.back[n].token(n),
            epoch: world.back[n].epoch,
            execution_generation: world.back[n].execution_generation,
        }
    }

    /// Decides the claim, given the stored record; `Undoing` if it must wait.
    fn claims_undo(&self, world: &World, n: usize) -> Option<Stage> {
        let stored = world.record.as_ref()?;
        let claim = self.undo_claim(world, n);
        Some(match (self.rules.claim_undo)(stored, &claim, world.now()) {
            UndoClaimTransition::Write(next) => {
                Stage::Claiming(Write::Step((*next).into(), Some(stored.rev)))
            }
            UndoClaimTransition::Mine => Stage::Claimed(stored.clone()),
            UndoClaimTransition::Held(_) | UndoClaimTransition::NotBefore(_) => Stage::Undoing,
            UndoClaimTransition::Over => Stage::Finishing,
            UndoClaimTransition::Superseded => Stage::Over,
        })
    }

    /// Decides the completion, given the stored record.
    fn records_undo(
        &self,
        world: &mut World,
        n: usize,
        stored: &SharedRecord<StepRecord>,
        outcome: Outcome,
    ) -> Stage {
        let undid = outcome.undid(self.setting.reversible);
        let token = world.back[n].token(n);
        match (self.rules.complete_undo)(stored, &token, &undid, world.now()) {
            UndoCompletionTransition::Write(next) => {
                Stage::Recording(Write::Step((*next).into(), Some(stored.rev)), outcome)
            }
            UndoCompletionTransition::Mine | UndoCompletionTransition::Fenced => {
                self.goes_over(world, n, outcome)
            }
        }
    }

    /// The stage after an attempt at the undo: the next attempt, if the step needs one.
    fn goes_over(&self, world: &mut World, n: usize, outcome: Outcome) -> Stage {
        world.back[n].tries += 1;
        // Where the execution has ended, the sweep lets a recovery publish the receipt.
        if outcome == Outcome::Halted {
            return Stage::Finishing;
        }
        Stage::Planning
    }

    fn gives_up(&self, world: &mut World, n: usize) -> Option<Stage> {
        let back = &world.back[n];
        if !(self.rules.unwinds)(&world.execution, back.epoch) {
            return Some(Stage::Finishing);
        }
        let stored = world.record.as_ref()?;
        let claim = self.undo_claim(world, n);
        match (self.rules.give_up)(stored, &claim, "", world.now()) {
            Err(_) => None,
            Ok(None) => Some(Stage::Finishing),
            Ok(Some(next)) => {
                let write = Write::Step(next.into(), Some(stored.rev));
                Some(Stage::GivingUp(write))
            }
        }
    }

    /// Checks before an undo that only calls on their way can still arrive at the target.
    fn fenced(&self, world: &mut World, n: usize, undo: &StepRecord) {
        let now = world.now();
        let may_act = |record: &&SharedRecord<StepRecord>| {
            let lives = lease_until(record).is_some_and(|until| now < until);
            lives && key_of(record) == key_of(undo)
        };
        let mut at_work = world.forward.iter().filter_map(Forward::holds);
        let (execution, back) = (&world.execution, &world.back[n]);
        // An attempt that has claimed and not checked the execution yet reads the new epoch and
        // halts.
        let runs = execution.phase == Phase::Running && execution.epoch <= back.epoch;
        let taken_over = back.epoch > world.first_epoch(back.execution_generation) && !runs;
        if at_work.any(|record| may_act(&record)) || !taken_over {
            world.breach(Breach::UndoneUnfenced);
        }
    }
}
