//! Evaluates the JSONata of guardrails and triggers, within limits and outside Step Functions.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    deadline,
    evaluator::{EvaluationError, Evaluator, TOO_LONG},
};

/// Longest evaluation of one expression.
const MAX_TIME: Duration = Duration::from_secs(1);

thread_local! {
    /// The evaluator of this thread.
    static EVALUATOR: RefCell<Option<Evaluator>> = const { RefCell::new(None) };
}

/// Evaluates `expression` with `variables` bound: `input` is read as `$input`. Returns `None` if
/// the expression yields nothing.
pub fn evaluate(
    expression: &str,
    variables: &[(&str, &Value)],
) -> Result<Option<Value>, EvaluationError> {
    evaluate_over(expression, None, variables)
}

/// Evaluates `expression` as [`evaluate`] does, with `input` as its `$`.
pub(crate) fn evaluate_over(
    expression: &str,
    input: Option<&Value>,
    variables: &[(&str, &Value)],
) -> Result<Option<Value>, EvaluationError> {
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
    with_evaluator(|evaluator, until| Ok(evaluator.fault(expression, until)))
        .unwrap_or_else(|error| Some(error.to_string()))
}

fn with_evaluator<T>(
    run: impl FnOnce(&Evaluator, Instant) -> Result<T, EvaluationError>,
) -> Result<T, EvaluationError> {
    let until = deadline::next(MAX_TIME);
    if until <= Instant::now() {
        return Err(EvaluationError::Limit(TOO_LONG));
    }
    EVALUATOR.with_borrow_mut(|slot| {
        let evaluator = match slot {
            Some(loaded) => loaded,
            None => slot.insert(Evaluator::new().map_err(EvaluationError::Expression)?),
        };
        let result = run(evaluator, until);
        if let Err(EvaluationError::Limit(_)) = result {
            *slot = None;
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

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
    fn a_long_part_of_a_long_text_is_found() {
        let part = "ab".repeat(30_000) + "c";
        let text = json!(format!("{}{part}d", "xyz".repeat(20_000)));
        let part = json!(part);
        for (expression, value) in [
            ("$contains($t, $p)", json!(true)),
            ("$contains($t, $p & $p)", json!(false)),
            ("$length($substringBefore($t, $p))", json!(60_000)),
            ("$substringAfter($t, $p)", json!("d")),
            ("$split($t, $p) ~> $map($length)", json!([60_000, 1])),
            ("$split($t, $p, 1) ~> $map($length)", json!(60_000)),
            ("$length($replace($t & $t, $p, 'x'))", json!(120_004)),
        ] {
            let found = evaluate(expression, &[("t", &text), ("p", &part)]);
            assert_eq!(found, Ok(Some(value)), "{expression}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_one_of_utc_whatever_the_machines_zone_is() {
        const ZONE: &str = "JST-9";
        let name =
            "evaluate::tests::a_time_without_an_offset_is_one_of_utc_whatever_the_machines_zone_is";
        if env::var("TZ").as_deref() == Ok(ZONE) {
            let milliseconds = evaluate("$toMillis('2026-07-01T12:00:00')", &[]);
            return assert_eq!(milliseconds, Ok(Some(json!(1_782_907_200_000_i64))));
        }
        // A process reads its time zone once.
        let this = env::current_exe().expect("a program");
        let there = Command::new(this)
            .args(["--exact", name])
            .env("TZ", ZONE)
            .status();
        assert!(there.expect("it runs").success());
    }

    #[test]
    fn an_endless_expression_is_stopped_and_the_next_one_is_evaluated() {
        let digits = json!("a".repeat(60));
        let many = json!((0..60_000).collect::<Vec<_>>());
        let long = json!("[Y]".repeat(60_000));
        let (search, part) = (json!("a".repeat(130_000)), json!("a".repeat(65_000) + "b"));
        let variables = [
            ("text", &digits),
            ("many", &many),
            ("long", &long),
            ("search", &search),
            ("part", &part),
        ];
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
            "$sort($many)",
            "$toMillis($text, $long)",
            "$formatNumber(1, $long)",
            "$many ~> $string & $long",
            "$contains($search, $part)",
            "$split($search, $part)",
            "$replace($search, $part, '')",
            "$substringBefore($search, $part)",
            "[1..200000]",
            "($a := $text & $text; $b := [1..30] ~> $reduce(function($x, $y) { $x & $x }, $a); $b)",
        ] {
            let begun = Instant::now();
            evaluate(endless, &variables).expect_err(endless);
            assert!(begun.elapsed() < 3 * MAX_TIME, "{endless}");
            assert_eq!(evaluate("1 + 1", &[]), Ok(Some(json!(2))), "{endless}");
        }
    }
}
