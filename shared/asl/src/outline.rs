//! Reads the outline of a compiled state machine: the states of an execution without errors, as
//! data from which a graph can be drawn.

use serde_json::{Map, Value};

use crate::NO_ITEMS;

/// The kind of a node, by what the definition declares there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// The admission of the start.
    Begin,
    /// A step, which calls an action.
    Step,
    /// A question to people.
    Approval,
    /// A wait for a time.
    Wait,
    /// A choice between states.
    Choice,
    /// Branches side by side.
    Parallel,
    /// A repetition for each item.
    ForEach,
    /// The end.
    End,
    /// A state that has no place in the definition.
    Other,
}

/// A state, and the states that follow it on the same level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineNode {
    /// The state's name, which is that of the step.
    pub name: String,
    /// The kind.
    pub kind: NodeKind,
    /// The action of a step.
    pub action: Option<String>,
    /// True if the effect of the step can be undone.
    pub undo: bool,
    /// True if the workflow continues if the step fails without an effect.
    pub optional: bool,
    /// True if a failure of the step is put to people.
    pub escalates: bool,
    /// The groups that decide an approval.
    pub by: Vec<String>,
    /// The states that follow, each with the label of its arrow.
    pub next: Vec<(String, Option<&'static str>)>,
    /// The levels inside: the branches of a parallel, or the one of a repetition.
    pub inside: Vec<Vec<OutlineNode>>,
}

/// The nodes of the top level, in the order in which an execution enters them.
///
/// Like [`crate::chart`], it reads JSON that an older compiler may have written.
pub fn outline(machine: &Value) -> Vec<OutlineNode> {
    let none = Map::new();
    let states = machine["States"].as_object().unwrap_or(&none);
    let mut open = vec![machine["StartAt"].as_str().unwrap_or_default()];
    let mut nodes: Vec<OutlineNode> = Vec::new();
    while let Some(name) = open.pop() {
        let known = nodes.iter().any(|node| node.name == name);
        let Some(state) = states.get(name).filter(|_| !known) else {
            continue;
        };
        let next = followers(state);
        // The first of several branches is entered first.
        open.extend(next.iter().rev().map(|(next, _)| *next));
        let escalates = states.contains_key(&format!("{name}.escalate"));
        nodes.push(node(name, state, &next, escalates));
    }
    nodes
}

