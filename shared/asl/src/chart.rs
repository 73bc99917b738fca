//! Draws a compiled state machine as a Mermaid flowchart, with the states of an execution without
//! errors.

use serde_json::{Map, Value};

use crate::{
    NO_ITEMS,
    flowchart::{Flowchart, Shape, node_id},
    outline::followers,
};

/// Returns the flowchart's text. Branches of a `Parallel` and items of a `Map` are boxes. States
/// that only the rollback enters are left out.
///
/// It reads JSON, not [`crate::Machine`]: an older compiler may have written what is deployed.
pub fn chart(machine: &Value) -> String {
    let mut chart = Flowchart::default();
    draw(machine, &mut chart);
    chart.into_text()
}

/// Draws the states of one level, then those inside them.
fn draw(level: &Value, chart: &mut Flowchart) {
    let none = Map::new();
    let states = level["States"].as_object().unwrap_or(&none);
    let start = level["StartAt"].as_str().unwrap_or_default();
    let mut open = vec![start];
    let mut drawn: Vec<&str> = Vec::new();
    let mut containers: Vec<(&str, Vec<&Value>)> = Vec::new();
    while let Some(name) = open.pop() {
        let Some(state) = states.get(name).filter(|_| !drawn.contains(&name)) else {
            continue;
        };
        let shape = match state["Type"].as_str() {
            Some("Choice") => Shape::Diamond,
            Some("Succeed" | "Fail") => Shape::Stadium,
            _ => Shape::Rectangle,
        };
        let id = id(name);
        chart.node(&id, shape, &[name], None);
        for (next, label) in followers(state) {
            chart.arrow(&id, &self::id(next), label);
            open.push(next);
        }
        let branches = state["Branches"].as_array().into_iter().flatten();
        let items = state.get("ItemProcessor");
        let items = items.filter(|_| state["Items"] != NO_ITEMS);
        let inside: Vec<_> = branches.chain(items).collect();
        if !inside.is_empty() {
            containers.push((name, inside));
        }
        drawn.push(name);
    }
    for (name, levels) in containers {
        for (n, level) in levels.into_iter().enumerate() {
            let inner = level["StartAt"].as_str().unwrap_or_default();
            let title = format!("{}_{n}", id(name));
            chart.boxed(&title, name, |chart| draw(level, chart));
            chart.dotted_arrow(&id(name), &id(inner));
        }
    }
}

fn id(name: &str) -> String {
    node_id("state", name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_chart_shows_the_states_of_an_execution_without_errors() {
        let machine = json!({
            "StartAt": "Begin",
            "States": {
                "Begin": { "Type": "Task", "Catch": [{ "Next": "Plan" }], "Next": "each" },
                "each": {
                    "Type": "Map",
                    "ItemProcessor": { "StartAt": "hold", "States": { "hold": { "Type": "Task", "End": true } } },
                    "Next": "large",
                },
                "large": { "Type": "Choice", "Choices": [{ "Next": "tell" }], "Default": "Done" },
                "tell": { "Type": "Task", "Next": "Done" },
                "Done": { "Type": "Succeed" },
                "Plan": { "Type": "Task", "Next": "Done" },
            },
        });
        insta::assert_snapshot!(chart(&machine), @r#"
        flowchart TD
          state_Begin["Begin"]
          state_Begin --> state_each
          state_each["each"]
          state_each --> state_large
          state_large{"large"}
          state_large -->|if so| state_tell
          state_large -->|else| state_Done
          state_Done(["Done"])
          state_tell["tell"]
          state_tell --> state_Done
          subgraph state_each_0 ["each"]
            state_hold["hold"]
          end
          state_each -.-> state_hold
        "#);
    }
}
