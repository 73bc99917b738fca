//! The bill as people read it.

use holdfast_drill::Drill;

use super::{
    End,
    bill::{Bill, BillItem},
    monthly,
    prices::Prices,
    rate::Rate,
};
use crate::{
    output::{line, say, text},
    report::Trouble,
    screen::Screen,
    table::{Cell, Table},
};

/// Prints the bill of a success, of a failure at each step, and of a month.
pub(super) fn print(
    id: &str,
    drill: &Drill,
    ends: &[End],
    prices: &Prices,
    rate: Option<Rate>,
) -> Result<(), Trouble> {
    for step in drill.not_reached() {
        say(&format!(
            "{step} is not in the bill: this input does not lead to it (see --input)"
        ));
    }
    let Some((success, failures)) = ends.split_first() else {
        return Ok(());
    };
    let bill = &success.bill;
    line(&format!(
        "{id}, tier {}: US$ {} for 1,000 successes (list prices of {}, {})",
        success.tier,
        price(bill.per_thousand),
        prices.region,
        prices.date
    ))?;
    let screen = Screen::stdout();
    text(&format!("\n{}", items(bill).render(&screen)))?;
    if !failures.is_empty() {
        text(&format!("\n{}", table_of(failures).render(&screen)))?;
    }
    if let Some(rate) = rate {
        let (executions, fixed) = monthly(bill, prices, rate);
        text("\n")?;
        line(&format!(
            "A month of {:.0} successes costs US$ {executions:.2}, and the deployment itself {fixed:.2}.",
            rate.per_month
        ))?;
    }
    Ok(())
}

/// The items of a bill, the dearest first.
fn items(bill: &Bill) -> Table {
    let mut items: Vec<&BillItem> = bill.items.iter().collect();
    items.sort_by(|one, other| other.per_thousand.total_cmp(&one.per_thousand));
    let mut table = Table::new(&["US$", "SHARE", "SERVICE", "IN ONE EXECUTION"]);
    for item in items {
        let share = item.per_thousand / bill.per_thousand * 100.0;
        table.row(vec![
            Cell::of(price(item.per_thousand)),
            Cell::of(format!("{share:.0} %")),
            Cell::of(item.service),
            Cell::of(format!("{} {}", count(item.count), item.unit)),
        ]);
    }
    table
}

/// The bills of the failures.
fn table_of(failures: &[End]) -> Table {
    let mut table = Table::new(&["US$", "IF THIS STEP FAILS", "END"]);
    for end in failures {
        let step = end.scenario.split('/').next().unwrap_or_default();
        table.row(vec![
            Cell::of(price(end.bill.per_thousand)),
            Cell::of(step),
            Cell::of(&end.status),
        ]);
    }
    table
}

/// A count with at most two decimals.
fn count(count: f64) -> String {
    let rounded = format!("{count:.2}");
    rounded
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// A price with as many digits as a thousandth of a cent needs.
fn price(dollars: f64) -> String {
    format!("{dollars:.4}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_no_decimals_in_vain() {
        for (number, shown) in [(4.0, "4"), (5.7, "5.7"), (0.025, "0.03"), (100.0, "100")] {
            assert_eq!(count(number), shown);
        }
    }
}
