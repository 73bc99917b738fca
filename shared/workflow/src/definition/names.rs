//! Collects every step's name before steps are read, so that a wrong reference can be explained.

pub(super) use holdfast_expression::{FUNCTIONS, STEP_FUNCTIONS};

use super::{
    problem::Span,
    tree::{Kind, Node},
};

/// Names that expressions use otherwise, so that no step can have them.
pub(super) const RESERVED: [&str; 9] = [
    "input",
    "execution",
    "item",
    "item_key",
    "states",
    "event",
    "scheduled_time",
    "failure",
    "holdfast",
];

/// Functions that depend on the clock, so that each call may yield another value.
pub(super) const CLOCKS: [&str; 2] = ["millis", "now"];
/// Functions that depend on chance.
pub(super) const DICE: [&str; 3] = ["random", "shuffle", "uuid"];

/// The kind of a named step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Action,
    Wait,
    Approve,
    Parallel,
    /// True if it has a `collect`.
    ForEach(bool),
}

/// The declaration of a step.
#[derive(Debug, Clone)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) sort: Sort,
    /// Name of its action, if it is an action step.
    pub(super) action: Option<String>,
    /// Containers around it, outermost first.
    pub(super) within: Vec<String>,
    /// Reason why the execution may continue without it, if it may.
    pub(super) skippable: Option<&'static str>,
}

/// Returns the reason why an execution may continue without a step, whose output is then null.
fn skippable(step: &Node, in_for_each: bool) -> Option<&'static str> {
    let is = |field: &str, text: &str| {
        step.get(field)
            .is_some_and(|node| matches!(&node.kind, Kind::Text(found) if found == text))
    };
    let once = step
        .get("idempotent")
        .is_some_and(|node| matches!(node.kind, Kind::Bool(false)));
    if step.get("when").is_some() {
        Some("its `when` may skip it")
    } else if is("on_failure", "continue") {
        Some("the execution continues if it fails")
    } else if is("on_failure", "escalate") || (once && !in_for_each) {
        Some("a person may skip it")
    } else {
        None
    }
}

fn text(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// The declarations of all steps, in declared order.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Vec<Declaration>);

impl Names {
    /// Collects every mapping that looks like a named step.
    pub(super) fn collect(root: &Node) -> Self {
        let mut names = Self::default();
        if let Some(steps) = root.get("steps") {
            names.steps(steps, &[], false);
        }
        names
    }

    /// Returns the steps without which an execution may continue, each with the reason.
    pub(super) fn skippable(&self) -> impl Iterator<Item = (&Declaration, &'static str)> {
        let all = self.0.iter();
        all.filter_map(|declared| Some((declared, declared.skippable?)))
    }

    /// Returns the steps directly inside a container.
    pub(super) fn inside<'a>(
        &'a self,
        container: &'a str,
    ) -> impl Iterator<Item = &'a Declaration> {
        let all = self.0.iter();
        all.filter(move |declared| declared.within.last().is_some_and(|last| last == container))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Declaration> {
        self.0.iter().find(|declared| declared.name == name)
    }

    fn steps(&mut self, steps: &Node, within: &[String], in_for_each: bool) {
        let Kind::List(steps) = &steps.kind else {
            return;
        };
        for step in steps {
            let (parallel, for_each) = (step.get("parallel"), step.get("for_each"));
            let Some(Node {
                at,
                kind: Kind::Text(name),
            }) = step.get("name")
            else {
                continue;
            };
            let sort = match (parallel, for_each, step.get("wait")) {
                (Some(_), ..) => Sort::Parallel,
                (_, Some(each), _) => Sort::ForEach(each.get("collect").is_some()),
                (.., Some(_)) => Sort::Wait,
                _ if step.get("approve").is_some() => Sort::Approve,
                _ => Sort::Action,
            };
            self.0.push(Declaration {
                name: name.clone(),
                at: *at,
                sort,
                action: step.get("action").and_then(text),
                within: within.to_vec(),
                skippable: skippable(step, in_for_each),
            });
            let inner: Vec<String> = within.iter().chain([name]).cloned().collect();
            if let Some(Node {
                kind: Kind::List(branches),
                ..
            }) = parallel
            {
                branches
                    .iter()
                    .filter_map(|branch| branch.get("steps"))
                    .for_each(|steps| self.steps(steps, &inner, in_for_each));
            }
            if let Some(steps) = for_each.and_then(|each| each.get("steps")) {
                self.steps(steps, &inner, true);
            }
        }
    }
}
