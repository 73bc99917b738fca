//! The units and requests of a measured run.

use std::collections::BTreeMap;

use holdfast_audit::MetricBatch;
use holdfast_ledger::Partition;

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
    /// Invocations of functions by state machines.
    pub calls: u64,
    /// Milliseconds from the start to the end of everything that it caused.
    pub lasted_ms: u64,
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
    /// The audit events of steps that the specification does not name.
    pub step_details: Volume,
    /// All other audit events.
    pub events: Volume,
    /// The metrics that audit events and step records yield.
    pub metrics: MetricBatch,
    /// Changes of records, which the ledger's stream carries.
    pub changes: u64,
    /// Requests at targets.
    pub target_calls: u64,
}

impl Usage {
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

/// A measured run.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRun {
    /// Final status of the execution. `None` if no record exists.
    pub status: Option<String>,
    /// The requests of the run at each service.
    pub usage: Usage,
}
