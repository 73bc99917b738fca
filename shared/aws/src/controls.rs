//! Controls in the ledger's table: an item for each scope, read together with an execution record.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Control, ExecutionRecord, Key, LedgerError, List, Scope};

use crate::{
    item::{key_item, key_of, read},
    ledger::{DynamoLedger, read_all, unavailable},
};

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
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
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
        let (mut execution, mut controls) = (None, Vec::new());
        for item in items.unwrap_or_default() {
            match key_of(&item) {
                Some(Key::Control(_)) => controls.push(read(item)?),
                _ => execution = Some(read(item)?),
            }
        }
        Ok((execution, controls))
    }

    /// Reads the control of every scope that has one, last changed first. The index is eventually
    /// consistent.
    pub async fn controls(&self) -> Result<Vec<Control>, LedgerError> {
        let query = self.query_list(&List::Controls);
        read_all(query.scan_index_forward(false)).await
    }
}