fn node(
    name: &str,
    state: &Value,
    next: &[(&str, Option<&'static str>)],
    escalates: bool,
) -> OutlineNode {
    let step = &state["Arguments"]["step"];
    let groups = &state["Arguments"]["Payload"]["ask"]["approvers"]["by"];
    let groups = groups.as_array().into_iter().flatten();
    let branches = state["Branches"].as_array().into_iter().flatten();
    let items = state.get("ItemProcessor");
    let items = items.filter(|_| state["Items"] != NO_ITEMS);
    let kind = kind(state);
    let inside = branches.chain(items).map(outline);
    OutlineNode {
        name: name.to_owned(),
        kind,
        action: step["action"].as_str().map(str::to_owned),
        undo: !step["undo"].is_null(),
        optional: step["optional"] == true,
        escalates,
        by: groups
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        next: next
            .iter()
            .map(|(next, label)| ((*next).to_owned(), *label))
            .collect(),
        inside: match kind {
            NodeKind::Parallel | NodeKind::ForEach => inside.collect(),
            _ => Vec::new(),
        },
    }
}

fn kind(state: &Value) -> NodeKind {
    let arguments = &state["Arguments"];
    let branches = state["Branches"].as_array();
    match state["Type"].as_str() {
        Some("Choice") => NodeKind::Choice,
        Some("Wait") => NodeKind::Wait,
        Some("Map") if state["Items"] != NO_ITEMS => NodeKind::ForEach,
        // A wait whose time can be wrong is the only state of the only branch.
        Some("Parallel")
            if branches.is_some_and(|all| matches!(&all[..], [one] if only_waits(one))) =>
        {
            NodeKind::Wait
        }
        Some("Parallel") => NodeKind::Parallel,
        Some("Succeed" | "Fail") => NodeKind::End,
        Some("Task") if arguments["step"].is_object() => NodeKind::Step,
        Some("Task") if arguments["Payload"]["ask"]["kind"] == "approval" => NodeKind::Approval,
        Some("Task") if arguments["gate"].is_object() => NodeKind::Begin,
        Some("Task") if state["End"] == true => NodeKind::End,
        _ => NodeKind::Other,
    }
}

fn only_waits(level: &Value) -> bool {
    let states = level["States"].as_object();
    let mut states = states.into_iter().flat_map(Map::values);
    states.all(|state| state["Type"] == "Wait")
}

/// The states that follow one, each with the label of its arrow.
pub(crate) fn followers(state: &Value) -> Vec<(&str, Option<&'static str>)> {
    let choices = state["Choices"].as_array().into_iter().flatten();
    let choices = choices.filter_map(|choice| choice["Next"].as_str());
    let mut all: Vec<_> = choices.map(|next| (next, Some("if so"))).collect();
    all.extend(state["Default"].as_str().map(|next| (next, Some("else"))));
    all.extend(state["Next"].as_str().map(|next| (next, None)));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(nodes: &[OutlineNode]) -> Vec<&str> {
        nodes.iter().map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn an_outline_has_what_the_definition_declares_and_no_rollback() {
        let step = |name: &str, next: &str| json!({ "Type": "Task", "Arguments": { "step": { "name": name, "action": "http", "undo": {} } }, "Next": next });
        let machine = json!({ "StartAt": "Begin", "States": {
            "Begin": { "Type": "Task", "Arguments": { "gate": {} }, "Catch": [{ "Next": "Plan" }], "Next": "agree" },
            "agree": { "Type": "Task", "Arguments": { "Payload": { "ask": { "kind": "approval", "approvers": { "by": ["cfo"] } } } }, "Next": "each" },
            "each": { "Type": "Map", "ItemProcessor": { "StartAt": "hold", "States": { "hold": step("hold", "x") } }, "Next": "until" },
            "until": { "Type": "Parallel", "Branches": [{ "StartAt": "w", "States": { "w": { "Type": "Wait", "End": true } } }], "Next": "large" },
            "large": { "Type": "Choice", "Choices": [{ "Next": "tell" }], "Default": "Finish" },
            "tell": step("tell", "Finish"),
            "tell.escalate": { "Type": "Task", "Next": "Finish" },
            "Finish": { "Type": "Task", "Arguments": { "steps": [] }, "End": true },
            "Plan": { "Type": "Task", "Next": "Finish" },
        }});
        let nodes = outline(&machine);
        assert_eq!(
            names(&nodes),
            ["Begin", "agree", "each", "until", "large", "tell", "Finish"]
        );
        let kinds: Vec<_> = nodes.iter().map(|node| node.kind).collect();
        use NodeKind::{Approval, Begin, Choice, End, ForEach, Step, Wait};
        assert_eq!(kinds, [Begin, Approval, ForEach, Wait, Choice, Step, End]);
        assert_eq!(nodes[1].by, ["cfo"]);
        let held = &nodes[2].inside[0][0];
        assert_eq!((held.name.as_str(), held.undo), ("hold", true));
        assert!(nodes[3].inside.is_empty());
        let next: Vec<_> = nodes[4]
            .next
            .iter()
            .map(|(to, label)| (to.as_str(), *label))
            .collect();
        assert_eq!(next, [("tell", Some("if so")), ("Finish", Some("else"))]);
        assert!(nodes[5].escalates && !held.escalates);
    }

    #[test]
    fn a_step_has_its_action_and_parallel_branches_are_levels_in_declared_order() {
        let step = |name: &str, optional: bool| json!({ "StartAt": name, "States": { name: { "Type": "Task", "End": true, "Arguments": { "step": { "name": name, "action": "vendor-hold", "optional": optional } } } } });
        let machine = json!({ "StartAt": "both", "States": {
            "both": { "Type": "Parallel", "Branches": [step("left", true), step("right", false)], "Next": "which" },
            "which": { "Type": "Choice", "Choices": [{ "Next": "early" }, { "Next": "odd" }], "Default": "Finish" },
            "early": { "Type": "Map", "Items": NO_ITEMS, "ItemProcessor": step("none", false), "Next": "Finish" },
            "odd": { "Type": "Pass", "Next": "Finish" },
            "Finish": { "Type": "Succeed" },
        }});
        let nodes = outline(&machine);
        // The branches of a choice come one after the other, and what they share only once.
        assert_eq!(names(&nodes), ["both", "which", "early", "Finish", "odd"]);
        let both = &nodes[0];
        assert_eq!(both.kind, NodeKind::Parallel);
        let inside: Vec<_> = both.inside.iter().map(|level| &level[0]).collect();
        assert_eq!(
            (inside[0].name.as_str(), inside[0].optional),
            ("left", true)
        );
        assert_eq!(
            (inside[1].name.as_str(), inside[1].optional),
            ("right", false)
        );
        assert_eq!(inside[0].action.as_deref(), Some("vendor-hold"));
        assert!(!inside[0].undo, "it declares none");
        assert_eq!((nodes[2].kind, nodes[2].inside.len()), (NodeKind::Other, 0));
        assert_eq!(
            (nodes[3].kind, nodes[4].kind),
            (NodeKind::End, NodeKind::Other)
        );
    }
}
