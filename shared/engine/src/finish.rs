//! Finish: closes what is open, records how the execution ended, and writes the receipt that says
//! so.

use jiff::Timestamp;

use crate::{
    chain::is_late,
    engine::{Engine, partition},
    ports::{Host, ObjectStore},
    receipt::receipt_of,
    report::Case,
    task_errors::{TaskError, at_work, superseded},
};
use holdfast_ids::{
    digest::sha256_hex,
    keys::{late_object, receipt_object},
};
use holdfast_ledger::{
    ExecutionRecord, Expect, Ledger, Phase, Put, Residue, Snapshot, StepRecord, StepState,
    UndoNeed, kept, need,
};
use holdfast_receipt::{
    ReceiptRef, Status,
    evidence::{Seal, SealError},
};
use holdfast_task::{ErrorName, Failure, FinishResult, FinishTask};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Ends an execution and answers where its receipt lies. Safe to run twice, and twice at once:
    /// the second agrees.
    ///
    /// Errors: `Conflict` (a step may still be at work), `Open` (something is left to undo: plan
    /// again), `Halted` (somebody else took over), `Permanent` (no such execution, or a step that
    /// was tried and then skipped), `Transient`.
    pub async fn finish(
        &self,
        task: &FinishTask,
        seal: &impl Seal,
    ) -> Result<FinishResult, TaskError> {
        let mut snapshot = self.read(&partition(&task.execution)).await?;
        let execution = &snapshot.execution;
        let ours = execution.epoch == task.execution.epoch;
        match &execution.phase {
            Phase::Ended { .. } => {}
            _ if !ours => return Err(superseded(&execution.at)),
            Phase::Running => executed(&snapshot)?,
            Phase::Unwinding { .. } | Phase::Rejected => self.close(&mut snapshot).await?,
        }
        let now = self.host.now();
        let steps = &snapshot.steps;
        let execution = self
            .change_execution(snapshot.execution.clone(), |execution| {
                ended(execution, task.execution.epoch, steps, now)
            })
            .await?;
        self.publish(
            task,
            Snapshot {
                execution,
                ..snapshot
            },
            seal,
        )
        .await
    }

    /// Closes every record that waits for nothing, and refuses while one is at work or left to
    /// undo.
    async fn close(&self, snapshot: &mut Snapshot) -> Result<(), TaskError> {
        for step in &mut snapshot.steps {
            match need(step, snapshot.execution.generation, self.host.now()) {
                UndoNeed::Nothing => {}
                UndoNeed::Wait(until) => return Err(at_work(step, until)),
                UndoNeed::Undo => {
                    let message = format!("{} is left to undo", step.label());
                    return Err(TaskError::new(ErrorName::Open, message));
                }
                UndoNeed::Close(next) => {
                    match self.ledger.put(&*next, Expect::Rev(step.rev)).await? {
                        Put::Done => *step = *next,
                        Put::Lost(_) => {
                            let message = format!("{} changed while it was closed", step.label());
                            return Err(TaskError::new(ErrorName::Conflict, message));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the receipt once; whoever comes second adopts the first. Where a digest would not
    /// look for it any more, that is said beforehand.
    async fn publish(
        &self,
        task: &FinishTask,
        snapshot: Snapshot,
        seal: &impl Seal,
    ) -> Result<FinishResult, TaskError> {
        let Phase::Ended {
            status,
            at: ended_at,
            ..
        } = &snapshot.execution.phase
        else {
            return Err(superseded(&snapshot.execution.at));
        };
        let object = receipt_object(
            &snapshot.execution.at,
            *ended_at,
            snapshot.execution.generation,
        );
        let status = status.name().to_owned();
        let case = Case::of(&snapshot);
        let unfit = |error| TaskError::new(ErrorName::Permanent, format!("the receipt: {error}"));
        let receipt = receipt_of(&snapshot, &task.steps, case.id.clone())
            .and_then(|receipt| serde_json::to_value(receipt).map_err(|error| error.to_string()))
            .map_err(unfit)?;
        let bytes = seal.receipt(receipt).await.map_err(|error| match error {
            SealError::Signer(error) => TaskError::new(ErrorName::Transient, error.to_string()),
            SealError::Unfit(why) => unfit(why),
        })?;
        let now = self.host.now();
        if is_late(*ended_at, now) {
            let mark = late_object(&snapshot.execution.at.tenant, now, *ended_at);
            self.receipts.put_new(&mark, b"{}".to_vec()).await?;
        }
        let mut sha256 = sha256_hex(&bytes);
        if !self.receipts.put_new(&object, bytes).await? {
            let stands = self.receipts.get(&object).await?.ok_or_else(|| {
                TaskError::new(
                    ErrorName::Transient,
                    format!("receipt {object} is there and cannot be read"),
                )
            })?;
            sha256 = sha256_hex(&stands);
        }
        // Before the record says that all is done: whoever finds it so looks no further.
        self.close_case(&task.execution.tenant, &case).await?;
        let receipt = ReceiptRef { object, sha256 };
        let generation = snapshot.execution.generation;
        self.change_execution(snapshot.execution, |execution| {
            let missing = execution.receipt.is_none() && execution.generation == generation;
            missing.then(|| ExecutionRecord {
                receipt: Some(receipt.clone()),
                ..execution.clone()
            })
        })
        .await?;
        Ok(FinishResult {
            incident: case.id,
            status,
            receipt: receipt.object,
            receipt_sha256: receipt.sha256,
        })
    }
}

/// Refuses to call an execution executed while a step that was tried has not succeeded: its `when`
/// yielded something else on a later attempt. One that the definition or a person lets it go on
/// without is as good.
fn executed(snapshot: &Snapshot) -> Result<(), TaskError> {
    let run = snapshot.execution.generation;
    let unfinished = |step: &&StepRecord| match step.state {
        StepState::Succeeded => false,
        StepState::FailedClean if step.optional => false,
        // Of a run before, and nothing of it stands: this one came by without it.
        StepState::FailedClean | StepState::Undone if step.execution_generation < run => false,
        StepState::Running { .. } => true,
        _ => !snapshot.questions.iter().any(|one| one.skips(step, run)),
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

/// The record with its end, decided on what stands when it is written; `None` if it has ended or is
/// not this task's to end.
fn ended(
    execution: &ExecutionRecord,
    epoch: u64,
    steps: &[StepRecord],
    now: Timestamp,
) -> Option<ExecutionRecord> {
    let (status, failure) = match &execution.phase {
        _ if execution.epoch != epoch => return None,
        Phase::Ended { .. } => return None,
        Phase::Running => (Status::Executed, None),
        Phase::Unwinding { failure } => (status(steps), Some(failure.clone())),
        Phase::Rejected => (Status::Rejected, Some(Failure::rejected())),
    };
    Some(ExecutionRecord {
        phase: Phase::Ended {
            status,
            at: now,
            failure,
        },
        holds: kept(&execution.holds, status),
        ..execution.clone()
    })
}

/// How an execution that was unwound ended.
fn status(steps: &[StepRecord]) -> Status {
    if steps.iter().any(|step| step.residue() != Residue::None) {
        Status::PartiallyRolledBack
    } else if steps.iter().any(|step| step.state == StepState::Undone) {
        Status::RolledBack
    } else {
        Status::Failed
    }
}
