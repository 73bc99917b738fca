//! Shows an execution's steps and attempts as they happen, and its receipt at the end.

use std::{collections::BTreeSet, time::Duration};

use holdfast_tests::Stack;
use serde_json::Value;

use crate::say;

/// Shows an execution until it has its receipt; gives the receipt.
pub(crate) async fn follow(stack: &Stack, id: &str) -> Result<Value, String> {
    let mut shown = BTreeSet::new();
    for _ in 0..600 {
        let reply = stack.api.get(&format!("/v1/executions/{id}")).await;
        for line in lines(&reply.body) {
            if shown.insert(line.clone()) {
                say(&line);
            }
        }
        if !reply.body["receipt"].is_null() {
            say(&format!("  execution {}", text(&reply.body["status"])));
            return receipt(stack, id).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("execution {id} has no receipt after a minute"))
}

/// A line for each attempt whose end is known, at a step or at undoing it, in order of time.
fn lines(execution: &Value) -> Vec<String> {
    let steps = execution["steps"].as_array().into_iter().flatten();
    let kinds = [("attempt", "attempts"), ("undo", "undo_attempts")];
    let mut lines: Vec<_> = steps
        .flat_map(|step| kinds.map(|kind| (step, kind)))
        .flat_map(|(step, (kind, attempts))| {
            let attempts = step[attempts].as_array().cloned().unwrap_or_default();
            attempts
                .into_iter()
                .enumerate()
                .filter(|(_, attempt)| !attempt["outcome"].is_null())
                .map(move |(n, attempt)| {
                    let error = attempt["error"]
                        .as_str()
                        .map(|error| format!(": {error}"))
                        .unwrap_or_default();
                    let name = text(&step["name"]);
                    format!(
                        "  {} {name:<20} {kind:<7} {} {}{error}",
                        clock(&attempt["ended_at"]),
                        n + 1,
                        text(&attempt["outcome"])
                    )
                })
        })
        .collect();
    lines.sort();
    lines
}

/// Fetches the receipt the way a tenant admin does; its digest and its form are checked on the way.
async fn receipt(stack: &Stack, id: &str) -> Result<Value, String> {
    let fetched = stack.api.receipt(id).await;
    let (link, receipt) = (fetched.link, fetched.receipt);
    let url = text(&link["url"]);
    let pretty = serde_json::to_string_pretty(&receipt).map_err(|error| error.to_string())?;
    say(&format!(
        "\nReceipt:\n{pretty}\n\nfetched from {url}\nwhich works until {}",
        text(&link["expires_at"])
    ));
    Ok(receipt)
}

/// The time of day of a timestamp, to the millisecond.
fn clock(time: &Value) -> String {
    let after_date = text(time)
        .split('T')
        .nth(1)
        .unwrap_or_default()
        .trim_end_matches('Z');
    let (seconds, fraction) = after_date.split_once('.').unwrap_or((after_date, "0"));
    format!("{seconds}.{fraction:0<3}")
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
