//! Compiles expressions: guarded by `when`, and with the item of a `for_each` bound.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::definition::{Approve, Expression, Text};
use holdfast_expression::expression_in;
use holdfast_task::MAX_OUTPUT_BYTES;

/// The item of a `for_each`, as one state inside it sees the item.
///
/// `$states.context.Map.Item` is no way to read it, because Step Functions defines that only in the
/// Map's `ItemSelector` (Step Functions guide, "Accessing execution data from the Context object").
/// Without an `ItemSelector` the item is the input of the iteration's first state (the guide's page
/// on `ItemSelector`).
#[derive(Debug, Clone, Copy)]
pub(super) struct ItemBinding<'a> {
    /// Expression of `item_key`.
    pub(super) key: &'a Expression,
    /// True in the first state of an iteration. Later states read the variable `$item`.
    pub(super) is_input: bool,
}

/// Expression for the item in the first state of an iteration.
pub(super) const ITEM_INPUT: &str = "$states.input";

/// The context of an expression.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ExpressionContext<'a> {
    /// Item inside a `for_each`.
    pub(super) item: Option<ItemBinding<'a>>,
    /// `when` of the step. A skipped step evaluates no other expression.
    pub(super) when: Option<&'a Expression>,
    /// Step whose output is not a variable yet, and the expression for that output.
    pub(super) fresh: Option<(&'a str, &'a str)>,
}

impl ExpressionContext<'_> {
    /// Returns JSONata in `{% %}` as the state machine evaluates it.
    pub(super) fn expression(&self, expression: &str) -> String {
        let guarded = match self.when.map(Expression::jsonata) {
            Some(when) => format!("(({when}) = true) ? ({expression}) : null"),
            None => expression.to_owned(),
        };
        let mut bindings = Vec::new();
        if let Some(item) = self.item {
            let key = item.key.jsonata();
            let needs_key = mentions(&guarded, "item_key");
            let needs_item = mentions(&guarded, "item") || (needs_key && mentions(key, "item"));
            if item.is_input && needs_item {
                bindings.push(format!("$item := {ITEM_INPUT}"));
            }
            if needs_key {
                bindings.push(format!("$item_key := ({key})"));
            }
        }
        if let Some((name, output)) = self.fresh
            && mentions(&guarded, name)
        {
            bindings.push(format!("${name} := {output}"));
        }
        if bindings.is_empty() {
            return format!("{{% {guarded} %}}");
        }
        format!("{{% ({}; {guarded}) %}}", bindings.join("; "))
    }

    /// Returns the expression for the items of a `for_each`: always a list, whether a filter leaves
    /// none, one or many. Two items with one key raise an error, because they would share a record,
    /// and one effect would be missing. So do more items than `most`, before the first one acts.
    pub(super) fn items(
        &self,
        name: &str,
        (items, item_key): (&Expression, &Expression),
        most: Option<u64>,
    ) -> String {
        let (list, key) = (items.jsonata(), item_key.jsonata());
        // A filter may leave no items. A missing field is a mistake.
        let list = match is_plain(list) {
            true => format!(
                "$exists({list}) ? {list} : $error('{name} has no items: {list} is not there')"
            ),
            false => list.to_owned(),
        };
        let bound = most.map_or_else(String::new, |most| {
            format!(
                "$count($items) > {most} ? $error('{name} has ' & $string($count($items)) & ' items, \
                 and at most {most} fit into one execution') : "
            )
        });
        self.expression(&format!(
            "($items := $append([], {list}); {bound}($keys := $map($items, function($item) {{ $string({key}) }}); \
             $count($keys) != $count($items) ? $error('an item of {name} has no item_key') \
             : $count($distinct($keys)) = $count($items) ? $items \
             : $error('two items of {name} have the same item_key')))"
        ))
    }

    /// Returns the expression for the output of an execution. A member that yields nothing is left
    /// out. A longer output than the functions keep is replaced by its size, so that it exceeds no
    /// limit of a state (256 KiB, an error that no catcher sees: Step Functions guide, "Handling
    /// errors in Step Functions workflows").
    pub(super) fn output(&self, members: &BTreeMap<String, Expression>) -> String {
        let members: Vec<String> = members
            .iter()
            .map(|(name, member)| format!("'{name}': ({})", member.jsonata()))
            .collect();
        let members = members.join(", ");
        self.expression(&format!(
            "($output := {{ {members} }}; $size := $length($string($output)); \
             $size > {MAX_OUTPUT_BYTES} ? {{ 'too_long': $size }} : {{ 'value': $output }})"
        ))
    }

    /// Returns a `when` as a boolean: any value but true, or none, skips the step.
    pub(super) fn condition(&self, when: &Expression) -> String {
        self.expression(&format!("({}) = true", when.jsonata()))
    }

    /// Compiles the message of an approval: null if the approval is skipped.
    pub(super) fn message(&self, approve: &Approve) -> String {
        match (&approve.message, &approve.when) {
            (Text::Expression(message), Some(when)) => self.expression(&format!(
                "(({}) = false) ? null : ({})",
                when.jsonata(),
                message.jsonata()
            )),
            (message, _) => self.text(message),
        }
    }

    /// Compiles a text that may be an expression.
    pub(super) fn text(&self, text: &Text) -> String {
        match text {
            Text::Literal(text) => text.clone(),
            Text::Expression(expression) => self.expression(expression.jsonata()),
        }
    }

    /// Compiles a value in which texts may be expressions.
    pub(super) fn template(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text.clone().into())),
            Value::Array(items) => items.iter().map(|item| self.template(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.template(value)))
                .collect::<Map<_, _>>()
                .into(),
            literal => literal.clone(),
        }
    }
}

