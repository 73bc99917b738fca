//! What the kill switch makes of executions that have begun: they wait before their next step, or are undone.

use super::{Engine, Host, ObjectStore, TaskError};
use holdfast_ledger::{Attempted, Control, Ledger, Meanwhile, Meta, StepRecord, paused};
use holdfast_task::{StepTask, error_name};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// What an attempt that is about to act comes to instead, if a control says so: it waits, or its execution is
    /// undone. An undo never asks.
    pub(super) async fn stopped(
        &self,
        meta: Meta,
        controls: &[Control],
        step: &str,
    ) -> Option<Attempted> {
        let control = paused(controls)?;
        let why = control.says();
        if control.running_executions == Meanwhile::Wait {
            return Some(Attempted::Paused(why));
        }
        let (epoch, now) = (meta.epoch, self.host.now());
        let stop = |meta: &Meta| meta.admits(epoch).then(|| control.stop(meta, step, now));
        Some(match self.change_meta(meta, stop).await {
            Ok(_) => Attempted::Halted(why),
            // It is not recorded: the next attempt sees the control again.
            Err(_) => Attempted::Paused(why),
        })
    }

    /// Whether a step between two attempts may be claimed again: however long a pause lasts, it costs no write.
    pub(super) async fn may_go_on(
        &self,
        task: &StepTask,
        between: &StepRecord,
    ) -> Result<(), TaskError> {
        let standing = self
            .ledger
            .standing(&between.at, &task.execution.workflow)
            .await;
        // Whatever else stands in its way, the look between claim and effect sees it.
        let Ok((Some(meta), controls)) = standing else {
            return Ok(());
        };
        if !meta.admits(task.execution.epoch) {
            return Ok(());
        }
        let stopped = self.stopped(meta, &controls, &between.step).await;
        match stopped.and_then(|attempted| kept_from(&attempted, between)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// What the machine hears of an attempt that was kept from acting.
pub(super) fn kept_from(attempted: &Attempted, record: &StepRecord) -> Option<TaskError> {
    let (name, why) = match attempted {
        Attempted::Halted(why) => (error_name::HALTED, why),
        Attempted::Paused(why) => (error_name::PAUSED, why),
        _ => return None,
    };
    Some(TaskError::new(name, format!("{}: {why}", record.label())))
}
