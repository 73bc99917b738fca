//! Derives the audit events of every write of a schedule, and checks that an id means one fact.

use std::collections::BTreeMap;

use holdfast_audit::{
    About, Event, Kind, MetricBatch, Origin, Record, contributions, events, measurements,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{AnyRecord, ExecutionRecord, Statistics, StatisticsKey};
use jiff::Timestamp;

use crate::usage::Volume;

/// The source of events of a deployment called `holdfast`.
const SOURCE: &str = "holdfast/holdfast";

/// The bytes that EventBridge adds to the detail of an event: its time, and the source `holdfast`.
/// The detail type comes in addition
/// ([AWS](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html)).
const ENVELOPE_BYTES: u64 = 14 + 8;

/// The audit events of a schedule, and what the function `audit` logs of them.
#[derive(Default)]
pub(crate) struct Facts {
    /// True if the metrics are collected.
    measures: bool,
    metrics: MetricBatch,
    /// The contributions to statistics, if the metrics are collected.
    statistics: Option<(StatisticsKey, Statistics)>,
    /// The last version of each record, by its kind and its names.
    records: BTreeMap<String, Record>,
    /// The last version of each execution record, which names the workflow of steps and questions.
    executions: BTreeMap<ExecutionKey, ExecutionRecord>,
    events: BTreeMap<String, Event>,
    violations: Vec<String>,
}

impl Facts {
    /// No event yet. The metrics are collected too.
    pub(crate) fn measuring() -> Self {
        Self {
            measures: true,
            ..Self::default()
        }
    }

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
        let measured = match execution.filter(|_| self.measures) {
            Some(execution) => measurements(before, &record, &Origin::of(execution)),
            None => Vec::new(),
        };
        let written = events(before, &record, &about, now);
        if self.measures {
            for (of, sums) in contributions(&written, &measured, &about) {
                let statistics = self.statistics.get_or_insert((of, Statistics::default()));
                statistics.1.add(&sums);
            }
        }
        for one in measured {
            self.metrics.measurement(&about, one);
        }
        for event in written {
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

    /// Returns the events of completed steps, the details of steps, and all others.
    pub(crate) fn volumes(&self) -> (Volume, Volume, Volume) {
        let (mut completed, mut details, mut others) = Default::default();
        for event in self.events.values() {
            let kind = event.kind();
            let volume: &mut Volume = match kind {
                Kind::StepCompleted => &mut completed,
                _ if kind.is_step_detail() => &mut details,
                _ => &mut others,
            };
            let detail = event.cloud_event(SOURCE).to_string();
            volume.add(ENVELOPE_BYTES + kind.name().len() as u64 + detail.len() as u64);
        }
        (completed, details, others)
    }

    /// Returns the times of the events of completed steps, in order.
    pub(crate) fn completed(&self) -> Vec<Timestamp> {
        let events = self.events.values();
        let completed = events.filter(|event| event.kind() == Kind::StepCompleted);
        let mut times: Vec<_> = completed.map(|event| event.at).collect();
        times.sort_unstable();
        times
    }

    /// Returns the contributions to statistics, as if all were made in one hour.
    pub(crate) fn statistics(&self) -> Option<(StatisticsKey, Statistics)> {
        self.statistics.clone()
    }

    /// Returns the metrics of the measured changes and of all events.
    pub(crate) fn metrics(&self) -> MetricBatch {
        let mut metrics = self.metrics.clone();
        for event in self.events.values() {
            metrics.event(event);
        }
        metrics
    }

    /// Returns the ids that mean two facts.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.clone()
    }
}
