//! Transactions of the ledger's table.

use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use holdfast_engine::Host;
use holdfast_ledger::{Expect, LedgerError};
use jiff::Timestamp;

use crate::{
    item::{Item, condition},
    ledger::{DynamoLedger, unavailable},
};

/// The tries of a transaction while concurrent ones are first.
const TRIES: u32 = 8;

/// The bound of the pause before the second try, which doubles with each further one.
const PAUSE_MS: u64 = 20;

/// Sends a transaction until `send` returns a result. `send` returns `None` while a concurrent
/// transaction is first. After the last try, the error says that `others` are at work.
pub(crate) async fn despite_conflicts<T, F>(
    host: &impl Host,
    others: &str,
    mut send: impl FnMut() -> F,
) -> Result<T, LedgerError>
where
    F: Future<Output = Result<Option<T>, LedgerError>>,
{
    for n in 0..TRIES {
        if n > 0 {
            host.sleep(pause_before(n)).await;
        }
        if let Some(result) = send().await? {
            return Ok(result);
        }
    }
    Err(LedgerError::Unavailable(format!(
        "{others} at the same time: send the request again"
    )))
}

/// A pause between the half and the whole of a bound that doubles, spread by the clock's digits, so
/// that two writers that met do not meet again.
fn pause_before(n: u32) -> Duration {
    let most = PAUSE_MS << (n - 1);
    let spread = Timestamp::now().subsec_nanosecond().unsigned_abs() / 1_000;
    Duration::from_millis(most / 2 + u64::from(spread) % (most / 2))
}

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

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::Mutex};

    use super::*;

    /// A clock whose sleeps end at once.
    #[derive(Default)]
    struct Sleeps(Mutex<Vec<Duration>>);

    impl Host for Sleeps {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        async fn sleep(&self, duration: Duration) {
            self.0.lock().expect("no panic").push(duration);
        }

        fn token(&self) -> String {
            String::new()
        }
    }

    #[tokio::test]
    async fn a_transaction_is_sent_until_no_other_one_is_first() {
        let (host, mut sent) = (Sleeps::default(), 0);
        let result = despite_conflicts(&host, "others write", || {
            sent += 1;
            ready(Ok((sent == 3).then_some(sent)))
        });
        assert_eq!(result.await, Ok(3));
        let sleeps = host.0.into_inner().expect("no panic");
        assert_eq!(sleeps.len(), 2);
        assert!(sleeps[0] < sleeps[1], "{sleeps:?}");
    }

    #[tokio::test]
    async fn a_transaction_that_meets_another_one_each_time_is_sent_eight_times() {
        let (host, mut sent) = (Sleeps::default(), 0);
        let result = despite_conflicts(&host, "other controls are changed", || {
            sent += 1;
            ready(Ok(None::<()>))
        });
        let why = "other controls are changed at the same time: send the request again".to_owned();
        assert_eq!(result.await, Err(LedgerError::Unavailable(why)));
        assert_eq!((sent, host.0.lock().expect("no panic").len()), (8, 7));
    }

    #[tokio::test]
    async fn an_error_ends_the_tries() {
        let (host, mut sent) = (Sleeps::default(), 0);
        let refused = LedgerError::Refused("ValidationError".to_owned());
        let result = despite_conflicts(&host, "others write", || {
            sent += 1;
            ready(Err::<Option<()>, _>(refused.clone()))
        });
        assert_eq!(result.await, Err(refused.clone()));
        assert_eq!(sent, 1);
    }
}
