//! The event bus to which audit events are published.

use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use holdfast_audit::Entry;

use crate::failure;

/// The EventBridge source of the events.
const SOURCE: &str = "holdfast";
/// The maximum number of entries in one call.
const AT_ONCE: usize = 10;

/// The bus that carries audit events, which the function `audit` alone may write.
#[derive(Debug, Clone)]
pub struct AuditBus {
    client: Client,
    name: String,
}

/// The first entry that was not published, and the reason. Every entry before it was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus took {from} entries and no more: {why}")]
pub struct PublishError {
    /// The place of that entry, from 0; later ones may have been published.
    pub from: usize,
    /// The error code of EventBridge, or why it did not answer.
    pub why: String,
}

impl AuditBus {
    /// The bus called `name`.
    pub fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
        }
    }

    /// Publishes entries in order.
    pub async fn publish(&self, entries: &[Entry]) -> Result<(), PublishError> {
        for (n, chunk) in entries.chunks(AT_ONCE).enumerate() {
            let entries = chunk.iter().map(|entry| {
                PutEventsRequestEntry::builder()
                    .event_bus_name(&self.name)
                    .source(SOURCE)
                    .detail_type(entry.kind)
                    .detail(entry.detail.to_string())
                    .build()
            });
            let put = self
                .client
                .put_events()
                .set_entries(Some(entries.collect()))
                .send()
                .await;
            let failed = match &put {
                Ok(answer) => refused(n, answer.entries()),
                Err(error) => Some(PublishError {
                    from: n * AT_ONCE,
                    why: failure::reason(error),
                }),
            };
            if let Some(unpublished) = failed {
                return Err(unpublished);
            }
        }
        Ok(())
    }
}

/// The first entry that a call refused. A successful call may refuse any of its entries.
fn refused(n: usize, entries: &[PutEventsResultEntry]) -> Option<PublishError> {
    let mut entries = entries.iter().enumerate();
    entries.find_map(|(place, entry)| {
        Some(PublishError {
            from: n * AT_ONCE + place,
            why: entry.error_code()?.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refused_entry_is_counted_over_all_calls() {
        let taken = || PutEventsResultEntry::builder().event_id("1").build();
        let not = |code: &str| PutEventsResultEntry::builder().error_code(code).build();
        assert_eq!(refused(2, &[taken(), taken()]), None);
        let entries = [
            taken(),
            not("ThrottlingException"),
            taken(),
            not("InternalFailure"),
        ];
        for (call, from) in [(0, 1), (2, 21)] {
            let why = "ThrottlingException".to_owned();
            assert_eq!(refused(call, &entries), Some(PublishError { from, why }));
        }
    }
}
