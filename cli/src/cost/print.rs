//! The bill as people read it.

use super::{
    End, Month, TierBills,
    bill::{Bill, BillItem},
    prices::Prices,
};
use crate::{
    drill::TierDrills,
    output::{line, say, text},
    report::Trouble,
    screen::Screen,
    table::{Cell, Table},
};

/// Prints the bill of a success, of a failure at each step, and of a month; then the bill of a
/// success on the other tier.
pub(super) fn print(
    workflow: &TierDrills,
    own: &TierBills,
    other: &Result<TierBills, String>,
    prices: &Prices,
) -> Result<(), Trouble> {
    for step in workflow.drill.not_reached() {
        say(&format!(
            "{step} is not in the bill in full: this input does not lead to it, or to its question (see --input)"
        ));
    }
    let (success, screen) = (&own.success, Screen::stdout());
    line(&format!(
        "{}, tier {}: US$ {} for 1,000 successes (list prices of {}, {})",
        workflow.id,
        success.tier,
        price(success.bill.per_thousand),
        prices.region,
        prices.date
    ))?;
    text(&format!("\n{}", items(&success.bill).render(&screen)))?;
    if !own.failures.is_empty() {
        text(&format!("\n{}", table_of(&own.failures).render(&screen)))?;
    }
    own.month.iter().try_for_each(month)?;
    text("\n")?;
    let tier = workflow.other_tier;
    match other {
        Ok(other) => {
            let bill = &other.success.bill;
            let dollars = price(bill.per_thousand);
            line(&format!(
                "With tier {tier}: US$ {dollars} for 1,000 successes"
            ))?;
            text(&format!("\n{}", items(bill).render(&screen)))?;
            other.month.iter().try_for_each(month)
        }
        Err(why) => line(&format!("The workflow cannot have tier {tier}: {why}")),
    }
}

/// Prints the bill of a month.
fn month(month: &Month) -> Result<(), Trouble> {
    text("\n")?;
    line(&format!(
        "A month of {:.0} successes costs US$ {:.2}, and the deployment itself {:.2}.",
        month.executions, month.for_executions, month.fixed
    ))?;
    line(&format!(
        "Assumed at this rate: {:.0} changes in a call of audit, {:.0} receipts by a process of finish.",
        month.changes_per_audit_call, month.receipts_per_process
    ))
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
