//! The executions of a batch of the ledger's stream, each read from the ledger once.

use std::collections::HashMap;

use holdfast_audit::{Origin, Record};
use holdfast_aws::DynamoLedger;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Ledger, LedgerError};

/// The origins of the records of a batch.
pub(crate) struct Origins<'a> {
    ledger: &'a DynamoLedger,
    known: HashMap<ExecutionKey, Origin>,
}

impl<'a> Origins<'a> {
    /// No origin yet.
    pub(crate) fn new(ledger: &'a DynamoLedger) -> Self {
        Self {
            ledger,
            known: HashMap::new(),
        }
    }

    /// The origin of an execution record, a step or a question. `None` for another record, and if
    /// the execution has no record.
    pub(crate) async fn of(&mut self, record: &Record) -> Result<Option<Origin>, LedgerError> {
        if let Record::Execution(execution) = record {
            let origin = Origin::of(execution);
            self.known.insert(execution.at.clone(), origin.clone());
            return Ok(Some(origin));
        }
        let Some(at) = record.execution() else {
            return Ok(None);
        };
        if let Some(origin) = self.known.get(at) {
            return Ok(Some(origin.clone()));
        }
        let origin = self.ledger.read(at).await?.map(|found| Origin::of(&found));
        if let Some(origin) = &origin {
            self.known.insert(at.clone(), origin.clone());
        }
        Ok(origin)
    }
}
