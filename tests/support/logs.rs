//! Fault the stack's functions logged, read with the AWS CLI that `.local/env` puts on the path.

use std::process::Command;

use serde_json::Value;

use crate::variable;

/// The messages in which function `name` (without the stack's name) logged `text`.
///
/// # Panics
///
/// Panics if the AWS CLI is missing or refused.
pub fn logged(name: &str, text: &str) -> Vec<String> {
    let group = format!("/aws/lambda/{}-{name}", variable("HOLDFAST_STACK"));
    let output = Command::new("aws")
        .args(["logs", "filter-log-events", "--output", "json"])
        .args(["--log-group-name", &group])
        .args(["--filter-pattern", &format!("\"{text}\"")])
        .output()
        .expect("the AWS CLI: `source .local/env` puts it on the path");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    crate::texts(&answer["events"], "message")
        .into_iter()
        .map(str::to_owned)
        .collect()
}
