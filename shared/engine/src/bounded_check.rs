//! Evaluates the admission of a start, and the requirements of a redrive, within a time limit.

use jiff::Timestamp;

use crate::{
    requirements::{Requirement, limits_of, requirements_of},
    task_errors::TaskError,
};
use holdfast_admission::{
    ApprovalKeys, CheckError, EvaluatedFields, Start, StartScope, check_envelope, evaluate_fields,
};
use holdfast_expression::Shortage;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::ExecutionRecord;
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::{AdmissionSpec, ErrorName};

/// The result of the part of the admission check that needs no ledger.
#[derive(Debug, Default)]
pub(crate) struct CheckResult {
    /// The outcomes of its guardrails.
    pub(crate) outcomes: Vec<GuardrailOutcome>,
    /// The counter changes that the start needs.
    pub(crate) requirements: Vec<Requirement>,
    /// The fields that people see.
    pub(crate) fields: EvaluatedFields,
}

/// The error of a check for which the machine lacked something. The state machine retries it.
pub(crate) fn undecided(shortage: Shortage) -> TaskError {
    let error = CheckError::Shortage(shortage);
    TaskError::new(ErrorName::Transient, error.to_string())
}

/// The requirements of a redrive at `now`, within the time limit of a check. Without an end, every
/// budget is one whose amount cannot be computed.
pub(crate) fn bounded_requirements(
    gate: &AdmissionSpec,
    recorded: &Start,
    stored: &ExecutionRecord,
    now: Timestamp,
) -> Result<(Vec<Requirement>, Vec<GuardrailOutcome>), TaskError> {
    let (spec, recorded, at) = (gate.clone(), recorded.clone(), stored.at.clone());
    let started_at = stored.started_at;
    let evaluated = holdfast_admission::bounded(move || {
        let scope = StartScope::of(&spec, &recorded, &at.execution, started_at);
        requirements_of(&spec, &at.tenant, &scope, None, now)
    });
    match evaluated {
        Ok(evaluated) => Ok(evaluated),
        Err(CheckError::Shortage(shortage)) => Err(undecided(shortage)),
        Err(CheckError::Unfinished(why)) => {
            let budgets = gate.rules.budgets.iter();
            let broken =
                budgets.map(|budget| holdfast_admission::outcome(&budget.name, Err(why.clone())));
            Ok((limits_of(gate, &stored.at.tenant, now), broken.collect()))
        }
    }
}

/// The outcome of an input that a limit left unmapped or unchecked.
pub(crate) fn unmapped(why: String) -> GuardrailOutcome {
    holdfast_admission::outcome("input", Err(why))
}

/// The part of the admission check that needs no ledger, within its time limit. A start that was
/// not mapped is not checked.
pub(crate) fn bounded_check(
    gate: &AdmissionSpec,
    keys: &ApprovalKeys,
    start: &Start,
    at: &ExecutionKey,
    started_at: Timestamp,
) -> Result<CheckResult, TaskError> {
    let unfinished = |why| CheckResult {
        outcomes: vec![unmapped(why)],
        ..CheckResult::default()
    };
    if let Some(why) = &start.unmapped {
        return Ok(unfinished(why.clone()));
    }
    let (spec, keys) = (gate.clone(), keys.clone());
    let (start, at) = (start.clone(), at.clone());
    match holdfast_admission::bounded(move || checked(&spec, &keys, &start, &at, started_at)) {
        Ok(checked) => Ok(checked),
        Err(CheckError::Unfinished(why)) => Ok(unfinished(why)),
        Err(CheckError::Shortage(shortage)) => Err(undecided(shortage)),
    }
}

/// The guardrails that refuse the redrive of a start that `recover` recorded. No check admitted
/// that start: an admitted one has at least the outcome of its input.
pub(crate) fn bounded_refusals(
    gate: &AdmissionSpec,
    keys: &ApprovalKeys,
    recorded: &Start,
    at: &ExecutionKey,
    now: Timestamp,
) -> Result<Vec<GuardrailOutcome>, TaskError> {
    if let Err(why) = check_envelope(recorded) {
        return Ok(vec![holdfast_admission::outcome("input", Err(why.into()))]);
    }
    let mut outcomes = bounded_check(gate, keys, recorded, at, now)?.outcomes;
    outcomes.retain(|outcome| !outcome.held);
    Ok(outcomes)
}

/// The part of the admission check that needs no ledger. An input that does not fit is evaluated no
/// further.
fn checked(
    gate: &AdmissionSpec,
    keys: &ApprovalKeys,
    start: &Start,
    at: &ExecutionKey,
    started_at: Timestamp,
) -> CheckResult {
    let scope = StartScope::of(gate, start, &at.execution, started_at);
    let mut outcomes = holdfast_admission::check(gate, start, &scope, keys, started_at);
    let misfit = |outcome: &GuardrailOutcome| outcome.name == "input" && !outcome.held;
    if outcomes.iter().any(misfit) {
        return CheckResult {
            outcomes,
            ..CheckResult::default()
        };
    }
    let approval = start.approval.as_ref();
    let (requirements, broken) = requirements_of(gate, &at.tenant, &scope, approval, started_at);
    outcomes.extend(broken);
    let (fields, broken) = evaluate_fields(&gate.fields, &scope);
    outcomes.extend(broken);
    CheckResult {
        outcomes,
        requirements,
        fields,
    }
}
