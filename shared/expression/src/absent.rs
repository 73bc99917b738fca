//! Decides whether an expression still has a value if a step was skipped.

use jsonata_core::{
    ast::{AstNode, BinaryOp, PathStep},
    parser,
};

/// The functions that return a value although their first argument is absent.
const VALUE_OF_NOTHING: [&str; 5] = ["exists", "not", "count", "append", "type"];

/// Returns true if `expression` may have no value where the value at `path` is null: `["hold"]` is
/// the variable `$hold`, `["both", "hold"]` the field `hold` of `$both`. Step Functions raises
/// States.QueryEvaluationError then.
///
/// A condition that reads the value counts as a check of it. An expression that cannot be parsed is
/// not judged.
pub fn is_absent_without(expression: &str, path: &[&str]) -> bool {
    judge(expression, path, false)
}

/// Like [`is_absent_without`], where the value at `path` is missing instead of null.
pub fn is_absent_if_missing(expression: &str, path: &[&str]) -> bool {
    judge(expression, path, true)
}

fn judge(expression: &str, path: &[&str], missing: bool) -> bool {
    let Ok(ast) = parser::parse(expression) else {
        return false;
    };
    Absence {
        path,
        missing,
        bound: Vec::new(),
    }
    .of(&ast)
}

struct Absence<'a> {
    path: &'a [&'a str],
    /// True if the value at `path` is missing. Else it is null, which is a value.
    missing: bool,
    /// Names that the expression binds, innermost last. True if the value may be absent.
    bound: Vec<(String, bool)>,
}

