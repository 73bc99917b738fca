//! Counters in the ledger's table: an item each, changed in one transaction with an execution
//! record.

use aws_sdk_dynamodb::types::{
    CancellationReason, TransactWriteItem, Update, builders::UpdateBuilder,
};
use holdfast_ledger::{
    CountedPut, Counter, CounterChange, ExecutionRecord, Expect, Key, LedgerError,
};
use serde::Deserialize;

use crate::{
    item::{EXPIRES, key_item, number, read, record_item},
    ledger::DynamoLedger,
    transaction::{failed, unfit},
};

/// A counter as an item.
#[derive(Deserialize)]
struct CounterItem {
    taken: i64,
}

impl DynamoLedger {
    pub(crate) async fn read_count(&self, counter: &Counter) -> Result<i64, LedgerError> {
        let stored: Option<CounterItem> = self.get(&Key::Counter(counter.clone())).await?;
        Ok(stored.map_or(0, |stored| stored.taken))
    }

    pub(crate) async fn put_in_transaction(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let mut items = vec![self.put_of(record_item(execution)?, expect)?];
        for change in changes {
            let update = self.update(change).build().map_err(unfit)?;
            items.push(TransactWriteItem::builder().update(update).build());
        }
        match self.transact(items).await? {
            Ok(()) => Ok(CountedPut::Done),
            Err(cancellation) => judged(&cancellation.reasons),
        }
    }

    fn update(&self, change: &CounterChange) -> UpdateBuilder {
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key_item(&Key::Counter(change.counter.clone()))))
            .expression_attribute_names("#taken", "taken")
            .expression_attribute_values(":amount", number(change.amount));
        let mut expression = "ADD #taken :amount".to_owned();
        if let Some(until) = change.until {
            expression.push_str(" SET #expires = :until");
            update = update
                .expression_attribute_names("#expires", EXPIRES)
                .expression_attribute_values(":until", number(until.as_second()));
        }
        update = update.update_expression(expression);
        match change.most {
            None => update,
            Some(most) => update
                // A count that is not stored is 0.
                .condition_expression(match change.fits(0) {
                    true => "attribute_not_exists(#taken) OR #taken <= :room",
                    false => "#taken <= :room",
                })
                .expression_attribute_values(":room", number(most - change.amount)),
        }
    }
}

/// The answer to a cancelled transaction. Reasons come in the order of the writes, the execution
/// record first.
fn judged(reasons: &[CancellationReason]) -> Result<CountedPut, LedgerError> {
    let Some((record, changes)) = reasons.split_first() else {
        return Err(LedgerError::Unavailable("no reason was given".to_owned()));
    };
    if failed(record) {
        let stored = record.item().cloned().map(read).transpose()?;
        return Ok(CountedPut::Lost(stored.map(Box::new)));
    }
    let others = reasons.iter().filter(|reason| !failed(reason));
    let mut others = others.filter_map(CancellationReason::code);
    // Another transaction wrote at the same moment, or the load was too high: a repeat may succeed.
    if let Some(code) = others.find(|code| *code != "None") {
        return Err(match code {
            "ValidationError" => LedgerError::Refused(code.to_owned()),
            _ => LedgerError::Unavailable(code.to_owned()),
        });
    }
    let refused = changes.iter().enumerate();
    let refused = refused.filter(|(_, reason)| failed(reason));
    Ok(CountedPut::Refused(
        refused.map(|(place, _)| place).collect(),
    ))
}
