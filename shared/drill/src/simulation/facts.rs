//! Derives the audit events of every write of a schedule, and checks that an id means one fact.

use std::collections::BTreeMap;

use holdfast_audit::{About, Event, Kind, Record, events};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{AnyRecord, ExecutionRecord};
use jiff::Timestamp;

/// The audit events of a schedule.
#[derive(Default)]
pub(crate) struct Facts {
    /// The last version of each record, by its kind and its names.
    records: BTreeMap<String, Record>,
    /// The last version of each execution record, which names the workflow of steps and questions.
    executions: BTreeMap<ExecutionKey, ExecutionRecord>,
    events: BTreeMap<String, Event>,
    violations: Vec<String>,
}

impl Facts {
    /// Derives the events of a written record.
    pub(crate) fn note(&mut self, record: AnyRecord, now: Timestamp) {
        let (name, record) = match record {
            AnyRecord::Execution(record) => {
                let at = record.at.clone();
                self.executions.insert(at, record.as_ref().clone());
                let name = format!("execution {}", record.at.execution);
                (name, Record::Execution(record))
            }
            AnyRecord::Step(record) => {
                let name = format!("step {} {}", record.at.execution, record.label());
                (name, Record::Step(record))
            }
            AnyRecord::Question(record) => {
                let name = format!("question {} {}", record.at.execution, record.step);
                (name, Record::Question(record))
            }
            AnyRecord::Incident(record) => {
                (format!("incident {}", record.id), Record::Incident(record))
            }
            AnyRecord::Control(_)
            | AnyRecord::Tenant(_)
            | AnyRecord::Delegation(_)
            | AnyRecord::Bulk(_)
            | AnyRecord::BulkPart(_) => return,
        };
        let execution = record.execution().and_then(|at| self.executions.get(at));
        let Some(about) = record.about().or_else(|| execution.map(About::of)) else {
            return;
        };
        let before = self.records.get(&name);
        for event in events(before, &record, &about, now) {
            self.add(event);
        }
        // A rebuild, and the story of an execution, derive every event again.
        for event in events(None, &record, &about, now) {
            self.compare(&event);
        }
        self.records.insert(name, record);
    }

    fn add(&mut self, event: Event) {
        self.compare(&event);
        self.events.entry(event.id.clone()).or_insert(event);
    }

    /// Compares an event with the one that was emitted under its id. Two of its members follow the
    /// execution record. A redrive changes the version of the workflow. `Begin` changes the
    /// definition of a start if a deployment came between a redrive and its start.
    fn compare(&mut self, event: &Event) {
        let Some(emitted) = self.events.get(&event.id) else {
            return;
        };
        let derived = Event {
            about: emitted.about.clone(),
            ..event.clone()
        };
        if derived != *emitted && event.kind() != Kind::Started {
            let kind = event.kind().name();
            let what = format!("audit: one event id means two facts of {kind}");
            self.violations.push(what);
        }
    }

    /// Returns the number of events, and of those of steps that the specification does not name.
    pub(crate) fn count(&self) -> (usize, usize) {
        let events = self.events.values();
        let details = events.filter(|event| event.kind().is_step_detail());
        (self.events.len(), details.count())
    }

    /// Returns the ids that mean two facts.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.clone()
    }
}