/// Returns the expression for the number of items of a `for_each`.
pub(super) fn count_of(items: &Expression) -> String {
    format!("{{% $count($append([], {})) %}}", items.jsonata())
}

/// Returns true if an expression only names a field.
fn is_plain(expression: &str) -> bool {
    let names = |c: char| c.is_alphanumeric() || "_.$".contains(c);
    expression.trim().chars().all(names)
}

/// Returns true if `expression` contains `$name` as text. A binding that is not needed does no
/// harm.
fn mentions(expression: &str, name: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    expression.split('$').skip(1).any(|rest| {
        rest.strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(continues))
    })
}

/// Compiles a value of a trigger for `begin`, with expressions as `{"$jsonata": "…"}`, which Step
/// Functions does not evaluate.
pub(super) fn for_begin(value: &Value) -> Value {
    match value {
        Value::String(text) => match expression_in(text) {
            Some(expression) => serde_json::json!({ "$jsonata": expression }),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(for_begin).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), for_begin(value)))
            .collect::<Map<_, _>>()
            .into(),
        literal => literal.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use holdfast_expression::evaluate;

    fn expression(text: &str) -> Expression {
        Expression::read(text).expect("an expression")
    }

    #[test]
    fn a_skipped_step_evaluates_only_its_when() {
        let when = expression("{% $input.on %}");
        let context = ExpressionContext {
            when: Some(&when),
            ..ExpressionContext::default()
        };
        assert_eq!(
            context.expression("$input.a"),
            "{% (($input.on) = true) ? ($input.a) : null %}"
        );
        assert_eq!(context.text(&"plain".to_owned().into()), "plain");
    }

    #[test]
    fn a_filter_of_items_always_yields_a_list() {
        let items = ExpressionContext::default().items(
            "each",
            (
                &expression("{% $input.vendors[days > 0] %}"),
                &expression("{% $item.id %}"),
            ),
            None,
        );
        let items = expression_in(&items).expect("an expression");
        for left in 0..3 {
            let vendor = |n: i64| json!({ "id": n.to_string(), "days": left - n });
            let input = json!({ "vendors": [vendor(0), vendor(1), vendor(2)] });
            let listed = evaluate(items, &[("input", &input)]);
            let right: Vec<_> = (0..left).map(vendor).collect();
            assert_eq!(listed, Ok(Some(json!(right))), "{left}");
        }
    }

    #[test]
    fn an_output_leaves_out_what_is_absent_and_says_how_long_it_is_if_it_is_too_long() {
        let members = [
            ("id".to_owned(), expression("{% $input.id %}")),
            ("note".to_owned(), expression("{% $input.note %}")),
        ];
        let written = ExpressionContext::default().output(&members.into());
        let written = expression_in(&written).expect("an expression");
        let evaluated = |input: &Value| evaluate(written, &[("input", input)]);
        let short = evaluated(&json!({ "id": "o-1" }));
        assert_eq!(short, Ok(Some(json!({ "value": { "id": "o-1" } }))));
        let fits = "x".repeat(MAX_OUTPUT_BYTES - r#"{"id":""}"#.len());
        let value = evaluated(&json!({ "id": fits }));
        assert_eq!(value, Ok(Some(json!({ "value": { "id": fits } }))));
        let long = evaluated(&json!({ "id": format!("{fits}x") }));
        assert_eq!(long, Ok(Some(json!({ "too_long": MAX_OUTPUT_BYTES + 1 }))));
    }

    #[test]
    fn missing_or_too_many_items_are_an_error_and_an_empty_list_is_not() {
        let items = ExpressionContext::default().items(
            "each",
            (
                &expression("{% $input.vendors %}"),
                &expression("{% $item.id %}"),
            ),
            Some(2),
        );
        let items = expression_in(&items).expect("an expression");
        let listed = |input: &Value| evaluate(items, &[("input", input)]);
        let many = json!({ "vendors": [{ "id": "a" }, { "id": "b" }, { "id": "c" }] });
        let why = listed(&many).expect_err("it is one too many").to_string();
        assert!(
            why.contains("each has 3 items, and at most 2 fit into one execution"),
            "{why}"
        );
        assert_eq!(listed(&json!({ "vendors": [] })), Ok(Some(json!([]))));
        let one = json!([{ "id": "v" }]);
        assert_eq!(listed(&json!({ "vendors": one })), Ok(Some(one)));
        let why = listed(&json!({ "vendor": [] }))
            .expect_err("it is misspelt")
            .to_string();
        assert!(
            why.contains("each has no items: $input.vendors is not there"),
            "{why}"
        );
    }

    #[test]
    fn the_first_state_of_an_item_reads_it_from_its_input_and_later_ones_from_a_variable() {
        let key = expression("{% $item.id %}");
        let context = |is_input| ExpressionContext {
            item: Some(ItemBinding {
                key: &key,
                is_input,
            }),
            ..ExpressionContext::default()
        };
        for (text, first, later) in [
            ("$input.a", "{% $input.a %}", "{% $input.a %}"),
            ("$items", "{% $items %}", "{% $items %}"),
            (
                "$item.b",
                "{% ($item := $states.input; $item.b) %}",
                "{% $item.b %}",
            ),
            (
                "$item_key",
                "{% ($item := $states.input; $item_key := ($item.id); $item_key) %}",
                "{% ($item_key := ($item.id); $item_key) %}",
            ),
        ] {
            assert_eq!(context(true).expression(text), first);
            assert_eq!(context(false).expression(text), later);
        }
    }
}
