//! Compiles the output of a step at the end of its state: to a variable, to its branch, to its
//! item.

use serde_json::{Value, json};

use super::expressions::{ExpressionContext, ITEM_INPUT, ItemBinding};
use crate::definition::{ForEach, Step, StepKind};
use holdfast_asl::{Object, member};

/// Returns the assignment of a task's output to the variable of its name.
pub(super) fn assigned(name: &str) -> Object {
    member(name, format!("{{% {TASK_OUTPUT} %}}"))
}

/// Returns the assignment of the item, in the first state of an iteration, to the variable that
/// later states read.
pub(super) fn assigned_item() -> Object {
    member("item", format!("{{% {ITEM_INPUT} %}}"))
}

/// Expression for the output of the task that just ended.
const TASK_OUTPUT: &str = "$states.result.output";
/// Expression for the output of the Parallel that just ended.
pub(super) const PARALLEL_OUTPUT: &str = "$merge($states.result)";
/// Expression for the output of the Map that just ended.
pub(super) const MAP_OUTPUT: &str = "$states.result";

/// Returns the expression for a step's output at the end of its own state, if it has an output.
fn own_output(step: &Step) -> Option<&'static str> {
    match &step.kind {
        StepKind::Action(_) => Some(TASK_OUTPUT),
        StepKind::Parallel(_) => Some(PARALLEL_OUTPUT),
        StepKind::ForEach(each) => each.collect.is_some().then_some(MAP_OUTPUT),
        StepKind::Approve(_) => Some(TASK_OUTPUT),
        // A choose or a stop is in no branch and in no item.
        StepKind::Wait(_) | StepKind::Choose(_) | StepKind::Stop(_) => None,
    }
}

/// Returns the output of a branch, `{step: output, …}`, at the end of its last state.
pub(super) fn branch_output(earlier: &[Step], last: &Step) -> Value {
    let earlier = earlier.iter().filter(|step| own_output(step).is_some());
    let earlier = earlier.map(|step| (step.name.clone(), json!(format!("{{% ${} %}}", step.name))));
    let last =
        own_output(last).map(|output| (last.name.clone(), json!(format!("{{% {output} %}}"))));
    Value::Object(earlier.chain(last).collect())
}

/// Returns what an item contributes, at the end of its last state: null if there is nothing, as
/// after a skipped step.
pub(super) fn item_output(each: &ForEach, last: &Step, item: Option<ItemBinding<'_>>) -> Value {
    let Some(collect) = &each.collect else {
        return json!({});
    };
    let context = ExpressionContext {
        item,
        fresh: own_output(last).map(|output| (last.name.as_str(), output)),
        ..ExpressionContext::default()
    };
    let collect = collect.jsonata();
    let collect = format!("($collected := ({collect}); $exists($collected) ? $collected : null)");
    context.expression(&collect).into()
}
