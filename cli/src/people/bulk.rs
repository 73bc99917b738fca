//! `holdfast bulk`: one request to many executions, which is shown before it is made.

use std::{fmt::Write as _, thread::sleep, time::Duration};

use clap::{Args, Subcommand};
use holdfast_ids::{
    names::{is_execution_id, quoted, sanitize},
    reason::reason_within,
};
use holdfast_ledger::Bulk;
use holdfast_receipt::Decision;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    decide::DecisionArg,
    find::{self, short},
    options::{ChangeOptions, ReadOptions, Times, given, short_text, status},
    shape::bulk::{BulkChange, BulkItem, BulkPreview, BulkReport},
    workflow::workflow_id,
};
use crate::{
    api::{ApiRequest, Client, ListQuery, typed},
    audit::counted,
    output::say,
    report::Trouble,
};

/// The time between two looks at a bulk that runs.
const PAUSE: Duration = Duration::from_secs(2);
/// The pauses before a run that was not answered is sent again.
const AGAIN: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// The most executions that a text for people names. `--json` prints all.
const NAMED: usize = 20;
/// The most executions of a bulk.
const MOST: usize = 10_000;

/// The request, or the bulk to show or stop.
#[derive(Args)]
pub(crate) struct BulkArgs {
    #[command(subcommand)]
    command: BulkCommand,
}

