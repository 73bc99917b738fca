//! Moves inputs and outputs between a state's data, the ledger and the payload store.

use serde_json::Value;

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    task_errors::TaskError,
};
use holdfast_action::BoxFuture;
use holdfast_ids::{
    digest::{canonical, sha256_hex},
    keys::{ExecutionKey, payload_object, payload_prefix},
    numbers::keep_digits,
};
use holdfast_ledger::{Ledger, StepRecord};
use holdfast_task::{
    ErrorName, StepPolicy,
    payload::{LEDGER_INLINE_BYTES, Payload, StoredPayload},
};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Packs `value` for a ledger record, in the payload store if it is long. `what` names it in
    /// errors.
    pub(super) async fn pack(
        &self,
        at: &ExecutionKey,
        what: &str,
        value: Value,
    ) -> Result<Payload, TaskError> {
        let bytes = canonical(&value)
            .map_err(|error| TaskError::new(ErrorName::Permanent, format!("{what}: {error}")))?;
        let sha256 = sha256_hex(&bytes);
        if bytes.len() <= LEDGER_INLINE_BYTES {
            return Ok(Payload::Inline { value, sha256 });
        }
        let stored = StoredPayload {
            key: payload_object(at, &sha256),
            sha256,
            bytes: bytes.len(),
        };
        self.payloads.put_new(&stored.key, bytes).await?;
        Ok(Payload::Stored(stored))
    }

    /// Reads the value of a payload.
    pub(super) async fn unpack(
        &self,
        at: &ExecutionKey,
        payload: &Payload,
    ) -> Result<Value, TaskError> {
        match payload {
            Payload::Inline { value, .. } => Ok(value.clone()),
            Payload::Stored(stored) => self.fetch(at, stored).await,
        }
    }

    /// Replaces every reference in `value` by the stored value.
    pub(super) fn resolve<'a>(
        &'a self,
        at: &'a ExecutionKey,
        value: Value,
    ) -> BoxFuture<'a, Result<Value, TaskError>> {
        Box::pin(async move {
            if let Some(stored) = StoredPayload::from_marked(&value) {
                return self.fetch(at, &stored).await;
            }
            Ok(match value {
                Value::Array(items) => {
                    let mut resolved = Vec::with_capacity(items.len());
                    for item in items {
                        resolved.push(self.resolve(at, item).await?);
                    }
                    Value::Array(resolved)
                }
                Value::Object(members) => {
                    let mut resolved = serde_json::Map::new();
                    for (name, member) in members {
                        resolved.insert(name, self.resolve(at, member).await?);
                    }
                    Value::Object(resolved)
                }
                plain => plain,
            })
        })
    }

    /// Reads a stored payload, only from the execution's own folder, since any input can contain a
    /// reference.
    async fn fetch(&self, at: &ExecutionKey, stored: &StoredPayload) -> Result<Value, TaskError> {
        let wrong = |why: &str| {
            TaskError::new(
                ErrorName::Permanent,
                format!("stored payload {}: {why}", stored.sha256),
            )
        };
        if payload_object(at, &stored.sha256) != stored.key {
            return Err(wrong(&format!(
                "its key is not under {}",
                payload_prefix(at)
            )));
        }
        let bytes = self
            .payloads
            .get(&stored.key)
            .await?
            .ok_or_else(|| wrong("it is gone"))?;
        if sha256_hex(&bytes) != stored.sha256 {
            return Err(wrong("its content was changed"));
        }
        serde_json::from_slice(&bytes).map_err(|_| wrong("it is not JSON"))
    }

    /// The recorded output for the state machine: the value, or a reference if it is too large for
    /// a state. A long number is a string there, so that no text of a later step rounds it. The
    /// ledger keeps the number, which the action's undo reads.
    pub(super) async fn for_machine(
        &self,
        first: &StepRecord,
        output: &Payload,
        policy: &StepPolicy,
    ) -> Result<Value, TaskError> {
        match output {
            Payload::Stored(stored) if stored.bytes > policy.inline_output_bytes => {
                Ok(stored.to_marked())
            }
            fits => {
                let mut value = self.unpack(&first.at, fits).await?;
                keep_digits(&mut value);
                Ok(value)
            }
        }
    }
}
