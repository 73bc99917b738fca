//! Controls in the ledger's table: an item for each scope, read together with an execution record.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Control, ExecutionRecord, Key, LedgerError, List, Scope};

use crate::{
    item::{Item, key_item, key_of, read},
    ledger::{DynamoLedger, read_all, unavailable},
};

/// The number of items that one request reads at most ([BatchGetItem]).
///
/// [BatchGetItem]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const BATCH_MAX: usize = 100;

impl DynamoLedger {
    /// Reads every control that applies to executions of this tenant and workflow.
    pub async fn controls_around(
        &self,
        tenant: &str,
        workflow: &str,
    ) -> Result<Vec<Control>, LedgerError> {
        let (_, controls) = self.read_with_controls(None, tenant, workflow).await?;
        Ok(controls)
    }

    /// Reads, in one strongly consistent request, an execution record and every control that
    /// applies to executions of this tenant and workflow.
    pub(crate) async fn read_with_controls(
        &self,
        at: Option<&ExecutionKey>,
        tenant: &str,
        workflow: &str,
    ) -> Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError> {
        let control_keys = Scope::around(tenant, workflow).map(Key::Control);
        let execution_key = at.map(|at| Key::Execution(at.clone()));
        let keys = control_keys.iter().chain(&execution_key).map(key_item);
        let items = self.read_batch(keys.collect()).await?;
        let (mut execution, mut controls) = (None, Vec::new());
        for item in items {
            match key_of(&item) {
                Some(Key::Control(_)) => controls.push(read(item)?),
                _ => execution = Some(read(item)?),
            }
        }
        Ok((execution, controls))
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
    async fn read_batch(&self, keys: Vec<Item>) -> Result<Vec<Item>, LedgerError> {
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
