//! Applies a pause to executions that have begun: they wait before a step, or are rolled back.

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    task_errors::TaskError,
};
use holdfast_ledger::{
    AttemptReport, Control, ExecutionRecord, Ledger, PauseBehavior, StepRecord, paused,
};
use holdfast_task::{ErrorName, StepTask};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Applies a pause to an attempt before it acts: the attempt waits, or its execution is rolled
    /// back. An undo does not call this.
    pub(super) async fn stop_by_control(
        &self,
        execution: ExecutionRecord,
        controls: &[Control],
        step: &str,
    ) -> Option<AttemptReport> {
        let control = paused(controls)?;
        let reason = control.says();
        if control.running_executions == PauseBehavior::Wait {
            return Some(AttemptReport::Paused(reason));
        }
        let (epoch, now) = (execution.epoch, self.host.now());
        let stop = |execution: &ExecutionRecord| {
            execution
                .admits(epoch)
                .then(|| control.stop(execution, step, now))
        };
        Some(match self.change_execution(execution, stop).await {
            Ok(_) => AttemptReport::Halted(reason),
            // The rollback is not recorded; the next attempt reads the control again.
            Err(_) => AttemptReport::Paused(reason),
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
            .execution_and_controls(&between.at, &task.execution.workflow)
            .await;
        // Any other obstacle is found by the read between claim and effect.
        let Ok((Some(execution), controls)) = read else {
            return Ok(());
        };
        if !execution.admits(task.execution.epoch) {
            return Ok(());
        }
        let stopped = self
            .stop_by_control(execution, &controls, &between.step)
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
