//! Plan: takes over an execution that has stopped, and lists its undos, last effect first.

use std::collections::BTreeMap;

use crate::{
    engine::{Engine, MAX_RACES, partition},
    finish::executed,
    ports::{Host, ObjectStore},
    task_errors::{
        TaskError, at_work, no_such_execution, no_such_step, superseded, too_many_races,
    },
};
use holdfast_ids::{arn::owner_of, keys::ExecutionKey};
use holdfast_ledger::{
    ExecutionRecord, Expect, Ledger, Phase, Put, Snapshot, StepRecord, TakeoverTransition,
    UndoClaim, UndoNeed, give_up, need, sort_for_undo, take, take_to_finish,
};
use holdfast_task::{
    BranchRef, Failure, GiveUpTask, PlanResult, PlanTask, StepRef, UndoItem, UndoResult,
};

/// Most undos of one plan, since a state's data has 256 KiB. `Close` fails while more is left, and
/// the plan is repeated.
const UNDOS_AT_ONCE: usize = 400;

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Takes the execution over, so that no step may act any more, then lists the undos.
    ///
    /// The takeover is written before the steps are listed. A claim that the list does not show was
    /// written later, and its attempt reads the execution record before it acts (docs/protocol.md,
    /// rule 1).
    ///
    /// Errors: `Conflict` (a step may still be at work), `Halted` (another owner took over),
    /// `Permanent` (no such execution), `Transient`.
    pub async fn plan(&self, task: &PlanTask) -> Result<PlanResult, TaskError> {
        let at = partition(&task.execution);
        if let Some(execution) = self.take_to_finish(&at, task).await? {
            return Ok(PlanResult {
                execution: execution.reference(),
                undo: Vec::new(),
            });
        }
        let (owner, epoch) = (owner_of(&task.owner), task.execution.epoch);
        let taken = self.take(&at, owner, epoch, &task.failure).await?;
        let Snapshot {
            execution,
            mut steps,
            ..
        } = self.read(&at).await?;
        if execution.epoch != taken.epoch {
            return Err(superseded(&at));
        }
        let mut undo = Vec::new();
        if let Phase::Ended { .. } = execution.phase {
            steps.clear();
        }
        sort_for_undo(&mut steps, |step| step);
        for step in &steps {
            match need(step, execution.generation, self.host.now()) {
                UndoNeed::Nothing | UndoNeed::Close(_) => {}
                UndoNeed::Wait(until) => {
                    return Err(at_work(step, until));
                }
                UndoNeed::Undo => undo.push(UndoItem {
                    step: step.step.clone(),
                    item: step.item.clone(),
                    function: task
                        .functions
                        .get(&step.action)
                        .cloned()
                        .unwrap_or_default(),
                }),
            }
        }
        undo.truncate(UNDOS_AT_ONCE);
        Ok(PlanResult {
            execution: execution.reference(),
            undo,
        })
    }

    /// Takes over an execution whose steps are all done, so that `Close` ends it `EXECUTED`.
    /// Returns `None` if it is rolled back: a step failed, a person decided so, or the ledger does
    /// not show that every step was reached.
    ///
    /// Such an execution lost its state machine between its last step and its end, or could not
    /// write its end for hours.
    async fn take_to_finish(
        &self,
        at: &ExecutionKey,
        task: &PlanTask,
    ) -> Result<Option<ExecutionRecord>, TaskError> {
        let outside_steps = ["", "Finish"].contains(&task.failure.state.as_str());
        let has_end = |step: &StepRef| step.last || !step.approvals.is_empty();
        if !outside_steps || !task.steps.iter().any(has_end) {
            return Ok(None);
        }
        let (owner, epoch) = (owner_of(&task.owner), task.execution.epoch);
        for _ in 0..MAX_RACES {
            let snapshot = self.read(at).await?;
            let execution = &snapshot.execution;
            if execution.phase != Phase::Running || !reached_end(&snapshot, &task.steps) {
                return Ok(None);
            }
            let next = match take_to_finish(execution, owner, epoch, self.host.now()) {
                TakeoverTransition::Mine | TakeoverTransition::Over => {
                    return Ok(Some(snapshot.execution));
                }
                TakeoverTransition::Superseded => return Err(superseded(at)),
                TakeoverTransition::Write(next) => *next,
            };
            if self.ledger.put(&next, Expect::Rev(execution.rev)).await? == Put::Done {
                return Ok(Some(next));
            }
        }
        Err(too_many_races("the execution record"))
    }

    /// Takes an execution over for the Step Functions execution `by`, which last saw it in `epoch`.
    ///
    /// Errors: `Halted` (another owner took over since), `Permanent` (no such execution),
    /// `Conflict`, `Transient`.
    pub async fn take(
        &self,
        at: &ExecutionKey,
        by: &str,
        epoch: u64,
        failure: &Failure,
    ) -> Result<ExecutionRecord, TaskError> {
        let missing = || no_such_execution(at);
        let mut execution = self.ledger.read(at).await?.ok_or_else(missing)?;
        for _ in 0..MAX_RACES {
            let next = match take(&execution, by, epoch, failure, self.host.now()) {
                TakeoverTransition::Mine | TakeoverTransition::Over => return Ok(execution),
                TakeoverTransition::Superseded => return Err(superseded(at)),
                TakeoverTransition::Write(next) => *next,
            };
            match self.ledger.put(&next, Expect::Rev(execution.rev)).await? {
                Put::Done => return Ok(next),
                Put::Lost(stored) => execution = *stored.ok_or_else(missing)?,
            }
        }
        Err(too_many_races("the execution record"))
    }

    /// Records that an undo never answered, so that the other undos can run and the receipt names
    /// the effect.
    ///
    /// Errors: `Conflict` (an attempt may still be at work), `Halted` (another owner took over),
    /// `Permanent` (no such step), `Transient`.
    pub async fn give_up(&self, task: &GiveUpTask) -> Result<UndoResult, TaskError> {
        let at = partition(&task.execution);
        let claim = UndoClaim {
            token: self.host.token(),
            epoch: task.execution.epoch,
            execution_generation: task.execution.generation,
        };
        // An undo that halted after a takeover has not failed.
        let execution = self.ledger.read(&at).await?;
        if !execution.is_some_and(|execution| execution.unwinds(task.execution.epoch)) {
            return Err(superseded(&at));
        }
        let error = format!("its undo did not answer: {}", task.error);
        let mut record = self.record_of(&at, &task.undo).await?;
        for _ in 0..MAX_RACES {
            let next = match give_up(&record, &claim, &error, self.host.now()) {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(undo_result(&record)),
                Err(until) => {
                    return Err(at_work(&record, until));
                }
            };
            match self.ledger.put(&next, Expect::Rev(record.rev)).await? {
                Put::Done => record = next,
                Put::Lost(stored) => record = *stored.ok_or_else(|| no_such_step(&task.undo))?,
            }
        }
        Err(too_many_races(&record.label()))
    }
}

