//! What a state's expressions see, and what becomes of a state's result or error.

use std::{cell::LazyCell, collections::HashSet, rc::Rc};

use holdfast_asl::{Catcher, Exit, Object};
use jiff::Timestamp;
use jsonata_core::value::JValue;
use serde_json::{Value, json};

use super::{EVALUATION, Interpreter, Raised, Surroundings, matches};
use crate::query::Variables;

/// What a row of states sees.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) variables: Variables,
    /// Those that belong to a row around this one: it can read them, and give none of its own their names.
    outer: Rc<HashSet<String>>,
    pub(super) item: Option<Rc<Value>>,
}

/// What a state's expressions see.
pub(super) struct View<'a> {
    pub(super) scope: &'a Scope,
    pub(super) name: &'a str,
    pub(super) input: &'a Value,
    /// Of a task: how often it was tried again, when it was entered, and its token.
    pub(super) entered: Option<(u32, Timestamp, String)>,
}

/// Where a state leads, and with what.
pub(super) struct Left<'a> {
    pub(super) next: Option<&'a str>,
    pub(super) output: Value,
}

impl<S: Surroundings> Interpreter<S> {
    /// Leaves a state with its result.
    pub(super) fn leave<'a>(
        &self,
        name: &str,
        result: Value,
        (assign, output, exit): (Option<&Object>, Option<&Value>, &'a Exit),
        input: &Value,
        scope: &mut Scope,
    ) -> Result<Left<'a>, Raised> {
        let view = self.view(name, input, scope);
        let told = json!({ "result": result });
        let assigned = self.assigned(assign, &view, &told);
        let output = match output {
            Some(output) => self.fill(output, &view, told)?,
            None => result,
        };
        remember(scope, assigned?)?;
        Ok(Left {
            next: exit.next(),
            output,
        })
    }

    /// Leads an error to where it is caught, or raises it further.
    pub(super) fn catch<'a>(
        &self,
        name: &str,
        raised: Raised,
        catchers: &'a [Catcher],
        input: &Value,
        scope: &mut Scope,
    ) -> Result<Left<'a>, Raised> {
        let Some(catcher) = catchers
            .iter()
            .find(|one| matches(&one.error_equals, &raised))
        else {
            return Err(raised);
        };
        let mut told = json!({ "Error": raised.error });
        if let Some(cause) = &raised.cause {
            told["Cause"] = json!(cause);
        }
        let view = self.view(name, input, scope);
        let seen = json!({ "errorOutput": told });
        let assigned = self.assigned(catcher.assign.as_ref(), &view, &seen);
        let output = match &catcher.output {
            Some(output) => self.fill(&json!(output), &view, seen)?,
            None => told,
        };
        remember(scope, assigned?)?;
        Ok(Left {
            next: Some(&catcher.next),
            output,
        })
    }

    /// The variables that a state or a catcher assigns, by name.
    fn assigned(
        &self,
        assign: Option<&Object>,
        view: &View<'_>,
        more: &Value,
    ) -> Result<Vec<(String, Value)>, Raised> {
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
    ) -> Result<Value, Raised> {
        let states = LazyCell::new(|| JValue::from(self.states(view, more)));
        self.query
            .fill(template, &view.scope.variables, &states)
            .map_err(|error| Raised::new(EVALUATION, error))
    }

    /// `$states`, with what only some states have.
    fn states(&self, view: &View<'_>, mut states: Value) -> Value {
        let mut context = self.context.clone();
        context["State"] = json!({ "Name": view.name });
        if let Some((tried, entered, token)) = &view.entered {
            context["State"]["RetryCount"] = json!(tried);
            context["State"]["EnteredTime"] = json!(entered);
            context["Task"] = json!({ "Token": token });
        }
        if let Some(item) = &view.scope.item {
            context["Map"] = (**item).clone();
        }
        states["input"] = view.input.clone();
        states["context"] = context;
        states
    }
}

impl Scope {
    /// What the machine's own row sees.
    pub(super) fn top() -> Self {
        Self {
            variables: Variables::new(),
            outer: Rc::default(),
            item: None,
        }
    }

    /// What a row inside a state of this one sees.
    pub(super) fn inside(&self, item: Option<Rc<Value>>) -> Self {
        Self {
            variables: self.variables.clone(),
            outer: Rc::new(self.variables.keys().cloned().collect()),
            item: item.or_else(|| self.item.clone()),
        }
    }
}

/// Step Functions lets no inner scope assign a variable of an outer one.
fn remember(scope: &mut Scope, assigned: Vec<(String, Value)>) -> Result<(), Raised> {
    for (name, value) in assigned {
        if scope.outer.contains(&name) {
            let why = format!("${name} belongs to an outer scope");
            return Err(Raised::new("States.Runtime", why));
        }
        scope.variables.insert(name, value.into());
    }
    Ok(())
}
