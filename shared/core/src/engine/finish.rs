//! Finish: closes what is open, records how the execution ended, and writes the receipt that says so.

use jiff::Timestamp;

use super::{Engine, Host, ObjectStore, TaskError, partition};
use crate::{
    digest::sha256_hex,
    keys::receipt_object,
    ledger::{Expect, Ledger, Meta, Phase, Put, ReceiptRef, Snapshot, Status, StepState, settle},
    receipt::Receipt,
    task::{Failure, FinishResult, FinishTask, error_name},
};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Ends an execution and answers where its receipt lies. Safe to run twice, and twice at once: the second agrees.
    ///
    /// Errors: `Conflict` (a step may still be at work), `Permanent` (no such execution), `Transient`.
    pub async fn finish(&self, task: &FinishTask) -> Result<FinishResult, TaskError> {
        let at = partition(&task.execution);
        let snapshot = match &task.failure {
            Some(failure) => self.close(task, failure).await?,
            None => self.read(task).await?,
        };
        if let Some(until) = snapshot
            .steps
            .iter()
            .find_map(|step| settle(step, self.host.now()).err())
        {
            let message = format!("a step of {} may be at work until {until}", at.execution);
            return Err(TaskError::new(error_name::CONFLICT, message));
        }
        if task.failure.is_none()
            && let Some(failure) = unfinished(&snapshot)
        {
            let task = FinishTask {
                failure: Some(failure),
                ..task.clone()
            };
            return Box::pin(self.finish(&task)).await;
        }
        let now = self.host.now();
        let meta = self
            .change_meta(snapshot.meta.clone(), |meta| ended(meta, task, now))
            .await?;
        self.publish(task, Snapshot { meta, ..snapshot }).await
    }

    async fn read(&self, task: &FinishTask) -> Result<Snapshot, TaskError> {
        let at = partition(&task.execution);
        self.ledger.snapshot(&at).await?.ok_or_else(|| {
            TaskError::new(
                error_name::PERMANENT,
                format!("no execution {} is recorded", at.execution),
            )
        })
    }

    /// Stops further claims, then closes every record whose attempt is certainly over.
    async fn close(&self, task: &FinishTask, failure: &Failure) -> Result<Snapshot, TaskError> {
        let before = self.read(task).await?;
        let stopped = self
            .change_meta(before.meta, |meta| {
                (meta.phase == Phase::Running).then(|| Meta {
                    epoch: meta.epoch + 1,
                    phase: Phase::Closing {
                        failure: failure.clone(),
                    },
                    ..meta.clone()
                })
            })
            .await?;
        // Read again: a claim may have been written between the first reading and the stop; none can be after it acts.
        let mut snapshot = self.read(task).await?;
        snapshot.meta = stopped;
        for step in &mut snapshot.steps {
            let Ok(Some(next)) = settle(step, self.host.now()) else {
                continue;
            };
            match self.ledger.put_step(&next, Expect::Rev(step.rev)).await? {
                Put::Done => *step = next,
                Put::Lost(_) => {
                    let message = format!("{} changed while it was closed", step.label());
                    return Err(TaskError::new(error_name::CONFLICT, message));
                }
            }
        }
        Ok(snapshot)
    }

    /// Writes the receipt once; whoever comes second adopts the first.
    async fn publish(
        &self,
        task: &FinishTask,
        snapshot: Snapshot,
    ) -> Result<FinishResult, TaskError> {
        let Phase::Ended {
            status,
            at: ended_at,
            ..
        } = &snapshot.meta.phase
        else {
            return Err(TaskError::new(
                error_name::CONFLICT,
                "another task is about to end this execution",
            ));
        };
        let object = receipt_object(&snapshot.meta.at, *ended_at, snapshot.meta.generation);
        let status = status.name().to_owned();
        let bytes = Receipt::of(&snapshot, &task.steps)
            .and_then(|receipt| receipt.to_bytes())
            .map_err(|error| {
                TaskError::new(error_name::PERMANENT, format!("the receipt: {error}"))
            })?;
        let mut sha256 = sha256_hex(&bytes);
        if !self.receipts.put_new(&object, bytes).await? {
            let stands = self.receipts.get(&object).await?.ok_or_else(|| {
                TaskError::new(
                    error_name::TRANSIENT,
                    format!("receipt {object} is there and cannot be read"),
                )
            })?;
            sha256 = sha256_hex(&stands);
        }
        let receipt = ReceiptRef { object, sha256 };
        self.change_meta(snapshot.meta, |meta| {
            meta.receipt.is_none().then(|| Meta {
                receipt: Some(receipt.clone()),
                ..meta.clone()
            })
        })
        .await?;
        Ok(FinishResult {
            status,
            receipt: receipt.object,
            receipt_sha256: receipt.sha256,
        })
    }
}

/// The failure of an execution whose machine is done while a step that was tried has not succeeded: its `when` yielded
/// something else on a later attempt.
fn unfinished(snapshot: &Snapshot) -> Option<Failure> {
    let mut steps = snapshot.steps.iter();
    let step = steps.find(|step| !matches!(step.state, StepState::Succeeded { .. }))?;
    (snapshot.meta.phase == Phase::Running).then(|| Failure {
        state: step.step.clone(),
        error: error_name::PERMANENT.to_owned(),
        cause: format!("{} was tried, and then skipped", step.label()),
    })
}

/// The record with its end, decided on what stands when it is written; `None` if it has ended or is not this task's
/// to end.
fn ended(meta: &Meta, task: &FinishTask, now: Timestamp) -> Option<Meta> {
    let (status, failure) = match (&meta.phase, &task.failure) {
        (Phase::Rejected, failure) => (Status::Rejected, failure.clone()),
        (Phase::Closing { failure }, Some(_)) => (Status::Failed, Some(failure.clone())),
        (Phase::Running, None) if meta.admits(task.execution.epoch) => (Status::Executed, None),
        (Phase::Ended { .. } | Phase::Closing { .. } | Phase::Running, _) => return None,
    };
    Some(Meta {
        phase: Phase::Ended {
            status,
            at: now,
            failure,
        },
        ..meta.clone()
    })
}
