//! Audit events, metrics and spans, derived from committed changes of ledger records, without
//! payloads.
//!
//! The events of a record are derived from the record alone. The events of a change are those of
//! the new record without those of the old one. Therefore a change that is read twice yields the
//! same events under the same ids, and the current ledger yields every event that it still shows.

mod about;
mod approval;
mod contribution;
mod data;
mod derive;
mod event;
mod execution;
mod kind;
mod measurement;
mod metric_batch;
mod metrics;
mod notice;
mod origin;
mod people;
mod people_data;
mod publication;
mod record;
mod schema;
mod span;
mod step;
mod story;
mod target;

pub use about::About;
pub use contribution::contributions;
pub use data::{
    CompletedData, DuplicateData, EventData, NoData, PausedData, ReceiptData, RejectedData,
    ResumedData, RollbackData, StartRefusedData, StartedData, StepData,
};
pub use derive::{events, events_of};
pub use event::Event;
pub use kind::{Kind, LogEntry};
pub use measurement::{Measurement, measurements};
pub use metric_batch::MetricBatch;
pub use metrics::{Metric, Unit, emf, metrics};
pub use notice::{Links, Notice};
pub use origin::Origin;
pub use people_data::{
    ApprovalDecidedData, ApprovalRequestData, DecidedData, HandledData, OpenedData, StandingData,
    WaitingData,
};
pub use publication::{
    Entry, Publication, SHARED_ENTRY_BYTES, STEP_EVENTS, StepEvents, first_unpublished,
};
pub use record::Record;
pub use span::{Attribute, Span, SpanKind, SpanResource, export_request, spans};
pub use story::story;

#[cfg(test)]
mod tests;
