//! `holdfast workflows`: the workflows that are open to the tenant, and the versions of one.

use clap::Args;
use holdfast_ids::names::{is_workflow_id, quoted};
use serde_json::Value;

use super::{
    options::ReadOptions,
    shape::workflow::{Workflow, WorkflowVersion, WorkflowVersions},
};
use crate::{
    api::typed,
    report::Trouble,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

/// The options of the list of workflows.
#[derive(Args)]
pub(crate) struct WorkflowsArgs {
    /// List the versions of this workflow instead
    #[arg(value_parser = workflow_id)]
    workflow: Option<String>,
    #[command(flatten)]
    options: ReadOptions,
}

/// Reads the id of a workflow.
pub(super) fn workflow_id(text: &str) -> Result<String, String> {
    match is_workflow_id(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{} is no workflow id: write WF- and groups of capitals and digits, such as WF-PAY-VENDOR",
            quoted(text)
        )),
    }
}

/// Lists the workflows that are open to the tenant, or the versions of one of them.
pub(crate) fn workflows(args: &WorkflowsArgs) -> Result<(), Trouble> {
    let api = args.options.api.client()?;
    match &args.workflow {
        None => {
            let answer = api.read("/v1/workflows")?;
            args.options
                .print(&answer, || table(&answer["workflows"], &Screen::stdout()))
        }
        Some(workflow) => {
            let answer = api.read(&format!("/v1/workflows/{workflow}/versions"))?;
            args.options
                .print(&answer, || versions(&answer, &Screen::stdout()))
        }
    }
}

/// A table of workflows.
pub(super) fn table(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let all: Vec<Workflow> = typed(items)?;
    if all.is_empty() {
        return Ok("no workflow is open to this tenant\n".to_owned());
    }
    let mut table = Table::new(&["WORKFLOW", "VERSION", "TIER", "DESCRIPTION"]);
    for one in all {
        table.row(vec![
            Cell::of(one.workflow_id),
            Cell::of(one.version.to_string()),
            Cell::of(one.tier),
            Cell::of(one.description.unwrap_or_default()),
        ]);
    }
    Ok(table.render(screen))
}

/// A table of versions, newest first.
pub(super) fn versions(answer: &Value, screen: &Screen) -> Result<String, Trouble> {
    let WorkflowVersions { versions, more } = typed(answer)?;
    let mut table = Table::new(&[
        "VERSION",
        "NOW",
        "PUBLISHED",
        "TIER",
        "DIGEST",
        "DESCRIPTION",
    ]);
    for one in versions {
        let published = one.published_at.map(|at| screen.relative(at));
        let (now, tone) = match one.deployed {
            true => ("deployed", Some(Tone::Good)),
            false => ("kept", None),
        };
        table.row(vec![
            Cell::of(one.version.to_string()),
            Cell::of(now).toned(tone),
            Cell::of(published.unwrap_or_default()),
            Cell::of(&one.tier),
            Cell::of(first_digits(&one)),
            Cell::of(one.description.unwrap_or_default()),
        ]);
    }
    let rest = match more {
        true => "older versions are kept, too\n",
        false => "",
    };
    Ok(table.render(screen) + rest)
}

/// The first digits of the definition's digest.
fn first_digits(version: &WorkflowVersion) -> &str {
    let digest = version.definition_digest.trim_start_matches("sha256:");
    digest.get(..12).unwrap_or(digest)
}
