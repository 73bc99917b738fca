//! `holdfast ls` and `holdfast receipts`: lists of executions and of receipts.

use clap::Args;
use holdfast_ids::names::check_idempotency_key;
use serde_json::Value;

use super::{
    find::short,
    options::{ListOptions, Times, given, short_text, status},
    shape::{ListedExecution, ListedReceipt},
    workflow::workflow_id,
};
use crate::{
    api::{ListQuery, typed},
    report::Trouble,
    screen::{Screen, length, tone_of},
    table::{Cell, Table},
};

/// The filter of a list of executions.
#[derive(Args)]
pub(crate) struct ListArgs {
    /// Only this workflow, such as WF-PAY-VENDOR
    #[arg(long, value_name = "WF-ID", value_parser = workflow_id)]
    workflow: Option<String>,
    /// Only this status, such as RUNNING, WAITING or FAILED
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<String>,
    /// Only executions with exactly this subject
    #[arg(long, value_name = "TEXT", value_parser = short_text)]
    subject: Option<String>,
    /// Only the execution of --workflow that was started with this key
    #[arg(long, value_name = "KEY", requires = "workflow", value_parser = idempotency_key)]
    idempotency_key: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    options: ListOptions,
}

/// The filter of a list of receipts.
#[derive(Args)]
pub(crate) struct ReceiptsArgs {
    /// Only this workflow, such as WF-PAY-VENDOR
    #[arg(long, value_name = "WF-ID", value_parser = workflow_id)]
    workflow: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    options: ListOptions,
}

fn idempotency_key(key: &str) -> Result<String, String> {
    check_idempotency_key(key).map(|()| key.to_owned())
}

/// Lists executions, newest first.
pub(crate) fn list(args: &ListArgs) -> Result<(), Trouble> {
    let mut query = given(&[
        ("workflow_id", &args.workflow),
        ("status", &args.status),
        ("subject", &args.subject),
        ("idempotency_key", &args.idempotency_key),
    ]);
    query.extend(args.times.query()?);
    print(
        &args.options,
        "/v1/executions",
        query,
        "executions",
        executions,
    )
}

/// Lists receipts, newest first.
pub(crate) fn receipts(args: &ReceiptsArgs) -> Result<(), Trouble> {
    let mut query = given(&[("workflow_id", &args.workflow)]);
    query.extend(args.times.query()?);
    print(
        &args.options,
        "/v1/receipts",
        query,
        "receipts",
        receipt_table,
    )
}

/// Reads a list, and prints it as JSON or as a table.
pub(super) fn print(
    options: &ListOptions,
    path: &str,
    query: Vec<(&'static str, String)>,
    member: &'static str,
    table: impl FnOnce(&Value, &Screen) -> Result<String, Trouble>,
) -> Result<(), Trouble> {
    let list = ListQuery {
        path,
        query,
        member,
    };
    let answer = list.read(&options.read.api.client()?, options.limit())?;
    options.read.print(&answer, || {
        let screen = Screen::stdout();
        Ok(match answer[member].as_array() {
            Some(items) if !items.is_empty() => {
                table(&answer[member], &screen)? + &more(&answer, options.limit())
            }
            _ => format!("no {member}\n"),
        })
    })
}

/// The line after a list that has more items.
fn more(answer: &Value, limit: usize) -> String {
    match answer["next"].is_null() {
        true => String::new(),
        false => format!("and more: --limit shows more than {limit}\n"),
    }
}

pub(super) fn executions(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let head = [
        "ID", "TENANT", "WORKFLOW", "STATUS", "SUBJECT", "STARTED", "TOOK", "TRIGGER",
    ];
    let mut table = Table::new(&head);
    for one in typed::<Vec<ListedExecution>>(items)? {
        let took = one.ended_at.map(|end| end.duration_since(one.started_at));
        let took = took.map_or_else(String::new, length);
        table.row(vec![
            Cell::of(short(&one.execution_id)),
            Cell::of(one.tenant.unwrap_or_default()),
            Cell::of(one.workflow_id),
            Cell::of(&one.status).toned(tone_of(&one.status)),
            Cell::of(one.subject.unwrap_or_default()),
            Cell::of(screen.relative(one.started_at)),
            Cell::of(took),
            Cell::of(one.trigger),
        ]);
    }
    Ok(table.render(screen))
}

pub(super) fn receipt_table(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let mut table = Table::new(&[
        "ID",
        "GENERATION",
        "WORKFLOW",
        "STATUS",
        "SUBJECT",
        "STARTED",
        "SHA-256",
    ]);
    for one in typed::<Vec<ListedReceipt>>(items)? {
        table.row(vec![
            Cell::of(short(&one.execution_id)),
            Cell::of(one.generation.to_string()),
            Cell::of(one.workflow_id),
            Cell::of(&one.status).toned(tone_of(&one.status)),
            Cell::of(one.subject.unwrap_or_default()),
            Cell::of(screen.relative(one.started_at)),
            Cell::of(one.sha256),
        ]);
    }
    Ok(table.render(screen))
}
