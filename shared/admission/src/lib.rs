//! The gate before every execution: what started it, whether its input fits, whether its guardrails
//! hold.

mod amount;
mod approval;
mod demands;
mod schema;
mod start;
#[cfg(test)]
mod tests;
mod times;

pub use amount::{MAX_AMOUNT, PLACES, scaled, shown};
pub use demands::demands;
pub use schema::{validator, violations};
pub use start::{Envelope, INPUT_MAX_BYTES, Start, check_size, read};
pub use times::{freeze_span, frozen, is_zone, within, zone};

use jiff::Timestamp;
use serde_json::{Value, json};

use holdfast_expression::evaluate;
use holdfast_ids::digest::value_sha256_hex;
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::AdmissionSpec;

/// What the expressions of guardrails and budgets see, without `$`. None of it changes between the
/// attempts of one start: `started_at` is when its machine was started.
pub const SCOPE: [&str; 6] = [
    "input",
    "execution",
    "tenant",
    "trigger",
    "started_at",
    "approval",
];

/// Names of outcomes that are not a definition's own.
pub const RESERVED: [&str; 9] = [
    "paused",
    "tenant",
    "input",
    "hours",
    "freeze",
    "approval",
    "approval_unused",
    "concurrent_executions",
    "starts_per_minute",
];

/// Whether `tenant` may start this workflow: an empty list is open to every tenant.
pub fn open_to(tenants: &[String], tenant: &str) -> bool {
    tenants.is_empty() || tenants.iter().any(|one| one == tenant)
}

/// `sha256:` and the digest of everything that the gate judges by.
pub fn policy_digest(gate: &AdmissionSpec) -> Option<String> {
    let policy = json!({
        "tenants": gate.tenants, "input": gate.input_schema, "guardrails": gate.guardrails, "rules": gate.rules,
    });
    value_sha256_hex(&policy)
        .ok()
        .map(|digest| format!("sha256:{digest}"))
}

/// A start as expressions see it.
pub struct StartScope {
    variables: [(&'static str, Option<Value>); SCOPE.len()],
}

impl StartScope {
    /// What is seen of a start that becomes `execution`.
    pub fn of(gate: &AdmissionSpec, start: &Start, execution: &str, started_at: Timestamp) -> Self {
        let context = json!({
            "id": execution, "tenant": start.tenant, "workflow": gate.workflow, "version": gate.version,
            "trigger": start.trigger, "started_at": started_at,
        });
        let approval = start.approval.as_ref().map(|approval| json!(approval));
        let [input, execution, tenant, trigger, time, agreed] = SCOPE;
        Self {
            variables: [
                (input, Some(start.input.clone())),
                (execution, Some(context)),
                (tenant, Some(json!(start.tenant))),
                (trigger, Some(json!(start.trigger))),
                (time, Some(json!(started_at))),
                (agreed, approval),
            ],
        }
    }

    /// The value of an expression over the start; `None` where it yields nothing.
    pub fn evaluate(&self, expression: &str) -> Result<Option<Value>, String> {
        let variables: Vec<_> = self
            .variables
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_ref()?)))
            .collect();
        evaluate(expression, &variables)
    }
}

/// Every decision about a start that needs no ledger, in order: tenant, input schema, times,
/// approval, then each guardrail. All are judged, so that a person hears of everything at once;
/// only what is said of an input that does not fit its schema is left out. The start is rejected
/// unless all of them held.
pub fn judge(
    gate: &AdmissionSpec,
    start: &Start,
    seen: &StartScope,
    started_at: Timestamp,
) -> Vec<GuardrailOutcome> {
    let mut outcomes = Vec::new();
    if !open_to(&gate.tenants, &start.tenant) {
        let message = format!("{} is not open to tenant {}", gate.workflow, start.tenant);
        outcomes.push(no("tenant", message));
    }
    outcomes.push(match violations(&gate.input_schema, &start.input) {
        Ok(found) if found.is_empty() => yes("input"),
        Ok(found) => no("input", found.join("; ")),
        Err(broken) => no("input", format!("the input schema is broken: {broken}")),
    });
    let fits = outcomes
        .iter()
        .all(|outcome| outcome.held || outcome.name != "input");
    let rules = &gate.rules;
    if !rules.hours.is_empty() {
        outcomes.push(outcome("hours", within(&rules.hours, started_at)));
    }
    if !rules.freezes.is_empty() {
        outcomes.push(outcome("freeze", frozen(&rules.freezes, started_at)));
    }
    if rules.approval || start.approval.is_some() {
        outcomes.push(outcome("approval", approval::judge(start, started_at)));
    }
    if fits {
        outcomes.extend(gate.guardrails.iter().map(|guardrail| {
            outcome(
                &guardrail.name,
                match seen.evaluate(&guardrail.assert) {
                    Ok(Some(Value::Bool(true))) => Ok(()),
                    Ok(Some(Value::Bool(false))) => Err(guardrail.message.clone()),
                    Ok(_) => Err("it must yield true or false, and yields neither".to_owned()),
                    Err(_) => Err("it cannot be evaluated for this input".to_owned()),
                },
            )
        }));
    }
    outcomes
}

/// What was decided, as it is recorded.
pub fn outcome(name: &str, held: Result<(), String>) -> GuardrailOutcome {
    match held {
        Ok(()) => yes(name),
        Err(why) => no(name, why),
    }
}

fn yes(name: &str) -> GuardrailOutcome {
    GuardrailOutcome {
        name: name.to_owned(),
        held: true,
        message: None,
    }
}

fn no(name: &str, message: String) -> GuardrailOutcome {
    GuardrailOutcome {
        name: name.to_owned(),
        held: false,
        message: Some(message),
    }
}
