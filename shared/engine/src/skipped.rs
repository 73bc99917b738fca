//! The record of a last step that its `when` skips, which proves that the end was reached.

use crate::{
    attempt_result::answer,
    engine::{Engine, partition},
    items::item_count,
    ports::{Host, ObjectStore},
    task_errors::TaskError,
};
use holdfast_ids::keys::is_hashed_item;
use holdfast_ledger::{Expect, Ledger, StepRecord};
use holdfast_task::{StepResult, StepStatus, StepTask};
use serde_json::Value;

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Skips a step, and records that it was reached if it is a last one. Any other step leaves no
    /// record. An existing record remains as it is: an earlier attempt has claimed the step, or an
    /// earlier execution generation skipped it.
    pub(super) async fn skip(&self, task: &StepTask) -> Result<StepResult, TaskError> {
        let skipped = answer(StepStatus::Skipped, Value::Null);
        if !task.step.last {
            return Ok(skipped);
        }
        let (at, step) = (partition(&task.execution), &task.step.name);
        let item_key = task.item_key.as_ref();
        let item = self.stored_item_name(&at, step, item_key).await?;
        let (epoch, generation) = (task.execution.epoch, task.execution.generation);
        let record = StepRecord {
            item_hashed: item.as_deref().is_some_and(is_hashed_item),
            item,
            items: task.items.as_ref().and_then(item_count),
            ..StepRecord::unclaimed(&at, step, epoch, generation)
        };
        self.ledger.put(&record, Expect::Absent).await?;
        Ok(skipped)
    }
}