impl Absence<'_> {
    fn of(&mut self, node: &AstNode) -> bool {
        match node {
            AstNode::Path { steps } => self.of_path(steps),
            AstNode::Variable(name) => self.of_variable(name),
            AstNode::Binary { op, lhs, rhs } => match op {
                BinaryOp::Add
                | BinaryOp::Subtract
                | BinaryOp::Multiply
                | BinaryOp::Divide
                | BinaryOp::Modulo
                | BinaryOp::LessThan
                | BinaryOp::LessThanOrEqual
                | BinaryOp::GreaterThan
                | BinaryOp::GreaterThanOrEqual => self.of(lhs) || self.of(rhs),
                BinaryOp::ChainPipe => self.of(lhs),
                BinaryOp::ColonEqual => {
                    let absent = self.of(rhs);
                    if let AstNode::Variable(name) = &**lhs {
                        self.bound.push((name.clone(), absent));
                    }
                    absent
                }
                _ => false,
            },
            AstNode::Unary { operand, .. } => self.of(operand),
            AstNode::Function { name, args, .. } => {
                !VALUE_OF_NOTHING.contains(&name.as_str()) && args.iter().any(|arg| self.of(arg))
            }
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => {
                let else_branch = else_branch.as_deref();
                !self.reads(condition)
                    && (self.of(then_branch) || else_branch.is_some_and(|node| self.of(node)))
            }
            AstNode::Block(nodes) => {
                let outer = self.bound.len();
                let absent = nodes.iter().map(|node| self.of(node)).last();
                self.bound.truncate(outer);
                absent.unwrap_or(false)
            }
            AstNode::FunctionApplication(inner) => self.of(inner),
            AstNode::Sort { input, .. } => self.of(input),
            _ => false,
        }
    }

    fn of_variable(&self, name: &str) -> bool {
        let bound = self.bound.iter().rev().find(|(bound, _)| bound == name);
        bound.is_some_and(|(_, absent)| *absent)
    }

    fn of_path(&mut self, steps: &[PathStep]) -> bool {
        let Some((first, rest)) = steps.split_first() else {
            return false;
        };
        let AstNode::Variable(name) = &first.node else {
            return self.of(&first.node);
        };
        if self.bound.iter().any(|(bound, _)| bound == name) {
            return self.of_variable(name);
        }
        let fields = rest.iter().map_while(|step| match &step.node {
            AstNode::Name(field) => Some(field.as_str()),
            _ => None,
        });
        let read: Vec<&str> = std::iter::once(name.as_str()).chain(fields).collect();
        // If the value itself is null, only what lies in it is absent.
        let inside = self.missing || steps.len() > self.path.len();
        let filtered = !steps[self.path.len().min(steps.len()) - 1]
            .stages
            .is_empty();
        read.starts_with(self.path) && (inside || filtered)
    }

    /// Returns true if `node` reads the value, or a name that is bound to what it lacks.
    fn reads(&self, node: &AstNode) -> bool {
        let reads = crate::uses::reads_in(node);
        reads.iter().any(|read| {
            let whole: Vec<&str> = std::iter::once(&read.variable)
                .chain(&read.path)
                .map(String::as_str)
                .collect();
            whole.starts_with(self.path) || self.of_variable(&read.variable)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::evaluate;

    /// Returns true if the expression has no value, or raises an error, once the step was skipped.
    fn fails(expression: &str) -> bool {
        let both = json!({ "hold": null, "tell": { "id": "t" } });
        let input = json!({ "days": 3, "list": [1, 2] });
        let variables = [("hold", &Value::Null), ("both", &both), ("input", &input)];
        !matches!(evaluate(expression, &variables), Ok(Some(_)))
    }

    #[test]
    fn an_expression_is_absent_exactly_where_its_evaluation_yields_nothing() {
        for (expression, absent) in [
            ("$hold", false),
            ("$hold.id", true),
            ("$hold.a.b", true),
            ("$hold[0].id", true),
            ("$string($hold.id)", true),
            ("$uppercase($hold.id)", true),
            ("$hold.days + $input.days", true),
            ("$input.days < $hold.days", true),
            ("-$hold.days", true),
            ("$hold.id ~> $uppercase", true),
            ("$map($hold.list, function($x) { $x })", true),
            ("($id := $hold.id; $id)", true),
            ("($id := $hold.id; 'hold ' & $id)", false),
            ("'hold ' & $hold.id", false),
            ("{ 'id': $hold.id }", false),
            ("[$hold.id]", false),
            ("$exists($hold.id)", false),
            ("$exists($hold.id) ? $hold.id : null", false),
            ("$hold = null ? 'none' : $hold.id", false),
            ("($id := $hold.id; $exists($id) ? $id : 'none')", false),
            ("$input.days > 1 ? $hold.id : 'none'", true),
            ("$hold.id = 'h'", false),
            ("$not($hold.id = 'h')", false),
            ("$count($hold.list)", false),
            ("$append($hold.list, [1])", false),
            ("$input.list[$ > 1]", false),
            ("$hold.id in ['h']", false),
        ] {
            assert_eq!(
                is_absent_without(expression, &["hold"]),
                absent,
                "{expression}"
            );
            assert_eq!(
                fails(expression),
                absent,
                "{expression} is evaluated otherwise"
            );
        }
    }

    #[test]
    fn a_missing_field_is_absent_exactly_where_its_evaluation_yields_nothing() {
        for (expression, absent) in [
            ("$input.reason", true),
            ("$input.reason.text", true),
            ("$input", false),
            ("$input.days", false),
            ("$uppercase($input.reason)", true),
            ("$input.days + $input.reason", true),
            ("'why: ' & $input.reason", false),
            ("{ 'why': $input.reason }", false),
            ("$exists($input.reason) ? $input.reason : 'none'", false),
            ("$input.days > 1 ? $input.reason : 'none'", true),
            ("$input.reason = 'x'", false),
            ("$count($input.reason)", false),
        ] {
            assert_eq!(
                is_absent_if_missing(expression, &["input", "reason"]),
                absent,
                "{expression}"
            );
            assert_eq!(
                fails(expression),
                absent,
                "{expression} is evaluated otherwise"
            );
        }
    }

    #[test]
    fn a_step_of_a_branch_is_read_through_its_container() {
        for (expression, absent) in [
            ("$both", false),
            ("$both.hold", false),
            ("$both.hold.id", true),
            ("$both.tell.id", false),
        ] {
            assert_eq!(
                is_absent_without(expression, &["both", "hold"]),
                absent,
                "{expression}"
            );
            assert_eq!(
                fails(expression),
                absent,
                "{expression} is evaluated otherwise"
            );
        }
    }
}
