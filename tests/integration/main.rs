//! Tests that drive the deployed stack through its public interfaces.
//!
//! They run by `make test`, or by `source .local/env` and `cargo test -p holdfast-tests`.

mod abuse;
mod alarms;
mod approvals;
mod audit;
mod bulk;
mod chain;
mod choices;
mod commands;
mod console;
mod control_copies;
mod crashes;
mod decisions;
mod demo;
mod direct;
mod doctor;
mod dual;
mod duplicates;
mod event_files;
mod events;
mod exercises;
mod express;
mod failures;
mod guardrails;
mod hostile;
mod inbox;
mod isolation;
mod ledger;
mod left_behind;
mod lists;
mod local_files;
mod logs;
mod long_list;
mod machine_roles;
mod mirror;
mod notifications;
mod objects;
mod openapi;
mod pages;
mod pausing;
mod permissions;
mod polling;
mod receipts;
mod recovery;
mod redrive;
mod requests;
mod roles;
mod rollback;
mod routes;
mod scale;
mod shipped;
mod spans;
mod standing;
mod starts;
mod statistics;
mod step_events;
mod story;
mod subjects;
mod switch;
mod tenants;
mod traces;
mod versions;
mod waits;

pub(crate) use holdfast_tests::hold;
use serde_json::Value;

/// The steps of a receipt, each as `name status`.
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
