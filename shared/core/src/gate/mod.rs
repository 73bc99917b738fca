//! The gate before every execution: what started it, whether its input fits, whether its guardrails hold.

mod expression;
mod schema;
mod start;

pub use expression::evaluate;
pub use schema::{validator, violations};
pub use start::{Envelope, INPUT_MAX_BYTES, Start, check_size, read};

use serde_json::{Value, json};

use crate::{ledger::GuardrailOutcome, task::Gate};

/// Whether `tenant` may start this workflow: an empty list is open to every tenant.
pub fn open_to(tenants: &[String], tenant: &str) -> bool {
    tenants.is_empty() || tenants.iter().any(|one| one == tenant)
}

/// Every decision about a start, in order: tenant, input schema, then each guardrail. Guardrails are judged only on an
/// input that fits its schema. The start is rejected unless all of them held.
pub fn judge(
    gate: &Gate,
    start: &Start,
    execution: &str,
    started_at: &str,
) -> Vec<GuardrailOutcome> {
    let mut outcomes = Vec::new();
    if !open_to(&gate.tenants, &start.tenant) {
        let message = format!("{} is not open to tenant {}", gate.workflow, start.tenant);
        outcomes.push(no("tenant", message));
    }
    match violations(&gate.input_schema, &start.input) {
        Ok(found) if found.is_empty() => outcomes.push(yes("input")),
        Ok(found) => outcomes.push(no("input", found.join("; "))),
        Err(broken) => outcomes.push(no("input", format!("the input schema is broken: {broken}"))),
    }
    if outcomes.iter().all(|outcome| outcome.held) {
        let context = json!({
            "id": execution, "tenant": start.tenant, "workflow": gate.workflow, "version": gate.version,
            "trigger": start.trigger, "started_at": started_at,
        });
        let variables = [("input", &start.input), ("execution", &context)];
        outcomes.extend(gate.guardrails.iter().map(|guardrail| {
            match evaluate(&guardrail.assert, &variables) {
                Ok(Some(Value::Bool(true))) => yes(&guardrail.name),
                Ok(Some(Value::Bool(false))) => no(&guardrail.name, guardrail.message.clone()),
                Ok(_) => no(
                    &guardrail.name,
                    "it must yield true or false, and yields neither".to_owned(),
                ),
                Err(_) => no(
                    &guardrail.name,
                    "it cannot be evaluated for this input".to_owned(),
                ),
            }
        }));
    }
    outcomes
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
