//! Evaluates the JSONata of guardrails and triggers, within limits and outside Step Functions.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    deadline,
    evaluator::{EvaluationError, Evaluator},
};

/// Longest evaluation of one expression.
const MAX_TIME: Duration = Duration::from_secs(1);

thread_local! {
    /// The evaluator of this thread.
    static EVALUATOR: RefCell<Option<Evaluator>> = const { RefCell::new(None) };
}

/// Evaluates `expression` with `variables` bound: `input` is read as `$input`. Returns `None` if
/// the expression yields nothing.
///
/// The error is JSONata's own message. It may quote the tenant's data, so that it must not reach a
/// log.
pub fn evaluate(expression: &str, variables: &[(&str, &Value)]) -> Result<Option<Value>, String> {
    evaluate_over(expression, None, variables)
}

/// Evaluates `expression` as [`evaluate`] does, with `input` as its `$`.
pub(crate) fn evaluate_over(
    expression: &str,
    input: Option<&Value>,
    variables: &[(&str, &Value)],
) -> Result<Option<Value>, String> {
    with_evaluator(|evaluator, until| evaluator.evaluate(expression, input, variables, until))
}

/// Returns true if two values are one to JSONata: 1 and 1.0 are, and members have no order.
pub fn is_same(ours: &Value, reference: &Value) -> bool {
    match (ours, reference) {
        (Value::Number(ours), Value::Number(reference)) => ours.as_f64() == reference.as_f64(),
        (Value::Array(ours), Value::Array(reference)) => {
            ours.len() == reference.len() && ours.iter().zip(reference).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(ours), Value::Object(reference)) => {
            let alike = |(name, ours): (&String, &Value)| {
                reference
                    .get(name)
                    .is_some_and(|value| is_same(ours, value))
            };
            ours.len() == reference.len() && ours.iter().all(alike)
        }
        _ => ours == reference,
    }
}

/// Returns the reason why the reference implementation cannot parse `expression`, if it cannot.
pub(crate) fn fault(expression: &str) -> Option<String> {
    with_evaluator(|evaluator, until| Ok(evaluator.fault(expression, until))).unwrap_or_else(Some)
}

fn with_evaluator<T>(
    run: impl FnOnce(&Evaluator, Instant) -> Result<T, EvaluationError>,
) -> Result<T, String> {
    EVALUATOR.with_borrow_mut(|slot| {
        let evaluator = match slot {
            Some(loaded) => loaded,
            None => slot.insert(Evaluator::new()?),
        };
        let until = deadline::next(MAX_TIME);
        match run(evaluator, until) {
            Ok(result) => Ok(result),
            Err(EvaluationError::Expression(message)) => Err(message),
            Err(EvaluationError::Limit(message)) => {
                *slot = None;
                Err(message.to_owned())
            }
        }
    })
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
    fn a_key_of_an_input_is_a_member_whatever_its_name() {
        for name in ["ordinary", "__proto__", "constructor", "toString"] {
            let paid = json!({ "p": [{ "v": name, "a": 900 }, { "v": name, "a": 900 }] });
            let eval = |text| evaluate(text, &[("input", &paid)]);
            assert_eq!(
                eval("$count($each($input.p{v: $sum(a)}, function($x) { $x > 1000 ? $x }))"),
                Ok(Some(json!(1))),
                "{name}"
            );
            let found = eval("$exists($lookup({'ACME': 1}, $input.p[0].v))");
            assert_eq!(found, Ok(Some(json!(false))), "{name}");
        }
        let input = json!({ "o": { "__proto__": { "limit": 99 } }, "l": [{ "a": 1 }, { "b": 2 }] });
        let eval = |text| evaluate(text, &[("input", &input)]);
        assert_eq!(eval("$merge([$input.o]).limit"), Ok(None));
        assert_eq!(eval("$lookup($input.l, 'a')"), Ok(Some(json!(1))));
        assert_eq!(eval("$lookup($input.l, 'c')"), Ok(None));
    }

    #[test]
    fn a_broken_expression_is_an_error_and_does_not_panic() {
        for broken in [
            "$input.(",
            "1 + \"a\"",
            "$nosuchfunction()",
            "$sum",
            "[$sum]",
            "1 / 0",
            "$eval('1')",
        ] {
            evaluate(broken, &[]).expect_err(broken);
        }
    }

    #[test]
    fn a_long_number_in_a_text_has_the_digits_that_step_functions_writes() {
        let input = json!({ "vendor_no": 1_000_000_000_000_001_i64 });
        let text = evaluate("'v-' & $input.vendor_no", &[("input", &input)]);
        assert_eq!(text, Ok(Some(json!("v-1000000000000000"))));
    }

    #[test]
    fn an_endless_expression_is_stopped_and_the_next_one_is_evaluated() {
        let digits = json!("a".repeat(60));
        let many = json!((0..60_000).collect::<Vec<_>>());
        let variables = [("text", &digits), ("many", &many)];
        for endless in [
            "($f := function($n) { $f($n + 1) + 1 }; $f(0))",
            "($f := function($n) { $f($n + 1) }; $f(0))",
            "$pad('x', 1e12)",
            "[1..100000000]",
            "[1..9999999]",
            "$map([1..99999], function($a) { $count($map([1..99999], function($b) { $a * $b })) })",
            "$contains($text & '!', /^(a+)+$/)",
            "$formatNumber(0, '00.000e0')",
            "$formatInteger(1e15, 'I')",
            "$many@$x.$many@$y.[$x, $y]",
            "$distinct($many)",
            "($a := $text & $text; $b := [1..30] ~> $reduce(function($x, $y) { $x & $x }, $a); $b)",
        ] {
            let begun = Instant::now();
            evaluate(endless, &variables).expect_err(endless);
            assert!(begun.elapsed() < 3 * MAX_TIME, "{endless}");
            assert_eq!(evaluate("1 + 1", &[]), Ok(Some(json!(2))), "{endless}");
        }
    }
}
