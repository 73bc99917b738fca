//! Derives versions of a workflow, as an author might deploy them while executions are open: the
//! same steps, another action, another input, a step gone, a step in a `for_each`.

use std::sync::Arc;

use holdfast_action::ActionInfo;
use holdfast_workflow::definition::{ActionStep, Definition, Expression, ForEach, Step, StepKind};
use serde_json::json;

use crate::{
    RunInputs,
    plan::{DrilledStep, DrilledWorkflow},
};

/// A workflow and its versions.
pub(crate) struct Versions {
    /// Compiled versions. The first is the given definition.
    pub(crate) all: Vec<Arc<DrilledWorkflow>>,
    /// Every step of every version.
    pub(crate) steps: Vec<DrilledStep>,
    /// Change of each version, for people.
    pub(crate) changes: Vec<&'static str>,
}

/// A change of a definition. Returns false if the definition has nothing that it could change.
type Change = fn(&mut Definition, &[ActionInfo]) -> bool;

const CHANGES: [(&str, Change); 5] = [
    ("no change of the steps", |_, _| true),
    ("another action", another_action),
    ("another input", another_input),
    ("the step is gone", step_gone),
    ("the step is in a for_each", step_in_for_each),
];

impl Versions {
    /// Compiles a definition and its derived versions.
    pub(crate) fn of(
        definition: &Definition,
        file: &str,
        actions: &[ActionInfo],
        run_inputs: &RunInputs,
    ) -> Result<Self, String> {
        let compile =
            |definition: &Definition| DrilledWorkflow::new(definition, file, actions, run_inputs);
        let mut all = vec![compile(definition)?];
        let mut changes = vec!["as written"];
        for (number, (name, change)) in (1..).zip(CHANGES) {
            let mut changed = definition.clone();
            changed.version += number;
            if change(&mut changed, actions)
                && let Ok(version) = compile(&changed)
            {
                all.push(version);
                changes.push(name);
            }
        }
        let mut steps: Vec<DrilledStep> = Vec::new();
        for step in all.iter().flat_map(|version| &version.steps) {
            let same = |known: &DrilledStep| known.name == step.name && known.action == step.action;
            if !steps.iter().any(same) {
                steps.push(step.clone());
            }
        }
        Ok(Self {
            all: all.into_iter().map(Arc::new).collect(),
            steps,
            changes,
        })
    }
}

/// Returns the first action step of the top level, with its place.
fn first(definition: &mut Definition) -> Option<(usize, &mut ActionStep)> {
    let steps = definition.steps.iter_mut().enumerate();
    let mut actions = steps.filter_map(|(place, step)| match &mut step.kind {
        StepKind::Action(action) => Some((place, action)),
        _ => None,
    });
    actions.next()
}

fn another_action(definition: &mut Definition, actions: &[ActionInfo]) -> bool {
    let Some((_, step)) = first(definition) else {
        return false;
    };
    let other = actions.iter().find(|other| other.name != step.action);
    other.is_some_and(|other| {
        step.action = other.name.to_owned();
        true
    })
}

fn another_input(definition: &mut Definition, _: &[ActionInfo]) -> bool {
    let Some((_, step)) = first(definition) else {
        return false;
    };
    step.input = json!({ "changed": true });
    true
}

fn step_gone(definition: &mut Definition, _: &[ActionInfo]) -> bool {
    let place = first(definition).map(|(place, _)| place);
    let others = definition.action_steps().len() > 1;
    place.filter(|_| others).is_some_and(|place| {
        definition.steps.remove(place);
        true
    })
}

fn step_in_for_each(definition: &mut Definition, _: &[ActionInfo]) -> bool {
    let Some((place, _)) = first(definition) else {
        return false;
    };
    let expression = |jsonata: &str| Expression::read(&format!("{{% {jsonata} %}}"));
    let (Some(items), Some(item_key)) = (expression("['one', 'two']"), expression("$item")) else {
        return false;
    };
    let mut inner = definition.steps[place].clone();
    if let StepKind::Action(action) = &mut inner.kind {
        // A step in a `for_each` cannot ask a person.
        action.on_failure = Default::default();
    }
    definition.steps[place] = Step {
        name: format!("{}_each", inner.name),
        kind: StepKind::ForEach(ForEach {
            items,
            item_key,
            max_concurrency: 2,
            collect: None,
            steps: vec![inner],
        }),
    };
    true
}
