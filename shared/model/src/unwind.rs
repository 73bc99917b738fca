//! The steps of a rollback: take over, read, undo, end. It can die between any two and then
//! restarts.

use holdfast_ledger::{
    ExecutionRecord, Phase, Residue, StepRecord, StepState, TakeoverTransition, UndoClaim,
    UndoClaimTransition, UndoCompletionTransition, UndoNeed, close,
};
use holdfast_receipt::Status;

use crate::{
    back::{Outcome, Stage},
    kept::SharedRecord,
    model::{Deed, Protocol},
    records::{OWNERS, failure},
    world::{Breach, Put, Target, World, Write, holder, key_of, lease_until},
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
                    | Stage::Ending(write) => mine.orphans.push(write),
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
            (Stage::Idle, _) if n == 2 && world.execution.generation == 0 => return None,
            (Stage::Idle, Deed::EndsWell) => return self.ends_well(world, n),
            // The own Step Functions execution has the epoch in which it began; the recovery reads
            // it.
            (Stage::Idle, _) if n == 0 => self.takes(world, n, 1),
            (Stage::Idle, _) if n == 2 => self.takes(world, n, world.redriven_at),
            (Stage::Idle, _) => Stage::Saw(world.execution.epoch),
            (Stage::Saw(epoch), _) => self.takes(world, n, epoch),
            (Stage::Taking(epoch, write), _) => match (world.put(&write), write) {
                (Put::Done, Write::ExecutionRecord(execution, ..)) => {
                    world.back[n].epoch = execution.epoch;
                    world.back[n].execution_generation = execution.generation;
                    Stage::Planning
                }
                _ => self.takes(world, n, epoch),
            },
            (Stage::Planning, _) => {
                if world.execution.epoch != world.back[n].epoch || world.ended() {
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
                self.fenced(world);
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
                    // The engine undoes what arrived late under an earlier key, too.
                    let from = key - record.earlier.len().min(key);
                    world.targets[from..=key].iter_mut().for_each(Target::undo);
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
            (Stage::Ending(_), _) => match self.arrives(world, n)? {
                Put::Done => Stage::Over,
                Put::Lost if world.back[n].epoch == 0 => Stage::Idle,
                Put::Lost => Stage::Finishing,
            },
        })
    }

    /// Applies the write that is on its way.
    fn arrives(&self, world: &mut World, n: usize) -> Option<Put> {
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
                    world.committed.1 += u8::from(undone);
                }
                put
            }
            Stage::Taking(_, write)
            | Stage::Claiming(write)
            | Stage::GivingUp(write)
            | Stage::Closing(write)
            | Stage::Ending(write) => world.put(write),
            _ => return None,
        })
    }

    fn takes(&self, world: &mut World, n: usize, epoch: u64) -> Stage {
        match (self.rules.take)(&world.execution, OWNERS[n], epoch, &failure(n), world.now()) {
            TakeoverTransition::Write(next) => Stage::Taking(
                epoch,
                Write::ExecutionRecord((*next).into(), world.execution.rev, None),
            ),
            TakeoverTransition::Mine => {
                world.back[n].epoch = world.execution.epoch;
                world.back[n].execution_generation = world.execution.generation;
                Stage::Planning
            }
            TakeoverTransition::Over | TakeoverTransition::Superseded => Stage::Over,
        }
    }

    /// The work that the step needs.
    fn asks(&self, world: &World, n: usize) -> Option<UndoNeed> {
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
        if outcome == Outcome::Halted {
            return Stage::Over;
        }
        Stage::Planning
    }

    fn gives_up(&self, world: &mut World, n: usize) -> Option<Stage> {
        let back = &world.back[n];
        if !(self.rules.unwinds)(&world.execution, back.epoch) {
            return Some(Stage::Over);
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

    /// Ends the execution unless something is open.
    fn finishes(&self, world: &World, n: usize) -> Option<Stage> {
        if world.ended() || world.execution.epoch != world.back[n].epoch {
            return Some(Stage::Over);
        }
        Some(match self.asks(world, n)? {
            UndoNeed::Wait(_) => return None,
            UndoNeed::Undo => Stage::Planning,
            UndoNeed::Close(next) => {
                let expect = world.record.as_ref().map(|record| record.rev);
                Stage::Closing(Write::Step((*next).into(), expect))
            }
            UndoNeed::Nothing => {
                if let Some(next) = self.closes(world) {
                    return Some(Stage::Closing(next));
                }
                Stage::Ending(ends(world, rolled_back(world)))
            }
        })
    }

    /// The write that closes the record to late claims of the generation that ends.
    fn closes(&self, world: &World) -> Option<Write> {
        let record = world.record.as_ref()?;
        let next = close(record, world.execution.generation, false)?;
        Some(Write::Step(next.into(), Some(record.rev)))
    }

    /// Ends the execution after all steps have succeeded.
    fn ends_well(&self, world: &World, n: usize) -> Option<Stage> {
        let record = world.record.as_ref()?;
        let epoch = if n == 2 { world.redriven_at } else { 1 };
        let succeeded = record.state == StepState::Succeeded;
        let reached = n != 1 && succeeded && (self.rules.admits)(&world.execution, epoch);
        reached.then(|| Stage::Ending(ends(world, Status::Executed)))
    }

    /// Checks before an undo that only calls on their way can still arrive at the target.
    fn fenced(&self, world: &mut World) {
        let now = world.now();
        let lives = |record: &SharedRecord<StepRecord>| {
            lease_until(record).is_some_and(|until| now < until)
        };
        let at_work = world.forward.iter().filter_map(|attempt| attempt.holds());
        // An attempt that has claimed and not checked the execution yet reads the new epoch and
        // halts.
        let may_act = at_work.filter(|record| lives(record)).count() > 0;
        let over = world.execution.phase != Phase::Running && world.execution.epoch > 1;
        if may_act || !over {
            world.breach(Breach::UndoneUnfenced);
        }
    }
}

/// The status of an execution that failed.
fn rolled_back(world: &World) -> Status {
    match world.record.as_ref().map(|record| record.residue()) {
        None | Some(Residue::None) => Status::RolledBack,
        Some(_) => Status::PartiallyRolledBack,
    }
}

/// The end of the execution, as the engine writes it.
fn ends(world: &World, status: Status) -> Write {
    let next = ExecutionRecord {
        rev: world.execution.rev + 1,
        phase: Phase::Ended {
            status,
            at: world.now(),
            failure: None,
        },
        ..(*world.execution).clone()
    };
    Write::ExecutionRecord(next.into(), world.execution.rev, world.record.clone())
}
