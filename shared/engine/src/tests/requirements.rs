//! Tests of budget periods by clocks that skip and repeat hours, and of inexact amounts.

use holdfast_admission::{Start, StartScope};
use holdfast_task::{AdmissionSpec, Budget, Period, StartConditions};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::requirements::requirements_of;

const NOW: &str = "2025-09-29T13:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn gate(rules: StartConditions) -> AdmissionSpec {
    AdmissionSpec {
        rules,
        ..super::gate()
    }
}

fn start(input: Value) -> Start {
    Start {
        tenant: "acme".to_owned(),
        idempotency_key: "k".to_owned(),
        input,
        trigger: "api".to_owned(),
        requested_by: Some("ann".to_owned()),
        approval: None,
        trace: None,
        unmapped: None,
    }
}

fn budget(amount: &str, per: Period, zone: &str) -> StartConditions {
    let budget = Budget {
        name: "held_amount".to_owned(),
        amount: amount.to_owned(),
        limit: 1_000_000,
        per,
        zone: zone.to_owned(),
    };
    StartConditions {
        budgets: vec![budget],
        ..StartConditions::default()
    }
}

#[test]
fn a_budgets_period_follows_the_clocks_of_its_zone() {
    for (per, zone, now, period) in [
        (Period::Day, "UTC", "2025-12-31T23:30:00Z", "2025-12-31"),
        (
            Period::Day,
            "Europe/Berlin",
            "2025-12-31T23:30:00Z",
            "2026-01-01",
        ),
        (
            Period::Week,
            "Europe/Berlin",
            "2025-12-31T23:30:00Z",
            "2026-W01",
        ),
        (
            Period::Month,
            "America/New_York",
            "2026-01-01T04:59:59Z",
            "2025-12",
        ),
        // A repeated hour is two periods.
        (
            Period::Hour,
            "Europe/Berlin",
            "2025-10-26T00:30:00Z",
            "2025-10-26T02+02:00",
        ),
        (
            Period::Hour,
            "Europe/Berlin",
            "2025-10-26T01:30:00Z",
            "2025-10-26T02+01:00",
        ),
    ] {
        let gate = gate(budget("1", per, zone));
        let start = start(json!({"amount": 1}));
        let seen = StartScope::of(&gate, &start, "e-1", at(now));
        let (requirements, broken) = requirements_of(&gate, "acme", &seen, None, at(now));
        assert_eq!(broken, []);
        assert_eq!(
            requirements[0].change.counter.period, period,
            "{per:?} {zone} {now}"
        );
        assert_eq!(requirements[0].change.amount, 10_000);
    }
}

#[test]
fn an_inexact_amount_does_not_hold() {
    for (amount, why) in [
        ("$input.amount / 3", "at most 4 places"),
        ("-$input.amount", "never negative"),
        ("$input.nothing", "yields nothing"),
        ("'much'", "digits and a point"),
        ("$input", "a number"),
        ("$input.amount + 'x'", "cannot be evaluated"),
    ] {
        let gate = gate(budget(amount, Period::Day, "UTC"));
        let start = start(json!({"amount": 10}));
        let seen = StartScope::of(&gate, &start, "e-1", at(NOW));
        let (requirements, broken) = requirements_of(&gate, "acme", &seen, None, at(NOW));
        assert_eq!(requirements, []);
        let message = broken[0].message.as_deref().unwrap_or_default();
        assert!(message.contains(why), "{amount}: {message}");
        assert_eq!(
            (broken[0].name.as_str(), broken[0].held),
            ("held_amount", false)
        );
    }
}
