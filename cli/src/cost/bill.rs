//! The bill of a measured execution, item by item.

use serde::Serialize;

use super::{consumption::Consumption, prices::Prices};

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
    /// The bill of a consumption.
    pub(super) fn of(consumption: &Consumption, prices: &Prices) -> Self {
        let items = [
            machines(consumption, prices),
            functions(consumption, prices),
            storage(consumption, prices),
            events(consumption, prices),
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

fn machines(consumption: &Consumption, prices: &Prices) -> Vec<BillItem> {
    let million = &prices.per_million;
    let gb_seconds = consumption.express_seconds * prices.assumed.express_memory_mb / 1024.0;
    let of = |count, unit, price| item("Step Functions", count, unit, price);
    vec![
        of(
            consumption.transitions,
            "state transitions",
            million.standard_transition,
        ),
        of(
            consumption.express_runs,
            "Express runs",
            million.express_request,
        ),
        of(
            gb_seconds,
            "GB-seconds of Express runs",
            million.express_gb_second,
        ),
    ]
}

fn functions(consumption: &Consumption, prices: &Prices) -> Vec<BillItem> {
    let (million, assumed) = (&prices.per_million, &prices.assumed);
    let (ms, memory) = (assumed.call_ms, assumed.memory_mb);
    let call = million.lambda_request + million.lambda_gb_second * memory / 1024.0 * ms / 1000.0;
    let unit = format!("calls of {ms} ms at {memory} MB");
    // A million kilobytes is a gigabyte.
    let logged = consumption.log_bytes / 1000.0;
    vec![
        item(
            "API Gateway",
            consumption.api_requests,
            "requests",
            million.http_request,
        ),
        item("Lambda", consumption.calls, &unit, call),
        item("CloudWatch", logged, "KB of logs", prices.log_gb),
        item("X-Ray", consumption.traces, "traces", million.trace),
    ]
}

fn storage(consumption: &Consumption, prices: &Prices) -> Vec<BillItem> {
    let million = &prices.per_million;
    let table = |count, unit, price| item("DynamoDB", count, unit, price);
    let objects = |count, unit, price| item("S3", count, unit, price);
    let (write, read) = (million.write_unit, million.read_unit);
    let (put, get) = (million.s3_put, million.s3_get);
    vec![
        table(consumption.table_writes, "write units of the table", write),
        table(consumption.index_writes, "write units of indexes", write),
        table(
            consumption.statistics_writes,
            "write units of statistics",
            write,
        ),
        table(consumption.reads, "read units", read),
        objects(consumption.objects_put, "objects written", put),
        objects(consumption.objects_got, "objects read", get),
        objects(consumption.digested, "objects read by digests", get),
        // A list costs as much as a PUT.
        objects(consumption.digest_lists, "lists of digests", put),
    ]
}

fn events(consumption: &Consumption, prices: &Prices) -> Vec<BillItem> {
    let million = &prices.per_million;
    vec![
        item(
            "SQS",
            consumption.queue_requests,
            "requests for status events",
            million.queue_request,
        ),
        item(
            "KMS",
            consumption.kms_requests,
            "requests",
            million.kms_request,
        ),
        item(
            "EventBridge",
            consumption.entries,
            "events on the bus",
            million.event,
        ),
        // A million kilobytes is a gigabyte.
        item(
            "EventBridge",
            consumption.archived_bytes / 1000.0,
            "KB of archived events",
            prices.archive_gb,
        ),
    ]
}
