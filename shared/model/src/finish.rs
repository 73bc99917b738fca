//! The end of an execution and its receipt.

use holdfast_ledger::{
    ExecutionRecord, Phase, Residue, StepRecord, StepState, UndoNeed, close, need,
};
use holdfast_receipt::Status;

use crate::{
    back::Stage,
    kept::SharedRecord,
    model::Protocol,
    records::RECOVERY,
    world::{Put, World, Write},
};

impl Protocol {
    /// The stage after the write of the end, which was decided on the record `seen`.
    pub(crate) fn after_end(
        &self,
        world: &mut World,
        n: usize,
        seen: Option<SharedRecord<StepRecord>>,
    ) -> Option<Stage> {
        let won = self.arrives(world, n)? == Put::Done;
        let first = world.first_epoch(world.back[n].execution_generation);
        Some(if world.ended() && (self.rules.states_own_snapshot)(won) {
            Stage::Publishing(seen)
        } else if world.back[n].epoch == first {
            // The state machine plans a rollback if its end was not written.
            Stage::Idle
        } else {
            Stage::Finishing
        })
    }

    /// Ends the execution unless something is open, or publishes its receipt if it has ended.
    pub(crate) fn finishes(&self, world: &World, n: usize) -> Option<Stage> {
        let (execution, back) = (&world.execution, &world.back[n]);
        let superseded = !world.ended() && execution.epoch != back.epoch;
        let another = execution.generation != back.execution_generation;
        if superseded || another || world.receipt.is_some() {
            return Some(Stage::Over);
        }
        if world.ended() {
            return world.rests().then(|| Stage::Publishing(world.listed()));
        }
        if execution.phase == Phase::Running {
            return world.is_done().then(|| ends(world, Status::Executed));
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
                ends(world, rolled_back(world))
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
    pub(crate) fn ends_well(&self, world: &mut World, n: usize) -> Option<Stage> {
        let epoch = world.first_epoch(world.back[n].execution_generation);
        let record = world.record.as_ref()?;
        let succeeded = record.state == StepState::Succeeded;
        let reached = n != RECOVERY && succeeded && (self.rules.admits)(&world.execution, epoch);
        world.back[n].epoch = epoch;
        reached.then(|| ends(world, Status::Executed))
    }
}

impl World {
    /// Returns whether the execution generation is done with this record of its step.
    pub(crate) fn needs_no_work(&self, record: &StepRecord) -> bool {
        let generation = self.execution.generation;
        record.state == StepState::Succeeded
            || need(record, generation, self.now()) == UndoNeed::Nothing
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
fn ends(world: &World, status: Status) -> Stage {
    let next = ExecutionRecord {
        rev: world.execution.rev + 1,
        phase: Phase::Ended {
            status,
            at: world.now(),
            failure: None,
        },
        ..(*world.execution).clone()
    };
    let write = Write::ExecutionRecord(next.into(), world.execution.rev);
    Stage::Ending(write, world.record.clone())
}
