//! Items: the name under which the record of an item is stored, and the number of items.

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    task_errors::TaskError,
};
use holdfast_ids::keys::{ExecutionKey, earlier_item_name};
use holdfast_ledger::{Ledger, StepKey};
use serde_json::Value;

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// The name under which an item's record is stored. An earlier release named an item key that
    /// looks like a hash without a mark, and its record stays the item's.
    pub(crate) async fn stored_item_name(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<String>,
    ) -> Result<Option<String>, TaskError> {
        let Some(earlier) = item.as_deref().and_then(earlier_item_name) else {
            return Ok(item);
        };
        let key = StepKey::new(at, step, Some(earlier));
        Ok(match self.ledger.read(&key).await? {
            Some(record) if !record.item_hashed => Some(earlier.to_owned()),
            _ => item,
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
