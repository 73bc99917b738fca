//! Items: the name under which the record of an item is stored, and the number of items.

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    task_errors::{TaskError, permanent},
};
use holdfast_ids::keys::{ExecutionKey, earlier_item_name, item_name};
use holdfast_ledger::{Ledger, StepKey};
use serde_json::Value;

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// The name under which an item's record is stored, if a step has an item. An earlier release
    /// gave some item keys another name, and its record stays the item's.
    pub(crate) async fn stored_item_name(
        &self,
        at: &ExecutionKey,
        step: &str,
        item_key: Option<&Value>,
    ) -> Result<Option<String>, TaskError> {
        let Some(item_key) = item_key else {
            return Ok(None);
        };
        let name = item_name(item_key).map_err(permanent)?;
        let Some(earlier) = earlier_item_name(item_key) else {
            return Ok(Some(name));
        };
        let key = StepKey::new(at, step, Some(&earlier));
        Ok(match self.ledger.read(&key).await? {
            Some(record) if !record.item_hashed => Some(earlier),
            _ => Some(name),
        })
    }
}

/// A number of items, in whichever form JSONata writes it. Any other value proves nothing later.
pub(crate) fn item_count(value: &Value) -> Option<u32> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    (0.0..=f64::from(u32::MAX))
        .contains(&number)
        .then_some(number as u32)
}
