//! The bill of a measured execution, item by item.

use holdfast_drill::{StepEvents, Usage};
use serde::Serialize;

use super::prices::Prices;

/// The read units of a start by the API: a copy of the controls. The API and `begin` each read the
/// registration of the tenant for half a unit, of which the run counts one.
pub(super) const START_READS: u64 = 1;

/// The requests to KMS of a process that signs receipts: `GetPublicKey` and `Sign`.
pub(super) const KMS_REQUESTS: f64 = 2.0;

/// The bytes that CloudWatch adds to each log line
/// ([AWS](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html)).
const LINE_BYTES: u64 = 26;

/// The write units of a batch of the ledger's stream that adds to the statistics of one workflow:
/// two writes of a transaction, each charged twice.
const STATISTICS_UNITS: f64 = 4.0;

/// The most changes of a batch of the ledger's stream, which the template sets.
const MAX_CHANGES: f64 = 1000.0;

/// One item of a bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct BillItem {
    /// The service that charges.
    pub(crate) service: &'static str,
    /// The number of units.
    pub(crate) count: f64,
    /// The unit.
    pub(crate) unit: String,
    /// US$ for 1,000 executions.
    pub(crate) per_thousand: f64,
}

/// The bill of one execution that the API starts, and that ends in one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Bill {
    pub(crate) items: Vec<BillItem>,
    /// US$ for 1,000 executions.
    pub(crate) per_thousand: f64,
}

impl Bill {
    /// The bill of a measured execution.
    pub(crate) fn of(usage: &Usage, prices: &Prices, step_events: StepEvents) -> Self {
        let items = [
            machines(usage, prices),
            functions(usage, prices),
            storage(usage, prices),
            audit(usage, prices, step_events),
        ];
        let items: Vec<_> = items.into_iter().flatten().collect();
        let items: Vec<_> = items.into_iter().filter(|item| item.count > 0.0).collect();
        let per_thousand = items.iter().map(|item| item.per_thousand).sum();
        Self {
            items,
            per_thousand,
        }
    }
}

/// The item of so many units, of which a million cost `of_million` US$.
fn item(service: &'static str, count: f64, unit: &str, of_million: f64) -> BillItem {
    BillItem {
        service,
        count,
        unit: unit.to_owned(),
        per_thousand: count * of_million / 1000.0,
    }
}

/// The calls of the function `audit`: an execution's share of batches of the ledger's stream.
pub(super) fn audit_calls(usage: &Usage, prices: &Prices) -> f64 {
    usage.changes as f64 / prices.assumed.changes_per_audit_call
}

/// The bytes of an execution's share of the lines of metrics. `audit` writes them for each batch,
/// in which equal executions share declarations.
fn metric_bytes(usage: &Usage, audits: f64) -> f64 {
    let executions = (1.0 / audits).clamp(1.0, MAX_CHANGES) as usize;
    let lines = usage.metric_lines(executions);
    (lines.bytes + lines.count * LINE_BYTES) as f64 / executions as f64
}

/// The entries on the audit bus, which EventBridge charges as events, and their bytes.
pub(super) fn entries(usage: &Usage, prices: &Prices, step_events: StepEvents) -> (f64, u64) {
    let (completed, details) = (&usage.completed_steps, &usage.step_details);
    let bytes = usage.events.bytes + completed.bytes;
    let single = (usage.events.count + completed.count) as f64;
    // The completed steps of an execution share an entry in each batch.
    let batches = 1.0 + run_seconds(usage, prices) / prices.assumed.audit_batch_seconds;
    let shared = usage.events.count as f64 + batches.min(completed.count as f64);
    // All other events of steps in a batch share an entry.
    let detailed = audit_calls(usage, prices).min(details.count as f64);
    match step_events {
        StepEvents::Events => (single + details.count as f64, bytes + details.bytes),
        StepEvents::Archive => (single + detailed, bytes + details.bytes),
        StepEvents::Batch => (shared + detailed, bytes + details.bytes),
        StepEvents::Off => (single, bytes),
    }
}

