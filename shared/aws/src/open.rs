//! The index of open executions: what the sweep looks at, when it looks again, and how many there
//! are.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput},
    types::AttributeValue,
};
use holdfast_ledger::{
    DueEntry, ExecutionRecord, Key, LedgerError, List, NextLook, OpenIndex, Question, Record as _,
    instant,
};
use jiff::Timestamp;

use crate::{
    item::{key_item, key_of, text},
    ledger::{DynamoLedger, unavailable},
};

impl OpenIndex for DynamoLedger {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueEntry>, LedgerError> {
        let mut found = Vec::new();
        for urgent in [true, false] {
            let mut due = Vec::new();
            for list in List::all_open(urgent) {
                let page = self
                    .query_list(&list)
                    .key_condition_expression("#list = :list AND #due < :due")
                    .expression_attribute_names("#due", list.range())
                    .expression_attribute_values(":due", text(instant(now)))
                    .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                    .send()
                    .await
                    .map_err(|error| unavailable(&error))?;
                for item in page.items.unwrap_or_default() {
                    let entry = match key_of(&item) {
                        Some(Key::Execution(at)) => DueEntry::Execution(at),
                        Some(Key::Question(question)) => DueEntry::Question(question.at),
                        _ => continue,
                    };
                    let since = item.get(list.range()).and_then(|at| at.as_s().ok());
                    due.push((since.cloned().unwrap_or_default(), entry));
                }
            }
            due.sort_by(|one, other| one.0.cmp(&other.0));
            found.extend(due.into_iter().map(|(_, entry)| entry));
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn look_again(
        &self,
        execution: &ExecutionRecord,
        next: NextLook,
    ) -> Result<(), LedgerError> {
        let list = List::open(&execution.at, next.urgent);
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_item(&execution.key())))
            .update_expression("SET #list = :list, #due = :due")
            .condition_expression("rev = :rev AND attribute_exists(#list)")
            .expression_attribute_names("#list", list.index())
            .expression_attribute_names("#due", list.range())
            .expression_attribute_values(":list", text(list.hash()))
            .expression_attribute_values(":due", text(instant(next.due)))
            .expression_attribute_values(":rev", AttributeValue::N(execution.rev.to_string()))
            .send()
            .await;
        unless_changed(sent)
    }

    async fn looked_at(&self, question: &Question) -> Result<(), LedgerError> {
        let list = List::open(&question.at, false);
        let update = self.client.update_item().table_name(&self.table);
        let update = match question.next_reminder() {
            None => update.update_expression("REMOVE #list, #due"),
            Some(next) => update
                .update_expression("SET #list = :list, #due = :due")
                .expression_attribute_values(":list", text(list.hash()))
                .expression_attribute_values(":due", text(instant(next))),
        };
        let sent = update
            .set_key(Some(key_item(&question.key())))
            .condition_expression("rev = :rev")
            .expression_attribute_names("#list", list.index())
            .expression_attribute_names("#due", list.range())
            .expression_attribute_values(":rev", AttributeValue::N(question.rev.to_string()))
            .send()
            .await;
        unless_changed(sent)
    }
}

impl DynamoLedger {
    /// The number of executions without a receipt, and the start of the oldest one. Reads only the
    /// first page of each list, some thousand executions. The index is eventually consistent.
    pub async fn open(&self) -> Result<(usize, Option<Timestamp>), LedgerError> {
        let mut began = Vec::new();
        for list in [true, false].into_iter().flat_map(List::all_open) {
            let page = self
                .query_list(&list)
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            // The list has questions too; only executions have a start.
            let starts = page.items().iter().filter_map(|item| {
                item.get("started_at")?
                    .as_s()
                    .ok()?
                    .parse::<Timestamp>()
                    .ok()
            });
            began.extend(starts);
        }
        Ok((began.len(), began.iter().min().copied()))
    }
}

/// The result of an update of the index. An update that a newer record refuses is not needed.
fn unless_changed(
    sent: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<(), LedgerError> {
    match sent {
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(unavailable(&error)),
        Ok(_) => Ok(()),
    }
}
