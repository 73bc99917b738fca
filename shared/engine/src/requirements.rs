//! The requirements of a start: its counter changes for budgets, limits and an approval.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::json;

use holdfast_admission::{StartScope, format_amount, outcome, parse_amount, zone};
use holdfast_ids::names::quoted;
use holdfast_ledger::{Counter, CounterChange, CounterKind};
use holdfast_receipt::{Approval, GuardrailOutcome};
use holdfast_task::{AdmissionSpec, Budget, Period};

/// The time for which a budget's counter is kept after its last change: longer than every period.
const BUDGET_KEPT: SignedDuration = SignedDuration::from_hours(100 * 24);
/// The time for which a counter of starts is kept.
const STARTS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The time for which the use of an approval is kept after its expiry.
const APPROVAL_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The counter change that a start needs for one of its guardrails.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Requirement {
    /// The guardrail's name.
    pub(crate) name: String,
    /// The counter change.
    pub(crate) change: CounterChange,
    /// The message of the guardrail outcome if the counter refuses the change.
    pub(crate) refused: String,
}

impl Requirement {
    /// The guardrail outcome, as it is recorded.
    pub(crate) fn outcome(&self, held: bool) -> GuardrailOutcome {
        match held {
            true => outcome(&self.name, Ok(())),
            false => outcome(&self.name, Err(self.refused.clone())),
        }
    }
}

/// Returns the requirements of a start at `now`, and the outcomes of budgets whose amount cannot be
/// computed.
pub(crate) fn requirements_of(
    gate: &AdmissionSpec,
    tenant: &str,
    scope: &StartScope,
    approval: Option<&Approval>,
    now: Timestamp,
) -> (Vec<Requirement>, Vec<GuardrailOutcome>) {
    let (mut requirements, mut broken) = (Vec::new(), Vec::new());
    for budget in &gate.rules.budgets {
        match budget_requirement(budget, tenant, scope, now) {
            Ok(requirement) => requirements.push(requirement),
            Err(why) => broken.push(outcome(&budget.name, Err(why))),
        }
    }
    requirements.extend(limits_of(gate, tenant, now));
    if let Some(approval) = approval.filter(|_| gate.rules.approval) {
        requirements.push(approval_requirement(approval, tenant));
    }
    (requirements, broken)
}

/// Returns the requirements of a start at `now` that need no evaluation.
pub(crate) fn limits_of(gate: &AdmissionSpec, tenant: &str, now: Timestamp) -> Vec<Requirement> {
    let rules = &gate.rules;
    let mut requirements = Vec::new();
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
            refused: format!("the limit of {most} open executions of this tenant is reached"),
        });
    }
    if let Some(most) = rules.starts_per_minute {
        let minute = now
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%dT%H:%M")
            .to_string();
        requirements.push(Requirement {
            name: "starts_per_minute".to_owned(),
            refused: format!("the limit of {most} starts in minute {minute} (UTC) is reached"),
            change: CounterChange {
                counter: counter(CounterKind::Starts, minute),
                amount: 1,
                most: Some(i64::from(most)),
                until: now.checked_add(STARTS_KEPT).ok(),
            },
        });
    }
    requirements
}

fn approval_requirement(approval: &Approval, tenant: &str) -> Requirement {
    let reference = &approval.reference;
    // Two systems of approvals may number alike.
    let name = match &approval.signature {
        Some(signature) => json!([signature.kid, reference]).to_string(),
        None => reference.clone(),
    };
    Requirement {
        name: "approval_unused".to_owned(),
        refused: format!(
            "approval {} is for one start, and another has used it",
            quoted(reference)
        ),
        change: CounterChange {
            counter: Counter {
                tenant: tenant.to_owned(),
                kind: CounterKind::Approval,
                name,
                period: String::new(),
            },
            amount: 1,
            most: Some(1),
            until: approval.expires_at.checked_add(APPROVAL_KEPT).ok(),
        },
    }
}

/// The name of the period of a budget at `now`.
pub(crate) fn period_of(budget: &Budget, now: Timestamp) -> Result<String, String> {
    let there = now.to_zoned(zone(&budget.zone)?);
    // An hour that clocks repeat is two periods.
    let period = there.strftime(match budget.per {
        Period::Hour => "%Y-%m-%dT%H%:z",
        Period::Day => "%Y-%m-%d",
        Period::Week => "%G-W%V",
        Period::Month => "%Y-%m",
    });
    Ok(period.to_string())
}

fn budget_requirement(
    budget: &Budget,
    tenant: &str,
    scope: &StartScope,
    now: Timestamp,
) -> Result<Requirement, String> {
    let amount = scope
        .evaluate(&budget.amount)
        .map_err(|error| error.reason("its amount", "input"))?
        .ok_or("its amount yields nothing")?;
    let period = period_of(budget, now)?;
    let (limit, per) = (format_amount(budget.limit), budget.per.name());
    Ok(Requirement {
        name: budget.name.clone(),
        refused: format!("the rest of {limit} per {per} is less than this start needs"),
        change: CounterChange {
            counter: Counter {
                tenant: tenant.to_owned(),
                kind: CounterKind::Budget,
                name: budget.name.clone(),
                period,
            },
            amount: parse_amount(&amount)?,
            most: Some(budget.limit),
            until: now.checked_add(BUDGET_KEPT).ok(),
        },
    })
}
