//! Metrics as log lines that CloudWatch reads, so that no call is needed.

use std::io::Write as _;

use holdfast_audit::{About, Metric, MetricBatch, emf};
use jiff::Timestamp;
use serde_json::Value;

/// Writes one line of metrics of the deployment called `stack` to the function's log.
pub fn report(
    stack: &str,
    metrics: &[(Metric, i64)],
    about: Option<&About>,
    by_tenant: bool,
    at: Timestamp,
) {
    let namespace = format!("Holdfast/{stack}");
    write(&emf(&namespace, metrics, about, by_tenant, at));
}

/// Writes the lines of a batch of changes to the function's log.
pub fn report_batch(stack: &str, batch: &MetricBatch, by_tenant: bool) {
    let lines = batch.lines(&format!("Holdfast/{stack}"), by_tenant);
    lines.iter().for_each(write);
}

fn write(line: &Value) {
    // An unwritable log leaves no place to report the error.
    let _ = writeln!(std::io::stdout(), "{line}");
}