/// Returns whether the records show that every step was reached and is done. Most steps leave no
/// record if they are skipped. So the records of the last steps, and the decisions on the approvals
/// at the end, prove that the others were reached.
fn reached_end(snapshot: &Snapshot, declared: &[StepRef]) -> bool {
    let generation = snapshot.execution.generation;
    let recorded = |last: &StepRef| {
        let of_last =
            |step: &&StepRecord| step.step == last.name && step.execution_generation == generation;
        let records: Vec<_> = snapshot.steps.iter().filter(of_last).collect();
        match last.for_each {
            None => !records.is_empty(),
            Some(_) => {
                let every = |record: &&StepRecord| record.items == Some(records.len() as u32);
                !records.is_empty() && records.iter().all(every)
            }
        }
    };
    let approved = |approval: &String| {
        let mut questions = snapshot.questions.iter();
        questions.any(|question| question.is_approved(approval, generation))
    };
    let last: Vec<&StepRef> = declared.iter().filter(|step| step.last).collect();
    let mut approvals = declared.iter().flat_map(|step| &step.approvals);
    all_recorded(&last, 0, &recorded) && approvals.all(approved) && executed(snapshot).is_ok()
}

/// Returns whether each last step is recorded, or, at a `choose`, those of one branch. A branch
/// without a last step leaves no record, so that it proves nothing. `depth` is the number of
/// branches around the steps.
fn all_recorded(last: &[&StepRef], depth: usize, recorded: &dyn Fn(&StepRef) -> bool) -> bool {
    let mut choices: BTreeMap<&str, BTreeMap<&str, Vec<&StepRef>>> = BTreeMap::new();
    for step in last {
        match step.branches.get(depth) {
            Some(BranchRef { step: at, branch }) => {
                let branches = choices.entry(at).or_default();
                branches.entry(branch).or_default().push(step);
            }
            None if recorded(step) => {}
            None => return false,
        }
    }
    let mut choices = choices.values().map(BTreeMap::values);
    choices.all(|mut branches| branches.any(|last| all_recorded(last, depth + 1, recorded)))
}

pub(super) fn undo_result(record: &StepRecord) -> UndoResult {
    UndoResult {
        attempts: record.undo_attempts.len() as u32,
        status: record.state.name().to_owned(),
    }
}
