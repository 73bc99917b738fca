//! What a step yields at the end of its state: as a variable, to its branch, to its item.

use serde_json::{Value, json};

use super::expressions::ExpressionContext;
use crate::definition::{ForEach, Step, StepKind};
use holdfast_asl::{Object, member};
use holdfast_expression::expression_in;

/// A task's output as a variable of its name.
pub(super) fn assigned(name: &str) -> Object {
    member(name, format!("{{% {TASK_OUTPUT} %}}"))
}

/// What yields the output of the state that just ended, by its kind.
const TASK_OUTPUT: &str = "$states.result.output";
pub(super) const PARALLEL_OUTPUT: &str = "$merge($states.result)";
pub(super) const MAP_OUTPUT: &str = "$states.result";

/// The expression that yields a step's output at the end of its own state, if it has one.
fn own_output(step: &Step) -> Option<&'static str> {
    match &step.kind {
        StepKind::Action(_) => Some(TASK_OUTPUT),
        StepKind::Parallel(_) => Some(PARALLEL_OUTPUT),
        StepKind::ForEach(each) => each.collect.is_some().then_some(MAP_OUTPUT),
        StepKind::Approve(_) => Some(TASK_OUTPUT),
        StepKind::Wait(_) => None,
    }
}

/// `{step: output, …}` of a branch, at the end of its last state.
pub(super) fn branch_output(earlier: &[Step], last: &Step) -> Value {
    let earlier = earlier.iter().filter(|step| own_output(step).is_some());
    let earlier = earlier.map(|step| (step.name.clone(), json!(format!("{{% ${} %}}", step.name))));
    let last =
        own_output(last).map(|output| (last.name.clone(), json!(format!("{{% {output} %}}"))));
    Value::Object(earlier.chain(last).collect())
}

/// What an item contributes, at the end of its last state: null where there is nothing, as after a skipped step.
pub(super) fn item_output(each: &ForEach, last: &Step) -> Value {
    let Some(collect) = each.collect.as_deref().and_then(expression_in) else {
        return json!({});
    };
    let around = ExpressionContext {
        item_key: Some(&each.item_key),
        fresh: own_output(last).map(|output| (last.name.as_str(), output)),
        ..ExpressionContext::default()
    };
    let collect =
        format!("{{% ($collected := ({collect}); $exists($collected) ? $collected : null) %}}");
    around.expression(&collect).into()
}
