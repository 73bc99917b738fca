//! Compiles a definition into a state machine: `Begin`, the steps, `Finish`, and the ways in which
//! an execution ends early.

use serde_json::{Value, json};

use super::{
    choose, express,
    expressions::{ExpressionContext, for_begin},
    history::{EventLimit, ItemLimits, event_limit, item_limits},
    names::{BEGIN_ARN, FINISH_ARN},
    retry::{EVALUATION, FAILURE, catch_all, catch_begin, of_end},
    steps, unwind,
};
use crate::definition::{Definition, Expression, bare};
use holdfast_asl::{Catcher, Exit, Machine, Object, QueryLanguage, State, States, Task};
use holdfast_ids::digest::CanonicalError;
use holdfast_task::{
    AdmissionSpec, EvaluatedOutput, FieldExpression, Guardrail, ShownFields, StartConditions,
    StepRef, Template, TriggerMap, timing::FRAME_TIMEOUT_S,
};

/// Returns the state machine of a definition. `file` is the path of its file from the project's
/// root.
///
/// Fails only if the definition has no digest, because of an integer that JSON readers round.
pub fn machine(definition: &Definition, file: &str) -> Result<Machine, CanonicalError> {
    let Definition {
        workflow, version, ..
    } = definition;
    let refs = json!(step_refs(definition));
    let begin = begin(definition, &refs)?;
    let limits = item_limits_of(definition);
    let states = states(definition, &refs, begin, &limits);
    Ok(Machine {
        comment: format!("{workflow} version {version}, compiled by holdfast; edit {file} instead"),
        query_language: QueryLanguage::Jsonata,
        start_at: "Begin".to_owned(),
        timeout_seconds: definition.limits.timeout_s,
        states,
    })
}

fn states(definition: &Definition, refs: &Value, begin: Task, limits: &ItemLimits) -> States {
    let mut states = States::from([("Begin".to_owned(), State::Task(begin))]);
    states.extend(steps::states(definition, "Finish", limits));
    states.insert("Finish".to_owned(), State::Task(finish(definition, refs)));
    if !definition.output.is_empty() {
        let state = State::Task(finish_without_output(refs));
        states.insert(WITHOUT_OUTPUT.to_owned(), state);
    }
    let bounds = unwind::Bounds::of(&[definition]);
    let failed = Exit::Next("Failed".to_owned());
    states.extend(unwind::states(refs, &bounds, failed));
    choose::record_choices(definition, &mut states);
    states.extend(express::report(definition.tier));
    states.insert("Failed".to_owned(), unwind::failed(FAILURE));
    states.insert("Duplicate".to_owned(), State::Succeed {});
    states
}

/// Returns how many items each `for_each` may have, by its name. The limits follow from the states,
/// so that the states are compiled without them first.
pub(crate) fn item_limits_of(definition: &Definition) -> ItemLimits {
    item_limits(definition, &states_without_limits(definition))
}

/// Returns how many events the definition adds to the history of an execution.
pub(crate) fn event_limit_of(definition: &Definition) -> EventLimit {
    event_limit(&states_without_limits(definition))
}

fn states_without_limits(definition: &Definition) -> States {
    let refs = json!(step_refs(definition));
    let begin = task_of_begin(definition, json!({}));
    states(definition, &refs, begin, &ItemLimits::new())
}

/// Returns every action step in declared order, as the functions and the receipt need it.
pub fn step_refs(definition: &Definition) -> Vec<StepRef> {
    let ends = definition.ends();
    let mut branches = definition.branches();
    let refs = definition
        .action_steps()
        .into_iter()
        .map(|(step, action, for_each)| StepRef {
            name: step.name.clone(),
            action: action.action.clone(),
            for_each: for_each.map(str::to_owned),
            last: ends.steps.contains(&step.name.as_str()),
            approvals: Vec::new(),
            output: false,
            branches: branches.remove(step.name.as_str()).unwrap_or_default(),
        });
    let mut refs: Vec<StepRef> = refs.collect();
    if let Some(declared_last) = refs.last_mut() {
        declared_last.approvals = ends.approvals.into_iter().map(str::to_owned).collect();
        declared_last.output = !definition.output.is_empty();
    }
    refs
}