/// A run lasts about as long as its calls, one after the other.
fn run_seconds(usage: &Usage, prices: &Prices) -> f64 {
    usage.calls as f64 * prices.assumed.call_ms / 1000.0
}

fn machines(usage: &Usage, prices: &Prices) -> Vec<BillItem> {
    let (million, assumed) = (&prices.per_million, &prices.assumed);
    let seconds = match usage.express_runs {
        0 => 0.0,
        _ => run_seconds(usage, prices),
    };
    let of = |count, unit, price| item("Step Functions", count, unit, price);
    vec![
        of(
            usage.transitions as f64,
            "state transitions",
            million.standard_transition,
        ),
        of(
            usage.express_runs as f64,
            "Express runs",
            million.express_request,
        ),
        of(
            seconds * assumed.express_memory_mb / 1024.0,
            "GB-seconds of Express runs",
            million.express_gb_second,
        ),
    ]
}

fn functions(usage: &Usage, prices: &Prices) -> Vec<BillItem> {
    let (million, assumed) = (&prices.per_million, &prices.assumed);
    let (ms, memory) = (assumed.call_ms, assumed.memory_mb);
    let call = million.lambda_request + million.lambda_gb_second * memory / 1024.0 * ms / 1000.0;
    let audits = audit_calls(usage, prices);
    // The function `api` answers the start.
    let calls = usage.calls as f64 + 1.0 + audits;
    // `audit` logs the age of its oldest change too.
    let lines = usage.calls as f64 + 2.0 * audits;
    let logged = lines * (assumed.log_bytes_per_call + LINE_BYTES as f64)
        // The function `api` and API Gateway log a start.
        + assumed.log_bytes_of_start + 2.0 * LINE_BYTES as f64
        + metric_bytes(usage, audits);
    // The functions that act for an execution share a trace.
    let traces = (1.0 + audits) * assumed.sampled_traces;
    let unit = format!("calls of {ms} ms at {memory} MB");
    vec![
        item("API Gateway", 1.0, "requests", million.http_request),
        item("Lambda", calls, &unit, call),
        // A million kilobytes is a gigabyte.
        item("CloudWatch", logged / 1000.0, "KB of logs", prices.log_gb),
        item("X-Ray", traces, "traces", million.trace),
    ]
}

fn storage(usage: &Usage, prices: &Prices) -> Vec<BillItem> {
    let million = &prices.per_million;
    // `audit` reads one execution record for each batch.
    let reads = (usage.reads() + START_READS) as f64 + audit_calls(usage, prices);
    let table = usage.table_writes() as f64;
    let indexes = usage.index_writes() as f64;
    // A batch adds to the statistics of one workflow at least.
    let statistics = STATISTICS_UNITS * audit_calls(usage, prices);
    let unit = million.write_unit;
    let (put, got) = (usage.objects_put as f64, usage.objects_got as f64);
    vec![
        item("DynamoDB", table, "write units of the table", unit),
        item("DynamoDB", indexes, "write units of indexes", unit),
        item("DynamoDB", statistics, "write units of statistics", unit),
        item("DynamoDB", reads, "read units", million.read_unit),
        item("S3", put, "objects written", million.s3_put),
        item("S3", got, "objects read", million.s3_get),
    ]
}

fn audit(usage: &Usage, prices: &Prices, step_events: StepEvents) -> Vec<BillItem> {
    let (million, assumed) = (&prices.per_million, &prices.assumed);
    let signed = usage.receipts_signed as f64 / assumed.receipts_per_process;
    let (events, bytes) = entries(usage, prices, step_events);
    vec![
        item(
            "KMS",
            KMS_REQUESTS * signed,
            "requests",
            million.kms_request,
        ),
        item("EventBridge", events, "events on the bus", million.event),
        // A million kilobytes is a gigabyte.
        item(
            "EventBridge",
            bytes as f64 / 1000.0,
            "KB of archived events",
            prices.archive_gb,
        ),
    ]
}
