//! `POST /v1/workflows/{workflow_id}/check`: judges an input by the rules of admission, and starts
//! and records nothing.

use axum::Json;
use holdfast_admission::{
    ApprovalKeys, CheckError, Start, StartScope, bounded, check_envelope, evaluate_fields,
    violations,
};
use holdfast_aws::{DeployedWorkflow, SystemHost};
use holdfast_engine::Host;
use holdfast_ids::{
    keys::{ExecutionKey, execution_id},
    names::is_workflow_id,
};
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::AdmissionSpec;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::admission::{FRESH_FOR, pause_of_start};
use crate::api::{
    answer::{StartCheck, StartProblem},
    app::App,
    extract::{JsonBody, TenantQuery},
    lifecycle::redrivable,
    principal::AuthorizedCaller,
    problem::Problem,
    route::AuthorizedRequest,
    workflow::{no_such, trouble},
};

/// The body of a check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CheckRequest")]
pub(crate) struct CheckBody {
    /// The input that a start would have.
    #[schemars(with = "serde_json::Map<String, Value>")]
    input: Value,
}

pub(super) async fn check(
    AuthorizedRequest {
        app,
        caller,
        id: workflow,
        body: JsonBody(body),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<CheckBody>>,
) -> Result<Json<StartCheck>, Problem> {
    if !is_workflow_id(&workflow) {
        return Err(no_such(&workflow));
    }
    let deployed = app.machines.deployed_within(FRESH_FOR, &workflow).await;
    let deployed = deployed.map_err(|error| trouble(error, &workflow))?;
    if !holdfast_admission::open_to(&deployed.compiled.gate.tenants, &caller.tenant) {
        return Err(no_such(&workflow));
    }
    if !body.input.is_object() {
        return Err(Problem::bad_request("`input` must be a JSON object"));
    }
    let start = start_of(&caller, body.input);
    check_envelope(&start)?;
    let mut problems = around(&app, &start, &deployed).await?;
    problems.extend(judged(&deployed.compiled.gate, &start, SystemHost.now())?);
    Ok(Json(StartCheck {
        admissible: problems.is_empty(),
        problems,
        decided_at_start: undecided(&deployed),
    }))
}

fn start_of(caller: &AuthorizedCaller, input: Value) -> Start {
    Start {
        tenant: caller.tenant.clone(),
        // The start's own key is not known yet.
        idempotency_key: "check".to_owned(),
        input,
        trigger: "api".to_owned(),
        requested_by: Some(caller.actor.clone()),
        trace: None,
        approval: None,
        unmapped: None,
    }
}

/// The key that the execution of a start would have.
fn at_of(start: &Start, gate: &AdmissionSpec) -> ExecutionKey {
    ExecutionKey {
        execution: execution_id(&start.tenant, &gate.workflow, &start.idempotency_key),
        tenant: start.tenant.clone(),
    }
}

/// The problems outside of the definition: a closed tenant, and a pause.
async fn around(
    app: &App,
    start: &Start,
    deployed: &DeployedWorkflow,
) -> Result<Vec<StartProblem>, Problem> {
    let gate = &deployed.compiled.gate;
    let closed = redrivable(app, &start.tenant).await?;
    let at = at_of(start, gate);
    let pause = pause_of_start(app, &at, &gate.workflow, &gate.rules).await?;
    let closed = closed.map(|why| StartProblem::of("tenant", why));
    let pause = pause.map(|why| StartProblem::of("paused", why));
    Ok(closed.into_iter().chain(pause).collect())
}

/// The problems that the definition names, as admission does.
fn judged(
    gate: &AdmissionSpec,
    start: &Start,
    now: Timestamp,
) -> Result<Vec<StartProblem>, Problem> {
    let gate = gate.clone();
    let start = start.clone();
    let evaluated = bounded(move || {
        let places = violations(&gate.input_schema, &start.input).unwrap_or_default();
        if !places.is_empty() {
            return places.iter().map(|place| misfit(place)).collect();
        }
        let scope = StartScope::of(&gate, &start, &at_of(&start, &gate).execution, now);
        let keys = ApprovalKeys::default();
        let mut outcomes = holdfast_admission::check(&gate, &start, &scope, &keys, now);
        let undecided = about_approval(&gate);
        outcomes.retain(|outcome| !undecided.contains(&outcome.name));
        let mut fields = gate.fields.clone();
        fields.subject = fields.subject.filter(|subject| !reads_approval(subject));
        fields.show.retain(|field| !reads_approval(&field.value));
        outcomes.extend(evaluate_fields(&fields, &scope).1);
        outcomes.into_iter().filter_map(refused).collect()
    });
    match evaluated {
        Ok(problems) => Ok(problems),
        Err(CheckError::Unfinished(why)) => Ok(vec![StartProblem::of("input", why)]),
        Err(shortage @ CheckError::Shortage(_)) => Err(Problem::unavailable(
            "the admission check",
            &shortage.to_string(),
        )),
    }
}

/// A violation of the schema, whose text begins with `input` and its place.
fn misfit(violation: &str) -> StartProblem {
    let (place, message) = violation.split_once(": ").unwrap_or(("input", violation));
    StartProblem {
        guardrail: "input".to_owned(),
        pointer: Some(format!("/{place}")),
        message: message.to_owned(),
    }
}

/// The names of the guardrails that read the approval, which comes with the start itself. `subject`
/// and `show` are the guardrails of the fields that people see.
fn about_approval(gate: &AdmissionSpec) -> Vec<String> {
    let reading = gate.guardrails.iter();
    let reading = reading.filter(|one| reads_approval(&one.assert));
    let reading = reading.map(|one| one.name.as_str());
    let approval = gate.rules.approval.then_some("approval");
    let subject = gate.fields.subject.as_deref();
    let subject = subject
        .filter(|subject| reads_approval(subject))
        .map(|_| "subject");
    let mut show = gate.fields.show.iter();
    let show = show
        .any(|field| reads_approval(&field.value))
        .then_some("show");
    let names = approval
        .into_iter()
        .chain(reading)
        .chain(subject)
        .chain(show);
    names.map(str::to_owned).collect()
}

fn reads_approval(expression: &str) -> bool {
    expression.contains("$approval")
}

/// The problem of a guardrail that does not hold.
fn refused(outcome: GuardrailOutcome) -> Option<StartProblem> {
    (!outcome.held).then(|| StartProblem {
        pointer: None,
        message: outcome
            .message
            .unwrap_or_else(|| format!("{} does not hold", outcome.name)),
        guardrail: outcome.name,
    })
}

/// The names of what only the start can decide: its approval, and what other executions use.
fn undecided(deployed: &DeployedWorkflow) -> Vec<String> {
    let gate = &deployed.compiled.gate;
    let rules = &gate.rules;
    let named = [
        (
            "concurrent_executions",
            rules.concurrent_executions.is_some(),
        ),
        ("starts_per_minute", rules.starts_per_minute.is_some()),
    ];
    let named = named.into_iter().filter(|(_, applies)| *applies);
    let named = named.map(|(name, _)| name.to_owned());
    let budgets = rules.budgets.iter().map(|budget| budget.name.clone());
    let approval = about_approval(gate).into_iter();
    approval.chain(named).chain(budgets).collect()
}

#[cfg(test)]
mod tests {
    use holdfast_task::{FieldExpression, ShownFields};
    use serde_json::json;

    use super::{super::doors::gate, *};

    /// A workflow with these fields, and the problems of a start with this vendor.
    fn problems_of(fields: ShownFields, vendor_id: &str) -> (AdmissionSpec, Vec<StartProblem>) {
        let gate = AdmissionSpec {
            fields,
            ..gate(Vec::new())
        };
        let start = Start {
            tenant: "acme".to_owned(),
            idempotency_key: "check".to_owned(),
            input: json!({ "vendor_id": vendor_id }),
            trigger: "api".to_owned(),
            requested_by: None,
            trace: None,
            approval: None,
            unmapped: None,
        };
        let found = judged(&gate, &start, Timestamp::UNIX_EPOCH).expect("it ends");
        (gate, found)
    }

    fn fields(expression: &str) -> ShownFields {
        ShownFields {
            subject: Some(expression.to_owned()),
            show: vec![FieldExpression {
                label: "vendor".to_owned(),
                value: expression.to_owned(),
            }],
        }
    }

    #[test]
    fn a_field_that_no_receipt_can_show_is_a_problem_as_it_is_at_the_start() {
        let fields = fields("$input.vendor_id");
        assert!(problems_of(fields.clone(), "v-1").1.is_empty());
        for vendor_id in ["a\nb", "\u{200b}", &"v".repeat(201)] {
            let (_, found) = problems_of(fields.clone(), vendor_id);
            let names: Vec<_> = found.iter().map(|one| one.guardrail.as_str()).collect();
            assert_eq!(names, ["subject", "show"], "{vendor_id:?}");
            let why = "its text has 1 to 200 visible characters on one line";
            assert_eq!(found[0].message, why);
        }
    }

    #[test]
    fn a_field_that_reads_the_approval_is_decided_at_the_start() {
        let (gate, found) = problems_of(fields("$approval.reference"), "v-1");
        assert!(found.is_empty());
        assert_eq!(about_approval(&gate), ["subject", "show"]);
        let mut both = fields("$approval.reference");
        both.show.extend(fields("$input.vendor_id").show);
        let (_, found) = problems_of(both, "a\nb");
        let names: Vec<_> = found.iter().map(|one| one.guardrail.as_str()).collect();
        assert_eq!(names, ["show"], "the other field is judged");
    }

    #[test]
    fn a_violation_names_its_place_in_the_body() {
        let found = misfit("input/amount: null is not of type \"number\"");
        assert_eq!(found.pointer.as_deref(), Some("/input/amount"));
        assert_eq!(found.message, "null is not of type \"number\"");
        let whole = misfit("input: \"x\" is a required property");
        assert_eq!(whole.pointer.as_deref(), Some("/input"));
    }

    #[test]
    fn a_guardrail_that_holds_is_no_problem() {
        let outcome = |name: &str, held: bool| GuardrailOutcome {
            name: name.to_owned(),
            held,
            message: None,
        };
        assert!(refused(outcome("hours", true)).is_none());
        let hours = refused(outcome("hours", false)).map(|one| one.message);
        assert_eq!(hours.as_deref(), Some("hours does not hold"));
    }
}
