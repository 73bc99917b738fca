//! Controls in the ledger's table: an item for each scope, and the read that shows whether one of
//! them pauses an execution.

use aws_sdk_dynamodb::types::{KeysAndAttributes, builders::KeysAndAttributesBuilder};
use holdfast_engine::Host;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Control, ControlState, Key, LedgerError, List, PausedScopes, Scope};

use crate::{
    host::SystemHost,
    item::{Item, key_item, key_of, read},
    ledger::{DynamoLedger, read_all, unavailable},
};

/// The number of items that one request reads at most ([BatchGetItem]).
///
/// [BatchGetItem]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const BATCH_MAX: usize = 100;

/// The attributes of [`EpochAndPhase`] and of a copy of the list of paused scopes. `from` and
/// `until` are [reserved words][words], so that the expression has placeholders for them.
///
/// [`EpochAndPhase`]: holdfast_ledger::EpochAndPhase
/// [words]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
const PHASE_OR_COPY: &str = "pk, sk, epoch, phase, rev, scopes, #from, #until";

impl DynamoLedger {
    /// Reads every control that pauses an execution of this workflow, begun or not.
    pub async fn pausing_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<Vec<Control>, LedgerError> {
        let scopes = Scope::around(&at.tenant, workflow);
        let (_, controls) = self.read_with_controls(at, Vec::new(), scopes).await?;
        Ok(controls)
    }

    /// Reads epoch and phase of the executions under these keys and, in the same strongly
    /// consistent request, the copy of the list of paused scopes that the execution reads. Unless
    /// the copy shows that no scope is paused, a second request reads the controls. Each item of a
    /// batch is read [serializably with transactions][isolation], so that a change of a control
    /// that was confirmed takes effect.
    ///
    /// [isolation]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
    pub(crate) async fn read_with_controls(
        &self,
        at: &ExecutionKey,
        mut keys: Vec<Item>,
        scopes: [Scope; 3],
    ) -> Result<(Vec<Item>, Vec<Control>), LedgerError> {
        keys.push(key_item(&Key::ControlCopy(PausedScopes::copy_of(at))));
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .projection_expression(PHASE_OR_COPY)
            .expression_attribute_names("#from", "from")
            .expression_attribute_names("#until", "until");
        let (mut copy, mut items) = (None, Vec::new());
        for item in self.send_batch(request).await? {
            match key_of(&item) {
                Some(Key::ControlCopy(_)) => copy = Some(read::<PausedScopes>(item)?),
                _ => items.push(item),
            }
        }
        if copy.is_some_and(|copy| copy.excludes(&scopes, SystemHost.now())) {
            return Ok((items, Vec::new()));
        }
        let mut controls = self.controls_of(scopes).await?;
        controls.retain(|control| control.state == ControlState::Paused);
        Ok((items, controls))
    }

    /// Reads the controls of these scopes, in one strongly consistent request for each hundred.
    pub async fn controls_of(
        &self,
        scopes: impl IntoIterator<Item = Scope>,
    ) -> Result<Vec<Control>, LedgerError> {
        let keys = scopes.into_iter().map(Key::Control);
        let keys: Vec<Item> = keys.map(|key| key_item(&key)).collect();
        let mut controls = Vec::new();
        for keys in keys.chunks(BATCH_MAX) {
            let found = self.read_batch(keys.to_vec()).await?.into_iter();
            controls.extend(found.map(read).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(controls)
    }

    /// Reads the items under these keys in one strongly consistent request: all of them or none.
    pub(crate) async fn read_batch(&self, keys: Vec<Item>) -> Result<Vec<Item>, LedgerError> {
        let request = KeysAndAttributes::builder().set_keys(Some(keys));
        self.send_batch(request).await
    }

    async fn send_batch(
        &self,
        request: KeysAndAttributesBuilder,
    ) -> Result<Vec<Item>, LedgerError> {
        let request = request
            .consistent_read(true)
            .build()
            .map_err(|error| LedgerError::Damaged(error.to_string()))?;
        let found = self
            .client
            .batch_get_item()
            .request_items(&self.table, request)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        if found
            .unprocessed_keys()
            .is_some_and(|left| !left.is_empty())
        {
            return Err(LedgerError::Unavailable("a part was not read".to_owned()));
        }
        let items = found.responses.unwrap_or_default().remove(&self.table);
        Ok(items.unwrap_or_default())
    }

    /// Reads the control of every scope that has one, last changed first. The index is eventually
    /// consistent.
    pub async fn controls(&self) -> Result<Vec<Control>, LedgerError> {
        let query = self.query_list(&List::Controls);
        read_all(query.scan_index_forward(false)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projection_has_every_attribute_that_is_read() {
        let projected = PHASE_OR_COPY.replace('#', "");
        let projected: Vec<_> = projected.split(", ").collect();
        let copy = PausedScopes::checked(&[], &[], SystemHost.now());
        let copy = serde_json::to_value(&copy).expect("it has JSON");
        let names = copy.as_object().expect("members").keys();
        for name in names
            .map(String::as_str)
            .chain(["pk", "sk", "epoch", "phase"])
        {
            assert!(projected.contains(&name), "{name}");
        }
    }
}
