//! `holdfast cost`: the bill of an execution, for a success and for a failure at each step.

mod bill;
mod consumption;
mod pages;
mod prices;
mod print;
mod rate;
mod scale;
mod scale_table;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use holdfast_drill::{Drill, Scenario, StepEvents};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    drill::{Sample, TierDrills, tier_drills},
    output::text,
    project::Project,
    report::Trouble,
};
use bill::Bill;
use consumption::Consumption;
use prices::Prices;
use rate::Rate;

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

/// The bill of a month at a rate of successes.
#[derive(Serialize)]
struct Month {
    /// The successes.
    executions: f64,
    /// US$ for them.
    for_executions: f64,
    /// US$ for the deployment itself.
    fixed: f64,
    /// The changes that a call of `audit` takes at this rate.
    changes_per_audit_call: f64,
    /// The receipts that a process of `finish` signs at this rate.
    receipts_per_process: f64,
}

/// The bills of a workflow on one tier.
struct TierBills {
    success: End,
    failures: Vec<End>,
    month: Option<Month>,
}

pub(crate) fn run(project: &Project, args: &CostArgs) -> Result<(), Trouble> {
    let Some(file) = &args.file else {
        return text(Prices::text());
    };
    let prices = Prices::read(args.prices.as_deref())?;
    for workflow in tier_drills(project, file, &args.sample)? {
        if args.scale {
            scale_table::print(project, &workflow, &prices, args)?;
            continue;
        }
        let failures = workflow.drill.failures();
        let own = bills(&workflow.drill, &failures, &prices, args).map_err(Trouble::Other)?;
        let other = workflow.other.as_ref().map_err(Clone::clone);
        let other = other.and_then(|drill| bills(drill, &[], &prices, args));
        match args.json {
            true => print_json(&workflow, own, other, &prices)?,
            false => print::print(&workflow, &own, &other, &prices)?,
        }
    }
    Ok(())
}

/// The time that a call takes in a measured run.
fn call_time(prices: &Prices) -> Duration {
    Duration::from_micros((prices.assumed.call_ms * 1000.0) as u64)
}

/// The bills of a success, of these failures, and of a month of successes.
fn bills(
    drill: &Drill,
    failures: &[Scenario],
    prices: &Prices,
    args: &CostArgs,
) -> Result<TierBills, String> {
    let measure = |scenario: &Scenario| {
        let measured = drill.measure(scenario, call_time(prices))?;
        let consumption = Consumption::of(&measured.usage, prices, args.step_events);
        let end = End {
            scenario: scenario.to_string(),
            tier: match measured.usage.express_runs {
                0 => "standard",
                _ => "express",
            },
            status: measured.status.unwrap_or_default(),
            bill: Bill::of(&consumption, prices),
        };
        Ok::<_, String>((end, measured.usage))
    };
    let (success, usage) = measure(&Scenario::default())?;
    if success.status != "EXECUTED" {
        let (ms, status) = (prices.assumed.call_ms, &success.status);
        return Err(format!(
            "it ends {status} if each call takes {ms} ms (assumed.call_ms)"
        ));
    }
    let month = args.rate.map(|rate| {
        let prices = prices.at(rate, &usage);
        let bill = Bill::of(&Consumption::of(&usage, &prices, args.step_events), &prices);
        Month {
            executions: rate.per_month,
            for_executions: bill.per_thousand * rate.per_month / 1000.0,
            fixed: prices.per_month.values().sum(),
            changes_per_audit_call: prices.assumed.changes_per_audit_call,
            receipts_per_process: prices.assumed.receipts_per_process,
        }
    });
    let failures = failures.iter().map(|scenario| Ok(measure(scenario)?.0));
    Ok(TierBills {
        success,
        failures: failures.collect::<Result<_, String>>()?,
        month,
    })
}

fn print_json(
    workflow: &TierDrills,
    own: TierBills,
    other: Result<TierBills, String>,
    prices: &Prices,
) -> Result<(), Trouble> {
    let tier = workflow.other_tier;
    let other: Value = match other {
        Ok(other) => json!({ "tier": tier, "end": other.success, "month": other.month }),
        Err(why) => json!({ "tier": tier, "refused": why }),
    };
    let mut ends = vec![own.success];
    ends.extend(own.failures);
    let bill = json!({
        "workflow": workflow.id,
        "prices": { "date": prices.date, "region": prices.region },
        "ends": ends,
        "month": own.month,
        "other_tier": other,
    });
    text(&format!("{bill:#}\n"))
}