#[derive(Subcommand)]
enum BulkCommand {
    /// Stop executions, and undo their effects
    Cancel(FilterArgs),
    /// Undo the effects of executions that have ended
    Rollback(FilterArgs),
    /// Continue failed executions where they failed
    Redrive(FilterArgs),
    /// Give the same answer to every question that waits
    Decide {
        /// The decision
        #[arg(value_enum)]
        decision: DecisionArg,
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// Show the report of a bulk
    Show {
        /// The bulk's id
        bulk: String,
        #[command(flatten)]
        options: ReadOptions,
    },
    /// Stop a bulk, which makes no further request
    Stop {
        /// The bulk's id
        bulk: String,
        #[command(flatten)]
        options: ChangeOptions,
    },
}

/// The executions to choose, and the reason.
#[derive(Args)]
struct FilterArgs {
    /// Only executions that met this incident: its id, or its first digits
    #[arg(long, value_name = "INCIDENT")]
    incident: Option<String>,
    /// Only this workflow, such as WF-PAY-VENDOR
    #[arg(long, value_name = "WF-ID", value_parser = workflow_id)]
    workflow: Option<String>,
    /// Only this status, such as RUNNING or FAILED
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<String>,
    /// Only executions with exactly this subject
    #[arg(long, value_name = "TEXT", value_parser = short_text)]
    subject: Option<String>,
    #[command(flatten)]
    times: Times,
    /// The reason in your own words, for receipts and audit events
    #[arg(long, short, value_name = "TEXT", value_parser = bulk_reason)]
    reason: String,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Reads the reason of a bulk. It is shorter than that of a single request, which adds the bulk's
/// id to it.
fn bulk_reason(text: &str) -> Result<String, String> {
    reason_within(text, Bulk::REASON_MAX)
}

/// Shows what a request to many executions does, makes it, and follows it to its report.
pub(crate) fn bulk(args: &BulkArgs) -> Result<(), Trouble> {
    match &args.command {
        BulkCommand::Cancel(filter) => request("cancel", None, filter),
        BulkCommand::Rollback(filter) => request("rollback", None, filter),
        BulkCommand::Redrive(filter) => request("redrive", None, filter),
        BulkCommand::Decide { decision, filter } => {
            request("decide", Some((*decision).into()), filter)
        }
        BulkCommand::Show { bulk, options } => {
            check_id(bulk)?;
            report(&options.api.client()?, bulk, options)
        }
        BulkCommand::Stop { bulk, options } => stop(bulk, options),
    }
}

/// The client for the tenant of an incident. The API finds the tenant by the incident's id, but not
/// by the filter of a bulk.
fn in_tenant_of(incident: &str, client: Client) -> Result<Client, Trouble> {
    let body = client.read(&format!("/v1/incidents/{incident}"))?;
    Ok(client.for_tenant(body["tenant"].as_str()))
}

fn request(operation: &str, decision: Option<Decision>, args: &FilterArgs) -> Result<(), Trouble> {
    let client = args.options.read.api.client()?;
    let (incident, client) = match &args.incident {
        Some(text) => {
            let (id, client) = find::incident(&client, text, &["open", "acknowledged"])?;
            let client = in_tenant_of(&id, client)?;
            (Some(id), client)
        }
        None => (None, client),
    };
    let mut filter = given(&[
        ("incident_id", &incident),
        ("workflow_id", &args.workflow),
        ("status", &args.status),
        ("subject", &args.subject),
    ]);
    filter.extend(args.times.query()?);
    if filter.is_empty() {
        return Err(Trouble::Usage(
            "name the executions: by --incident, --workflow, --status, --subject, --from or --until"
                .to_owned(),
        ));
    }
    let filter: Map<_, _> = filter
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let mut body = json!({ "operation": operation, "filter": filter, "reason": args.reason });
    if let Some(decision) = decision {
        body["decision"] = json!(decision.name());
    }
    let answer = client.done(ApiRequest::post("/v1/bulk", body))?;
    let preview: BulkPreview = typed(&answer)?;
    args.options.confirmation.ask(&in_words(&preview))?;
    let started = run(&client, &preview)?;
    let id = sanitize(&started.bulk_id);
    say(&format!(
        "bulk {id} is {}; to stop it: holdfast bulk stop {id}",
        started.status
    ));
    follow(&client, &started.bulk_id)?;
    report(&client, &started.bulk_id, &args.options.read)
}

/// Runs a bulk that was shown. The API may have recorded the run and started no worker, so the
/// same request is sent again: it is the same run.
fn run(client: &Client, preview: &BulkPreview) -> Result<BulkChange, Trouble> {
    let path = format!("/v1/bulk/{}/run", preview.bulk_id);
    let mut pauses = AGAIN.into_iter();
    loop {
        let body = json!({ "token": preview.token });
        let answer = client.done(ApiRequest::post(&path, body));
        let pause = match &answer {
            Err(Trouble::Unavailable(_)) => pauses.next(),
            _ => None,
        };
        match pause {
            Some(pause) => sleep(pause),
            None => return typed(&answer?),
        }
    }
}

/// The preview of a bulk in words, for the confirmation.
pub(super) fn in_words(preview: &BulkPreview) -> String {
    let what = match preview.operation.as_str() {
        "cancel" => "stops these executions before their next step, and undoes their effects",
        "rollback" => "undoes the effects of these executions, and writes new receipts",
        "redrive" => "continues these executions where they failed",
        _ => "answers these questions",
    };
    let decision = preview.decision.iter();
    let decision: String = decision.map(|decision| format!(" {decision}")).collect();
    let statuses = preview.statuses.iter();
    let statuses: Vec<_> = statuses
        .map(|one| format!("{} {}", one.count, one.status))
        .collect();
    let mut lines = vec![
        format!("bulk {}{decision} {what}.", preview.operation),
        format!(
            "  {} in tenant {}: {}",
            preview.total,
            preview.tenant,
            statuses.join(", ")
        ),
    ];
    for one in preview.sample.iter().take(NAMED) {
        let step = one.step.iter().map(|step| format!("  step {step}"));
        let subject = one.subject.iter().map(|subject| format!("  {subject}"));
        let message = one.message.iter().map(|message| format!("  {message}"));
        let more: String = step.chain(subject).chain(message).collect();
        let (id, workflow, status) = (short(&one.execution_id), &one.workflow_id, &one.status);
        lines.push(format!("  {id}  {workflow}  {status}{more}"));
    }
    let shown = preview.sample.len().min(NAMED) as u32;
    if preview.total > shown {
        lines.push(format!("  and {} more", preview.total - shown));
    }
    let checked = preview.checked;
    for one in &preview.refused_now {
        let (count, example) = (one.count, short(&one.execution_id));
        lines.push(format!(
            "  {count} of the first {checked} would be refused now, such as {example}: {}",
            one.reason
        ));
    }
    let lines = lines.iter().map(|line| sanitize(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Waits until a bulk makes no further request.
fn follow(client: &Client, id: &str) -> Result<(), Trouble> {
    let mut shown = None;
    loop {
        let report: BulkReport = typed(&read(client, id)?)?;
        if !matches!(report.status.as_str(), "RUNNING" | "STOPPING") {
            return Ok(());
        }
        let left = report.counts.pending;
        if shown.replace(left) != Some(left) {
            say(&format!("{} of {} are left", left, report.total));
        }
        sleep(PAUSE);
    }
}

fn read(client: &Client, id: &str) -> Result<Value, Trouble> {
    let path = format!("/v1/bulk/{id}");
    let mut request = ApiRequest::of(Method::GET, &path);
    request.query.push(("limit", "1".to_owned()));
    client.done(request)
}

/// Prints the report: every execution for programs, and for people what was refused or not reached.
fn report(client: &Client, id: &str, options: &ReadOptions) -> Result<(), Trouble> {
    let mut answer = read(client, id)?;
    let path = format!("/v1/bulk/{id}");
    let items = |query, limit| {
        let member = "items";
        let path = &path;
        let list = ListQuery {
            path,
            query,
            member,
        };
        Ok::<_, Trouble>(list.read(client, limit)?["items"].take())
    };
    answer["items"] = match options.is_json() {
        true => items(Vec::new(), MOST)?,
        false => {
            let mut named = Vec::new();
            for outcome in ["refused", "not_reached"] {
                let query = vec![("outcome", outcome.to_owned())];
                named.extend(typed::<Vec<Value>>(&items(query, NAMED)?)?);
            }
            json!(named)
        }
    };
    answer["next"] = Value::Null;
    options.print(&answer, || report_in_words(&answer))?;
    let report: BulkReport = typed(&answer)?;
    match report.counts.refused + report.counts.not_reached {
        0 => Ok(()),
        rest => Err(Trouble::Other(format!(
            "{rest} of {} were refused or not reached",
            report.total
        ))),
    }
}

/// A report for people: the counts, and the first executions that were refused or not reached.
pub(super) fn report_in_words(answer: &Value) -> Result<String, Trouble> {
    let report: BulkReport = typed(answer)?;
    let items: Vec<BulkItem> = typed(&answer["items"])?;
    let counts = &report.counts;
    let decision = report.decision.iter();
    let decision: String = decision.map(|decision| format!(" {decision}")).collect();
    let mut text = sanitize(&format!(
        "bulk {} {}{decision} is {}",
        report.bulk_id, report.operation, report.status
    ));
    let _ = writeln!(
        text,
        "\n  {}: {} done, {} already, {} refused, {} not reached, {} pending",
        counted(report.total as usize, "execution"),
        counts.done,
        counts.already,
        counts.refused,
        counts.not_reached,
        counts.pending
    );
    for item in items.iter().take(NAMED) {
        let note = item.note.as_deref().unwrap_or_default();
        let line = format!("{}  {}: {note}", short(&item.execution_id), item.outcome);
        let _ = writeln!(text, "  {}", sanitize(&line));
    }
    let open = counts.refused + counts.not_reached;
    let more = (open as usize).saturating_sub(items.len().min(NAMED));
    if more > 0 {
        let _ = writeln!(text, "  and {more} more, which --json names");
    }
    Ok(text)
}

fn stop(id: &str, options: &ChangeOptions) -> Result<(), Trouble> {
    check_id(id)?;
    options.confirmation.ask(&format!(
        "bulk {id} makes no further request; what it has requested takes effect."
    ))?;
    let path = format!("/v1/bulk/{id}");
    let client = options.read.api.client()?;
    let answer = client.done(ApiRequest::of(Method::DELETE, &path))?;
    options.read.print(&answer, || {
        let done: BulkChange = typed(&answer)?;
        Ok(sanitize(&format!("bulk {} is {}", done.bulk_id, done.status)) + "\n")
    })
}

fn check_id(id: &str) -> Result<(), Trouble> {
    match is_execution_id(id) {
        true => Ok(()),
        false => Err(Trouble::Usage(format!(
            "{} is no bulk id: it has 40 digits of 0 to 9 and a to f",
            quoted(id)
        ))),
    }
}
