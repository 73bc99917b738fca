//! The budgets and limits of a workflow for one tenant, with the counter of each and the time
//! of its reset.

use jiff::{SignedDuration, Timestamp, ToSpan, Unit, Zoned, ZonedRound, civil::Weekday};

use holdfast_admission::zone;
use holdfast_ledger::{Counter, CounterKind};
use holdfast_task::{AdmissionSpec, Budget, Period};

use crate::requirements::{limits_of, period_of};

/// A budget or a limit of a workflow, as one tenant uses it.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowance {
    /// The budget's name, `concurrent_executions` or `starts_per_minute`.
    pub name: String,
    /// The counter of what is used.
    pub counter: Counter,
    /// The most that the counter may reach: ten-thousandths of a budget, or a number of executions.
    pub limit: i64,
    /// The start of the next period; none if there are no periods.
    pub resets_at: Option<Timestamp>,
}

/// The budgets and limits of a workflow at `now`.
///
/// Errors: the time zone of a budget is not known.
pub fn allowances_of(
    gate: &AdmissionSpec,
    tenant: &str,
    now: Timestamp,
) -> Result<Vec<Allowance>, String> {
    let mut allowances = Vec::new();
    for budget in &gate.rules.budgets {
        allowances.push(Allowance {
            name: budget.name.clone(),
            counter: Counter {
                tenant: tenant.to_owned(),
                kind: CounterKind::Budget,
                name: budget.name.clone(),
                period: period_of(budget, now)?,
            },
            limit: budget.limit,
            resets_at: Some(next_period(budget, now)?),
        });
    }
    for limit in limits_of(gate, tenant, now) {
        let starts = limit.change.counter.kind == CounterKind::Starts;
        let minute = || {
            let minute = SignedDuration::from_mins(1);
            let next = now.as_second().div_euclid(60) * 60;
            Timestamp::from_second(next).ok()?.checked_add(minute).ok()
        };
        allowances.push(Allowance {
            name: limit.name,
            limit: limit.change.most.unwrap_or(i64::MAX),
            counter: limit.change.counter,
            resets_at: starts.then(minute).flatten(),
        });
    }
    Ok(allowances)
}

/// The start of the period of a budget after `now`, by the clocks of the budget's zone.
fn next_period(budget: &Budget, now: Timestamp) -> Result<Timestamp, String> {
    let there = now.to_zoned(zone(&budget.zone)?);
    let next = || -> Result<Zoned, jiff::Error> {
        match budget.per {
            // A whole hour of the zone's clocks; clocks change by whole hours or by half of one.
            Period::Hour => there
                .round(
                    ZonedRound::new()
                        .smallest(Unit::Hour)
                        .mode(jiff::RoundMode::Trunc),
                )?
                .checked_add(1.hour()),
            Period::Day => there.start_of_day()?.checked_add(1.day()),
            Period::Week => {
                let day = there.start_of_day()?;
                let past = day.weekday().since(Weekday::Monday);
                day.checked_add((7 - i64::from(past)).days())
            }
            Period::Month => there
                .first_of_month()?
                .start_of_day()?
                .checked_add(1.month()),
        }
    };
    let next = next().map_err(|error| format!("its next period is not known: {error}"))?;
    Ok(next.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(per: Period, zone: &str) -> Budget {
        Budget {
            name: "held".to_owned(),
            amount: "amount".to_owned(),
            limit: 1_000_000,
            per,
            zone: zone.to_owned(),
        }
    }

    #[test]
    fn a_budget_begins_again_at_the_next_period_of_its_zone() {
        for (per, zone, now, next) in [
            (
                Period::Hour,
                "UTC",
                "2026-11-28T23:59:59Z",
                "2026-11-29T00:00:00Z",
            ),
            (
                Period::Day,
                "Europe/Berlin",
                "2026-11-28T22:59:59Z",
                "2026-11-28T23:00:00Z",
            ),
            // The clocks go back: the day has 25 hours.
            (
                Period::Day,
                "Europe/Berlin",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            // The hour from two to three is repeated, and each is a period.
            (
                Period::Hour,
                "Europe/Berlin",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
            ),
            (
                Period::Hour,
                "Europe/Berlin",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z",
            ),
            (
                Period::Week,
                "UTC",
                "2026-11-29T12:00:00Z",
                "2026-11-30T00:00:00Z",
            ),
            (
                Period::Week,
                "UTC",
                "2026-11-30T00:00:00Z",
                "2026-12-07T00:00:00Z",
            ),
            (
                Period::Month,
                "UTC",
                "2026-12-31T12:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
        ] {
            let budget = budget(per, zone);
            let now: Timestamp = now.parse().expect("a time");
            let found = next_period(&budget, now).expect("a time");
            assert_eq!(found.to_string(), next, "{per:?} {zone} {now}");
            let second = SignedDuration::from_secs(1);
            let period = |at: Timestamp| period_of(&budget, at).expect("a period");
            assert_eq!(period(found - second), period(now), "{per:?} {zone} {now}");
            assert_ne!(period(found), period(now), "{per:?} {zone} {now}");
        }
    }
}
