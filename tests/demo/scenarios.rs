//! The stories that succeed: the requests, and what must be true afterwards.

use holdfast_tests::{DELAY, Reply, Stack, unique};
use serde_json::{Value, json};

use crate::{
    follow::{Evidence, follow, text},
    say,
};

/// The specification's workflow, on a vendor system that is unavailable twice.
pub(crate) async fn executed(stack: &Stack) -> Result<Evidence, String> {
    let vendor = unique("vendor");
    say(&format!(
        "The vendor system will answer the first two holds on {vendor} with 503,"
    ));
    say("which does not say whether it acted: a retry sends the same key.");
    let fault = json!({ "route": "POST /holds", "count": 2, "kind": { "status": 503 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let input = json!({ "vendor_id": vendor, "hold_days": 14 });
    let id = begin(stack, DELAY, &input).await?;
    let evidence = follow(stack, &id).await?;
    check_receipt(&evidence.receipt)?;
    check_attempts(&evidence.receipt, 3)?;
    one_hold(stack, &vendor).await?;
    Ok(evidence)
}

/// Starts a workflow, says so, and returns the execution's id.
pub(crate) async fn begin(stack: &Stack, workflow: &str, input: &Value) -> Result<String, String> {
    let (reply, repeated) = answered(stack, workflow, &unique("demo"), input).await;
    if reply.status != 202 && !(repeated && reply.status == 200) {
        return Err(format!(
            "the start was answered {}: {}",
            reply.status, reply.body
        ));
    }
    let id = text(&reply.body["execution_id"]);
    say(&format!(
        "Started {workflow} for tenant acme: execution {id}\n"
    ));
    Ok(id.to_owned())
}

/// The answer to a start, and whether it was sent again. It is after a 5xx, three times at most:
/// the API says that it is the same start.
async fn answered(stack: &Stack, workflow: &str, key: &str, input: &Value) -> (Reply, bool) {
    let mut reply = stack.api.start(workflow, key, input).await;
    let repeated = reply.status >= 500;
    for _ in 0..3 {
        if reply.status < 500 {
            break;
        }
        reply = stack.api.start(workflow, key, input).await;
    }
    (reply, repeated)
}

/// One start, sent three times.
pub(crate) async fn duplicate(stack: &Stack) -> Result<Evidence, String> {
    let vendor = unique("vendor");
    let (key, input) = (
        unique("demo"),
        json!({ "vendor_id": vendor, "hold_days": 14 }),
    );
    let mut replies = Vec::new();
    // A start whose answer was lost is a replay when it is sent again.
    let mut first = (202, false);
    for n in 1..=3 {
        let (reply, repeated) = answered(stack, DELAY, &key, &input).await;
        if n == 1 && repeated && reply.status == 200 {
            first = (200, true);
        }
        let id = text(&reply.body["execution_id"]).to_owned();
        let replayed = reply.body["replayed"] == true;
        say(&format!(
            "start {n}: {} execution {id}{}",
            reply.status,
            if replayed { ", replayed" } else { "" }
        ));
        replies.push((reply.status, id, replayed));
    }
    let id = replies[0].1.clone();
    let expected = [
        (first.0, id.clone(), first.1),
        (200, id.clone(), true),
        (200, id.clone(), true),
    ];
    if replies != expected {
        return Err("it should be one execution and two replays of it".to_owned());
    }
    say("");
    let evidence = follow(stack, &id).await?;
    check_receipt(&evidence.receipt)?;
    one_hold(stack, &vendor).await?;
    Ok(evidence)
}

/// Every field of the specification's example, with its value.
fn check_receipt(receipt: &Value) -> Result<(), String> {
    let steps: Vec<_> = receipt["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| json!({ "name": step["name"], "status": step["status"] }))
        .collect();
    let found = json!({ "workflow_id": receipt["workflow_id"], "status": receipt["status"], "steps": steps });
    let expected = json!({
        "workflow_id": DELAY,
        "status": "EXECUTED",
        "steps": [
            { "name": "apply_vendor_hold", "status": "SUCCESS" },
            { "name": "notify_ap_team", "status": "SUCCESS" },
        ],
    });
    if found != expected {
        return Err(format!(
            "the receipt says {found}, it should say {expected}"
        ));
    }
    let time = text(&receipt["timestamp"]);
    let utc = time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok();
    if utc {
        Ok(())
    } else {
        Err(format!(
            "the receipt's timestamp {time:?} is not RFC 3339 in UTC"
        ))
    }
}

fn check_attempts(receipt: &Value, expected: u64) -> Result<(), String> {
    let attempts = &receipt["steps"][0]["attempts"];
    if *attempts == expected {
        return Ok(());
    }
    Err(format!(
        "apply_vendor_hold took {attempts} attempts, it should take {expected}"
    ))
}

async fn one_hold(stack: &Stack, vendor: &str) -> Result<(), String> {
    let effects = stack.vendor.effects_on(vendor).await;
    say(&format!(
        "\nThe vendor system committed on {vendor}: {}",
        effects.join(", ")
    ));
    if effects == ["hold_placed"] {
        Ok(())
    } else {
        Err("it should be exactly one hold".to_owned())
    }
}
