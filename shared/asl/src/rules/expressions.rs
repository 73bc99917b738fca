//! Checks expressions: the members of `$states` where each exists, variables, functions, and the
//! grammar of JSONata 2.0.6.

use std::collections::BTreeSet;

use holdfast_expression::{
    FUNCTIONS, STEP_FUNCTIONS, Use, check_dialect, expression_in, reads, uses,
};
use serde_json::{Value, json};

use crate::{State, Until};

/// The members of `$states` besides `input` and `context` that exist in a field.
///
/// Source: docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html, "Reserved
/// variable: $states". Step Functions refuses a state machine that reads `result` or
/// `errorOutput` elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// None: `Arguments`, `Items`, `Seconds`, `Error`, and any field of a state without a result.
    None,
    /// `result`: `Assign` and `Output` of a Task, Parallel or Map.
    Result,
    /// `errorOutput`: `Assign` and `Output` of a catcher.
    ErrorOutput,
}

/// The paths of the Context object. `Map` is missing: it exists only in a Map's `ItemSelector`.
///
/// Source: docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html.
const CONTEXT: [&[&str]; 12] = [
    &["Execution", "Id"],
    &["Execution", "Input"],
    &["Execution", "Name"],
    &["Execution", "RoleArn"],
    &["Execution", "StartTime"],
    &["Execution", "RedriveCount"],
    &["Execution", "RedriveTime"],
    &["State", "EnteredTime"],
    &["State", "Name"],
    &["State", "RetryCount"],
    &["StateMachine", "Id"],
    &["StateMachine", "Name"],
];

/// Longest name of a variable, in characters.
///
/// Source: docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html, "Variable name
/// syntax".
const MAX_VARIABLE: usize = 80;

/// Checks every expression of a state. `visible` are the variables of its level and of those around
/// it.
pub(super) fn check(state: &State, visible: &BTreeSet<&str>, found: &mut Vec<String>) {
    let mut expressions = Expressions {
        visible,
        waits: false,
        found,
    };
    for name in state.assigned() {
        expressions.variable(name);
    }
    let leaves = match state {
        State::Task(task) => {
            expressions.waits = task.resource.ends_with(".waitForTaskToken");
            expressions.field("Arguments", &task.arguments, Members::None);
            expressions.waits = false;
            (Members::Result, task.assign.as_ref(), task.output.as_ref())
        }
        State::Parallel(parallel) => {
            let (assign, output) = (parallel.assign.as_ref(), parallel.output.as_ref());
            (Members::Result, assign, output)
        }
        State::Map(map) => {
            expressions.field("Items", &json!(map.items), Members::None);
            (Members::Result, map.assign.as_ref(), map.output.as_ref())
        }
        State::Pass(pass) => (Members::None, Some(&pass.assign), None),
        State::Wait(wait) => {
            match &wait.until {
                Until::Seconds(seconds) => {
                    expressions.field("Seconds", seconds, Members::None);
                }
                Until::Timestamp(until) => {
                    expressions.field("Timestamp", &json!(until), Members::None);
                }
            }
            (Members::None, wait.assign.as_ref(), wait.output.as_ref())
        }
        State::Fail { error, cause } => {
            expressions.field("Error", &json!(error), Members::None);
            expressions.field("Cause", &json!(cause), Members::None);
            return;
        }
        State::Choice(choice) => {
            for rule in &choice.choices {
                expressions.field("Condition", &json!(rule.condition), Members::None);
            }
            return;
        }
        State::Succeed {} => return,
    };
    let (members, assign, output) = leaves;
    let values = assign.into_iter().flat_map(|assign| assign.values());
    values.for_each(|value| expressions.field("Assign", value, members));
    if let Some(output) = output {
        expressions.field("Output", output, members);
    }
    for catcher in state.catchers() {
        let values = catcher.assign.iter().flat_map(|assign| assign.values());
        values.for_each(|value| expressions.field("Assign", value, Members::ErrorOutput));
        if let Some(output) = &catcher.output {
            expressions.field("Output", &json!(output), Members::ErrorOutput);
        }
    }
}

