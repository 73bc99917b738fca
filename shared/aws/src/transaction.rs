//! Transactions of the ledger's table.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use holdfast_ledger::{Expect, LedgerError};

use crate::{
    item::{Item, condition},
    ledger::{DynamoLedger, unavailable},
};

/// A transaction of which nothing was written.
pub(crate) struct Cancellation {
    /// The reasons, in the order of the writes.
    pub(crate) reasons: Vec<CancellationReason>,
    /// The error, if the reasons do not say more.
    pub(crate) error: LedgerError,
}

impl DynamoLedger {
    /// Sends writes as one transaction.
    pub(crate) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Cancellation>, LedgerError> {
        let request = self.client.transact_write_items();
        let sent = request.set_transact_items(Some(writes)).send().await;
        let Err(error) = sent else {
            return Ok(Ok(()));
        };
        if let SdkError::ServiceError(service) = &error
            && let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err()
        {
            return Ok(Err(Cancellation {
                reasons: cancelled.cancellation_reasons().to_vec(),
                error: unavailable(&error),
            }));
        }
        Err(unavailable(&error))
    }

    /// The part of a transaction that writes an item if the stored one is what `expect` says.
    pub(crate) fn put_of(
        &self,
        item: Item,
        expect: Expect,
    ) -> Result<TransactWriteItem, LedgerError> {
        let (condition, rev) = condition(expect);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .condition_expression(condition)
            .set_expression_attribute_values(rev);
        let put = put.build().map_err(unfit)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Returns whether the condition of a write was not met.
pub(crate) fn failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// The error for a write that lacks a part.
pub(crate) fn unfit(error: aws_sdk_dynamodb::error::BuildError) -> LedgerError {
    LedgerError::Damaged(error.to_string())
}
