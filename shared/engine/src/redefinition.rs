//! Redefinition: the check of a redrive that begins under another definition than its request was
//! checked with.

use crate::{
    engine::{Engine, MAX_RACES},
    ports::{Host, ObjectStore},
    task_errors::{TaskError, permanent, too_many_races},
};
use holdfast_ledger::{
    ExecutionRecord, Expect, Ledger, Phase, Put, Snapshot, bound_choices, misfit, redefined,
    refused_redrive,
};
use holdfast_task::{BeginTask, Choices};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Checks a redrive again if it begins under another definition than the one that its request
    /// was checked with: a deployment came between. The receipt names the definition that runs.
    pub(crate) async fn check_definition(
        &self,
        mut stored: ExecutionRecord,
        task: &BeginTask,
    ) -> Result<ExecutionRecord, TaskError> {
        for _ in 0..MAX_RACES {
            let same = stored.definition_digest == task.gate.definition_digest;
            if same || stored.redrive().is_none() || stored.phase != Phase::Running {
                return Ok(stored);
            }
            let Snapshot {
                execution, steps, ..
            } = self.read(&stored.at).await?;
            let next = match misfit(&steps, &task.steps) {
                None => redefined(&execution, &task.gate),
                Some(why) => {
                    let refused = holdfast_admission::outcome("definition", Err(why));
                    refused_redrive(&execution, [refused].into_iter(), self.host.now())
                }
            };
            if execution.rev != stored.rev {
                stored = execution;
                continue;
            }
            match self.ledger.put(&next, Expect::Rev(execution.rev)).await? {
                Put::Done => return Ok(next),
                Put::Lost(Some(winner)) => stored = *winner,
                Put::Lost(None) => break,
            }
        }
        Err(too_many_races("the execution record"))
    }

    /// The branches that a redrive takes again. A definition without branches costs no read.
    pub(crate) async fn choices_again(
        &self,
        stored: &ExecutionRecord,
        task: &BeginTask,
    ) -> Result<Choices, TaskError> {
        let branches = task.steps.iter().any(|step| !step.branches.is_empty());
        if stored.phase != Phase::Running || stored.redrive().is_none() || !branches {
            return Ok(Choices::new());
        }
        let steps = self.read(&stored.at).await?.steps;
        bound_choices(&steps, &task.steps).map_err(permanent)
    }
}
