//! The entries that carry audit events on the audit bus: most events have one of their own, and
//! step events can share one or have none.

use std::{mem, str::FromStr};

use serde_json::{Value, json};

use crate::{event::Event, kind::Kind};

/// The detail type of an entry with several step events, in its member `events`.
pub const STEP_EVENTS: &str = "audit.steps";

/// The most bytes of step events in one entry. [A call takes ten entries and 256 KB][size], and an
/// entry is [charged for each 64 KB][price].
///
/// [size]: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
/// [price]: https://aws.amazon.com/eventbridge/pricing/
const ENTRY_BYTES: usize = 20_000;

/// The publication of the step events that the specification does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepEvents {
    /// One entry for each event.
    Events,
    /// Entries of several events, for the archive.
    Archive,
    /// None.
    Off,
}

impl FromStr for StepEvents {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "events" => Ok(Self::Events),
            "archive" => Ok(Self::Archive),
            "off" => Ok(Self::Off),
            other => Err(format!("{other:?} is not one of events, archive, off")),
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
    /// Full entries of step events, and the one that is being filled.
    full: Vec<Entry>,
    filling: Vec<Value>,
    bytes: usize,
    first_change: usize,
}

impl<'a> Publication<'a> {
    /// An empty publication of the deployment `source`.
    pub fn new(step_events: StepEvents, source: &'a str) -> Self {
        Self {
            step_events,
            source,
            entries: Vec::new(),
            full: Vec::new(),
            filling: Vec::new(),
            bytes: 0,
            first_change: 0,
        }
    }

    /// Adds an event of the change with this number.
    pub fn event(&mut self, change: usize, event: &Event) {
        let kind = event.kind();
        match self.step_events {
            StepEvents::Archive if kind.is_step_detail() => {
                self.share(change, event.cloud_event(self.source));
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

    fn share(&mut self, change: usize, event: Value) {
        let bytes = event.to_string().len();
        if self.bytes + bytes > ENTRY_BYTES {
            self.close();
        }
        if self.filling.is_empty() {
            self.first_change = change;
        }
        self.bytes += bytes;
        self.filling.push(event);
    }

    fn close(&mut self) {
        if !self.filling.is_empty() {
            self.full.push(Entry {
                kind: STEP_EVENTS,
                detail: json!({ "events": mem::take(&mut self.filling) }),
                change: self.first_change,
            });
        }
        self.bytes = 0;
    }

    /// The entries in the order in which they are published.
    pub fn entries(mut self) -> Vec<Entry> {
        self.close();
        self.entries.append(&mut self.full);
        self.entries
    }
}

/// The number of the change with which a batch must begin again, if the entry `from` and those
/// after it were not published: the first change with a part in one of them.
pub fn first_unpublished(entries: &[Entry], from: usize) -> Option<usize> {
    let unpublished = entries.iter().skip(from);
    unpublished.map(|entry| entry.change).min()
}
