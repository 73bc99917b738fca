//! Checks the names that an expression uses against the names that it can see.

use super::{
    names::{CLOCKS, DICE, Declaration, FUNCTIONS, STEP_FUNCTIONS, Sort},
    problem::Span,
    reader::Reader,
    scope::Scope,
    suggest::{closest, suggest},
    text::{Expression, Text},
    tree::{Kind, Node},
};
use holdfast_expression::{Use, bounded, check_dialect, expression_in, uses};
use jsonata_core::parser::parse;
use serde_json::Value;

impl Reader<'_> {
    /// Reads a field that must be an expression.
    pub(super) fn expression(&mut self, node: &Node, what: &str, scope: &Scope) -> Expression {
        let text = self.text(node, what, "\"{% $input.name %}\"");
        let expression = Expression::read(&text);
        if !text.is_empty() && expression.is_none() {
            let message = format!("{what} is {}, not an expression", node.describe());
            self.problem(
                node.at,
                message,
                "write an expression: \"{% $input.name %}\"",
            );
        }
        self.check_text(node.at, &text, scope);
        expression.unwrap_or_default()
    }

    /// Reads a text that may be an expression.
    pub(super) fn text_or_expression(&mut self, node: &Node, what: &str, scope: &Scope) -> Text {
        let text = self.text(node, what, "a text, or \"{% $input.name %}\"");
        self.check_text(node.at, &text, scope);
        text.into()
    }

    /// Reads any value, in which texts may be expressions.
    pub(super) fn template(&mut self, node: &Node, scope: &Scope) -> Value {
        match &node.kind {
            Kind::Text(text) => self.check_text(node.at, text, scope),
            Kind::List(items) => items.iter().for_each(|item| {
                self.template(item, scope);
            }),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    if key.name.contains("{%") || key.name.starts_with("$jsonata") {
                        let message = format!("the key `{}` is no plain name", key.name);
                        self.problem(key.at, message, "only values can be expressions; build the whole object: \"{% { $input.name: 1 } %}\"");
                    }
                    self.template(value, scope);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
        node.to_value()
    }

    /// Reads a value without expressions. Step Functions would evaluate one in a place where its
    /// author does not expect it.
    pub(super) fn plain(&mut self, node: &Node, what: &str) -> Value {
        match &node.kind {
            Kind::Text(text) if text.contains("{%") => {
                self.problem(
                    node.at,
                    format!("an expression in {what}"),
                    "only plain values belong here",
                );
            }
            Kind::List(items) => items.iter().for_each(|item| {
                self.plain(item, what);
            }),
            Kind::Map(entries) => entries.iter().for_each(|(_, value)| {
                self.plain(value, what);
            }),
            _ => {}
        }
        node.to_value()
    }

    fn check_text(&mut self, at: Span, text: &str, scope: &Scope) {
        let Some(expression) = expression_in(text) else {
            if text.contains("{%") {
                let at = at.narrow(self.source, "{%");
                let help =
                    "an expression is the whole text: \"{% 'vendor ' & $input.vendor_id %}\"";
                self.problem(at, "an expression as a part of a text", help);
            } else {
                self.check_forgotten(at, text, scope);
            }
            return;
        };
        let marks = [("{%", "'{' & '%'"), ("%}", "'%' & '}'")];
        if let Some((mark, parts)) = marks
            .into_iter()
            .find(|(mark, _)| expression.contains(mark))
        {
            // A compiled machine repeats expressions as parts of texts, which must hold no mark.
            let help =
                format!("an expression is the whole text; for the characters, write {parts}");
            self.problem(at, format!("`{mark}` inside an expression"), help);
            return;
        }
        match uses(expression) {
            Ok(uses) => {
                let newer = |found: &Use| matches!(found, Use::NewerOperator(_));
                if !uses.iter().any(newer)
                    && let Err(why) = check_dialect(expression)
                {
                    let message = "an expression that not every engine reads alike".to_owned();
                    self.problem(at, message, why);
                }
                uses.into_iter()
                    .for_each(|found| self.check_use(at, found, scope));
                self.check_bounds(at, expression, scope);
                self.check_skipped(at, expression, scope);
                self.check_fields(at, expression, scope);
            }
            Err(error) => {
                let help = "JSONata is what Step Functions evaluates: https://docs.jsonata.org";
                self.problem(at, format!("not a JSONata expression: {error}"), help);
            }
        }
    }

    /// Checks that an expression which our functions evaluate is bounded. Step Functions bounds the
    /// others itself.
    fn check_bounds(&mut self, at: Span, expression: &str, scope: &Scope) {
        if scope.in_machine {
            return;
        }
        if let Err(why) = parse(expression).map_or(Ok(()), |ast| bounded(&ast)) {
            let message = "an expression that may not end, or may fill the memory".to_owned();
            self.problem(at, message, why);
        }
    }

    fn check_use(&mut self, at: Span, found: Use, scope: &Scope) {
        match found {
            Use::Variable(name, _) => self.check_variable(at, &name, scope),
            Use::Function(name) => self.check_function(at, &name, scope),
            Use::BareFunction(name) => {
                let at = at.narrow(self.source, &name);
                self.problem(
                    at,
                    format!("`{name}(…)` is not a function"),
                    format!("functions begin with $: `${name}(…)`"),
                );
            }
            Use::BareField(name) => {
                let at = at.narrow(self.source, &name);
                let message = format!("the field `{name}` is read from nothing");
                self.problem(
                    at,
                    message,
                    format!(
                        "name what has it, such as `$input.{name}`; a text goes in quotes: '{name}'"
                    ),
                );
            }
            Use::NewerOperator(mark) => {
                let at = at.narrow(self.source, mark);
                let message =
                    format!("`{mark}` is not in JSONata 2.0.6, which Step Functions evaluates");
                let help = "write `$exists($input.a) ? $input.a : 1`";
                self.problem(at, message, help);
            }
            Use::Clock(help) => {
                if let Some(field) = scope.repeatable {
                    let at = at.narrow(self.source, "$toMillis");
                    let message = format!(
                        "`$toMillis` in {field} may read the clock, and all attempts must yield the same"
                    );
                    self.problem(at, message, help);
                }
            }
            Use::Context(mark) => {
                let at = at.narrow(self.source, mark);
                let help = format!("begin with a variable: {}", scope.list());
                self.problem(
                    at,
                    format!("`{mark}` stands for a current value, and there is none here"),
                    help,
                );
            }
        }
    }

    fn check_function(&mut self, at: Span, name: &str, scope: &Scope) {
        let added = STEP_FUNCTIONS.contains(&name);
        if FUNCTIONS.contains(&name) || (added && scope.in_machine) {
            return self.check_repeatable(at, name, scope);
        }
        let at = at.narrow(self.source, &format!("${name}"));
        if name == "eval" {
            self.problem(
                at,
                "`$eval` does not exist in Step Functions",
                "write the expression itself",
            );
        } else if added {
            let help =
                "Step Functions adds it, and does not evaluate this: use JSONata's own functions";
            self.problem(
                at,
                format!("the function `${name}` exists only in steps"),
                help,
            );
        } else {
            let known = FUNCTIONS.iter().chain(&STEP_FUNCTIONS).copied();
            let help = match closest(name, known) {
                Some(close) => format!("did you mean `${close}`?"),
                None => "https://docs.jsonata.org lists JSONata's functions".to_owned(),
            };
            self.problem(at, format!("there is no function `${name}`"), help);
        }
    }

    /// Reports a function whose value changes from call to call, if every attempt must yield the
    /// same value.
    fn check_repeatable(&mut self, at: Span, name: &str, scope: &Scope) {
        let Some(field) = scope.repeatable else {
            return;
        };
        let in_trigger = !scope.visible.iter().any(|name| name == "input");
        let help = if in_trigger && (CLOCKS.contains(&name) || DICE.contains(&name)) {
            "a repeated event would be another start: take it from `$event`, or use `$scheduled_time` of a schedule"
        } else if CLOCKS.contains(&name) {
            "`$execution.started_at` stays the same; or put the moment into the input or into an earlier step's output"
        } else if DICE.contains(&name) {
            "put the value into the input, or into an earlier step's output"
        } else {
            return;
        };
        let at = at.narrow(self.source, &format!("${name}"));
        let message = format!(
            "`${name}` in {field} differs between attempts, and all attempts must yield the same"
        );
        self.problem(at, message, help);
    }

    fn check_variable(&mut self, at: Span, name: &str, scope: &Scope) {
        let place = at.narrow(self.source, &format!("${name}"));
        if scope.visible.iter().any(|visible| visible == name) {
            return;
        }
        let as_function =
            FUNCTIONS.contains(&name) || (STEP_FUNCTIONS.contains(&name) && scope.in_machine);
        if as_function {
            return self.check_repeatable(at, name, scope);
        }
        let (message, help) = match (name, self.names.get(name)) {
            ("states", _) => (
                "`$states` belongs to the compiled state machine".to_owned(),
                format!("use {}", scope.list()),
            ),
            ("item" | "item_key", _) => (
                format!("`${name}` exists only inside a for_each"),
                format!("you can use {}", scope.list()),
            ),
            ("event" | "scheduled_time", None) => (
                format!(
                    "`${name}` exists only in a trigger by {}",
                    if name == "event" { "event" } else { "time" }
                ),
                format!("you can use {}", scope.list()),
            ),
            (_, Some(declared)) => self.out_of_scope(declared, at, scope),
            (_, None) => {
                let known: Vec<String> = scope
                    .visible
                    .iter()
                    .map(|visible| format!("${visible}"))
                    .collect();
                let help = suggest(
                    &format!("${name}"),
                    known.iter().map(String::as_str),
                    "you can use",
                );
                (format!("there is no `${name}`"), help)
            }
        };
        self.problem(place, message, help);
    }

    /// Explains why the output of a declared step cannot be used here, and what can.
    fn out_of_scope(&self, declared: &Declaration, at: Span, scope: &Scope) -> (String, String) {
        let name = &declared.name;
        let line = declared.at.line;
        let outer = declared
            .within
            .iter()
            .find(|container| !scope.within.contains(container));
        let outer = outer.and_then(|outer| self.names.get(outer));
        if scope.within.last().is_some_and(|own| own == name) {
            (
                format!("`${name}` is this step's own output"),
                "use the output of an earlier step".to_owned(),
            )
        } else if let Sort::Wait | Sort::Choose | Sort::Stop = declared.sort {
            let kind = match declared.sort {
                Sort::Choose => "choose",
                Sort::Stop => "stop",
                _ => "wait",
            };
            (
                format!("`{name}` is a {kind} and has no output"),
                format!("you can use {}", scope.list()),
            )
        } else if scope.within.iter().any(|container| container == name) {
            (
                format!("`{name}` is the container around this step"),
                format!("inside it you can use {}", scope.list()),
            )
        } else if let (Some(outer), true) = (outer, outer.is_some_and(|outer| outer.at < at)) {
            let container = &outer.name;
            let help = match outer.sort {
                Sort::ForEach(true) => {
                    format!("after it, `${container}` holds what its `collect` yields")
                }
                Sort::ForEach(false) => {
                    format!("give `{container}` a `collect`, and use `${container}`")
                }
                _ => format!("after it, write `${container}.{name}`"),
            };
            (format!("`{name}` is seen only inside `{container}`"), help)
        } else if declared.sort == Sort::ForEach(false) && declared.at < at {
            (
                format!("the for_each `{name}` yields nothing"),
                format!("give `{name}` a `collect`"),
            )
        } else if declared.at < at {
            let help = format!(
                "branches do not see each other; you can use {}",
                scope.list()
            );
            (format!("`{name}` runs in another branch"), help)
        } else {
            let help = format!(
                "only earlier steps have an output; you can use {}",
                scope.list()
            );
            (format!("`{name}` comes later, on line {line}"), help)
        }
    }
}
