//! The guardrails of a start for people, in the names and units of a definition.

use serde_json::{Map, Value, json};

use super::{amount, times::clock};
use holdfast_task::{Budget, Freeze, Hours, StartConditions};

/// Returns the guardrails under the names of docs/workflows.md: `hours`, `freeze`, `approval`,
/// `unsigned_approvals`, `budget`, `when_paused`, and those `limits` that apply to a tenant's
/// starts. An absent guardrail has no member. A budget's `limit` is a decimal as text, and its
/// `amount` the expression without `{% %}`.
pub fn conditions(rules: &StartConditions) -> Map<String, Value> {
    let mut conditions = Map::new();
    let mut add = |name: &str, value: Value| drop(conditions.insert(name.to_owned(), value));
    if !rules.hours.is_empty() {
        add("hours", rules.hours.iter().map(hours).collect());
    }
    if !rules.freezes.is_empty() {
        add("freeze", rules.freezes.iter().map(freeze).collect());
    }
    if rules.approval {
        add("approval", json!("required"));
    }
    if rules.unsigned_approvals {
        add("unsigned_approvals", json!(true));
    }
    if !rules.budgets.is_empty() {
        add("budget", rules.budgets.iter().map(budget).collect());
    }
    if rules.queued_when_paused {
        add("when_paused", json!("queue"));
    }
    if let Some(most) = rules.concurrent_executions {
        add("concurrent_executions", json!(most));
    }
    if let Some(most) = rules.starts_per_minute {
        add("starts_per_minute", json!(most));
    }
    conditions
}

fn hours(hours: &Hours) -> Value {
    let days: Vec<_> = hours.days.iter().map(|day| day.name()).collect();
    json!({ "zone": hours.zone, "days": days, "from": clock(hours.from), "to": clock(hours.to) })
}

fn freeze(freeze: &Freeze) -> Value {
    json!({ "zone": freeze.zone, "from": freeze.from, "to": freeze.to, "reason": freeze.reason })
}

fn budget(budget: &Budget) -> Value {
    json!({
        "name": budget.name, "amount": budget.amount, "limit": amount::format_amount(budget.limit), "per": budget.per.name(), "zone": budget.zone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_task::{Day, Period};

    #[test]
    fn guardrails_are_shown_as_they_were_written() {
        assert_eq!(conditions(&StartConditions::default()), Map::new());
        let rules = StartConditions {
            hours: vec![Hours {
                zone: "Europe/Berlin".into(),
                days: vec![Day::Mon, Day::Fri],
                from: 8 * 60 + 5,
                to: 24 * 60,
            }],
            freezes: vec![Freeze {
                zone: "UTC".into(),
                from: "2026-12-24T00:00".into(),
                to: "2026-12-27T00:00".into(),
                reason: "year end".into(),
            }],
            approval: true,
            unsigned_approvals: true,
            budgets: vec![Budget {
                name: "held_amount".into(),
                amount: "$input.amount".into(),
                limit: 1_005_000,
                per: Period::Day,
                zone: "UTC".into(),
            }],
            queued_when_paused: true,
            concurrent_executions: Some(50),
            starts_per_minute: Some(600),
        };
        let shown = json!({
            "hours": [{ "zone": "Europe/Berlin", "days": ["mon", "fri"], "from": "08:05", "to": "24:00" }],
            "freeze": [{ "zone": "UTC", "from": "2026-12-24T00:00", "to": "2026-12-27T00:00", "reason": "year end" }],
            "approval": "required", "unsigned_approvals": true,
            "budget": [{
                "name": "held_amount", "amount": "$input.amount", "limit": "100.5", "per": "day", "zone": "UTC"
            }],
            "when_paused": "queue", "concurrent_executions": 50, "starts_per_minute": 600,
        });
        assert_eq!(Value::Object(conditions(&rules)), shown);
    }
}
