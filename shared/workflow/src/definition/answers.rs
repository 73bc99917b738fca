//! Reads what a drill's targets answer: for each step an output, or a list for successive calls.

use std::collections::BTreeMap;

use holdfast_action::ActionInfo;
use holdfast_ids::numbers::keep_digits;
use serde_json::{Map, Value};

use super::{
    Environment,
    model::Definition,
    names::Names,
    problem::Problem,
    read::MAX_TIMEOUT_S,
    reader::Reader,
    suggest::suggest,
    tree::{Kind, Node},
    yaml::parse,
};

/// The outputs of steps, by step, each for one call. A member that is missing has its default.
pub type Answers = BTreeMap<String, Vec<Map<String, Value>>>;

/// Reads the answers in `source`, a mapping from the steps of `definition`. The error holds every
/// mistake in order of its place.
pub fn read_answers(
    source: &str,
    definition: &Definition,
    actions: &[ActionInfo],
) -> Result<Answers, Vec<Problem>> {
    let mut problems = Vec::new();
    let root = parse(source, &mut problems).map_err(|syntax| vec![syntax])?;
    let mut reader = Reader {
        source,
        known: &Environment {
            actions: &[],
            parameters: &[],
        },
        tier: None,
        names: Names::collect(&root),
        input_schema: Value::Null,
        timeout_max_s: MAX_TIMEOUT_S,
        problems,
        warnings: Vec::new(),
    };
    let steps = definition.action_steps();
    let names: Vec<&str> = steps.iter().map(|(step, ..)| step.name.as_str()).collect();
    let mut answers = Answers::new();
    for (key, node) in reader.fields(&root, "the answers", &names).entries {
        let Some((_, action, _)) = steps.iter().find(|(step, ..)| step.name == key.name) else {
            continue;
        };
        let Some(info) = actions.iter().find(|info| info.name == action.action) else {
            continue;
        };
        let calls = match &node.kind {
            Kind::List(_) => reader.list(node, &format!("the answers of {}", key.name)),
            _ => std::slice::from_ref(node),
        };
        let calls = calls.iter().map(|call| reader.answer(call, info));
        answers.insert(key.name.clone(), calls.collect());
    }
    match reader.problems.is_empty() {
        true => Ok(answers),
        false => Err(super::read::in_order(reader.problems)),
    }
}

impl Reader<'_> {
    /// Reads one answer: some members of the action's output.
    fn answer(&mut self, node: &Node, info: &ActionInfo) -> Map<String, Value> {
        let what = format!("the answer of {}", info.name);
        let properties = info.output_schema["properties"].as_object();
        let members = properties.into_iter().flatten();
        let mut answer = Map::new();
        for (key, node) in self.any_fields(node, &what).entries {
            let Some((_, schema)) = members.clone().find(|(name, _)| **name == key.name) else {
                let known = members.clone().map(|(name, _)| name.as_str());
                let help = suggest(&key.name, known, &format!("{what} has"));
                let message = format!("unknown field `{}` in {what}", key.name);
                self.problem(key.at, message, help);
                continue;
            };
            let mut value = node.to_value();
            self.fits(node, &value, schema, &key.name);
            keep_digits(&mut value);
            answer.insert(key.name.clone(), value);
        }
        answer
    }
}
