//! The ceilings as people read them.

use holdfast_drill::{Drill, Scenario, Usage};
use serde_json::{Value, json};

use super::{
    CostArgs, call_time,
    consumption::Consumption,
    pages::{PageCost, page_costs},
    prices::Prices,
    rate::Rate,
    scale::{Ceiling, Quotas, ceilings},
};
use crate::{
    drill::TierDrills,
    output::{line, text},
    project::Project,
    report::Trouble,
    screen::Screen,
    table::{Cell, Table},
};

/// The parameter with the most requests a second that the deployment's API accepts.
const API_RATE: &str = "ApiRateLimit";

/// Prints what a success shares with others, on both tiers, the first to be used up first.
pub(super) fn print(
    project: &Project,
    workflow: &TierDrills,
    prices: &Prices,
    args: &CostArgs,
) -> Result<(), Trouble> {
    let quotas = Quotas::read()?;
    let api_rate = default_of(&project.template, API_RATE);
    let of = |drill: &Drill| {
        let usage = drill
            .measure(&Scenario::default(), call_time(prices))?
            .usage;
        let consumption = Consumption::of(&usage, prices, args.step_events);
        let ceilings = ceilings(&usage, &consumption, prices, &quotas, api_rate);
        Ok::<(Usage, Vec<Ceiling>), String>((usage, ceilings))
    };
    let (usage, own) = of(&workflow.drill).map_err(Trouble::Other)?;
    let other = workflow.other.as_ref().map_err(Clone::clone);
    let other = other.and_then(|drill| Ok(of(drill)?.1));
    let (pages, tier) = (page_costs(&usage, prices), workflow.other_tier);
    if args.json {
        let other: Value = match other {
            Ok(ceilings) => json!({ "tier": tier, "ceilings": ceilings }),
            Err(why) => json!({ "tier": tier, "refused": why }),
        };
        let scale = json!({
            "workflow": workflow.id,
            "quotas": { "date": quotas.date, "region": quotas.region },
            "ceilings": own,
            "other_tier": other,
            "at_100_million_executions": pages,
        });
        return text(&format!("{scale:#}\n"));
    }
    line(&format!(
        "{}: starts a second by the API, quotas of a new account in {}, {}",
        workflow.id, quotas.region, quotas.date
    ))?;
    let screen = Screen::stdout();
    text(&format!("\n{}\n", table(&own, args.rate).render(&screen)))?;
    match other {
        Ok(ceilings) => {
            line(&format!("With tier {tier}:"))?;
            text(&format!(
                "\n{}",
                table(&ceilings, args.rate).render(&screen)
            ))?;
        }
        Err(why) => line(&format!("The workflow cannot have tier {tier}: {why}"))?,
    }
    text("\nAt 100 million executions of a tenant in a year:\n")?;
    text(&format!("\n{}", table_of_pages(&pages).render(&screen)))
}

fn table(ceilings: &[Ceiling], rate: Option<Rate>) -> Table {
    let mut table = Table::new(&[
        "STARTS/S",
        "UNITS",
        "LIMIT/S",
        "USED",
        "SHARED BY",
        "RESOURCE",
    ]);
    for one in ceilings {
        let used = rate.map(|rate| used(one, rate)).unwrap_or_default();
        table.row(vec![
            Cell::of(format!("{:.0}", one.starts_per_second)),
            Cell::of(format!("{:.2}", one.per_execution)),
            Cell::of(format!("{:.0}", one.limit)),
            Cell::of(used),
            Cell::of(one.shared_by),
            Cell::of(&one.resource),
        ]);
    }
    table
}

fn table_of_pages(pages: &[PageCost]) -> Table {
    let mut table = Table::new(&["REQUESTS", "READ UNITS", "US$", "WHAT"]);
    for one in pages {
        table.row(vec![
            Cell::of(format!("{:.0}", one.requests)),
            Cell::of(format!("{:.0}", one.read_units)),
            Cell::of(format!("{:.6}", one.price)),
            Cell::of(&one.what),
        ]);
    }
    table
}

/// The share of a ceiling that a rate of starts uses.
fn used(ceiling: &Ceiling, rate: Rate) -> String {
    format!(
        "{:.0} %",
        rate.per_second() / ceiling.starts_per_second * 100.0
    )
}

/// The default of a parameter of the template, if it is a number above 0.
fn default_of(template: &str, parameter: &str) -> Option<f64> {
    let (_, declared) = template.split_once(&format!("\n  {parameter}:"))?;
    let (first, rest) = declared.split_once('\n').unwrap_or((declared, ""));
    let rest = rest.lines().take_while(|line| line.starts_with("    "));
    let mut lines = [first].into_iter().chain(rest);
    let (_, default) = lines.find_map(|line| line.split_once("Default:"))?;
    let default = default.split([',', '}', '#']).next().unwrap_or_default();
    let number: f64 = default.trim().trim_matches(['"', '\'']).parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_belongs_to_its_own_parameter() {
        let template = "Parameters:\n  Stage:\n    Type: String\n  ApiRateLimit:\n    Type: \
                        Number\n    Default: 100\n  Next: { Type: Number, Default: \"7\" }\n";
        assert_eq!(default_of(template, "ApiRateLimit"), Some(100.0));
        assert_eq!(default_of(template, "Next"), Some(7.0));
        assert_eq!(default_of(template, "Stage"), None);
        assert_eq!(default_of(template, "Absent"), None);
    }
}
