//! Finish: closes what a late call could still change, and records the end of the execution.

use jiff::Timestamp;

use crate::{
    engine::{Engine, MAX_RACES, partition},
    output::output_of,
    ports::{Host, ObjectStore},
    task_errors::{TaskError, at_work, superseded, too_many_races},
};
use holdfast_ids::names::step_label;
use holdfast_ledger::{
    ExecutionRecord, Expect, Ledger, Phase, Put, Record, Residue, Snapshot, StepRecord, StepState,
    UndoNeed, close, closed_by_skip, closed_late_claim, closed_question, kept, need, taken_choices,
};
use holdfast_receipt::{EarlyStop, Status, evidence::Seal};
use holdfast_task::{Choices, ErrorName, Failure, FinishResult, FinishTask, STOP};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Ends an execution and returns the object key of its receipt. A repeated or concurrent call
    /// returns the same.
    ///
    /// The receipt is built from the snapshot whose execution record the end replaced, or from one
    /// that was read after the end (docs/protocol.md, rule 4). The loser of the write reads
    /// everything again.
    ///
    /// Errors: `Conflict` (a step may still be at work), `Open` (an effect is left to undo: plan
    /// again), `Halted` (another owner took over), `Permanent` (no such execution, a step that was
    /// tried and then skipped, or a stored receipt that is not this one), `Transient`.
    pub async fn finish(
        &self,
        task: &FinishTask,
        seal: &impl Seal,
    ) -> Result<FinishResult, TaskError> {
        for _ in 0..MAX_RACES {
            let mut snapshot = self.read(&partition(&task.execution)).await?;
            let execution = &snapshot.execution;
            if execution.generation != task.execution.generation {
                return Err(superseded(&execution.at));
            }
            let ended = matches!(execution.phase, Phase::Ended { .. });
            if !ended && execution.epoch != task.execution.epoch {
                return Err(superseded(&execution.at));
            }
            if !ended {
                self.close_records(&mut snapshot).await?;
                let Some(next) = end_of(&snapshot, task, self.host.now()) else {
                    continue;
                };
                match self.put_execution(&snapshot.execution, &next).await? {
                    Put::Done => snapshot.execution = next,
                    Put::Lost(_) => continue,
                }
            }
            return self.publish(task, snapshot, seal).await;
        }
        Err(too_many_races("the execution record"))
    }

    /// Closes every record that a late claim or decision could still change, so that the snapshot
    /// says what the ledger says from then on. Fails while a step is at work or left to undo.
    async fn close_records(&self, snapshot: &mut Snapshot) -> Result<(), TaskError> {
        let generation = snapshot.execution.generation;
        let now = self.host.now();
        let running = snapshot.execution.phase == Phase::Running;
        // An earlier generation's attempt cannot act, so that no lease is waited for.
        for step in std::mem::take(&mut snapshot.late_claims) {
            let next = closed_late_claim(&step, generation);
            let closed = self.put_closed(next, step.rev, &step.label()).await?;
            snapshot.steps.push(closed);
        }
        if running {
            self.close_skipped(snapshot).await?;
            executed(snapshot)?;
        }
        for question in &mut snapshot.questions {
            if let Some(next) = closed_question(question, now) {
                *question = self.put_closed(next, question.rev, &question.step).await?;
            }
        }
        let questions = &snapshot.questions;
        for step in &mut snapshot.steps {
            let next = match need(step, generation, now) {
                _ if running => None,
                UndoNeed::Nothing => None,
                UndoNeed::Wait(until) => return Err(at_work(step, until)),
                UndoNeed::Undo => {
                    let message = format!("{} is left to undo", step.label());
                    return Err(TaskError::new(ErrorName::Open, message));
                }
                UndoNeed::Close(next) => Some(*next),
            };
            let decided = questions
                .iter()
                .any(|question| question.concerns(step, generation));
            let closed = close(next.as_ref().unwrap_or(step), generation, decided);
            let rev = step.rev + 1;
            if let Some(next) = closed.or(next) {
                let next = StepRecord { rev, ..next };
                *step = self.put_closed(next, step.rev, &step.label()).await?;
            }
        }
        Ok(())
    }

    /// Closes the record of every step that a person skipped, whether or not an attempt claimed it.
    async fn close_skipped(&self, snapshot: &mut Snapshot) -> Result<(), TaskError> {
        let generation = snapshot.execution.generation;
        for question in &snapshot.questions {
            if !question.is_skip(generation) {
                continue;
            }
            let same = |step: &&mut StepRecord| step.step == question.step && step.item.is_none();
            let stored = snapshot.steps.iter_mut().find(same);
            match closed_by_skip(stored.as_deref(), question, self.host.now()) {
                Ok(None) => {}
                Err(until) => {
                    let step = step_label(&question.step, None);
                    let message = format!("{step}: an attempt may be at work until {until}");
                    return Err(TaskError::new(ErrorName::Conflict, message));
                }
                Ok(Some(next)) => match stored {
                    Some(step) => *step = self.put_closed(next, step.rev, &question.step).await?,
                    None => {
                        let closed = self.put_closed(next, 0, &question.step).await?;
                        snapshot.steps.push(closed);
                    }
                },
            }
        }
        Ok(())
    }

    /// Writes a closed record over the one with this revision; 0 means no record.
    async fn put_closed<R: Record>(&self, next: R, rev: u64, label: &str) -> Result<R, TaskError> {
        let expect = match rev {
            0 => Expect::Absent,
            rev => Expect::Rev(rev),
        };
        match self.ledger.put(&next, expect).await? {
            Put::Done => Ok(next),
            Put::Lost(_) => {
                let message = format!("{label} changed while it was closed");
                Err(TaskError::new(ErrorName::Conflict, message))
            }
        }
    }
}

