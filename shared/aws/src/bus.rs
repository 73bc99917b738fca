//! The event bus that audit events go to.

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
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
pub struct Unpublished {
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
    pub async fn publish(&self, events: &[(&str, Value)]) -> Result<(), Unpublished> {
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
                Ok(answer) => answer
                    .entries()
                    .iter()
                    .enumerate()
                    .find_map(|(place, entry)| Some((place, entry.error_code()?.to_owned()))),
                Err(error) => {
                    use aws_sdk_eventbridge::error::ProvideErrorMetadata as _;
                    let code = error.code().unwrap_or("no answer");
                    Some((0, code.to_owned()))
                }
            };
            if let Some((place, why)) = failed {
                let from = n * AT_ONCE + place;
                return Err(Unpublished { from, why });
            }
        }
        Ok(())
    }
}