fn begin(definition: &Definition, refs: &Value) -> Result<Task, CanonicalError> {
    let arguments = json!({
        "gate": admission(definition)?,
        "steps": refs,
        "start": "{% $states.input %}",
        "owner": "{% $states.context.Execution.Id %}",
        "machine": "{% $states.context.StateMachine.Id %}",
        "started_at": "{% $states.context.Execution.StartTime %}",
    });
    Ok(task_of_begin(definition, arguments))
}

fn task_of_begin(definition: &Definition, arguments: Value) -> Task {
    let assign = ["execution", "input"].map(|name| {
        (
            name.to_owned(),
            json!(format!("{{% $states.result.{name} %}}")),
        )
    });
    let first = definition.steps.first().map_or("Finish", |step| &step.name);
    Task {
        resource: format!("${{{BEGIN_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments,
        assign: Some(Object::from_iter(
            assign
                .into_iter()
                .chain(choose::assigned_by_begin(definition)),
        )),
        output: None,
        retry: express::retry_of_begin(definition.tier),
        catch: catch_begin(express::after_begin(definition.tier)),
        exit: Exit::Next(first.to_owned()),
    }
}

fn admission(definition: &Definition) -> Result<AdmissionSpec, CanonicalError> {
    let guardrails = definition.guardrails.iter().map(|guardrail| Guardrail {
        name: guardrail.name.clone(),
        assert: guardrail.assert.jsonata().to_owned(),
        message: guardrail.message.clone(),
    });
    let triggers = definition.triggers.iter().map(|trigger| TriggerMap {
        name: trigger.name.clone(),
        tenant: Template(for_begin(&json!(trigger.tenant))),
        idempotency_key: Template(for_begin(&json!(trigger.idempotency_key))),
        input: Template(for_begin(&trigger.input)),
        requested_by: trigger
            .requested_by
            .as_ref()
            .map(|by| Template(for_begin(&json!(by)))),
        approval: trigger
            .approval
            .as_ref()
            .map(|approval| Template(for_begin(approval))),
    });
    let jsonata = |field: &Expression| field.jsonata().to_owned();
    let show = definition.show.iter();
    let show = show.map(|(label, field)| FieldExpression {
        label: label.clone(),
        value: jsonata(field),
    });
    Ok(AdmissionSpec {
        workflow: definition.workflow.clone(),
        version: definition.version,
        description: definition.description.clone(),
        definition_digest: definition.digest()?,
        tenants: definition.tenants.clone(),
        input_schema: definition.input.clone(),
        guardrails: guardrails.collect(),
        rules: StartConditions {
            budgets: definition.rules.budgets.iter().map(bare).collect(),
            ..definition.rules.clone()
        },
        fields: ShownFields {
            subject: definition.subject.as_ref().map(jsonata),
            show: show.collect(),
        },
        triggers: triggers.collect(),
        timeout_s: definition.limits.timeout_s,
        tier: definition.tier,
    })
}

/// State that ends an execution whose output failed to evaluate.
pub(super) const WITHOUT_OUTPUT: &str = "Finish.without_output";

/// Returns the state that ends an execution. An output that fails to evaluate fails the arguments
/// of its state, so that another state ends the execution without it.
fn finish(definition: &Definition, refs: &Value) -> Task {
    let mut task = finish_task(refs);
    if !definition.output.is_empty() {
        task.arguments["output"] = ExpressionContext::default()
            .output(&definition.output)
            .into();
        let failed = Catcher {
            error_equals: vec![EVALUATION.to_owned()],
            assign: None,
            output: None,
            next: WITHOUT_OUTPUT.to_owned(),
        };
        task.catch.insert(0, failed);
    }
    task
}

fn finish_without_output(refs: &Value) -> Task {
    let mut task = finish_task(refs);
    task.arguments["output"] = json!(EvaluatedOutput::Failed);
    task
}

fn finish_task(refs: &Value) -> Task {
    Task {
        resource: format!("${{{FINISH_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments: json!({ "execution": "{% $execution %}", "steps": refs }),
        assign: None,
        output: None,
        retry: of_end(),
        catch: vec![catch_all("Finish", "Plan")],
        exit: Exit::End(true),
    }
}
