//! Starts that the API turned away, as items of the ledger's table that its stream tells of and that are forgotten soon.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_ledger::{LedgerError, Refusal};

use crate::{
    counters::EXPIRES,
    item::item_of,
    ledger::{DynamoLedger, instant, unavailable},
};

/// What ends the partitions of refusals: a tenant has one.
pub(crate) const REFUSED: &str = "#REFUSED";

/// The stream keeps a change for a day; what nobody read by then is looked for by people, for a week.
const KEPT: Duration = Duration::from_hours(7 * 24);

pub(crate) fn partition(tenant: &str) -> String {
    format!("TENANT#{tenant}{REFUSED}")
}

impl DynamoLedger {
    /// Records that a start was turned away. Once it is recorded, it will be told.
    pub async fn record_refusal(&self, refusal: &Refusal) -> Result<(), LedgerError> {
        let until = refusal.at + KEPT;
        let until = AttributeValue::N(until.as_second().to_string());
        let mut item = item_of(refusal, Some(HashMap::from([(EXPIRES.to_owned(), until)])))?;
        let sort_key = format!("{}#{}", instant(refusal.at), refusal.id);
        item.extend(Self::key(partition(&refusal.tenant), &sort_key));
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }
}