/// Checks that every step that was tried has succeeded, since its `when` can yield false on a later
/// attempt. An optional step and one that a person skipped may have failed, and one that no attempt
/// claimed was skipped.
pub(super) fn executed(snapshot: &Snapshot) -> Result<(), TaskError> {
    let generation = snapshot.execution.generation;
    let unfinished = |step: &&StepRecord| match step.state {
        StepState::Succeeded => false,
        StepState::FailedClean if step.optional || !step.was_claimed() => false,
        StepState::FailedClean if step.continued_on().is_some() => false,
        // The step is of an earlier execution generation and has no residue.
        StepState::FailedClean | StepState::Undone if step.execution_generation < generation => {
            false
        }
        StepState::Running { .. } => true,
        _ => !snapshot
            .questions
            .iter()
            .any(|question| question.skips(step, generation)),
    };
    let Some(step) = snapshot.steps.iter().find(unfinished) else {
        return Ok(());
    };
    Err(match step.state {
        StepState::Running { lease_until, .. } => at_work(step, lease_until),
        _ => TaskError::new(
            ErrorName::Permanent,
            format!("{} was tried, and then skipped", step.label()),
        ),
    })
}

/// Returns the execution record with its end; `None` if it has ended.
fn end_of(snapshot: &Snapshot, task: &FinishTask, now: Timestamp) -> Option<ExecutionRecord> {
    let execution = &snapshot.execution;
    let running = execution.phase == Phase::Running;
    let (status, failure) = match &execution.phase {
        Phase::Ended { .. } => return None,
        Phase::Running => (Status::Executed, None),
        Phase::Unwinding { failure } => (status(&snapshot.steps), Some(failure.clone())),
        Phase::Rejected => (Status::Rejected, Some(Failure::rejected())),
    };
    Some(ExecutionRecord {
        rev: execution.rev + 1,
        phase: Phase::Ended {
            status,
            at: now,
            failure,
        },
        output: match status {
            Status::Executed => output_of(task),
            _ => None,
        },
        reservations: kept(&execution.reservations, status),
        choices: choices_of(snapshot, task),
        stopped: match running {
            true => stop_of(task),
            false => execution.stopped.clone(),
        },
        ..execution.clone()
    })
}

/// Returns the branches that the execution took. A recovery does not know them, and takes them
/// from the records. A later rollback keeps what the earlier end recorded.
fn choices_of(snapshot: &Snapshot, task: &FinishTask) -> Choices {
    let recorded = &snapshot.execution.choices;
    match (task.choices.is_empty(), recorded.is_empty()) {
        (false, _) => task.choices.clone(),
        (true, false) => recorded.clone(),
        (true, true) => taken_choices(&snapshot.steps, &task.steps, snapshot.execution.generation),
    }
}

/// Returns the `stop` at which the execution ended early, if it did.
fn stop_of(task: &FinishTask) -> Option<EarlyStop> {
    let mut choices = task.choices.iter();
    let (step, _) = choices.find(|(_, branch)| *branch == STOP)?;
    Some(EarlyStop {
        step: step.clone(),
        reason: task.stops.get(step).cloned().unwrap_or_default(),
    })
}

/// The status of an execution after its rollback.
fn status(steps: &[StepRecord]) -> Status {
    if steps.iter().any(|step| step.residue() != Residue::None) {
        Status::PartiallyRolledBack
    } else if steps.iter().any(|step| step.state == StepState::Undone) {
        Status::RolledBack
    } else {
        Status::Failed
    }
}
