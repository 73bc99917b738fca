//! `holdfast incidents`: lists and shows incidents, and records what people do about them.

use std::fmt::Write;

use clap::{Args, Subcommand};
use holdfast_ids::names::sanitize;
use serde_json::{Value, json};

use super::{
    find::{self, short},
    list,
    options::{ChangeOptions, ListOptions, ReadOptions, Reason},
    shape::{Incident, IncidentInFull},
};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    screen::{Screen, tone_of},
    table::{Cell, Table},
};

/// The statuses of incidents.
const STATUSES: [&str; 3] = ["open", "acknowledged", "resolved"];

/// The incidents to list, or what to do with one.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct IncidentsArgs {
    #[command(subcommand)]
    command: Option<IncidentsCommand>,
    /// open, acknowledged or resolved
    #[arg(long, value_name = "STATUS", value_parser = STATUSES, default_value = "open")]
    status: String,
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Subcommand)]
enum IncidentsCommand {
    /// Show an incident and the executions that met it
    Show {
        /// The incident's id, or its first digits
        incident: String,
        #[command(flatten)]
        options: ReadOptions,
    },
    /// Record that you look after an incident
    Acknowledge(HandleArgs),
    /// Record that an incident is over
    Resolve(HandleArgs),
}

/// The incident and the reason.
#[derive(Args)]
struct HandleArgs {
    /// The incident's id, or its first digits
    incident: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Lists incidents, newest first, or shows or handles one.
pub(crate) fn incidents(args: &IncidentsArgs) -> Result<(), Trouble> {
    match &args.command {
        None => {
            let query = vec![("status", args.status.clone())];
            list::print(&args.options, "/v1/incidents", query, "incidents", table)
        }
        Some(IncidentsCommand::Show { incident, options }) => {
            let (id, client) = find::incident(&options.api.client()?, incident, &STATUSES)?;
            let answer = client.read(&format!("/v1/incidents/{id}"))?;
            options.print(&answer, || in_words(&answer, &Screen::stdout()))
        }
        Some(IncidentsCommand::Acknowledge(args)) => handle(
            args,
            "acknowledge",
            "says that you look after it",
            &STATUSES[..1],
        ),
        Some(IncidentsCommand::Resolve(args)) => {
            handle(args, "resolve", "says that it is over", &STATUSES[..2])
        }
    }
}

pub(super) fn table(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let mut table = Table::new(&[
        "ID", "TENANT", "WORKFLOW", "STATE", "ERROR", "STATUS", "EFFECTS", "OPENED", "MESSAGE",
    ]);
    for one in typed::<Vec<Incident>>(items)? {
        table.row(vec![
            Cell::of(short(&one.incident_id)),
            Cell::of(&one.tenant),
            Cell::of(&one.workflow_id),
            Cell::of(&one.state),
            Cell::of(&one.error),
            Cell::of(&one.status).toned(tone_of(&one.status)),
            Cell::of(match one.standing {
                true => "remain",
                false => "",
            }),
            Cell::of(screen.relative(one.opened_at)),
            Cell::of(one.message.as_deref().unwrap_or_default()),
        ]);
    }
    Ok(table.render(screen))
}

/// An incident and its executions as people read them.
pub(super) fn in_words(answer: &Value, screen: &Screen) -> Result<String, Trouble> {
    let full: IncidentInFull = typed(answer)?;
    let one = &full.incident;
    let mut text = String::new();
    for (name, value) in [
        ("incident", one.incident_id.clone()),
        (
            "workflow",
            format!("{}, tenant {}", one.workflow_id, one.tenant),
        ),
        (
            "cause",
            format!("{} {}", one.state, one.error).trim().to_owned(),
        ),
        ("status", one.status.clone()),
        (
            "opened",
            format!("{} ({})", one.opened_at, screen.relative(one.opened_at)),
        ),
        ("message", one.message.clone().unwrap_or_default()),
    ] {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<9} {}", sanitize(&value));
        }
    }
    let mut table = Table::new(&["EXECUTION", "STATUS", "MET", "EFFECTS", "REASON"]);
    for met in &full.executions {
        table.row(vec![
            Cell::of(&met.execution_id),
            Cell::of(&met.status).toned(tone_of(&met.status)),
            Cell::of(screen.relative(met.at)),
            Cell::of(met.stands.as_deref().unwrap_or_default().join(", ")),
            Cell::of(met.reason.as_deref().unwrap_or_default()),
        ]);
    }
    text.push('\n');
    text.push_str(&table.render(screen));
    let unseen = full.executions_total.saturating_sub(full.executions.len());
    if unseen > 0 {
        let _ = writeln!(text, "and {unseen} more");
    }
    Ok(text)
}

fn handle(args: &HandleArgs, name: &str, effect: &str, statuses: &[&str]) -> Result<(), Trouble> {
    let client = args.options.read.api.client()?;
    let (id, client) = find::incident(&client, &args.incident, statuses)?;
    let found: IncidentInFull = typed(&client.read(&format!("/v1/incidents/{id}"))?)?;
    let one = &found.incident;
    let words = format!(
        "{name} {effect}.\n  incident {id} of {}, tenant {}: {} {}",
        one.workflow_id, one.tenant, one.state, one.error
    );
    let words: Vec<_> = words.lines().map(sanitize).collect();
    args.options.confirmation.ask(&words.join("\n"))?;
    let path = format!("/v1/incidents/{id}/{name}");
    let body = json!({ "reason": args.reason.reason });
    let answer = client.done(ApiRequest::post(&path, body))?;
    args.options.read.print(&answer, || {
        let done: Incident = typed(&answer)?;
        Ok(sanitize(&format!("incident {} is {}", done.incident_id, done.status)) + "\n")
    })
}
