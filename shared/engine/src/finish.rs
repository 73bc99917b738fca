//! Finish: closes open step records, records the end of the execution, and writes its receipt.

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
    /// Ends an execution and returns the object key of its receipt. A repeated or concurrent call
    /// returns the same.
    ///
    /// Errors: `Conflict` (a step may still be at work), `Open` (an effect is left to undo: plan
    /// again), `Halted` (another owner took over), `Permanent` (no such execution, or a step that
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

    /// Closes every step record that waits for nothing. Fails while a step is at work or left to
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

    /// Writes the receipt once; a later writer adopts the stored one. A late receipt gets its mark
    /// first, so that a digest finds it.
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
            let stored = self.receipts.get(&object).await?.ok_or_else(|| {
                TaskError::new(
                    ErrorName::Transient,
                    format!("receipt {object} exists and cannot be read"),
                )
            })?;
            sha256 = sha256_hex(&stored);
        }
        // The incidents are closed before the receipt is recorded, since a recorded receipt means
        // that nothing is left to do.
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

/// Checks that every step that was tried has succeeded, since its `when` can yield false on a later
/// attempt. An optional step and one that a person skipped may have failed.
pub(super) fn executed(snapshot: &Snapshot) -> Result<(), TaskError> {
    let generation = snapshot.execution.generation;
    let unfinished = |step: &&StepRecord| match step.state {
        StepState::Succeeded => false,
        StepState::FailedClean if step.optional => false,
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

/// Returns the execution record with its end; `None` if it has ended or has another epoch.
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
        reservations: kept(&execution.reservations, status),
        ..execution.clone()
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
