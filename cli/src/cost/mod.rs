//! `holdfast cost`: the bill of an execution, for a success and for a failure at each step.

mod bill;
mod pages;
mod prices;
mod print;
mod rate;
mod scale;

use std::path::PathBuf;

use clap::Args;
use holdfast_drill::{Drill, Scenario, StepEvents};
use serde::Serialize;
use serde_json::json;

use crate::{
    drill::{Sample, drills},
    output::{line, text},
    project::Project,
    report::Trouble,
    screen::Screen,
    table::{Cell, Table},
};
use bill::Bill;
use pages::page_costs;
use prices::Prices;
use rate::Rate;
use scale::{Ceiling, Quotas};

/// The workflow, the prices, and the rate.
#[derive(Args)]
pub(crate) struct CostArgs {
    /// The workflow's file
    #[arg(required_unless_present = "show_prices")]
    file: Option<PathBuf>,
    #[command(flatten)]
    sample: Sample,
    /// A JSON file with other prices
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// The publication of step events: the template's parameter AuditStepEvents
    #[arg(long, value_name = "MODE", default_value = "batch")]
    step_events: StepEvents,
    /// Executions a second, hour, day or month, as 20000/d, for the bill of a month
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// Print the rate of starts at which each quota and each shared partition is used up
    #[arg(long)]
    scale: bool,
    /// Print the prices of the command, as a file to change
    #[arg(long, exclusive = true)]
    show_prices: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The bill of one way in which an execution ends.
#[derive(Serialize)]
struct End {
    /// The scenario, such as `no-fault` or `hold/permanent`.
    scenario: String,
    /// The tier of the workflow.
    tier: &'static str,
    status: String,
    #[serde(flatten)]
    bill: Bill,
}

pub(crate) fn run(project: &Project, args: &CostArgs) -> Result<(), Trouble> {
    let Some(file) = &args.file else {
        return text(Prices::text());
    };
    let prices = Prices::read(args.prices.as_deref())?;
    for (id, drill) in drills(project, file, &args.sample)? {
        if args.scale {
            print_scale(&id, &drill, &prices, args)?;
            continue;
        }
        let ends = ends(&drill, &prices, args.step_events).map_err(Trouble::Other)?;
        match args.json {
            true => print_json(&id, &ends, &prices, args.rate)?,
            false => print::print(&id, &drill, &ends, &prices, args.rate)?,
        }
    }
    Ok(())
}

/// The bills of a success, and of a failure at each step.
fn ends(drill: &Drill, prices: &Prices, step_events: StepEvents) -> Result<Vec<End>, String> {
    let scenarios = [vec![Scenario::default()], drill.failures()].concat();
    let ends = scenarios.iter().map(|scenario| {
        let measured = drill.measure(scenario)?;
        Ok(End {
            scenario: scenario.to_string(),
            tier: match measured.usage.express_runs {
                0 => "standard",
                _ => "express",
            },
            status: measured.status.unwrap_or_default(),
            bill: Bill::of(&measured.usage, prices, step_events),
        })
    });
    ends.collect()
}

/// Prints what a success shares with others, the first to be used up first.
fn print_scale(id: &str, drill: &Drill, prices: &Prices, args: &CostArgs) -> Result<(), Trouble> {
    let quotas = Quotas::read()?;
    let measured = drill.measure(&Scenario::default());
    let usage = measured.map_err(Trouble::Other)?.usage;
    let ceilings = scale::ceilings(&usage, prices, &quotas, args.step_events);
    let pages = page_costs(&usage, prices);
    if args.json {
        let scale = json!({
            "workflow": id,
            "quotas": { "date": quotas.date, "region": quotas.region },
            "ceilings": ceilings,
            "at_100_million_executions": pages,
        });
        return text(&format!("{scale:#}\n"));
    }
    line(&format!(
        "{id}: starts a second by the API, quotas of a new account in {}, {}",
        quotas.region, quotas.date
    ))?;
    let mut table = Table::new(&[
        "STARTS/S",
        "UNITS",
        "LIMIT/S",
        "USED",
        "SHARED BY",
        "RESOURCE",
    ]);
    for one in &ceilings {
        let used = args.rate.map(|rate| used(one, rate)).unwrap_or_default();
        table.row(vec![
            Cell::of(format!("{:.0}", one.starts_per_second)),
            Cell::of(format!("{:.2}", one.per_execution)),
            Cell::of(format!("{:.0}", one.limit)),
            Cell::of(used),
            Cell::of(one.shared_by),
            Cell::of(&one.resource),
        ]);
    }
    text(&format!("\n{}", table.render(&Screen::stdout())))?;
    text("\nAt 100 million executions of a tenant in a year:\n")?;
    let mut table = Table::new(&["REQUESTS", "READ UNITS", "US$", "WHAT"]);
    for one in &pages {
        table.row(vec![
            Cell::of(format!("{:.0}", one.requests)),
            Cell::of(format!("{:.0}", one.read_units)),
            Cell::of(format!("{:.6}", one.price)),
            Cell::of(&one.what),
        ]);
    }
    text(&format!("\n{}", table.render(&Screen::stdout())))
}

/// The share of a ceiling that a rate of starts uses.
fn used(ceiling: &Ceiling, rate: Rate) -> String {
    format!(
        "{:.0} %",
        rate.per_second() / ceiling.starts_per_second * 100.0
    )
}

/// US$ of a month: the executions, and what the deployment costs without one.
fn monthly(bill: &Bill, prices: &Prices, rate: Rate) -> (f64, f64) {
    let executions = bill.per_thousand * rate.per_month / 1000.0;
    (executions, prices.per_month.values().sum())
}

fn print_json(id: &str, ends: &[End], prices: &Prices, rate: Option<Rate>) -> Result<(), Trouble> {
    let month = ends.first().zip(rate).map(|(happy, rate)| {
        let (executions, fixed) = monthly(&happy.bill, prices, rate);
        json!({ "executions": rate.per_month, "for_executions": executions, "fixed": fixed })
    });
    let bill = json!({
        "workflow": id,
        "prices": { "date": prices.date, "region": prices.region },
        "ends": ends,
        "month": month,
    });
    text(&format!("{bill:#}\n"))
}
