//! Evaluates JSONata within limits: of guardrails and triggers, and as a state of Step Functions
//! does.

use std::{cell::RefCell, time::Duration};

use serde_json::Value;

use crate::{
    deadline,
    error::EvaluationError,
    evaluator::{ClockAndChance, Evaluator, Form},
    limit::TimeLimit,
};

/// Longest evaluation of one expression, in processor time.
const MAX_TIME: Duration = Duration::from_millis(250);
/// Longest evaluation of one expression of a state, in processor time.
const MAX_TIME_IN_STATE: Duration = Duration::from_secs(5);

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
    with_evaluator(MAX_TIME, |evaluator, limit| {
        evaluator.evaluate(expression, input, variables, limit)
    })
}

/// Evaluates `expression` as a state of Step Functions does: with the functions that it adds, at
/// `moment`. `variables` is a JSON object, and the result is JSON too. Returns `None` if the
/// expression yields nothing.
pub fn evaluate_in_state(
    expression: &str,
    variables: &str,
    moment: ClockAndChance,
) -> Result<Option<String>, String> {
    with_evaluator(MAX_TIME_IN_STATE, |evaluator, limit| {
        evaluator.evaluate_in_state(expression, variables, moment, limit)
    })
    .map_err(|error| error.to_string())
}

/// Returns the reason why the reference implementation cannot parse `expression`, if it cannot.
pub(crate) fn fault(expression: &str) -> Option<String> {
    let fault = |evaluator: &Evaluator, limit| Ok(evaluator.fault(expression, limit));
    with_evaluator(MAX_TIME, fault).unwrap_or_else(|error| Some(error.to_string()))
}

/// Returns the form of `expression`. The error is the parser's.
pub(crate) fn form(expression: &str) -> Result<Form, String> {
    with_evaluator(MAX_TIME, |evaluator, limit| {
        evaluator.form(expression, limit)
    })
    .map_err(|error| error.to_string())
}

fn with_evaluator<T>(
    processor: Duration,
    run: impl FnOnce(&Evaluator, TimeLimit) -> Result<T, EvaluationError>,
) -> Result<T, EvaluationError> {
    EVALUATOR.with_borrow_mut(|slot| {
        let work = deadline::limit_of_work();
        let result = match work.filter(|limit| limit.is_reached()) {
            // Work that is over loads no evaluator: what is left of its time is for its report.
            Some(over) => Err(over.error()),
            None => {
                let evaluator = match slot {
                    Some(loaded) => loaded,
                    None => slot.insert(Evaluator::new().map_err(EvaluationError::Expression)?),
                };
                // Loading the evaluator does not count, except for the work.
                run(evaluator, TimeLimit::next(processor, work))
            }
        };
        if let Err(EvaluationError::Shortage) = result {
            deadline::leave_undecided();
        }
        if let Err(EvaluationError::Limit(_) | EvaluationError::Shortage) = result {
            *slot = None;
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use serde_json::json;

    use super::*;
    use crate::limit::processor_time;

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
            let begun = processor_time();
            evaluate(endless, &variables).expect_err(endless);
            // A function of the evaluator ends late. Without a limit, these run for minutes.
            assert!(processor_time() - begun < 20 * MAX_TIME, "{endless}");
            assert_eq!(evaluate("1 + 1", &[]), Ok(Some(json!(2))), "{endless}");
        }
    }

    fn in_state(expression: &str, variables: Value) -> Result<Value, String> {
        let moment = ClockAndChance {
            now_ms: 1_759_150_800_000,
            seed: 7,
        };
        let value = evaluate_in_state(expression, &variables.to_string(), moment)?;
        value.map_or(Ok(Value::Null), |text| {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        })
    }

    #[test]
    fn a_state_has_the_functions_that_step_functions_adds() {
        for (expression, value) in [
            ("$parse('{\"a\":[1]}').a", json!([1])),
            (
                "$hash('a', 'SHA-256')",
                json!("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
            ),
            ("$range(0, 10, 2)", json!([0, 2, 4, 6, 8, 10])),
            ("$range(3, 1, -1)", json!([3, 2, 1])),
            ("$range(3, 1, 1)", json!([])),
            ("$partition([1..5], 2)", json!([[1, 2], [3, 4], [5]])),
            ("$map(['1', '2'], $parse)", json!([1, 2])),
            ("$random(7) = $random(7) and $random(7) < 1", json!(true)),
            (
                "$contains($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)",
                json!(true),
            ),
        ] {
            assert_eq!(in_state(expression, json!({})), Ok(value), "{expression}");
        }
        for wrong in [
            "$hash('a', 'MD5')",
            "$range(1, 2, 0)",
            "$range(1, 2000, 1)",
            "$range(1, 2.5, 1)",
            "$partition('a', 2)",
            "$partition([1], 0)",
            "$parse('{')",
            "$parse(1)",
            "$eval('1')",
        ] {
            in_state(wrong, json!({})).expect_err(wrong);
        }
    }

    #[test]
    fn a_state_has_the_time_and_the_chance_of_its_moment_and_an_evaluation_after_it_has_its_own() {
        let clock = "[$now(), $millis(), $now() = $fromMillis($millis())]";
        let then = json!(["2025-09-29T13:00:00.000Z", 1_759_150_800_000_i64, true]);
        assert_eq!(in_state(clock, json!({})), Ok(then));
        let chance = "[$random(), $uuid(), $shuffle([1..20])]";
        let drawn = in_state(chance, json!({})).expect("numbers");
        assert_eq!(in_state(chance, json!({})).expect("numbers"), drawn);
        in_state("$error('on purpose')", json!({})).expect_err("an error ends a moment too");
        let now = evaluate("$millis() > 1759150800000 + 86400000", &[]);
        assert_eq!(now, Ok(Some(json!(true))));
    }

    #[test]
    fn a_state_means_what_the_reference_means() {
        let variables =
            json!({ "input": { "vendor_no": 1_000_000_000_000_001_i64, "one": ["a"] } });
        for (expression, value) in [
            ("'v-' & $input.vendor_no", json!("v-1000000000000000")),
            ("$input.one", json!(["a"])),
            ("$input.one[0]", json!("a")),
            ("$formatNumber(1234.5, '#,##0.00')", json!("1,234.50")),
            ("$input.nothing", Value::Null),
        ] {
            let found = in_state(expression, variables.clone());
            assert_eq!(found, Ok(value), "{expression}");
        }
    }
}
