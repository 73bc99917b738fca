//! The bill of a measured execution, item by item.

use holdfast_drill::Usage;
use serde::Serialize;

use super::prices::Prices;

/// The read units of a start by the API: the tenant's registration and three controls.
pub(super) const START_READS: u64 = 4;

/// The write units of a batch of the ledger's stream that adds to the statistics of one workflow:
/// two writes of a transaction, each charged twice.
const STATISTICS_UNITS: f64 = 4.0;

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
    pub(crate) fn of(usage: &Usage, prices: &Prices) -> Self {
        let (million, assumed) = (&prices.per_million, &prices.assumed);
        let memory_gb = assumed.memory_mb / 1024.0;
        let call = million.lambda_request
            + million.lambda_gb_second * memory_gb * assumed.call_ms / 1000.0;
        let audits = usage.events as f64 / assumed.events_per_audit_call;
        // The function `api` answers the start.
        let calls = usage.calls as f64 + 1.0 + audits;
        let logged =
            calls * assumed.log_bytes_per_call + usage.events as f64 * assumed.log_bytes_per_event;
        let item = |service, count: f64, unit: &str, of_million: f64| BillItem {
            service,
            count,
            unit: unit.to_owned(),
            per_thousand: count * of_million / 1000.0,
        };
        let call_unit = format!(
            "calls of {} ms at {} MB",
            assumed.call_ms, assumed.memory_mb
        );
        let reads = usage.reads() + START_READS;
        // A run lasts about as long as its calls, one after the other.
        let express_gb_seconds = match usage.express_runs {
            0 => 0.0,
            _ => usage.calls as f64 * assumed.call_ms / 1000.0 * assumed.express_memory_mb / 1024.0,
        };
        let items = vec![
            item(
                "Step Functions",
                usage.transitions as f64,
                "state transitions",
                million.standard_transition,
            ),
            item(
                "Step Functions",
                usage.express_runs as f64,
                "Express runs",
                million.express_request,
            ),
            item(
                "Step Functions",
                express_gb_seconds,
                "GB-seconds of Express runs",
                million.express_gb_second,
            ),
            item("Lambda", calls, &call_unit, call),
            item(
                "DynamoDB",
                usage.table_writes() as f64,
                "write units of the table",
                million.write_unit,
            ),
            item(
                "DynamoDB",
                usage.index_writes() as f64,
                "write units of indexes",
                million.write_unit,
            ),
            item(
                "DynamoDB",
                STATISTICS_UNITS * usage.events as f64 / assumed.events_per_statistics_batch,
                "write units of statistics",
                million.write_unit,
            ),
            item("DynamoDB", reads as f64, "read units", million.read_unit),
            item(
                "S3",
                usage.objects_put as f64,
                "objects written",
                million.s3_put,
            ),
            item(
                "S3",
                usage.objects_got as f64,
                "objects read",
                million.s3_get,
            ),
            item(
                "KMS",
                usage.receipts_signed as f64 / assumed.receipts_per_signature,
                "signatures",
                million.kms_signature,
            ),
            item("EventBridge", usage.events as f64, "events", million.event),
            item("API Gateway", 1.0, "requests", million.http_request),
            // A million kilobytes is a gigabyte.
            item("CloudWatch", logged / 1000.0, "KB of logs", prices.log_gb),
        ];
        let items: Vec<_> = items.into_iter().filter(|item| item.count > 0.0).collect();
        let per_thousand = items.iter().map(|item| item.per_thousand).sum();
        Self {
            items,
            per_thousand,
        }
    }

    /// The service that charges most, and its share from 0 to 1.
    pub(crate) fn dominant(&self) -> Option<(&'static str, f64)> {
        let of = |service| {
            let items = self.items.iter().filter(|item| item.service == service);
            items.map(|item| item.per_thousand).sum::<f64>()
        };
        let services = self
            .items
            .iter()
            .map(|item| (item.service, of(item.service)));
        let (service, price) = services.max_by(|one, other| one.1.total_cmp(&other.1))?;
        Some((service, price / self.per_thousand))
    }
}
