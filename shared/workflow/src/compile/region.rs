//! Generates the part of template.yaml that follows from the workflows: the functions of the
//! actions in use, the state machines and their triggers. The text blocks lie in `region/`.

use std::collections::BTreeMap;

use super::names::{ASK_ARN, ENDED_URL, arn_of, function_id, parameters_in, pascal};
use super::scalars::Scalars;
use crate::definition::{ActionStep, Definition, Trigger, TriggerSource};
use holdfast_action::ActionInfo;
use holdfast_action::SECRETS_VARIABLE;
use holdfast_expression::expression_in;
use holdfast_task::{
    Tier,
    timing::{FUNCTION_MARGIN_S, FUNCTION_MAX_S, FUNCTION_MIN_S},
};

const FUNCTION: &str = include_str!("region/function.yaml");
const MACHINE: &str = include_str!("region/machine.yaml");
/// The resources of the recovery state machine.
pub(super) const RECOVERY: &str = include_str!("region/recovery.yaml");
const REPORT: &str = "            - Effect: Allow
              Action: sqs:SendMessage
              Resource: !GetAtt StatusEventQueue.Arn
";
const ROLE: &str = include_str!("region/role.yaml");
const RULE: &str = include_str!("region/rule.yaml");
const SCHEDULE: &str = include_str!("region/schedule.yaml");

/// A compiled workflow, reduced to its share in the region.
pub(super) struct WorkflowPart<'a> {
    pub(super) definition: &'a Definition,
    /// The state machine's text, for the parameters that it mentions.
    pub(super) machine: &'a str,
}

