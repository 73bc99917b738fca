//! Controls in the ledger's table: an item for each scope, and the read that shows whether one of
//! them pauses an execution.

use aws_sdk_dynamodb::types::KeysAndAttributes;
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

    /// Reads the items under these keys and, in the same strongly consistent request, the copy of
    /// the list of paused scopes that the execution reads. If that does not show that no scope is
    /// paused, a second request reads the controls. Each item of a batch is read [serializably with
    /// transactions][isolation], so that a change of a control that was confirmed takes effect.
    ///
    /// [isolation]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
    pub(crate) async fn read_with_controls(
        &self,
        at: &ExecutionKey,
        mut keys: Vec<Item>,
        scopes: [Scope; 3],
    ) -> Result<(Vec<Item>, Vec<Control>), LedgerError> {
        keys.push(key_item(&Key::ControlCopy(PausedScopes::copy_of(at))));
        let (mut copy, mut items) = (None, Vec::new());
        for item in self.read_batch(keys).await? {
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
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
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
