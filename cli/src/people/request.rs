//! `holdfast cancel`, `rollback` and `redrive`: requests that change the course of an execution.

use clap::Args;
use holdfast_ids::names::sanitize;
use serde_json::json;

use super::{
    action, find,
    options::{ChangeOptions, Reason},
    shape::{Execution, RequestResult},
};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    story::none,
};

/// The execution and the reason.
#[derive(Args)]
pub(crate) struct RequestArgs {
    /// The execution's id, or its first digits
    execution: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Stops an execution and undoes its effects.
pub(crate) fn cancel(args: &RequestArgs) -> Result<(), Trouble> {
    let effect = "stops the execution before its next step, and undoes its effects";
    request(args, "cancel", effect)
}

/// Undoes the effects of an execution that has ended.
pub(crate) fn rollback(args: &RequestArgs) -> Result<(), Trouble> {
    let effect = "undoes the effects of the execution, last one first, and writes a new receipt";
    request(args, "rollback", effect)
}

/// Continues a failed execution where it failed.
pub(crate) fn redrive(args: &RequestArgs) -> Result<(), Trouble> {
    let effect = "continues the execution where it failed, under the definition that is deployed";
    request(args, "redrive", effect)
}

fn request(args: &RequestArgs, name: &str, effect: &str) -> Result<(), Trouble> {
    let (id, client) = find::execution(&args.options.read.api.client()?, &args.execution)?;
    let answer = client.execution(&id, "")?.ok_or_else(|| none(&id))?;
    let found: Execution = typed(&answer)?;
    args.options.confirmation.ask_about(|| {
        let general = format!("It {effect}.");
        let would = action::foreseen(&client, &id, (name, None), &general)?;
        Ok(format!("{name}:\n{}\n{would}", in_lines(&found)))
    })?;
    let path = format!("/v1/executions/{id}/{name}");
    let body = json!({ "reason": args.reason.reason });
    let answer = client.done(ApiRequest::post(&path, body))?;
    args.options.read.print(&answer, || {
        let done: RequestResult = typed(&answer)?;
        let note = done.note.map_or(String::new(), |note| format!(" ({note})"));
        Ok(sanitize(&format!(
            "{name} of execution {} is recorded; it is {}{note}",
            done.execution_id, done.status
        )) + &format!("\nholdfast watch {id}\n"))
    })
}

/// The execution that a request is about, for a confirmation.
pub(super) fn in_lines(found: &Execution) -> String {
    let subject = found.subject.iter();
    let subject: String = subject
        .map(|subject| format!("\n  subject {}", sanitize(subject)))
        .collect();
    let steps = |status: &str| {
        let count = found
            .steps
            .iter()
            .filter(|step| step.status == status)
            .count();
        (count > 0).then(|| format!("{count} {status}"))
    };
    let counts: Vec<_> = ["SUCCESS", "UNKNOWN", "FAILED", "UNDONE"]
        .into_iter()
        .filter_map(steps)
        .collect();
    let counts = match counts.is_empty() {
        true => String::new(),
        false => format!("\n  steps: {}", counts.join(", ")),
    };
    format!(
        "  execution {} of {}, tenant {}, {}{subject}{counts}",
        sanitize(&found.execution_id),
        sanitize(&found.workflow_id),
        sanitize(&found.tenant),
        sanitize(&found.status)
    )
}
