//! The event bus that audit events go to.

use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use serde_json::Value;

/// What events of ours have as their EventBridge source.
const SOURCE: &str = "holdfast";
/// What one call takes.
const AT_ONCE: usize = 10;

/// An event bus.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: Client,
    name: String,
}

/// What was not published, and why; everything before it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus took {from} events and no more: {why}")]
pub struct PublishError {
    /// The first one that was not; later ones may have been.
    pub from: usize,
    /// The bus's own error code.
    pub why: String,
}

impl EventBus {
    /// The bus called `name`.
    pub fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
        }
    }

    /// Publishes events, each with its type, in order.
    pub async fn publish(&self, events: &[(&str, Value)]) -> Result<(), PublishError> {
        for (n, chunk) in events.chunks(AT_ONCE).enumerate() {
            let entries = chunk.iter().map(|(kind, event)| {
                PutEventsRequestEntry::builder()
                    .event_bus_name(&self.name)
                    .source(SOURCE)
                    .detail_type(*kind)
                    .detail(event.to_string())
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
                Err(error) => {
                    use aws_sdk_eventbridge::error::ProvideErrorMetadata as _;
                    Some(PublishError {
                        from: n * AT_ONCE,
                        why: error.code().unwrap_or("no answer").to_owned(),
                    })
                }
            };
            if let Some(unpublished) = failed {
                return Err(unpublished);
            }
        }
        Ok(())
    }
}

/// The first event that the `n`th call's answer says was not taken: an answer of success may refuse any of them.
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
    fn what_a_partial_answer_refused_first_is_counted_from_the_first_call_on() {
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
