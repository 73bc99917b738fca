//! Compiles `choose` and `stop`: one state evaluates the conditions, a Choice leads to the branch.
//!
//! A Choice cannot catch an error: states-language.net/spec.html, "Errors", allows `Catch` in Task,
//! Parallel and Map states alone. So the conditions are evaluated in the `Assign` of a Map without
//! items, which costs one transition and calls no function. The Choice then only compares texts,
//! which always yields true or false.

use serde_json::{Value, json};

use super::{machine::WITHOUT_OUTPUT, row::Row, steps::Compiler};
use crate::definition::{Choose, Definition, Expression, Step, StepKind, Stop, outputs};
use holdfast_asl::{
    Choice, ChoiceRule, Exit, Inner, Map, NO_ITEMS, Object, ProcessorConfig, ProcessorMode, State,
    States,
};
use holdfast_task::{CONTINUE, OTHERWISE, STOP};

/// Variable that holds the branches that the execution took. No step can have its name, since it
/// has a capital.
const CHOICES: &str = "choicesMade";

impl Compiler<'_> {
    /// Compiles a `choose`, whose branches join at the state after it.
    pub(super) fn choose(
        &self,
        name: &str,
        (choose, exit): (&Choose, &Exit),
        row: Row<'_>,
        states: &mut States,
    ) {
        let next = exit.next().unwrap_or_default();
        let rows: Vec<(String, &[Step])> = choose.rows().collect();
        let whens = choose.branches.iter().map(|branch| &branch.when);
        let names = rows.iter().map(|(branch, _)| branch.as_str());
        let taken = first_true(whens.zip(names), OTHERWISE);
        let unset = rows.iter().flat_map(|(_, row)| row.iter());
        let unset = unset.flat_map(outputs).map(str::to_owned).collect();
        let evaluates = evaluates(name, &taken, unset, row);
        states.insert(name.to_owned(), State::Map(evaluates));
        let first = |row: &[Step]| row.first().map_or(next, |step| &step.name).to_owned();
        let mut leads: Vec<(&str, String)> = rows
            .iter()
            .map(|(branch, row)| (branch.as_str(), first(row)))
            .collect();
        let default = leads.pop().map(|(_, next)| next).unwrap_or_default();
        states.insert(branch_of(name), leads_to(name, &leads, default));
        for (_, steps) in rows {
            self.row(steps, row.joining(next), states);
        }
    }

    /// Compiles a `stop`, which leads to `Finish` or to the state after it.
    pub(super) fn stop(
        &self,
        name: &str,
        (stop, exit): (&Stop, &Exit),
        row: Row<'_>,
        states: &mut States,
    ) {
        let taken = first_true([(&stop.when, STOP)].into_iter(), CONTINUE);
        let evaluates = evaluates(name, &taken, Vec::new(), row);
        states.insert(name.to_owned(), State::Map(evaluates));
        let next = exit.next().unwrap_or_default().to_owned();
        let leads = [(STOP, self.end.to_owned())];
        states.insert(branch_of(name), leads_to(name, &leads, next));
    }
}

/// Returns the expression for the branch of the first condition that is true. A condition that
/// yields no boolean counts as false, as the `when` of a step does.
fn first_true<'a>(
    branches: impl Iterator<Item = (&'a Expression, &'a str)>,
    otherwise: &str,
) -> String {
    let whens =
        branches.map(|(when, branch)| format!("(({}) = true) ? '{branch}' : ", when.jsonata()));
    whens.collect::<String>() + &format!("'{otherwise}'")
}

/// Returns the state that evaluates which branch is taken. A redrive takes its branch again if
/// `Begin` found that a step of it has or may have an effect. Outputs of the branches are null
/// until their steps run.
fn evaluates(name: &str, taken: &str, unset: Vec<String>, row: Row<'_>) -> Map {
    let taken = format!("$exists(${CHOICES}.{name}) ? ${CHOICES}.{name} : ({taken})");
    let choices = format!("{{% $merge([${CHOICES}, {{ '{name}': {taken} }}]) %}}");
    let unset = unset.into_iter().map(|output| (output, Value::Null));
    let none = format!("{name}.none");
    Map {
        items: NO_ITEMS.to_owned(),
        max_concurrency: 1,
        item_processor: Inner {
            processor_config: Some(ProcessorConfig {
                mode: ProcessorMode::Inline,
            }),
            start_at: none.clone(),
            states: States::from([(none, State::Succeed {})]),
        },
        assign: Some(Object::from_iter(
            [(CHOICES.to_owned(), json!(choices))]
                .into_iter()
                .chain(unset),
        )),
        output: None,
        catch: row.catch(name),
        exit: Exit::Next(branch_of(name)),
    }
}

fn leads_to(name: &str, branches: &[(&str, String)], default: String) -> State {
    let rules = branches.iter().map(|(branch, next)| ChoiceRule {
        condition: format!("{{% ${CHOICES}.{name} = '{branch}' %}}"),
        next: next.clone(),
    });
    State::Choice(Choice {
        choices: rules.collect(),
        default,
    })
}

fn branch_of(name: &str) -> String {
    format!("{name}.branch")
}

/// Returns the variable that `Begin` assigns: the branches that a redrive takes again.
pub(super) fn assigned_by_begin(definition: &Definition) -> Option<(String, Value)> {
    let bound = "{% $exists($states.result.choices) ? $states.result.choices : {} %}";
    definition
        .has_choices()
        .then(|| (CHOICES.to_owned(), json!(bound)))
}

/// Hands the branches that were taken to the states that end the execution. `Close` can follow a
/// `Begin` that assigned nothing.
pub(super) fn record_choices(definition: &Definition, states: &mut States) {
    if !definition.has_choices() {
        return;
    }
    let stops = definition.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Stop(stop) => Some((step.name.clone(), json!(stop.reason))),
        _ => None,
    });
    let stops: Object = stops.collect();
    for end in ["Finish", WITHOUT_OUTPUT, "Close"] {
        if let Some(State::Task(task)) = states.get_mut(end) {
            let choices = format!("{{% $exists(${CHOICES}) ? ${CHOICES} : {{}} %}}");
            task.arguments["choices"] = json!(choices);
            if !stops.is_empty() {
                task.arguments["stops"] = json!(stops);
            }
        }
    }
}
