//! The consumption of one execution: its usage with its share of batches, processes and digests.
//! The bill prices it, and the ceilings divide limits by it.

use holdfast_drill::{SHARED_ENTRY_BYTES, StepEvents, Usage, Volume, batches};

use super::{pages::lists_of_digests, prices::Prices};

/// The read units of a start by the API: a copy of the controls. The API and `begin` each read the
/// registration of the tenant for half a unit, of which the run counts one.
const START_READS: u64 = 1;

/// The requests to KMS of a process that signs receipts: `GetPublicKey` and `Sign`.
const KMS_REQUESTS: f64 = 2.0;

/// The requests of a status event at its queue: it is sent, received and deleted.
const QUEUE_REQUESTS: u64 = 3;

/// The bytes that CloudWatch adds to each log line
/// ([AWS](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html)).
const LINE_BYTES: f64 = 26.0;

/// The most changes of a batch of the ledger's stream, which the template sets.
const MAX_CHANGES: f64 = 1000.0;

/// The executions of an hour by which sums of statistics are sized: three a second.
const HOURLY_EXECUTIONS: u64 = 10_800;

/// The requests, units and bytes of one execution.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Consumption {
    pub(super) transitions: f64,
    pub(super) express_runs: f64,
    pub(super) express_seconds: f64,
    /// Requests to the API: the start, and each vote of a person.
    pub(super) api_requests: f64,
    /// Calls of all functions.
    pub(super) calls: f64,
    pub(super) log_bytes: f64,
    pub(super) traces: f64,
    pub(super) table_writes: f64,
    pub(super) index_writes: f64,
    /// Write units of the tenant's statistics.
    pub(super) statistics_writes: f64,
    pub(super) reads: f64,
    pub(super) objects_put: f64,
    pub(super) objects_got: f64,
    /// Receipts that digests read.
    pub(super) digested: f64,
    /// Requests by which digests list receipts.
    pub(super) digest_lists: f64,
    /// Requests at queues.
    pub(super) queue_requests: f64,
    pub(super) kms_requests: f64,
    /// Entries on the audit bus, which EventBridge charges as events.
    pub(super) entries: f64,
    pub(super) archived_bytes: f64,
}

impl Consumption {
    /// The consumption of a measured execution.
    pub(super) fn of(usage: &Usage, prices: &Prices, step_events: StepEvents) -> Self {
        let assumed = &prices.assumed;
        let audits = usage.changes() as f64 / assumed.changes_per_audit_call;
        let (votes, status_events) = (usage.votes as f64, usage.status_events as f64);
        let receipts = usage.receipts_signed as f64;
        // The functions of state machines, and `recover` for each status event.
        let acting = usage.calls as f64 + status_events;
        // The function `start` answers the start, and `api` the votes.
        let api_requests = 1.0 + votes;
        let (entries, archived) = entries(usage, prices, step_events, audits);
        Self {
            transitions: usage.transitions as f64,
            express_runs: usage.express_runs as f64,
            express_seconds: usage.express_ms as f64 / 1000.0,
            api_requests,
            calls: acting + api_requests + audits,
            // `audit` logs the age of its oldest change too.
            log_bytes: assumed.log_bytes_of_run
                + 2.0 * LINE_BYTES
                + (acting - 2.0 + 2.0 * audits) * (assumed.log_bytes_per_call + LINE_BYTES)
                // Each request has a line of its function and one of API Gateway.
                + api_requests * (assumed.log_bytes_of_start + 2.0 * LINE_BYTES)
                + metric_bytes(usage, audits),
            // The functions that act for a request share a trace.
            traces: (api_requests + audits) * assumed.sampled_traces,
            table_writes: usage.table_writes() as f64,
            index_writes: usage.index_writes() as f64,
            // A batch adds to the statistics of one workflow at least.
            statistics_writes: usage.statistics_units(HOURLY_EXECUTIONS) as f64 * audits,
            // `audit` reads one execution record for each batch, and `recover` that of its event.
            reads: (usage.reads() + START_READS) as f64 + audits + status_events,
            objects_put: usage.objects_put as f64,
            objects_got: usage.objects_got as f64,
            digested: receipts,
            digest_lists: receipts * lists_of_digests(),
            queue_requests: (usage.status_events * QUEUE_REQUESTS) as f64,
            kms_requests: KMS_REQUESTS * receipts / assumed.receipts_per_process,
            entries,
            archived_bytes: archived,
        }
    }

    /// Write units of the table and of its indexes.
    pub(super) fn writes(&self) -> f64 {
        self.table_writes + self.index_writes + self.statistics_writes
    }
}

/// The bytes of an execution's share of the lines of metrics. `audit` writes them for each batch,
/// in which equal executions share declarations.
fn metric_bytes(usage: &Usage, audits: f64) -> f64 {
    let executions = (1.0 / audits).clamp(1.0, MAX_CHANGES) as usize;
    let lines = usage.metric_lines(executions);
    (lines.bytes as f64 + lines.count as f64 * LINE_BYTES) / executions as f64
}

/// The entries on the audit bus, and their bytes.
fn entries(usage: &Usage, prices: &Prices, step_events: StepEvents, audits: f64) -> (f64, f64) {
    let (completed, details) = (&usage.completed_steps, &usage.step_details);
    let others = usage.events.count as f64;
    let single = others + completed.count as f64;
    let bytes = (usage.events.bytes + completed.bytes) as f64;
    // The completed steps of an execution share an entry in each batch.
    let touched = batches(&usage.completed_ms, prices.assumed.audit_batch_seconds);
    let together = others + shared(completed, touched);
    // All other events of steps in a batch share an entry.
    let detailed = shared(details, audits);
    let all_bytes = bytes + details.bytes as f64;
    match step_events {
        StepEvents::Events => (single + details.count as f64, all_bytes),
        StepEvents::Archive => (single + detailed, all_bytes),
        StepEvents::Batch => (together + detailed, all_bytes),
        StepEvents::Off => (single, bytes),
    }
}

/// The entries that events share: at least one in each batch, and another one when one is full.
fn shared(events: &Volume, batches: f64) -> f64 {
    let full = events.bytes as f64 / SHARED_ENTRY_BYTES as f64;
    batches.max(full).min(events.count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_share_an_entry_in_each_batch_until_it_is_full() {
        for (count, bytes, batches, entries) in [
            (2, 900, 1.5, 1.5),
            (100, 50_000, 1.0, 2.5),
            (100, 50_000, 0.5, 2.5),
            (1, 450, 3.0, 1.0),
            (2, 900, 0.25, 0.25),
            (0, 0, 1.0, 0.0),
        ] {
            let events = Volume { count, bytes };
            assert_eq!(shared(&events, batches), entries, "{count} in {batches}");
        }
    }
}
