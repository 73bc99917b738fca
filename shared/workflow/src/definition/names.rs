//! Collects every step's name before steps are read, so that a wrong reference can be explained.

pub(super) use holdfast_expression::{FUNCTIONS, STEP_FUNCTIONS};
use holdfast_task::OTHERWISE;

use super::{
    problem::Span,
    tree::{Kind, Node},
};

/// Names that expressions use otherwise, so that no step can have them.
pub(super) const RESERVED: [&str; 12] = [
    "input",
    "execution",
    "item",
    "item_key",
    "states",
    "event",
    "scheduled_time",
    "failure",
    "holdfast",
    // Literals of JSONata, which no path can have as a step.
    "null",
    "true",
    "false",
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
    Choose,
    Stop,
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
    /// Branches around it, outermost first: each `choose` and the name of its branch.
    pub(super) branches: Vec<(String, String)>,
    /// Reason why the execution may continue without it, if it may.
    pub(super) skippable: Option<&'static str>,
}

/// The reason why an execution may continue without a step whose output then names its failure.
pub(super) const FAILED_WITH_CODE: &str =
    "the execution continues if it fails with a code of its `on_failure`";

/// Returns the reason why an execution may continue without a step, whose output is then null.
fn skippable(step: &Node, in_for_each: bool) -> Option<&'static str> {
    let is = |field: &str, text: &str| {
        step.get(field)
            .is_some_and(|node| matches!(&node.kind, Kind::Text(found) if found == text))
    };
    let once = step
        .get("idempotent")
        .is_some_and(|node| matches!(node.kind, Kind::Bool(false)));
    let asks = step.get("approve").and_then(|node| node.get("when"));
    if step.get("when").or(asks).is_some() {
        Some("its `when` may skip it")
    } else if step
        .get("on_failure")
        .is_some_and(|node| matches!(node.kind, Kind::Map(_)))
    {
        Some(FAILED_WITH_CODE)
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
            names.steps(steps, &Nesting::default());
        }
        names
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Declaration> {
        self.0.iter()
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

    fn steps(&mut self, steps: &Node, around: &Nesting) {
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
                _ if step.get("choose").is_some() => Sort::Choose,
                _ if step.get("stop").is_some() => Sort::Stop,
                _ => Sort::Action,
            };
            self.0.push(Declaration {
                name: name.clone(),
                at: *at,
                sort,
                action: step.get("action").and_then(text),
                within: around.within.clone(),
                branches: around.branches.clone(),
                skippable: skippable(step, around.in_for_each),
            });
            self.rows(step, name, around);
        }
    }

    /// Collects the steps inside a container.
    fn rows(&mut self, step: &Node, name: &str, around: &Nesting) {
        let mut inner = around.clone();
        inner.within.push(name.to_owned());
        for branch in list(step.get("parallel")) {
            if let Some(steps) = branch.get("steps") {
                self.steps(steps, &inner);
            }
        }
        if let Some(steps) = step.get("for_each").and_then(|each| each.get("steps")) {
            inner.in_for_each = true;
            self.steps(steps, &inner);
        }
        let in_branch = |branch: String| {
            let mut inner = around.clone();
            inner.branches.push((name.to_owned(), branch));
            inner
        };
        for (number, branch) in (1..).zip(list(step.get("choose"))) {
            if let Some(steps) = branch.get("steps") {
                self.steps(steps, &in_branch(u32::to_string(&number)));
            }
        }
        if let (Some(_), Some(steps)) = (step.get("choose"), step.get("otherwise")) {
            self.steps(steps, &in_branch(OTHERWISE.to_owned()));
        }
    }
}

/// The containers and branches around a row of steps.
#[derive(Clone, Default)]
struct Nesting {
    within: Vec<String>,
    branches: Vec<(String, String)>,
    in_for_each: bool,
}

fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}
