//! The admission check before every execution: its start, its input, its guardrails.

mod amount;
mod approval;
mod conditions;
mod deadline;
mod envelope;
mod fields;
mod mapping;
mod numbers;
mod schema;
mod start;
#[cfg(test)]
mod tests;
mod times;

pub use amount::{MAX_AMOUNT, PLACES, format_amount, parse_amount};
pub use approval::{ApprovalClaims, ApprovalKeys, JWS_MAX, SentApproval, SignedApproval, TYP};
pub use conditions::conditions;
pub use deadline::{CheckError, bounded};
pub use envelope::{
    EnvelopeError, INPUT_MAX_BYTES, INPUT_MAX_DEPTH, INPUT_MAX_VALUES, check_envelope,
};
pub use fields::{EvaluatedFields, evaluate_fields};
pub use holdfast_expression::end_panicked_work;
pub use numbers::TOO_LONG;
pub use schema::{authored_validator, validator, violations};
pub use start::{DIRECT, Envelope, RESERVED_TRIGGERS, Start, StartError, read_start};
pub use times::{check_freezes, check_hours, freeze_span, is_zone, zone};

use jiff::Timestamp;
use serde_json::{Value, json};

use holdfast_expression::{EvaluationError, evaluate};
use holdfast_ids::digest::value_sha256_hex;
use holdfast_receipt::{Approval, GuardrailOutcome};
use holdfast_task::AdmissionSpec;

/// The variables of guardrails and budgets, without `$`. Their values are the same at every attempt
/// of one start: `started_at` is when Step Functions started the execution.
pub const SCOPE: [&str; 6] = [
    "input",
    "execution",
    "tenant",
    "trigger",
    "started_at",
    "approval",
];

/// Names of guardrail outcomes that no definition may use for its own guardrails.
pub const RESERVED: [&str; 11] = [
    "paused",
    "tenant",
    "input",
    "hours",
    "freeze",
    "approval",
    "approval_unused",
    "concurrent_executions",
    "starts_per_minute",
    "subject",
    "show",
];

/// Returns whether `tenant` may start the workflow: an empty list is open to every tenant.
pub fn open_to(tenants: &[String], tenant: &str) -> bool {
    tenants.is_empty() || tenants.iter().any(|name| name == tenant)
}

/// `sha256:` and the digest of all parts of a definition that decide on admission.
pub fn policy_digest(gate: &AdmissionSpec) -> Option<String> {
    let mut policy = json!({
        "tenants": gate.tenants, "input": gate.input_schema, "guardrails": gate.guardrails, "rules": gate.rules,
    });
    if !gate.fields.is_empty() {
        policy["fields"] = json!(gate.fields);
    }
    value_sha256_hex(&policy)
        .ok()
        .map(|digest| format!("sha256:{digest}"))
}

/// The variables of one start, for expressions.
pub struct StartScope {
    variables: [(&'static str, Option<Value>); SCOPE.len()],
}

impl StartScope {
    /// Binds the variables of a start whose execution id is `execution`.
    pub fn of(gate: &AdmissionSpec, start: &Start, execution: &str, started_at: Timestamp) -> Self {
        let context = json!({
            "id": execution, "tenant": start.tenant, "workflow": gate.workflow, "version": gate.version,
            "trigger": start.trigger, "started_at": started_at,
        });
        let approval = start.approval.clone().map(|approval| {
            json!(Approval {
                signature: None,
                ..approval
            })
        });
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

    /// Evaluates an expression over the start; `None` if it yields nothing.
    pub fn evaluate(&self, expression: &str) -> Result<Option<Value>, EvaluationError> {
        let variables: Vec<_> = self
            .variables
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_ref()?)))
            .collect();
        evaluate(expression, &variables)
    }
}

/// Evaluates everything about a start that needs no ledger: tenant, input schema, times, approval,
/// then each guardrail. All of it is evaluated, so that a caller sees every violation at once.
/// Guardrails are left out if the input does not fit its schema. A start is rejected unless all
/// outcomes held.
pub fn check(
    gate: &AdmissionSpec,
    start: &Start,
    scope: &StartScope,
    keys: &ApprovalKeys,
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
        outcomes.push(outcome("hours", check_hours(&rules.hours, started_at)));
    }
    if !rules.freezes.is_empty() {
        outcomes.push(outcome("freeze", check_freezes(&rules.freezes, started_at)));
    }
    if rules.approval || start.approval.is_some() {
        outcomes.push(outcome(
            "approval",
            approval::check(gate, start, keys, started_at),
        ));
    }
    if fits {
        outcomes.extend(gate.guardrails.iter().map(|guardrail| {
            outcome(
                &guardrail.name,
                match scope.evaluate(&guardrail.assert) {
                    Ok(Some(Value::Bool(true))) => Ok(()),
                    Ok(Some(Value::Bool(false))) => Err(guardrail.message.clone()),
                    Ok(_) => Err("it must yield true or false, and yields neither".to_owned()),
                    Err(error) => Err(error.reason("it", "input")),
                },
            )
        }));
    }
    outcomes
}

/// The guardrail outcome of a check, as it is recorded.
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
