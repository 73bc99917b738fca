//! Collects every step's name before steps are read, so that a wrong reference can be explained.

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

/// Functions of JSONata, except `$eval`, which Step Functions leaves out.
pub(super) const FUNCTIONS: [&str; 63] = [
    "abs",
    "append",
    "assert",
    "average",
    "base64decode",
    "base64encode",
    "boolean",
    "ceil",
    "contains",
    "count",
    "decodeUrl",
    "decodeUrlComponent",
    "distinct",
    "each",
    "encodeUrl",
    "encodeUrlComponent",
    "error",
    "exists",
    "filter",
    "floor",
    "formatBase",
    "formatInteger",
    "formatNumber",
    "fromMillis",
    "join",
    "keys",
    "length",
    "lookup",
    "lowercase",
    "map",
    "match",
    "max",
    "merge",
    "millis",
    "min",
    "not",
    "now",
    "number",
    "pad",
    "parseInteger",
    "power",
    "random",
    "reduce",
    "replace",
    "reverse",
    "round",
    "shuffle",
    "sift",
    "single",
    "sort",
    "split",
    "spread",
    "sqrt",
    "string",
    "substring",
    "substringAfter",
    "substringBefore",
    "sum",
    "toMillis",
    "trim",
    "type",
    "uppercase",
    "zip",
];

/// Functions that Step Functions adds. Guardrails and triggers are evaluated elsewhere and lack
/// them.
pub(super) const STEP_FUNCTIONS: [&str; 5] = ["hash", "parse", "partition", "range", "uuid"];

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
    /// Containers around it, outermost first.
    pub(super) within: Vec<String>,
}

/// The declarations of all steps, in declared order.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Vec<Declaration>);

impl Names {
    /// Collects every mapping that looks like a named step.
    pub(super) fn collect(root: &Node) -> Self {
        let mut names = Self::default();
        if let Some(steps) = root.get("steps") {
            names.steps(steps, &[]);
        }
        names
    }

    pub(super) fn get(&self, name: &str) -> Option<&Declaration> {
        self.0.iter().find(|declared| declared.name == name)
    }

    fn steps(&mut self, steps: &Node, within: &[String]) {
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
                within: within.to_vec(),
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
                    .for_each(|steps| self.steps(steps, &inner));
            }
            if let Some(steps) = for_each.and_then(|each| each.get("steps")) {
                self.steps(steps, &inner);
            }
        }
    }
}
