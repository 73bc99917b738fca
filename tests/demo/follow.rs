//! Follows an execution to its receipt, and sums up what the receipt says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use holdfast_tests::Stack;
use serde_json::Value;

use crate::say;

/// The receipt of an execution, and the files that hold the receipt and its page.
pub(crate) struct Evidence {
    pub(crate) receipt: Value,
    sha256: String,
    file: PathBuf,
    page: PathBuf,
}

/// The time after which an execution of the demo counts as lost. Most end within seconds.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// Shows the attempts of an execution as they end; returns the evidence of how it ended.
pub(crate) async fn follow(stack: &Stack, id: &str) -> Result<Evidence, String> {
    let mut shown = BTreeSet::new();
    let until = Instant::now() + LONGEST;
    while Instant::now() < until {
        let reply = stack.api.get(&format!("/v1/executions/{id}")).await;
        for line in lines(&reply.body) {
            if shown.insert(line.clone()) {
                say(&line);
            }
        }
        if !reply.body["receipt"].is_null() {
            say(&format!("  execution {}", text(&reply.body["status"])));
            return evidence(stack, id).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("execution {id} has no receipt after five minutes"))
}

/// One line for each attempt that has ended, at a step or at its undo, in order of time.
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

/// Fetches the receipt as a tenant admin does, and its page, into files. The digest and the form of
/// the receipt are checked on the way.
async fn evidence(stack: &Stack, id: &str) -> Result<Evidence, String> {
    let fetched = stack.api.receipt(id).await;
    let path = format!("/v1/executions/{id}/receipt?format=html");
    let page = stack.api.get(&path).await;
    if page.status != 200 {
        return Err(format!(
            "the page was answered {}: {}",
            page.status, page.body
        ));
    }
    Ok(Evidence {
        sha256: text(&fetched.link["sha256"]).to_owned(),
        file: written(&format!("{id}.json"), &fetched.file.text)?,
        page: written(&format!("{id}.html"), &page.text)?,
        receipt: fetched.receipt,
    })
}

/// Writes a file into the folder of the second argument, or else into the system's temporary one.
fn written(name: &str, content: &str) -> Result<PathBuf, String> {
    let folder = std::env::args().nth(2).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("holdfast-demo"));
    let file = folder.join(name);
    let wrote = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, content));
    wrote.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

impl Evidence {
    /// The summary that ends a story: a line for each step between lines on the whole. A story of
    /// two steps has ten.
    pub(crate) fn summary(&self) -> Vec<String> {
        let receipt = &self.receipt;
        let steps = receipt["steps"].as_array().into_iter().flatten();
        let steps = steps.map(|step| {
            let (name, status) = (text(&step["name"]), text(&step["status"]));
            let attempts = step["attempts"].as_u64().unwrap_or_default();
            let plural = if attempts == 1 { "" } else { "s" };
            line(
                "step",
                &format!("{name} {status}, {attempts} attempt{plural}"),
            )
        });
        let residual = holdfast_tests::texts(&receipt["residual_effects"], "step").join(", ");
        let residual = if residual.is_empty() {
            "none"
        } else {
            &residual
        };
        let workflow = match receipt["subject"].as_str() {
            Some(subject) => format!("{} of {subject}", text(&receipt["workflow_id"])),
            None => text(&receipt["workflow_id"]).to_owned(),
        };
        let before = [
            line("workflow", &workflow),
            line("execution", text(&receipt["execution_id"])),
            line("status", text(&receipt["status"])),
        ];
        let after = [
            line("residual effects", residual),
            line("ended", text(&receipt["timestamp"])),
            line("receipt", &shown(&self.file)),
            line("its SHA-256", &self.sha256),
            line("its page", &shown(&self.page)),
        ];
        before.into_iter().chain(steps).chain(after).collect()
    }
}

/// A line of the summary.
fn line(name: &str, value: &str) -> String {
    format!("  {name:<17} {value}")
}

/// A path as a person in this folder would type it.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let file = file.strip_prefix(here).unwrap_or(file);
    file.display().to_string()
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
