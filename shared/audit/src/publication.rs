//! The entries that carry audit events on the audit bus: most events have one of their own, and
//! step events can share one or have none.

use std::str::FromStr;

use serde_json::{Value, json};

use crate::{about::About, event::Event, kind::Kind};

/// The detail type of an entry with several step events, in its member `events`.
pub const STEP_EVENTS: &str = "audit.steps";

/// The most bytes of step events in one entry. [A call takes ten entries and 256 KB][size], and an
/// entry is [charged for each 64 KB][price].
///
/// [size]: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
/// [price]: https://aws.amazon.com/eventbridge/pricing/
pub const SHARED_ENTRY_BYTES: usize = 20_000;

/// The publication of step events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepEvents {
    /// One entry for each event.
    Events,
    /// Entries of several events, for the archive. A completed step has an entry of its own.
    Archive,
    /// Entries of several events. The completed steps of an execution share entries of their type.
    Batch,
    /// None, but for completed steps, which have an entry each.
    Off,
}

impl FromStr for StepEvents {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "events" => Ok(Self::Events),
            "archive" => Ok(Self::Archive),
            "batch" => Ok(Self::Batch),
            "off" => Ok(Self::Off),
            other => Err(format!(
                "{other:?} is not one of events, archive, batch, off"
            )),
        }
    }
}

impl Kind {
    /// True for a step event that the specification does not name.
    pub fn is_step_detail(self) -> bool {
        matches!(
            self,
            Self::StepStarted
                | Self::StepRetried
                | Self::StepFailed
                | Self::StepUndone
                | Self::StepUndoFailed
        )
    }
}

/// One entry on the audit bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The detail type.
    pub kind: &'static str,
    /// The detail.
    pub detail: Value,
    /// The number of the first change with a part in the entry.
    change: usize,
}

/// The entries of a batch of changes, collected change by change.
#[derive(Debug)]
pub struct Publication<'a> {
    step_events: StepEvents,
    source: &'a str,
    entries: Vec<Entry>,
    shared: Vec<SharedEntry>,
}

/// An entry that several step events share.
#[derive(Debug)]
struct SharedEntry {
    entry: Entry,
    bytes: usize,
}

impl<'a> Publication<'a> {
    /// An empty publication of the deployment `source`.
    pub fn new(step_events: StepEvents, source: &'a str) -> Self {
        Self {
            step_events,
            source,
            entries: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Adds an event of the change with this number.
    pub fn event(&mut self, change: usize, event: &Event) {
        let kind = event.kind();
        match self.step_events {
            StepEvents::Archive | StepEvents::Batch if kind.is_step_detail() => {
                self.share(change, STEP_EVENTS, json!({}), event);
            }
            StepEvents::Batch if kind == Kind::StepCompleted => {
                let About {
                    tenant, workflow, ..
                } = &event.about;
                let of =
                    json!({ "tenant": tenant, "workflow": workflow, "subject": event.subject });
                self.share(change, kind.name(), of, event);
            }
            StepEvents::Off if kind.is_step_detail() => {}
            _ => self.entry(change, kind.name(), event.cloud_event(self.source)),
        }
    }

    /// Adds an entry of the change with this number.
    pub fn entry(&mut self, change: usize, kind: &'static str, detail: Value) {
        self.entries.push(Entry {
            kind,
            detail,
            change,
        });
    }

    /// Adds an event to the last entry of this kind and subject, or to a new one if that is full.
    fn share(&mut self, change: usize, kind: &'static str, mut detail: Value, event: &Event) {
        let event = event.cloud_event(self.source);
        let bytes = event.to_string().len();
        let mut shared = self.shared.iter_mut().rev();
        let last = shared
            .find(|one| one.entry.kind == kind && one.entry.detail["subject"] == detail["subject"]);
        if let Some(last) = last
            && last.bytes + bytes <= SHARED_ENTRY_BYTES
            && let Some(events) = last.entry.detail["events"].as_array_mut()
        {
            events.push(event);
            last.bytes += bytes;
            return;
        }
        detail["events"] = json!([event]);
        let entry = Entry {
            kind,
            detail,
            change,
        };
        self.shared.push(SharedEntry { entry, bytes });
    }

    /// The entries in the order of their first changes, so that the end of an execution follows its
    /// steps.
    pub fn entries(self) -> Vec<Entry> {
        let shared = self.shared.into_iter().map(|one| one.entry);
        let mut entries: Vec<_> = self.entries.into_iter().chain(shared).collect();
        entries.sort_by_key(|entry| entry.change);
        entries
    }
}

/// The number of the change with which a batch must begin again, if the entry `from` and those
/// after it were not published: the first change with a part in one of them.
pub fn first_unpublished(entries: &[Entry], from: usize) -> Option<usize> {
    let unpublished = entries.iter().skip(from);
    unpublished.map(|entry| entry.change).min()
}
