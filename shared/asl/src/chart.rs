//! Draws a compiled machine as a Mermaid flowchart: the way of an execution to which nothing happens.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The flowchart's text: states as they follow each other, branches of `Parallel` and items of `Map` as boxes. What
/// leads to the rollback is left out.
pub fn chart(machine: &Value) -> String {
    let mut text = "flowchart TD\n".to_owned();
    draw(machine, 1, &mut text);
    text
}

/// The states of one machine, and of those inside.
fn draw(machine: &Value, depth: usize, text: &mut String) {
    let none = Map::new();
    let states = machine["States"].as_object().unwrap_or(&none);
    let start = machine["StartAt"].as_str().unwrap_or_default();
    let mut waiting = vec![start.to_owned()];
    let mut seen: Vec<String> = Vec::new();
    let mut line = |said: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}{said}", "  ".repeat(depth));
    };
    let mut boxes: Vec<(String, Vec<Value>)> = Vec::new();
    while let Some(name) = waiting.pop() {
        let Some(state) = states.get(&name).filter(|_| !seen.contains(&name)) else {
            continue;
        };
        let id = node(&name);
        let kind = state["Type"].as_str().unwrap_or_default();
        line(match kind {
            "Choice" => format!("{id}{{\"{name}\"}}"),
            "Succeed" | "Fail" => format!("{id}([\"{name}\"])"),
            _ => format!("{id}[\"{name}\"]"),
        });
        for (next, label) in followers(state) {
            let arrow = if label.is_empty() {
                "-->".to_owned()
            } else {
                format!("-->|{label}|")
            };
            line(format!("{id} {arrow} {}", node(&next)));
            waiting.push(next);
        }
        let branches = state["Branches"].as_array().cloned().unwrap_or_default();
        let inside = branches
            .into_iter()
            .chain(state.get("ItemProcessor").cloned());
        let inside: Vec<_> = inside.collect();
        if !inside.is_empty() {
            boxes.push((name.clone(), inside));
        }
        seen.push(name);
    }
    for (name, machines) in boxes {
        for (n, machine) in machines.iter().enumerate() {
            let id = format!("{}_{n}", node(&name));
            let begins = machine["StartAt"].as_str().unwrap_or_default();
            let pad = "  ".repeat(depth);
            let _ = writeln!(text, "{pad}subgraph {id} [\"{name}\"]");
            draw(machine, depth + 1, text);
            let _ = writeln!(text, "{pad}end\n{pad}{} -.-> {}", node(&name), node(begins));
        }
    }
}

/// The states that follow one, each with what is said on the way.
fn followers(state: &Value) -> Vec<(String, &'static str)> {
    let choices = state["Choices"].as_array().into_iter().flatten();
    let choices = choices.filter_map(|choice| choice["Next"].as_str());
    let mut all: Vec<_> = choices.map(|next| (next.to_owned(), "if so")).collect();
    all.extend(
        state["Default"]
            .as_str()
            .map(|next| (next.to_owned(), "else")),
    );
    all.extend(state["Next"].as_str().map(|next| (next.to_owned(), "")));
    all
}

/// Words of Mermaid's, such as `end`, cannot name a node; other characters than these neither.
fn node(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("state_{}", name.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_machine_is_drawn_as_it_goes_when_nothing_happens() {
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
