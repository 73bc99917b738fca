//! Evaluates the JSONata of guardrails and triggers, within limits and outside Step Functions.

use jsonata_core::{
    evaluator::{Context, Evaluator, EvaluatorOptions},
    parser,
    value::JValue,
};
use serde_json::Value;

use crate::bounded;

/// Longest evaluation of one expression, in milliseconds.
const TIMEOUT_MS: u64 = 500;
/// Deepest nesting of calls.
const MAX_DEPTH: usize = 500;
/// Longest sequence that an expression may build, in elements.
const MAX_SEQUENCE: usize = 100_000;

/// Evaluates `expression` with `variables` bound: `input` is read as `$input`. Returns `None` if
/// the expression yields nothing.
///
/// The error is JSONata's own message. It may quote the tenant's data, so that it must not reach a
/// log.
pub fn evaluate(expression: &str, variables: &[(&str, &Value)]) -> Result<Option<Value>, String> {
    let ast = parser::parse(expression).map_err(|error| error.display_message())?;
    // A state machine of an older version, or one that a person edited, was not checked for this.
    bounded(&ast)?;
    let mut context = Context::new();
    for (name, value) in variables {
        let value = JValue::from_json_str(&value.to_string()).map_err(|error| error.to_string())?;
        context.bind((*name).to_owned(), value);
    }
    let options = EvaluatorOptions {
        timeout_ms: Some(TIMEOUT_MS),
        max_stack_depth: Some(MAX_DEPTH),
        max_sequence_length: Some(MAX_SEQUENCE),
        ..EvaluatorOptions::default()
    };
    let result = Evaluator::with_options(context, options)
        .evaluate(&ast, &JValue::Null)
        .map_err(|error| error.message().to_owned())?;
    if result.is_undefined() {
        return Ok(None);
    }
    if result.is_function() {
        return Err("it yields a function, which is not a value".to_owned());
    }
    let text = result.to_json_string().map_err(|error| error.to_string())?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_expression_reads_its_variables_and_yields_a_value() {
        let input = json!({"days": 14, "vendors": [{"id": "v1"}, {"id": "v2"}]});
        let eval = |text| evaluate(text, &[("input", &input)]);
        assert_eq!(eval("$input.days <= 30"), Ok(Some(json!(true))));
        assert_eq!(eval("$input.vendors.id"), Ok(Some(json!(["v1", "v2"]))));
        assert_eq!(
            eval("{\"a\": $input.days + 0.5}"),
            Ok(Some(json!({"a": 14.5})))
        );
        assert_eq!(eval("$input.nothing"), Ok(None));
    }

    #[test]
    fn a_broken_expression_is_an_error_and_does_not_panic() {
        for broken in ["$input.(", "1 + \"a\"", "$nosuchfunction()", "$sum"] {
            evaluate(broken, &[]).expect_err(broken);
        }
    }

    #[test]
    fn an_endless_expression_is_stopped() {
        for endless in [
            "($f := function($n) { $f($n + 1) + 1 }; $f(0))",
            "($f := function($n) { $f($n + 1) }; $f(0))",
            "$pad('x', 1e12)",
            "[1..100000000]",
            "$map([1..99999], function($a) { $count($map([1..99999], function($b) { $a * $b })) })",
        ] {
            evaluate(endless, &[]).expect_err(endless);
        }
    }
}
