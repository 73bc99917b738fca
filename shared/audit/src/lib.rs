//! Audit events and metrics, derived from committed changes of ledger records, without payloads.
//!
//! The events of a record are derived from the record alone. The events of a change are those of
//! the new record without those of the old one. Therefore a change that is read twice yields the
//! same events under the same ids, and the current ledger yields every event that it still shows.

mod about;
mod data;
mod derive;
mod event;
mod execution;
mod kind;
mod metrics;
mod people;
mod record;
mod schema;
mod step;
mod story;

pub use about::About;
pub use data::{
    CompletedData, DecidedData, DuplicateData, EventData, NoData, OpenedData, PausedData,
    ReceiptData, RejectedData, ResumedData, RollbackData, StandingData, StartRefusedData,
    StartedData, StepData, WaitingData,
};
pub use derive::{events, events_of, first_unpublished};
pub use event::Event;
pub use kind::{Kind, LogEntry};
pub use metrics::{Metric, Unit, emf, metrics};
pub use record::Record;
pub use story::story;

#[cfg(test)]
mod tests;
