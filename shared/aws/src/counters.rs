//! Counters in the ledger's table: an item each, changed in one transaction with the record of the execution that draws.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, Put as PutOf, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem, Update, builders::UpdateBuilder,
    },
};
use holdfast_ledger::{CountedPut, Counter, CounterChange, ExecutionRecord, Expect, LedgerError};
use serde::Deserialize;

use crate::{
    item::{condition, item_of, read},
    ledger::{DynamoLedger, META, indexed, unavailable},
};

/// What separates counters from all else in a tenant's partitions.
pub(crate) const COUNT: &str = "#COUNT#";
/// Sort key of a counter without periods.
const NO_PERIOD: &str = "-";
/// When the table may forget an item, in seconds: its time to live.
pub(crate) const EXPIRES: &str = "expires_at";

/// A counter, as it is kept.
#[derive(Deserialize)]
struct CounterItem {
    taken: i64,
}

impl DynamoLedger {
    pub(crate) async fn count_of(&self, counter: &Counter) -> Result<i64, LedgerError> {
        let (partition, sort_key) = place(counter);
        let kept: Option<CounterItem> = self.get(partition, &sort_key).await?;
        Ok(kept.map_or(0, |kept| kept.taken))
    }

    pub(crate) async fn put_drawing(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        draws: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let mut item = item_of(execution, indexed(execution))?;
        item.extend(Self::key(execution.at.partition(), META));
        let (condition, rev) = condition(expect);
        let put = PutOf::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .condition_expression(condition)
            .set_expression_attribute_values(rev);
        let put = put.build().map_err(unfit)?;
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        for draw in draws {
            let update = self.update(draw).build().map_err(unfit)?;
            items.push(TransactWriteItem::builder().update(update).build());
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(CountedPut::Done);
        };
        if let SdkError::ServiceError(service) = &error
            && let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err()
        {
            return judged(cancelled.cancellation_reasons());
        }
        Err(unavailable(&error))
    }

    fn update(&self, draw: &CounterChange) -> UpdateBuilder {
        let (partition, sort_key) = place(&draw.counter);
        let number = |number: i64| AttributeValue::N(number.to_string());
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Self::key(partition, &sort_key)))
            .expression_attribute_names("#taken", "taken")
            .expression_attribute_values(":amount", number(draw.amount));
        let mut change = "ADD #taken :amount".to_owned();
        if let Some(until) = draw.until {
            change.push_str(" SET #expires = :until");
            update = update
                .expression_attribute_names("#expires", EXPIRES)
                .expression_attribute_values(":until", number(until.as_second()));
        }
        update = update.update_expression(change);
        match draw.most {
            None => update,
            Some(most) => update
                // A count that is not there yet is zero.
                .condition_expression(match draw.fits(0) {
                    true => "attribute_not_exists(#taken) OR #taken <= :room",
                    false => "#taken <= :room",
                })
                .expression_attribute_values(":room", number(most - draw.amount)),
        }
    }
}

pub(crate) fn place(counter: &Counter) -> (String, String) {
    let Counter {
        tenant,
        kind,
        name,
        period,
    } = counter;
    let partition = format!("TENANT#{tenant}{COUNT}{}#{name}", kind.name());
    let sort_key = match period.as_str() {
        "" => NO_PERIOD,
        period => period,
    };
    (partition, sort_key.to_owned())
}

/// Why nothing was written: reasons stand in the order of the writes, the execution's record first.
fn judged(reasons: &[CancellationReason]) -> Result<CountedPut, LedgerError> {
    let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    let Some((record, draws)) = reasons.split_first() else {
        return Err(LedgerError::Unavailable("no reason was given".to_owned()));
    };
    if failed(record) {
        let stands = record.item().cloned().map(read).transpose()?;
        return Ok(CountedPut::Lost(stands.map(Box::new)));
    }
    let others = reasons.iter().filter(|reason| !failed(reason));
    let mut others = others.filter_map(CancellationReason::code);
    // Others wrote at the same moment, or there was too much load: it may fit the next time.
    if let Some(code) = others.find(|code| *code != "None") {
        return Err(match code {
            "ValidationError" => LedgerError::Refused(code.to_owned()),
            _ => LedgerError::Unavailable(code.to_owned()),
        });
    }
    let refused = draws.iter().enumerate().filter(|(_, draw)| failed(draw));
    Ok(CountedPut::Refused(
        refused.map(|(place, _)| place).collect(),
    ))
}

fn unfit(error: aws_sdk_dynamodb::error::BuildError) -> LedgerError {
    LedgerError::Damaged(error.to_string())
}
