//! The metrics of a batch of changes, and the log lines that they share.
//!
//! A line declares its metrics, which is most of its bytes, and CloudWatch charges for every byte.
//! So all values of the same metrics and dimensions within a minute share a declaration.

use std::{cmp::Reverse, collections::BTreeMap};

use holdfast_receipt::AttemptOutcome;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    about::About,
    event::Event,
    measurement::Measurement,
    metrics::{Metric, emf, metrics, step_emf},
};

/// The most values of a metric in one line ([AWS][values]).
///
/// [values]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const MAX_VALUES: usize = 100;

/// The number of measurements without a failure that have a line of their own beside a shared one,
/// the longest first.
const NAMED: usize = 2;

/// The members in which lines that share a declaration differ. A query of the log finds executions
/// by them.
const OF_ONE: [&str; 2] = ["execution", "outcome"];

/// The counts and measurements of a batch of changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricBatch {
    counted: Vec<Count>,
    measured: Vec<(About, Measurement)>,
}

/// The counts of an event.
#[derive(Debug, Clone, PartialEq)]
struct Count {
    about: About,
    metrics: Vec<(Metric, i64)>,
    at: Timestamp,
}

impl MetricBatch {
    /// Adds the counts of an event.
    pub fn event(&mut self, event: &Event) {
        let metrics = metrics(event);
        if !metrics.is_empty() {
            self.counted.push(Count {
                about: event.about.clone(),
                metrics,
                at: event.at,
            });
        }
    }

    /// Adds a measurement of a step or a question of this tenant and workflow.
    pub fn measurement(&mut self, about: &About, measured: Measurement) {
        self.measured.push((about.clone(), measured));
    }

    /// The lines of so many equal batches together.
    pub fn lines_of(&self, batches: usize, namespace: &str, by_tenant: bool) -> Vec<Value> {
        let mut all = Self::default();
        for _ in 0..batches {
            all.counted.extend_from_slice(&self.counted);
            all.measured.extend_from_slice(&self.measured);
        }
        all.lines(namespace, by_tenant)
    }

    /// The log lines of the batch. Metrics of events exist by tenant too if `by_tenant` says so.
    pub fn lines(&self, namespace: &str, by_tenant: bool) -> Vec<Value> {
        let counted = self.counted.iter().map(|count| {
            let line = emf(
                namespace,
                &count.metrics,
                Some(&count.about),
                by_tenant,
                count.at,
            );
            Sample::new(line, &count.metrics, count.at)
        });
        let mut lines: Vec<_> = grouped(counted).into_iter().map(Group::line).collect();
        let measured = self.measured.iter().map(|(about, one)| {
            let metrics = [&one.of_step[..], &one.of_target[..]].concat();
            Sample::new(step_emf(namespace, one, about), &metrics, one.at)
        });
        for group in grouped(measured) {
            // A shared line names no execution.
            if group.samples.len() > 1 {
                lines.extend(group.named());
            }
            lines.push(group.line());
        }
        lines
    }
}

/// One line of metrics.
struct Sample {
    line: Value,
    names: Vec<&'static str>,
    minute: i64,
}

impl Sample {
    fn new(line: Value, metrics: &[(Metric, i64)], at: Timestamp) -> Self {
        Self {
            line,
            names: metrics.iter().map(|(metric, _)| metric.name()).collect(),
            minute: at.as_second().div_euclid(60),
        }
    }

    /// The line without its declaration, which is no metric of CloudWatch.
    fn undeclared(&self) -> Value {
        let members = self.line.as_object().cloned().unwrap_or_default();
        let members = members.into_iter().filter(|(name, _)| name != "_aws");
        Value::Object(members.collect())
    }

    /// True for an attempt that did not succeed.
    fn has_failed(&self) -> bool {
        let outcome = self.line.get("outcome");
        outcome.is_some_and(|outcome| outcome != AttemptOutcome::Succeeded.name())
    }

    /// The time of the attempt. A measurement without an attempt has its largest value.
    fn duration(&self) -> i64 {
        let value = |name: &str| self.line.get(name).and_then(Value::as_i64);
        let largest = || self.names.iter().filter_map(|name| value(name)).max();
        let attempt = value(Metric::AttemptDuration.name());
        attempt.or_else(largest).unwrap_or_default()
    }

    /// Everything in which lines that share a declaration are equal.
    fn declaration(&self) -> String {
        let members = self.line.as_object().cloned().unwrap_or_default();
        let differs = |name: &str| self.names.contains(&name) || OF_ONE.contains(&name);
        let equal = members.into_iter();
        let equal: Map<_, _> = equal
            .filter(|(name, _)| name != "_aws" && !differs(name))
            .collect();
        let declared = &self.line["_aws"]["CloudWatchMetrics"];
        json!([self.minute, declared, equal]).to_string()
    }
}

/// The lines that share a declaration, in their order.
struct Group {
    samples: Vec<Sample>,
}

impl Group {
    /// Lines without a declaration, each with its execution: of every attempt that failed, and of
    /// the longest others.
    fn named(&self) -> Vec<Value> {
        let (failed, mut others): (Vec<_>, Vec<_>) =
            self.samples.iter().partition(|sample| sample.has_failed());
        others.sort_by_key(|sample| Reverse(sample.duration()));
        let named = failed.into_iter().chain(others.into_iter().take(NAMED));
        named.map(Sample::undeclared).collect()
    }

    /// The line with the values of all: a number for one value, else a list.
    fn line(self) -> Value {
        let mut samples = self.samples.into_iter();
        let Some(first) = samples.next() else {
            return Value::Null;
        };
        let others: Vec<_> = samples.collect();
        let mut line = first.line;
        if others.is_empty() {
            return line;
        }
        for name in first.names {
            let values = others.iter().map(|one| one.line[name].clone());
            let values: Vec<_> = std::iter::once(line[name].take()).chain(values).collect();
            line[name] = values.into();
        }
        if let Some(members) = line.as_object_mut() {
            members.retain(|name, _| !OF_ONE.contains(&name.as_str()));
        }
        line
    }
}

/// Groups lines by their declaration, the groups in the order of their first lines.
fn grouped(samples: impl Iterator<Item = Sample>) -> Vec<Group> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for sample in samples {
        let declaration = sample.declaration();
        let open = places
            .get(&declaration)
            .and_then(|place: &usize| groups.get_mut(*place))
            .filter(|group| group.samples.len() < MAX_VALUES);
        match open {
            Some(group) => group.samples.push(sample),
            None => {
                places.insert(declaration, groups.len());
                groups.push(Group {
                    samples: vec![sample],
                });
            }
        }
    }
    groups
}
