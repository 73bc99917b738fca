//! Builds what a state's expressions see, and applies a state's result or error.

use std::{cell::LazyCell, collections::HashSet, rc::Rc};

use holdfast_asl::{Catcher, Exit, Object};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{EVALUATION, Interpreter, RaisedError, Surroundings, matches};
use crate::query::Variables;

/// The scope of a row of states.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) variables: Variables,
    /// Variables of the rows around. This row can read them, and cannot assign them.
    outer: Rc<HashSet<String>>,
}

/// The view of a state's expressions.
pub(super) struct View<'a> {
    pub(super) scope: &'a Scope,
    pub(super) name: &'a str,
    pub(super) input: &'a Value,
    /// Retries, time of entry and token of a task. Only a task that waits for its answer has a
    /// token.
    pub(super) entered: Option<(u32, Timestamp, Option<String>)>,
}

/// The exit of a state: its next state and its output.
pub(super) struct StateExit<'a> {
    pub(super) next: Option<&'a str>,
    pub(super) output: Value,
}

impl<S: Surroundings> Interpreter<S> {
    /// Leaves a state. Only a Task, a Parallel and a Map have a result, which is their output by
    /// default (states-language.net, "Reserved Variable: $states").
    pub(super) fn leave<'a>(
        &self,
        name: &str,
        result: Option<Value>,
        (assign, output, exit): (Option<&Object>, Option<&Value>, &'a Exit),
        input: &Value,
        scope: &mut Scope,
    ) -> Result<StateExit<'a>, RaisedError> {
        let view = self.view(name, input, scope);
        let states = match &result {
            Some(result) => json!({ "result": result }),
            None => json!({}),
        };
        let assigned = self.assigned(assign, &view, &states);
        let output = match output {
            Some(output) => self.fill(output, &view, states)?,
            None => result.unwrap_or_else(|| input.clone()),
        };
        remember(scope, assigned?)?;
        Ok(StateExit {
            next: exit.next(),
            output,
        })
    }

    /// Leads an error to its catcher, or raises it further.
    pub(super) fn catch<'a>(
        &self,
        name: &str,
        raised: RaisedError,
        catchers: &'a [Catcher],
        input: &Value,
        scope: &mut Scope,
    ) -> Result<StateExit<'a>, RaisedError> {
        let Some(catcher) = catchers
            .iter()
            .find(|one| matches(&one.error_equals, &raised))
        else {
            return Err(raised);
        };
        let mut error = json!({ "Error": raised.error });
        if let Some(cause) = &raised.cause {
            error["Cause"] = json!(cause);
        }
        let view = self.view(name, input, scope);
        let seen = json!({ "errorOutput": error });
        let assigned = self.assigned(catcher.assign.as_ref(), &view, &seen);
        let output = match &catcher.output {
            Some(output) => self.fill(&json!(output), &view, seen)?,
            None => error,
        };
        remember(scope, assigned?)?;
        Ok(StateExit {
            next: Some(&catcher.next),
            output,
        })
    }

    /// Returns the variables that a state or a catcher assigns, by name.
    fn assigned(
        &self,
        assign: Option<&Object>,
        view: &View<'_>,
        more: &Value,
    ) -> Result<Vec<(String, Value)>, RaisedError> {
        let assign = assign.into_iter().flatten();
        let values = assign.map(|(name, value)| {
            let value = self.fill(value, view, more.clone())?;
            Ok((name.clone(), value))
        });
        values.collect()
    }

    pub(super) fn view<'a>(
        &'a self,
        name: &'a str,
        input: &'a Value,
        scope: &'a Scope,
    ) -> View<'a> {
        View {
            name,
            scope,
            input,
            entered: None,
        }
    }

    pub(super) fn fill(
        &self,
        template: &Value,
        view: &View<'_>,
        more: Value,
    ) -> Result<Value, RaisedError> {
        let states = LazyCell::new(|| self.states(view, more));
        self.query
            .fill(template, &view.scope.variables, &states)
            .map_err(|error| RaisedError::new(EVALUATION, error))
    }

    /// Returns `$states`, with the fields that only some states have. `context.Map` is never there,
    /// because Step Functions defines it only in an `ItemSelector`, which the compiler never
    /// writes.
    fn states(&self, view: &View<'_>, mut states: Value) -> Value {
        let mut context = self.context.clone();
        context["State"] = json!({ "Name": view.name });
        if let Some((tried, entered, token)) = &view.entered {
            context["State"]["RetryCount"] = json!(tried);
            context["State"]["EnteredTime"] = json!(entered);
            if let Some(token) = token {
                context["Task"] = json!({ "Token": token });
            }
        }
        states["input"] = view.input.clone();
        states["context"] = context;
        states
    }
}

impl Scope {
    /// Creates the scope of the top level.
    pub(super) fn top() -> Self {
        Self {
            variables: Variables::new(),
            outer: Rc::default(),
        }
    }

    /// Creates the scope of a row inside a state of this one.
    pub(super) fn inside(&self) -> Self {
        Self {
            variables: self.variables.clone(),
            outer: Rc::new(self.variables.keys().cloned().collect()),
        }
    }
}

/// Assigns variables. Step Functions lets no inner scope assign a variable of an outer one.
fn remember(scope: &mut Scope, assigned: Vec<(String, Value)>) -> Result<(), RaisedError> {
    for (name, value) in assigned {
        if scope.outer.contains(&name) {
            let why = format!("${name} belongs to an outer scope");
            return Err(RaisedError::new("States.Runtime", why));
        }
        scope.variables.insert(name, Rc::new(value));
    }
    Ok(())
}
