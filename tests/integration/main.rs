//! Tests that drive the deployed stack through its public doors: `make test`, or `source .local/env` and `cargo test -p holdfast-tests`.

mod abuse;
mod audit;
mod chain;
mod crashes;
mod decisions;
mod direct;
mod doctor;
mod dual;
mod duplicates;
mod event_files;
mod events;
mod exercises;
mod failures;
mod guardrails;
mod hostile;
mod injury;
mod isolation;
mod ledger;
mod lists;
mod logs;
mod mirror;
mod openapi;
mod pages;
mod pausing;
mod permissions;
mod receipts;
mod recovery;
mod roles;
mod rollback;
mod routes;
mod shipped;
mod starts;
mod story;
mod switch;
mod traces;

use serde_json::{Value, json};

/// The input of the specification's workflow.
fn hold(vendor: &str) -> Value {
    json!({ "vendor_id": vendor, "hold_days": 14 })
}

/// The receipt's steps as `name status`.
fn steps(receipt: &Value) -> Vec<String> {
    let steps = receipt["steps"].as_array().expect("steps");
    steps
        .iter()
        .map(|step| {
            format!(
                "{} {}",
                step["name"].as_str().unwrap_or_default(),
                step["status"].as_str().unwrap_or_default()
            )
        })
        .collect()
}
