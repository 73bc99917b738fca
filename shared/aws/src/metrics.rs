//! Metrics as log lines that CloudWatch reads, so that no call is needed.

use std::io::Write as _;

use holdfast_audit::{About, Measurement, Metric, emf, step_emf};
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

/// Writes the line of a measurement to the function's log.
pub fn report_measurement(stack: &str, measured: &Measurement, about: &About) {
    write(&step_emf(&format!("Holdfast/{stack}"), measured, about));
}

fn write(line: &Value) {
    // An unwritable log leaves no place to report the error.
    let _ = writeln!(std::io::stdout(), "{line}");
}
