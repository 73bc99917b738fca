//! What the kill switch makes of executions that have begun: they wait before their next step, or
//! are undone.

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    task_errors::TaskError,
};
use holdfast_ledger::{
    AttemptReport, Control, ExecutionRecord, Ledger, Meanwhile, StepRecord, paused,
};
use holdfast_task::{ErrorName, StepTask};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// What an attempt that is about to act comes to instead, if a control says so: it waits, or
    /// its execution is undone. An undo never asks.
    pub(super) async fn stop_by_control(
        &self,
        execution: ExecutionRecord,
        controls: &[Control],
        step: &str,
    ) -> Option<AttemptReport> {
        let control = paused(controls)?;
        let why = control.says();
        if control.running_executions == Meanwhile::Wait {
            return Some(AttemptReport::Paused(why));
        }
        let (epoch, now) = (execution.epoch, self.host.now());
        let stop = |execution: &ExecutionRecord| {
            execution
                .admits(epoch)
                .then(|| control.stop(execution, step, now))
        };
        Some(match self.change_execution(execution, stop).await {
            Ok(_) => AttemptReport::Halted(why),
            // It is not recorded: the next attempt sees the control again.
            Err(_) => AttemptReport::Paused(why),
        })
    }

    /// Whether a step between two attempts may be claimed again: however long a pause lasts, it
    /// costs no write.
    pub(super) async fn check_before_claim(
        &self,
        task: &StepTask,
        between: &StepRecord,
    ) -> Result<(), TaskError> {
        let standing = self
            .ledger
            .execution_and_controls(&between.at, &task.execution.workflow)
            .await;
        // Whatever else stands in its way, the look between claim and effect sees it.
        let Ok((Some(execution), controls)) = standing else {
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

/// What the machine hears of an attempt that was kept from acting.
pub(super) fn blocked_error(attempted: &AttemptReport, record: &StepRecord) -> Option<TaskError> {
    let (name, why) = match attempted {
        AttemptReport::Halted(why) => (ErrorName::Halted, why),
        AttemptReport::Paused(why) => (ErrorName::Paused, why),
        _ => return None,
    };
    Some(TaskError::new(name, format!("{}: {why}", record.label())))
}
