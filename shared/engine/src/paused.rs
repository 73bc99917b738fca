//! Applies a pause to executions that have begun: they wait before a step, or are rolled back.

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    task_errors::TaskError,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    AttemptReport, Control, ExecutionRecord, Ledger, PauseBehavior, StepRecord, paused,
};
use holdfast_task::{ErrorName, StepTask};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Applies a pause to an attempt before it acts: the attempt waits, or its execution is rolled
    /// back. An undo does not call this.
    pub(super) async fn stop_by_control(
        &self,
        at: &ExecutionKey,
        epoch: u64,
        controls: &[Control],
        step: &str,
    ) -> Option<AttemptReport> {
        let control = paused(controls)?;
        let reason = control.says();
        if control.running_executions == PauseBehavior::Wait {
            return Some(AttemptReport::Paused(reason));
        }
        let now = self.host.now();
        let stop = |execution: &ExecutionRecord| {
            execution
                .admits(epoch)
                .then(|| control.stop(execution, step, now))
        };
        let recorded = match self.ledger.read(at).await {
            Ok(Some(execution)) => self.change_execution(execution, stop).await.is_ok(),
            Ok(None) | Err(_) => false,
        };
        Some(match recorded {
            true => AttemptReport::Halted(reason),
            // The next attempt reads the control again.
            false => AttemptReport::Paused(reason),
        })
    }

    /// Checks the controls before a step is claimed again, so that a pause costs no write however
    /// long it lasts.
    pub(super) async fn check_before_claim(
        &self,
        task: &StepTask,
        between: &StepRecord,
    ) -> Result<(), TaskError> {
        let read = self
            .ledger
            .phase_and_controls(&between.at, &task.execution.workflow)
            .await;
        // Any other obstacle is found by the read between claim and effect.
        let Ok((Some(phase), controls)) = read else {
            return Ok(());
        };
        let epoch = task.execution.epoch;
        if !phase.admits(epoch) {
            return Ok(());
        }
        let stopped = self
            .stop_by_control(&between.at, epoch, &controls, &between.step)
            .await;
        match stopped.and_then(|attempted| blocked_error(&attempted, between)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// The error of an attempt that was kept from acting; `None` if it was not.
pub(super) fn blocked_error(attempted: &AttemptReport, record: &StepRecord) -> Option<TaskError> {
    let (name, reason) = match attempted {
        AttemptReport::Halted(reason) => (ErrorName::Halted, reason),
        AttemptReport::Paused(reason) => (ErrorName::Paused, reason),
        _ => return None,
    };
    Some(TaskError::new(
        name,
        format!("{}: {reason}", record.label()),
    ))
}
