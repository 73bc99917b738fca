//! The matrix of approvals: reads its rows, acts them out at the running stack, and compares each
//! answer and each end.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use holdfast_tests::{Api, Stack, unique};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{SIGNS, people::People};
use crate::decisions::{asked, decide};

const ROWS: &str = include_str!("rows.txt");
/// Rows that are acted out at the same time.
const AT_ONCE: usize = 8;

/// One row: a start, and what follows in order.
struct Row {
    name: &'static str,
    amount: u32,
    requester: &'static str,
    acts: Vec<Vec<&'static str>>,
    end: &'static str,
}

/// Reads the rows of the table.
fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in ROWS.lines().filter(|line| !line.starts_with('#')) {
        let Some((word, rest)) = line.split_once(' ') else {
            if line == "cancel" {
                rows.last_mut().expect("a row").acts.push(vec![line]);
            }
            continue;
        };
        if word == "row" {
            rows.push(Row {
                name: rest,
                amount: 100_000,
                requester: "tenant-admin:rita",
                acts: Vec::new(),
                end: "",
            });
            continue;
        }
        let row = rows.last_mut().expect("a row comes first");
        match word {
            "amount" => row.amount = rest.parse().expect("a number"),
            "requester" => row.requester = rest,
            "end" => row.end = rest,
            _ => row.acts.push(line.split(' ').collect()),
        }
    }
    rows
}

/// Sets the delegation of a line, and compares the answer.
async fn set(people: &People<'_>, line: &[&str]) -> Result<(), String> {
    let [_, by, group, to, status, more @ ..] = line else {
        return Err(format!("{line:?} is no delegation"));
    };
    let seconds = |name: &str| {
        let at = more.iter().position(|word| *word == name)?;
        more.get(at + 1)?.parse::<i64>().ok()
    };
    let now = Timestamp::now();
    let after = |seconds| now + SignedDuration::from_secs(seconds);
    let mut body = json!({
        "to": people.subject(to), "reason": "leave",
        "until": after(seconds("until").unwrap_or(3600)),
    });
    if let Some(from) = seconds("from") {
        body["from"] = json!(after(from));
    }
    let (api, path) = (people.api(by), format!("/v1/delegations/{group}"));
    let reply = api.put(&path, &body).await;
    if reply.status.to_string() != *status {
        return Err(format!("{line:?}: {} {}", reply.status, reply.body));
    }
    if more.contains(&"removed") {
        let reply = api.send(api.request("DELETE", &path)).await;
        if reply.status != 200 {
            return Err(format!("{line:?} removed: {} {}", reply.status, reply.body));
        }
    }
    if let Some(until) = seconds("until") {
        tokio::time::sleep(Duration::from_secs(until as u64)).await;
    }
    Ok(())
}

/// Casts the vote of a line, and compares the answer.
async fn vote(
    people: &People<'_>,
    line: &[&str],
    question: &Value,
    id: &str,
) -> Result<(), String> {
    let [decision, by, status, more @ ..] = line else {
        return Err(format!("{line:?} is no vote"));
    };
    let reply = decide(&people.api(by), question, decision, id).await;
    let replayed = reply.body["replayed"] == true;
    if reply.status.to_string() != *status || replayed != more.contains(&"again") {
        return Err(format!("{line:?}: {} {}", reply.status, reply.body));
    }
    Ok(())
}

/// Compares the end of a row. An execution that still waits is cancelled afterwards.
async fn ended(api: &Api, stack: &Stack, row: &Row, vendor: &str, id: &str) -> Result<(), String> {
    let right: &[&str] = match row.end {
        "executed" | "skipped" => &["EXECUTED"],
        "open" => &["RUNNING", "WAITING"],
        "declined" => &["FAILED"],
        _ => &["FAILED", "ROLLED_BACK"],
    };
    let (execution, receipt) = match row.end {
        "open" => {
            let execution = api.get(&format!("/v1/executions/{id}")).await.body;
            let status = execution["questions"][0]["status"].as_str();
            if status != Some("OPEN") {
                return Err(format!("the question is not open: {execution}"));
            }
            let effects = stack.vendor.effects_on(vendor).await;
            if !effects.is_empty() {
                return Err(format!("without an approval: {effects:?}"));
            }
            cancel(api, id).await;
            (execution, Value::Null)
        }
        _ => api.finished(id).await,
    };
    let said = receipt["approvals"][0]["outcome"].as_str();
    let outcome = match row.end {
        "executed" => Some("approved"),
        "skipped" => Some("skipped"),
        "declined" => Some("rejected"),
        "cancelled" => Some("undecided"),
        _ => None,
    };
    if said != outcome {
        return Err(format!("the receipt says {said:?}: {receipt}"));
    }
    let effects = stack.vendor.effects_on(vendor).await;
    let status = execution["status"].as_str().unwrap_or_default();
    if right.contains(&status) && effects.is_empty() == (status != "EXECUTED") {
        return Ok(());
    }
    Err(format!("{effects:?} {execution} {receipt}"))
}

async fn cancel(api: &Api, id: &str) {
    let path = format!("/v1/executions/{id}/cancel");
    let reply = api
        .post(&path, &json!({ "reason": "the row is over" }))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.body);
}

/// Acts a row out; the error is where it went otherwise.
async fn acted(stack: &Stack, row: &Row) -> Result<(), String> {
    let suffix = unique("row");
    let people = People { stack, suffix };
    let (api, vendor) = (&stack.api, unique("vendor"));
    let input = json!({ "vendor_id": vendor, "amount": row.amount });
    let requester = people.api(row.requester);
    let id = requester.started(SIGNS, &unique("signs"), &input).await;
    if row.end == "skipped" {
        return ended(api, stack, row, &vendor, &id).await;
    }
    let question = asked(api, &id).await;
    for line in &row.acts {
        match line[0] {
            "set" => set(&people, line).await?,
            "cancel" => cancel(api, &id).await,
            _ => vote(&people, line, &question, &id).await?,
        }
    }
    ended(api, stack, row, &vendor, &id).await
}

#[tokio::test]
async fn every_row_of_the_matrix_of_approvals_is_answered_and_ends_as_it_says() {
    let stack = Stack::from_env().await;
    let signs = include_str!("../../workflows/signs.yaml");
    stack.aws.deploy(signs).await;
    let rows = rows();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let acted = stream::iter(&rows).map(|row| async {
        let outcome = acted(&stack, row).await;
        outcome.err().map(|why| format!("{}: {why}", row.name))
    });
    let wrong: Vec<_> = acted.buffer_unordered(AT_ONCE).collect().await;
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
}
