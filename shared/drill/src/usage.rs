//! The units and requests of a measured run.

use std::collections::BTreeMap;

use holdfast_audit::MetricBatch;
use holdfast_ledger::{Partition, Statistics, StatisticsKey, statistics_units};

/// The namespace of metrics of a deployment called `holdfast`.
const NAMESPACE: &str = "Holdfast/holdfast";

/// The units of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Read units.
    pub reads: u64,
    /// Write units.
    pub writes: u64,
}

/// A number of events or lines, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Volume {
    /// Events or lines.
    pub count: u64,
    /// Their bytes, all together.
    pub bytes: u64,
}

impl Volume {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// The requests of one execution at each service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Usage {
    /// State transitions of Standard state machines, a retry of a state included.
    pub transitions: u64,
    /// Runs of Express state machines, whose transitions have no price.
    pub express_runs: u64,
    /// Milliseconds of these runs, of which each is charged by whole 100 ms.
    pub express_ms: u64,
    /// Invocations of functions by state machines.
    pub calls: u64,
    /// Status events of Standard executions that did not succeed, which a queue takes to `recover`.
    pub status_events: u64,
    /// Requests by which people decide.
    pub votes: u64,
    /// Requests to the ledger.
    pub ledger_requests: u64,
    /// The bytes of the largest entry in the list of the tenant's executions.
    pub listed_bytes: u64,
    /// The units of each partition of the ledger.
    pub partitions: BTreeMap<Partition, Load>,
    /// Objects written.
    pub objects_put: u64,
    /// Objects read.
    pub objects_got: u64,
    /// Signed receipts. A short-lived key signs many of them for one signature of KMS.
    pub receipts_signed: u64,
    /// Audit events of steps that took effect.
    pub completed_steps: Volume,
    /// The times of these events, in milliseconds since the start, in order.
    pub completed_ms: Vec<u64>,
    /// The audit events of steps that the specification does not name.
    pub step_details: Volume,
    /// All other audit events.
    pub events: Volume,
    /// The metrics that audit events and step records yield.
    pub metrics: MetricBatch,
    /// Contributions to the statistics of its tenant and workflow, as if in one hour.
    pub statistics: Option<(StatisticsKey, Statistics)>,
    /// The times of changes of records, which the ledger's stream carries, in milliseconds since
    /// the start, in order.
    pub change_ms: Vec<u64>,
    /// Requests at targets.
    pub target_calls: u64,
}

impl Usage {
    /// The number of changes of records.
    pub fn changes(&self) -> u64 {
        self.change_ms.len() as u64
    }

    /// The write units of a batch of the ledger's stream that adds to the statistics of an hour
    /// with so many equal executions.
    pub fn statistics_units(&self, executions: u64) -> u64 {
        let statistics = self.statistics.as_ref();
        statistics.map_or(0, |(of, sums)| statistics_units(of, sums, executions))
    }

    /// The read units of the table.
    pub fn reads(&self) -> u64 {
        self.partitions.values().map(|load| load.reads).sum()
    }

    /// The write units of the table, without its indexes.
    pub fn table_writes(&self) -> u64 {
        self.writes(|partition| partition.index.is_none())
    }

    /// The write units of the indexes.
    pub fn index_writes(&self) -> u64 {
        self.writes(|partition| partition.index.is_some())
    }

    /// The log lines of metrics of so many equal executions whose changes are one batch.
    pub fn metric_lines(&self, executions: usize) -> Volume {
        let mut lines = Volume::default();
        for line in self.metrics.lines_of(executions, NAMESPACE, true) {
            lines.add(line.to_string().len() as u64);
        }
        lines
    }

    fn writes(&self, counts: impl Fn(&Partition) -> bool) -> u64 {
        let partitions = self.partitions.iter();
        let counted = partitions.filter(|(partition, _)| counts(partition));
        counted.map(|(_, load)| load.writes).sum()
    }
}

/// The mean number of batches in which changes at these times are, if each batch gathers for so
/// many seconds. A batch begins at any time, since other executions fill it too.
pub fn batches(times_ms: &[u64], seconds: f64) -> f64 {
    let gaps = times_ms.windows(2).map(|pair| pair[1].abs_diff(pair[0]));
    let further: f64 = gaps
        .map(|gap| (gap as f64 / 1000.0 / seconds).min(1.0))
        .sum();
    match times_ms.is_empty() {
        true => 0.0,
        false => 1.0 + further,
    }
}

/// A measured run.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRun {
    /// Final status of the execution. `None` if no record exists.
    pub status: Option<String>,
    /// The requests of the run at each service.
    pub usage: Usage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_in_one_batch_and_in_another_one_after_a_wait() {
        assert_eq!(batches(&[], 5.0), 0.0);
        assert_eq!(batches(&[7], 5.0), 1.0);
        assert_eq!(batches(&[0, 1_000, 2_500], 5.0), 1.5);
        assert_eq!(batches(&[0, 240_000, 240_000], 5.0), 2.0);
    }
}
