//! Metrics as log lines that CloudWatch reads, so that no call is needed.

use std::io::Write as _;

use holdfast_audit::{About, Metric, emf};
use jiff::Timestamp;

/// Writes one line of metrics of the deployment called `stack` to the function's log.
pub fn report(
    stack: &str,
    metrics: &[(Metric, i64)],
    about: Option<&About>,
    by_tenant: bool,
    at: Timestamp,
) {
    let namespace = format!("Holdfast/{stack}");
    let line = emf(&namespace, metrics, about, by_tenant, at);
    // An unwritable log leaves no place to report the error.
    let _ = writeln!(std::io::stdout(), "{line}");
}
