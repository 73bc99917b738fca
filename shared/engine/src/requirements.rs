//! What a start takes from the counts that a tenant's executions share: budgets, open executions,
//! starts in a minute.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use holdfast_admission::{StartScope, outcome, scaled, shown, zone};
use holdfast_ids::names::quoted;
use holdfast_ledger::{Counter, CounterChange, CounterKind};
use holdfast_receipt::{Approval, GuardrailOutcome};
use holdfast_task::{AdmissionSpec, Budget, Period};

/// How long a count of a budget is kept after it was last used: longer than every period.
const BUDGET_KEPT: SignedDuration = SignedDuration::from_hours(100 * 24);
/// How long a count of starts is kept.
const STARTS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long it is kept that an approval was used, after it has expired.
const APPROVAL_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What a start takes for one of its guardrails.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Requirement {
    /// The guardrail's name.
    pub(crate) name: String,
    /// What it takes.
    pub(crate) change: CounterChange,
    /// Said if there is not enough of it.
    pub(crate) refused: String,
}

impl Requirement {
    /// What is recorded of it.
    pub(crate) fn outcome(&self, held: bool) -> GuardrailOutcome {
        match held {
            true => outcome(&self.name, Ok(())),
            false => outcome(&self.name, Err(self.refused.clone())),
        }
    }
}

/// Everything that a start takes at `now`, and what is to be said of budgets whose amount cannot be
/// told.
pub(crate) fn requirements_of(
    gate: &AdmissionSpec,
    tenant: &str,
    seen: &StartScope,
    approval: Option<&Approval>,
    now: Timestamp,
) -> (Vec<Requirement>, Vec<GuardrailOutcome>) {
    let rules = &gate.rules;
    let (mut requirements, mut broken) = (Vec::new(), Vec::new());
    for budget in &rules.budgets {
        match budget_requirement(budget, tenant, seen, now) {
            Ok(one) => requirements.push(one),
            Err(why) => broken.push(outcome(&budget.name, Err(why))),
        }
    }
    let counter = |kind, period| Counter {
        tenant: tenant.to_owned(),
        kind,
        name: gate.workflow.clone(),
        period,
    };
    if let Some(most) = rules.concurrent_executions {
        requirements.push(Requirement {
            name: "concurrent_executions".to_owned(),
            change: CounterChange {
                counter: counter(CounterKind::Open, String::new()),
                amount: 1,
                most: Some(i64::from(most)),
                until: None,
            },
            refused: format!("{most} executions of this tenant are open, as many as may be"),
        });
    }
    if let Some(most) = rules.starts_per_minute {
        let minute = now
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%dT%H:%M")
            .to_string();
        requirements.push(Requirement {
            name: "starts_per_minute".to_owned(),
            refused: format!("{most} have started in minute {minute} (UTC), as many as may"),
            change: CounterChange {
                counter: counter(CounterKind::Starts, minute),
                amount: 1,
                most: Some(i64::from(most)),
                until: now.checked_add(STARTS_KEPT).ok(),
            },
        });
    }
    if let Some(approval) = approval.filter(|_| rules.approval) {
        let reference = &approval.reference;
        requirements.push(Requirement {
            name: "approval_unused".to_owned(),
            refused: format!(
                "approval {} was given for one start, and another has used it",
                quoted(reference)
            ),
            change: CounterChange {
                counter: Counter {
                    tenant: tenant.to_owned(),
                    kind: CounterKind::Approval,
                    name: reference.clone(),
                    period: String::new(),
                },
                amount: 1,
                most: Some(1),
                until: approval.expires_at.checked_add(APPROVAL_KEPT).ok(),
            },
        });
    }
    (requirements, broken)
}

fn budget_requirement(
    budget: &Budget,
    tenant: &str,
    seen: &StartScope,
    now: Timestamp,
) -> Result<Requirement, String> {
    let amount = seen
        .evaluate(&budget.amount)
        .map_err(|_| "its amount cannot be evaluated for this input".to_owned())?
        .ok_or("its amount yields nothing")?;
    let there = now.to_zoned(zone(&budget.zone)?);
    // An hour that clocks show twice is two hours.
    let period = there.strftime(match budget.per {
        Period::Hour => "%Y-%m-%dT%H%:z",
        Period::Day => "%Y-%m-%d",
        Period::Week => "%G-W%V",
        Period::Month => "%Y-%m",
    });
    let (limit, per) = (shown(budget.limit), budget.per.name());
    Ok(Requirement {
        name: budget.name.clone(),
        refused: format!("of {limit} per {per} less is left than this start needs"),
        change: CounterChange {
            counter: Counter {
                tenant: tenant.to_owned(),
                kind: CounterKind::Budget,
                name: budget.name.clone(),
                period: period.to_string(),
            },
            amount: scaled(&amount)?,
            most: Some(budget.limit),
            until: now.checked_add(BUDGET_KEPT).ok(),
        },
    })
}
