//! Reads `choose` and `stop`, at which an execution takes one branch, and derives which branches
//! lead to a step.

use std::collections::BTreeMap;

use super::{
    model::{Choose, ChooseBranch, Definition, Step, StepKind, Stop},
    reader::{Fields, Reader},
    scope::Scope,
    steps::StepContext,
    text::Expression,
    tree::Node,
};
use holdfast_task::{BranchRef, CONTINUE, OTHERWISE};

/// Longest reason of a `stop`, in characters.
pub(super) const MAX_REASON: usize = 500;

impl Choose {
    /// Returns the steps of each branch under its name, `otherwise` last.
    pub fn rows(&self) -> impl Iterator<Item = (String, &[Step])> {
        let numbers = (1..).map(|number: u32| number.to_string());
        let rows = self.branches.iter().map(|branch| branch.steps.as_slice());
        let otherwise = (OTHERWISE.to_owned(), self.otherwise.as_slice());
        numbers.zip(rows).chain([otherwise])
    }
}

impl Definition {
    /// Returns true if an execution takes a branch at some step.
    pub fn has_choices(&self) -> bool {
        let mut kinds = self.steps.iter().map(|step| &step.kind);
        kinds.any(|kind| matches!(kind, StepKind::Choose(_) | StepKind::Stop(_)))
    }

    /// Returns the branches that lead to each action step, outermost first, by the step's name.
    pub fn branches(&self) -> BTreeMap<&str, Vec<BranchRef>> {
        let mut found = BTreeMap::new();
        walk(&self.steps, &[], &mut found);
        found
    }
}

fn walk<'a>(
    steps: &'a [Step],
    before: &[BranchRef],
    found: &mut BTreeMap<&'a str, Vec<BranchRef>>,
) {
    let mut path = before.to_vec();
    for step in steps {
        let branch = |branch: String| BranchRef {
            step: step.name.clone(),
            branch,
        };
        match &step.kind {
            StepKind::Action(_) => {
                found.insert(&step.name, path.clone());
            }
            StepKind::Wait(_) | StepKind::Approve(_) => {}
            StepKind::Parallel(branches) => {
                for branch in branches {
                    walk(&branch.steps, &path, found);
                }
            }
            StepKind::ForEach(each) => walk(&each.steps, &path, found),
            StepKind::Choose(choose) => {
                for (name, row) in choose.rows() {
                    let inner: Vec<_> = path.iter().cloned().chain([branch(name)]).collect();
                    walk(row, &inner, found);
                }
            }
            StepKind::Stop(_) => path.push(branch(CONTINUE.to_owned())),
        }
    }
}

/// Returns the names of the outputs that later steps see after a step. Those of a branch that is
/// not taken are null.
pub(crate) fn outputs(step: &Step) -> Vec<&str> {
    match &step.kind {
        StepKind::Action(_) | StepKind::Approve(_) | StepKind::Parallel(_) => vec![&step.name],
        StepKind::ForEach(each) if each.collect.is_some() => vec![&step.name],
        StepKind::ForEach(_) | StepKind::Wait(_) | StepKind::Stop(_) => Vec::new(),
        StepKind::Choose(choose) => {
            let rows = choose.rows().map(|(_, row)| row);
            rows.flatten().flat_map(outputs).collect()
        }
    }
}

/// Most branches of one `choose`. Step Functions ends an expression at a depth of about 100, as
/// others [measured](https://github.com/floci-io/floci/issues/2737). Each branch adds one level.
const MAX_BRANCHES: usize = 40;

impl Reader<'_> {
    pub(super) fn choose(
        &mut self,
        name: &str,
        (node, fields): (&Node, &Fields<'_>),
        scope: &Scope,
        context: &mut StepContext<'_>,
    ) -> Choose {
        if context.in_container() {
            let help = "a branch there would need a record of its own for each item: give the steps \
                        inside a `when` each, or put the choose before or after it";
            let message = "a choose inside a for_each or a parallel";
            self.problem(fields.at, message, help);
        }
        let outside = std::mem::replace(&mut context.in_choose, true);
        let mut branches = Vec::new();
        let items = self.list(node, "choose");
        if items.len() > MAX_BRANCHES {
            let message = format!(
                "a choose of {} branches, at most {MAX_BRANCHES} are allowed",
                items.len()
            );
            self.problem(fields.at, message, "nest a choose in `otherwise`");
        }
        for (number, item) in (1..).zip(items) {
            let inner = self.fields(item, "a branch of a choose", &["when", "steps"]);
            let when = self.required(&inner, "when", "when: \"{% $input.amount > 1000 %}\"");
            let when = when.map_or_else(Expression::default, |node| {
                self.expression(node, "when", &scope.repeatable("`when`").optional())
            });
            let steps = self.required(&inner, "steps", "steps: [ … ]");
            let scope = scope.in_branch(name, number.to_string());
            let steps = steps.map_or_else(Vec::new, |node| self.sequence(node, scope, context).0);
            branches.push(ChooseBranch { when, steps });
        }
        let otherwise = fields.get("otherwise").map_or_else(Vec::new, |node| {
            let scope = scope.in_branch(name, OTHERWISE.to_owned());
            self.sequence(node, scope, context).0
        });
        context.in_choose = outside;
        Choose {
            branches,
            otherwise,
        }
    }

    pub(super) fn stop(&mut self, node: &Node, scope: &Scope, context: &StepContext<'_>) -> Stop {
        if context.in_container() || context.in_choose {
            let help = "the steps beside it would run on: put the stop before or after the container, \
                        with the condition as its `when`";
            let message = "a stop inside a choose, a for_each or a parallel";
            self.problem(node.at, message, help);
        }
        let fields = self.fields(node, "stop", &["when", "reason"]);
        let when = self.required(&fields, "when", "when: \"{% $check.open = 0 %}\"");
        let when = when.map_or_else(Expression::default, |node| {
            self.expression(node, "when", &scope.repeatable("`when`").optional())
        });
        let reason = self.required(&fields, "reason", "reason: nothing is left to do");
        let reason = reason.map_or_else(String::new, |node| {
            self.plain(node, "the reason of a stop");
            let reason = self.text(node, "reason", "reason: nothing is left to do");
            if reason.chars().count() > MAX_REASON {
                let message = format!("reason has {} characters", reason.chars().count());
                self.problem(node.at, message, format!("at most {MAX_REASON}"));
            }
            reason
        });
        Stop { when, reason }
    }
}
