//! The refused repeats of a start in the ledger's table: an item for each execution that has some.
//!
//! The count has an item of its own, since the execution record is written whole: fifty repeats at
//! once must not race with its writer. The item keeps an entry for each of the first repeats. An
//! update that the SDK sends again finds its entry, and counts nothing.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Duplicate, Duplicates, Key, LedgerError};

use crate::{
    item::{Item, key_item, text},
    ledger::{DynamoLedger, unavailable},
};

/// The attribute that holds the entries of the first repeats.
pub(crate) const ENTRIES: &str = "entries";
/// The attribute that holds the entry of the last repeat that has no place among the first.
const LAST: &str = "last_entry";

impl DynamoLedger {
    /// Counts a repeat, unless its entry is stored. The rule is [`Duplicates::count`].
    pub(crate) async fn add_duplicate(
        &self,
        at: &ExecutionKey,
        workflow: &str,
        duplicate: &Duplicate,
    ) -> Result<(), LedgerError> {
        let entry = duplicate.entry();
        let first = self
            .update_duplicates(at, workflow, &entry)
            .update_expression(
                "SET workflow = :workflow, \
                 #entries = list_append(if_not_exists(#entries, :none), :entries) \
                 ADD refused :one",
            )
            // `contains` finds an element of a list:
            // docs.aws.amazon.com/amazondynamodb, "Expressions.OperatorsAndFunctions".
            .condition_expression(
                "(attribute_not_exists(refused) OR \
                 (attribute_exists(#entries) AND size(#entries) < :most)) \
                 AND NOT contains(#entries, :entry)",
            )
            .expression_attribute_names("#entries", ENTRIES)
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":entries", AttributeValue::L(vec![text(entry.clone())]))
            .expression_attribute_values(
                ":most",
                AttributeValue::N(Duplicates::ENTRIES_MAX.to_string()),
            );
        let Some(stored) = refused_by(first.send().await)? else {
            return Ok(());
        };
        if read_duplicates(&stored).entries.contains(&entry) {
            return Ok(());
        }
        let further = self
            .update_duplicates(at, workflow, &entry)
            .update_expression("SET workflow = :workflow, #last = :entry ADD refused :one")
            .condition_expression("attribute_not_exists(#last) OR #last <> :entry")
            .expression_attribute_names("#last", LAST);
        refused_by(further.send().await)?;
        Ok(())
    }

    fn update_duplicates(
        &self,
        at: &ExecutionKey,
        workflow: &str,
        entry: &str,
    ) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_item(&Key::Duplicates(at.clone()))))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":workflow", text(workflow))
            .expression_attribute_values(":entry", text(entry))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// The stored item if its condition refused the update; `None` if the update was applied.
fn refused_by<T>(sent: Result<T, SdkError<UpdateItemError>>) -> Result<Option<Item>, LedgerError> {
    let Err(error) = sent else {
        return Ok(None);
    };
    if let SdkError::ServiceError(service) = &error
        && let UpdateItemError::ConditionalCheckFailedException(lost) = service.err()
    {
        return Ok(Some(lost.item().cloned().unwrap_or_default()));
    }
    Err(unavailable(&error))
}

/// The refused repeats in an item.
pub(crate) fn read_duplicates(item: &Item) -> Duplicates {
    let refused = item.get("refused").and_then(|count| count.as_n().ok());
    let entries = item.get(ENTRIES).and_then(|entries| entries.as_l().ok());
    let entries = entries.into_iter().flatten();
    let last = item.get(LAST).and_then(|last| last.as_s().ok());
    Duplicates {
        refused: refused
            .and_then(|count| count.parse().ok())
            .unwrap_or_default(),
        entries: entries
            .filter_map(|entry| entry.as_s().ok().cloned())
            .collect(),
        last: last.cloned(),
    }
}
