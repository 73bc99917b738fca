//! Metrics as log lines that CloudWatch reads: no call, no client, nothing to wait for.

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
    // A log that cannot be written leaves nowhere to say so.
    let _ = writeln!(std::io::stdout(), "{line}");
}
