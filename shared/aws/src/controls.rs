//! The kill switch in the ledger's table: an item for each scope, read together with the record of an execution.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Control, ExecutionRecord, Expect, LedgerError, Put, Scope};

use crate::{
    item::{Item, read},
    ledger::{DynamoLedger, LISTED, LISTED_AT, META, instant, unavailable},
};

/// What controls' partitions begin with.
pub(crate) const CONTROL: &str = "CONTROL#";
/// Under which all of them are listed.
pub(crate) const CONTROLS: &str = "CONTROLS";

pub(crate) fn partition(scope: &Scope) -> String {
    format!("{CONTROL}{}", scope.name())
}

impl DynamoLedger {
    /// An execution's record and every control it is under, in one strongly consistent request.
    pub(crate) async fn standing_of(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError> {
        let around = Scope::around(&at.tenant, workflow);
        let partitions = around.iter().map(partition).chain([at.partition()]);
        self.read_at_once(partitions).await
    }

    /// Every control that executions of this tenant and workflow are under.
    pub async fn controls_around(
        &self,
        tenant: &str,
        workflow: &str,
    ) -> Result<Vec<Control>, LedgerError> {
        let around = Scope::around(tenant, workflow);
        let (_, controls) = self.read_at_once(around.iter().map(partition)).await?;
        Ok(controls)
    }

    async fn read_at_once(
        &self,
        partitions: impl Iterator<Item = String>,
    ) -> Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError> {
        let keys = partitions.map(|partition| Self::key(partition, META));
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .consistent_read(true)
            .build()
            .map_err(|error| LedgerError::Damaged(error.to_string()))?;
        let found = self
            .client
            .batch_get_item()
            .request_items(&self.table, wanted)
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
            let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
            match pk.is_some_and(|pk| pk.starts_with(CONTROL)) {
                true => controls.push(read(item)?),
                false => execution = Some(read(item)?),
            }
        }
        Ok((execution, controls))
    }

    pub(crate) async fn control_of(&self, scope: &Scope) -> Result<Option<Control>, LedgerError> {
        self.get(partition(scope), META).await
    }

    pub(crate) async fn put_control_of(
        &self,
        control: &Control,
        expect: Expect,
    ) -> Result<Put<Control>, LedgerError> {
        let index: Item = HashMap::from([
            (LISTED.to_owned(), AttributeValue::S(CONTROLS.to_owned())),
            (LISTED_AT.to_owned(), AttributeValue::S(instant(control.at))),
        ]);
        let partition = partition(&control.scope);
        self.put(partition, META.to_owned(), control, Some(index), expect)
            .await
    }

    /// Everything that was ever paused, as it stands, last changed first; a moment old.
    pub async fn controls(&self) -> Result<Vec<Control>, LedgerError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(LISTED)
            .key_condition_expression("#listed = :controls")
            .expression_attribute_names("#listed", LISTED)
            .expression_attribute_values(":controls", AttributeValue::S(CONTROLS.to_owned()))
            .scan_index_forward(false)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(read(item.map_err(|error| unavailable(&error))?)?);
        }
        Ok(found)
    }
}