/// The region's text: functions sorted by action, the recovery machine, then machines in the order
/// of `parts`. The recovery machine comes before the others, because its block defines the anchor
/// `&log-delivery` that theirs refer to.
pub(super) fn region(
    parts: &[WorkflowPart<'_>],
    actions: &[ActionInfo],
    scalars: &Scalars,
) -> String {
    let mut blocks = Vec::new();
    for (action, need) in needs(parts) {
        if let Some(info) = actions.iter().find(|info| info.name == action) {
            blocks.push(function(info, &need, scalars));
        }
    }
    blocks.push(recovery(parts));
    for part in parts {
        blocks.push(machine(part));
        let triggers = &part.definition.triggers;
        let id = machine_id(&part.definition.workflow);
        if !triggers.is_empty() {
            blocks.push(fill(ROLE, &[("ID", &id)]));
        }
        blocks.extend(triggers.iter().map(|trigger| start(&id, trigger, scalars)));
    }
    blocks.join("\n")
}

/// Returns a message about the first setting that the template has no parameter for.
pub(super) fn missing_parameter(
    parts: &[WorkflowPart<'_>],
    actions: &[ActionInfo],
    parameters: &[String],
) -> Option<String> {
    let used = needs(parts);
    actions
        .iter()
        .filter(|info| used.contains_key(info.name))
        .find_map(|info| {
            let missing = info
                .settings
                .iter()
                .find(|setting| !parameters.iter().any(|one| one == setting.parameter))?;
            Some(format!(
                "add the parameter {}: action {} reads it",
                missing.parameter, info.name
            ))
        })
}

/// Returns a message about the first parameter of a workflow that the template does not have, in
/// its state machine, its triggers or its secrets' names. Another name would refer to a resource.
pub(super) fn unknown_parameter(
    parts: &[WorkflowPart<'_>],
    parameters: &[String],
) -> Option<String> {
    parts.iter().find_map(|part| {
        let functions = functions_of(&[part], &["Ask", "Begin", "Finish", "Plan"]);
        let definition = serde_json::to_string(part.definition).unwrap_or_default();
        let is_parameter = |name: &str| parameters.iter().any(|one| one == name);
        let in_machine = parameters_in(part.machine)
            .filter(|name| *name != ENDED_URL && !functions.iter().any(|(arn, _)| arn == name));
        let unknown = in_machine
            .chain(parameters_in(&definition))
            .find(|name| !is_parameter(name))?;
        Some(format!(
            "add the parameter {unknown}, or take ${{{unknown}}} out of {}",
            part.definition.workflow
        ))
    })
}

/// Returns a message about the first name of a workflow, trigger or action that has more than ASCII
/// letters, digits, `-` and `_`. The blocks contain these names unquoted.
pub(super) fn unfit_name(parts: &[WorkflowPart<'_>]) -> Option<String> {
    let names = parts.iter().flat_map(|WorkflowPart { definition, .. }| {
        let triggers = definition.triggers.iter().map(|one| one.name.as_str());
        let steps = definition.action_steps().into_iter();
        let actions = steps.map(|(_, step, _)| step.action.as_str());
        std::iter::once(definition.workflow.as_str())
            .chain(triggers)
            .chain(actions)
    });
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut names = names.filter(|name| !name.chars().all(plain));
    names
        .next()
        .map(|name| format!("the name {name:?} may have ASCII letters, digits, - and _ only"))
}

/// The start of the logical ids of a workflow's resources.
fn machine_id(workflow: &str) -> String {
    pascal(workflow.strip_prefix("WF-").unwrap_or(workflow))
}

/// Requirements of all workflows' steps on the function of one action.
#[derive(Default)]
struct FunctionNeeds {
    longest_s: u64,
    secrets: Vec<String>,
}

fn needs<'a>(parts: &[WorkflowPart<'a>]) -> BTreeMap<&'a str, FunctionNeeds> {
    let mut needs: BTreeMap<&str, FunctionNeeds> = BTreeMap::new();
    for (_, step, _) in parts.iter().flat_map(|part| part.definition.action_steps()) {
        let need = needs.entry(&step.action).or_default();
        let undo_s = step
            .rollback
            .as_ref()
            .map_or(0, |rollback| rollback.timeout_s);
        need.longest_s = need.longest_s.max(step.timeout_s).max(undo_s);
        need.secrets.extend(secrets(step).map(str::to_owned));
    }
    for need in needs.values_mut() {
        need.secrets.sort();
        need.secrets.dedup();
    }
    needs
}

/// Returns the secrets that the input of a step or of its undo names.
fn secrets(step: &ActionStep) -> impl Iterator<Item = &str> {
    let undo = step
        .rollback
        .as_ref()
        .and_then(|rollback| rollback.input.as_ref());
    let names = [Some(&step.input), undo].into_iter().flatten();
    names
        .filter_map(|input| input.pointer("/auth/secret")?.as_str())
        .filter(|name| expression_in(name).is_none())
}

fn function(info: &ActionInfo, need: &FunctionNeeds, scalars: &Scalars) -> String {
    let settings: String = info
        .settings
        .iter()
        .map(|setting| {
            format!(
                "          {}: !Ref {}\n",
                setting.variable, setting.parameter
            )
        })
        .collect();
    let timeout = (need.longest_s + FUNCTION_MARGIN_S).clamp(FUNCTION_MIN_S, FUNCTION_MAX_S);
    fill(
        FUNCTION,
        &[
            ("ID", &pascal(info.name)),
            ("ACTION", info.name),
            ("TIMEOUT", &timeout.to_string()),
            ("SETTINGS", &settings),
            ("NAMED", &named(&need.secrets, scalars)),
            ("SECRETS", &secret_policy(&need.secrets, scalars)),
        ],
    )
}

/// Returns the line of the variable that names a function's secrets.
fn named(secrets: &[String], scalars: &Scalars) -> String {
    match secrets {
        [] => String::new(),
        all => format!(
            "          {SECRETS_VARIABLE}: {}\n",
            scalars.text(&all.join(","))
        ),
    }
}

/// Returns the policy statement that lets a function read its secrets. Secrets Manager appends six
/// characters to a secret's name, so that the ARN ends in as many question marks.
fn secret_policy(secrets: &[String], scalars: &Scalars) -> String {
    if secrets.is_empty() {
        return String::new();
    }
    let all = secrets.iter().map(|name| {
        let arn = match name.starts_with("arn:") {
            true => scalars.text(name),
            false => scalars.secret_arn(name),
        };
        format!("                - {arn}\n")
    });
    let statement = "            - Effect: Allow\n              Action: secretsmanager:GetSecretValue\n              Resource:\n";
    format!("{statement}{}", all.collect::<String>())
}

/// Returns the functions that a state machine with these steps calls: substitution and logical id.
fn functions_of(parts: &[&WorkflowPart<'_>], own: &[&str]) -> Vec<(String, String)> {
    let steps = parts.iter().flat_map(|part| part.definition.action_steps());
    let mut actions: Vec<&str> = steps.map(|(_, step, _)| step.action.as_str()).collect();
    actions.sort_unstable();
    actions.dedup();
    let own = own
        .iter()
        .map(|name| (format!("{name}FunctionArn"), format!("{name}Function")));
    let steps = actions
        .iter()
        .map(|action| (arn_of(action), function_id(action)));
    own.chain(steps).collect()
}

fn substitutions_of(functions: &[(String, String)]) -> String {
    let lines = functions
        .iter()
        .map(|(arn, id)| format!("        {arn}: !GetAtt {id}.Arn\n"));
    lines.collect()
}

fn resources_of(functions: &[(String, String)]) -> String {
    let lines = functions
        .iter()
        .map(|(_, id)| format!("                - !GetAtt {id}.Arn\n"));
    lines.collect()
}

fn recovery(parts: &[WorkflowPart<'_>]) -> String {
    let parts: Vec<&WorkflowPart<'_>> = parts.iter().collect();
    let functions = functions_of(&parts, &["Finish", "Plan"]);
    fill(
        RECOVERY,
        &[
            ("SUBSTITUTIONS", &substitutions_of(&functions)),
            ("FUNCTIONS", &resources_of(&functions)),
        ],
    )
}

fn machine(part: &WorkflowPart<'_>) -> String {
    let mut own = vec!["Begin", "Finish", "Plan"];
    if part.machine.contains(&format!("${{{ASK_ARN}}}")) {
        own.push("Ask");
    }
    let functions = functions_of(&[part], &own);
    let mut parameters: Vec<&str> = parameters_in(part.machine)
        .filter(|name| *name != ENDED_URL && !functions.iter().any(|(arn, _)| arn == name))
        .collect();
    parameters.sort_unstable();
    parameters.dedup();
    let mut substitutions = substitutions_of(&functions);
    substitutions.extend(
        parameters
            .iter()
            .map(|name| format!("        {name}: !Ref {name}\n")),
    );
    let (kind, report) = match part.definition.tier {
        Tier::Standard => ("", ""),
        Tier::Express => {
            substitutions.push_str(&format!("        {ENDED_URL}: !Ref StatusEventQueue\n"));
            ("      Type: EXPRESS\n", REPORT)
        }
    };
    let workflow = &part.definition.workflow;
    fill(
        MACHINE,
        &[
            ("ID", &machine_id(workflow)),
            ("WORKFLOW", workflow),
            ("TYPE", kind),
            ("REPORT", report),
            ("SUBSTITUTIONS", &substitutions),
            ("FUNCTIONS", &resources_of(&functions)),
        ],
    )
}

fn start(id: &str, trigger: &Trigger, scalars: &Scalars) -> String {
    let trigger_id = pascal(&trigger.name);
    let names = [
        ("ID", id),
        ("TRIGGER_ID", &trigger_id),
        ("TRIGGER", &trigger.name),
    ];
    match &trigger.source {
        TriggerSource::Event(pattern) => {
            fill(&fill(RULE, &names), &[("PATTERN", &scalars.value(pattern))])
        }
        TriggerSource::Schedule { schedule, timezone } => {
            let timezone = timezone.as_ref().map_or_else(String::new, |name| {
                format!("      ScheduleExpressionTimezone: {}\n", scalars.text(name))
            });
            fill(
                &fill(SCHEDULE, &names),
                &[
                    ("SCHEDULE", &scalars.text(schedule)),
                    ("TIMEZONE", &timezone),
                ],
            )
        }
    }
}

/// Returns a block with its `@NAMES@` replaced, without its first line, which describes the file. A
/// value is not searched for names, since an author may have written one into it.
fn fill(block: &str, names: &[(&str, &str)]) -> String {
    let mut rest = match block.split_once('\n') {
        Some((first, rest)) if first.starts_with('#') => rest,
        _ => block,
    };
    let mut filled = String::new();
    while let Some((before, after)) = rest.split_once('@') {
        filled.push_str(before);
        let known = after
            .split_once('@')
            .and_then(|(name, behind)| Some((names.iter().find(|(one, _)| *one == name)?, behind)));
        rest = match known {
            Some(((_, value), behind)) => {
                filled.push_str(value);
                behind
            }
            None => {
                filled.push('@');
                after
            }
        };
    }
    filled + rest
}