struct Expressions<'a> {
    visible: &'a BTreeSet<&'a str>,
    /// True in the arguments of a task that waits for its token.
    waits: bool,
    found: &'a mut Vec<String>,
}

impl Expressions<'_> {
    fn variable(&mut self, name: &str) {
        let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !starts || !plain || name == "states" || name.chars().count() > MAX_VARIABLE {
            self.found
                .push(format!("${name} cannot be a variable's name"));
        }
    }

    /// Checks the expressions in a value. An expression is a whole text.
    fn field(&mut self, field: &str, value: &Value, members: Members) {
        match value {
            Value::String(text) => match expression_in(text) {
                Some(expression) => self.expression(field, expression, members),
                None if text.contains("{%") => {
                    let what = format!("{field}: an expression is a part of a text: {text}");
                    self.found.push(what);
                }
                None => {}
            },
            Value::Array(items) => items
                .iter()
                .for_each(|item| self.field(field, item, members)),
            Value::Object(entries) => entries
                .values()
                .for_each(|value| self.field(field, value, members)),
            _ => {}
        }
    }

    fn expression(&mut self, field: &str, expression: &str, members: Members) {
        let read = uses(expression).and_then(|uses| Ok((uses, reads(expression)?)));
        let (uses, reads) = match read {
            Ok(read) => read,
            Err(error) => {
                return self.found.push(format!("{field}: {expression}: {error}"));
            }
        };
        let unknown = uses.iter().filter_map(|found| self.refused(found));
        let mut unknown: Vec<String> = unknown.collect();
        if unknown.is_empty()
            && let Err(why) = check_dialect(expression)
        {
            unknown.push(why);
        }
        let states = reads.iter().filter(|read| read.variable == "states");
        let misread = states.filter_map(|read| {
            let path: Vec<&str> = read.path.iter().map(String::as_str).collect();
            self.misread(&path, members)
        });
        let wrong = unknown.into_iter().chain(misread.collect::<Vec<_>>());
        for what in wrong {
            self.found.push(format!("{field}: {expression}: {what}"));
        }
    }

    /// Returns the reason why Step Functions refuses a name, if it does.
    fn refused(&self, found: &Use) -> Option<String> {
        match found {
            Use::Variable(name, _) if name == "states" || self.visible.contains(name.as_str()) => {
                None
            }
            // A function can be a value.
            Use::Variable(name, _) | Use::Function(name)
                if FUNCTIONS.contains(&name.as_str())
                    || STEP_FUNCTIONS.contains(&name.as_str()) =>
            {
                None
            }
            Use::Variable(name, _) => Some(format!("no state around it assigns ${name}")),
            Use::Function(name) => Some(format!("there is no function ${name}")),
            Use::BareFunction(name) | Use::BareField(name) => {
                Some(format!("`{name}` is read from nothing"))
            }
            Use::Clock(_) => None,
            Use::Context(mark) => Some(format!("`{mark}` refers to nothing here")),
            Use::NewerOperator(mark) => Some(format!("`{mark}` is not in JSONata 2.0.6")),
        }
    }

    /// Returns the reason why a member of `$states` does not exist, if it does not.
    fn misread(&self, path: &[&str], members: Members) -> Option<String> {
        let exists = match path {
            [] | ["input", ..] | ["context"] => true,
            ["result", ..] => members == Members::Result,
            ["errorOutput", ..] => members == Members::ErrorOutput,
            ["context", "Task", "Token"] => self.waits,
            ["context", path @ ..] => CONTEXT
                .iter()
                .any(|known| path.starts_with(known) || known.starts_with(path)),
            _ => false,
        };
        (!exists).then(|| format!("$states.{} does not exist here", path.join(".")))
    }
}
