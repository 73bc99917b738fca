//! `holdfast budgets`: the budgets and limits of a tenant's workflows, and what is left of them.

use clap::Args;
use serde_json::Value;

use super::{
    options::ReadOptions,
    shape::{Allowance, Allowances},
};
use crate::{
    api::typed,
    report::Trouble,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

/// The options of the list of budgets.
#[derive(Args)]
pub(crate) struct BudgetsArgs {
    #[command(flatten)]
    options: ReadOptions,
}

/// Lists budgets and limits, by workflow.
pub(crate) fn budgets(args: &BudgetsArgs) -> Result<(), Trouble> {
    let answer = args.options.api.client()?.read("/v1/budgets")?;
    args.options
        .print(&answer, || table(&answer, &Screen::stdout()))
}

pub(super) fn table(answer: &Value, screen: &Screen) -> Result<String, Trouble> {
    let all: Allowances = typed(answer)?;
    if all.budgets.is_empty() && all.limits.is_empty() {
        return Ok("no budgets and no limits\n".to_owned());
    }
    let mut table = Table::new(&[
        "WORKFLOW", "NAME", "LIMIT", "USED", "LEFT", "PERIOD", "RESETS",
    ]);
    for one in all.budgets.into_iter().chain(all.limits) {
        let resets = one.resets_at.map(|at| screen.relative(at));
        let tone = is_used_up(&one).then_some(Tone::Bad);
        table.row(vec![
            Cell::of(one.workflow_id),
            Cell::of(one.name),
            Cell::of(one.limit),
            Cell::of(one.used.unwrap_or_default()),
            Cell::of(one.left.unwrap_or_default()).toned(tone),
            Cell::of(one.period.unwrap_or_default()),
            Cell::of(resets.unwrap_or_default()),
        ]);
    }
    Ok(table.render(screen))
}

/// True if nothing is left. The API writes 0 without fraction digits.
fn is_used_up(one: &Allowance) -> bool {
    one.left.as_deref() == Some("0")
}
