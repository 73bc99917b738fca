//! Compiles definitions into state machines, and into the generated part of template.yaml.

mod choose;
mod decisions;
mod express;
mod expressions;
mod history;
mod limits;
mod machine;
mod names;
mod outputs;
mod pauses;
mod region;
mod retry;
mod row;
mod scalars;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod unwind;
mod waits;

pub use history::{ItemLimit, MAX_EVENTS};
pub use limits::check_names;
pub(crate) use machine::{event_limit_of, item_limits_of};
pub use machine::{machine, step_refs};
pub(crate) use names::no_parameters_in;
pub use names::{
    ASK_ARN, BEGIN_ARN, ENDED_URL, FINISH_ARN, PLAN_ARN, arn_of, function_id, parameters_in,
};
pub use template::template_parameters;
pub use unwind::recovery;

use crate::definition::Definition;
use holdfast_action::ActionInfo;
use holdfast_asl::{Machine, State};
use holdfast_task::{RECOVERY, Tier};
use region::{WorkflowPart, missing_parameter, region, unfit_name, unknown_parameter};
use scalars::Scalars;
use template::replace_region;

/// Returns the size of the arguments of `Begin`, without the input.
fn admission_bytes(machine: &Machine) -> serde_json::Result<usize> {
    let begin = machine.states.get("Begin").and_then(|state| match state {
        State::Task(task) => Some(&task.arguments),
        _ => None,
    });
    serde_json::to_string(&begin).map(|text| text.len())
}

/// The files that follow from all workflows of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledProject {
    /// Workflow id and text of each state machine, sorted. The last is [`RECOVERY`].
    pub machines: Vec<(String, String)>,
    /// template.yaml with its generated part replaced.
    pub template: String,
}

/// Largest state machine that Step Functions takes, in bytes
/// (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const MAX_MACHINE_BYTES: usize = 1_000_000;
/// Largest arguments of `Begin`, in bytes. Step Functions takes 256 KiB, and most of that belongs
/// to the input.
const MAX_ADMISSION_BYTES: usize = 50_000;

/// Room for the value of a parameter or ARN that replaces a substitution, in bytes.
const SUBSTITUTION_BYTES: usize = 200;

/// Returns the text of a state machine that Step Functions accepts. The error names the rule that
/// it breaks.
fn text_of(machine: &Machine, tier: Tier) -> Result<String, String> {
    let of_express = match tier {
        Tier::Standard => Vec::new(),
        Tier::Express => machine.express_violations(),
    };
    if let Some(violation) = machine.violations().into_iter().chain(of_express).next() {
        return Err(format!("Step Functions would refuse it: {violation}"));
    }
    machine.to_json().map_err(|error| error.to_string())
}

/// Returns the size of a state machine once its substitutions are made.
fn deployed_bytes(text: &str) -> usize {
    text.len() + text.matches("${").count() * SUBSTITUTION_BYTES
}

/// Compiles all workflows of a project, each with the path of its file. The error is a message for
/// people.
pub fn all(
    workflows: &[(&Definition, &str)],
    actions: &[ActionInfo],
    template: &str,
) -> Result<CompiledProject, String> {
    let mut workflows = workflows.to_vec();
    workflows.sort_by(|(one, _), (other, _)| one.workflow.cmp(&other.workflow));
    let mut machines = Vec::new();
    for (definition, file) in &workflows {
        let machine = machine(definition, file).map_err(|error| format!("{file}: {error}"))?;
        let text =
            text_of(&machine, definition.tier).map_err(|error| format!("{file}: {error}"))?;
        let bytes = deployed_bytes(&text);
        if bytes > MAX_MACHINE_BYTES {
            let message =
                format!("{file}: its state machine has {bytes} bytes, at most {MAX_MACHINE_BYTES}");
            return Err(format!("{message} are possible: split the workflow"));
        }
        let bytes = admission_bytes(&machine).map_err(|error| format!("{file}: {error}"))?;
        if bytes > MAX_ADMISSION_BYTES {
            return Err(format!(
                "{file}: its input's schema, guardrails, triggers and steps have {bytes} bytes, at most {MAX_ADMISSION_BYTES} are possible: \
                 shorten them, or split the workflow"
            ));
        }
        machines.push((definition.workflow.clone(), text));
    }
    let definitions: Vec<&Definition> = workflows.iter().map(|(one, _)| *one).collect();
    let recovery = unwind::recovery(&definitions);
    let recovery =
        text_of(&recovery, Tier::Standard).map_err(|error| format!("{RECOVERY}: {error}"))?;
    let parts: Vec<WorkflowPart<'_>> = workflows
        .iter()
        .zip(&machines)
        .map(|((definition, _), (_, machine))| WorkflowPart {
            definition,
            machine,
        })
        .collect();
    let in_template = |error: String| format!("template.yaml: {error}");
    let parameters = template_parameters(template);
    if let Some(error) = missing_parameter(&parts, actions, &parameters)
        .or_else(|| unknown_parameter(&parts, &parameters))
        .or_else(|| unfit_name(&parts))
    {
        return Err(in_template(error));
    }
    let placeholders = Scalars::placeholders();
    let meant = region(&parts, actions, &placeholders);
    let written = region(&parts, actions, &Scalars::Serialized);
    placeholders
        .compare(&written, &meant)
        .map_err(in_template)?;
    let template = replace_region(template, &written).map_err(in_template)?;
    machines.push((RECOVERY.to_owned(), recovery));
    Ok(CompiledProject { machines, template })
}
