//! Holds an expression to what its evaluators have in common: the grammar of JSONata 2.0.6, and
//! regexes that mean the same in each.

use jsonata_core::parser;

use crate::{
    evaluate::{fault, form},
    names::Use,
    pattern::check_pattern,
    uses::Walk,
};

/// Most evaluations of an expression that may be open at once. Step Functions ended an expression
/// at 99 to 101, as others measured with `TestState`
/// ([floci-io/floci, issue 2737](https://github.com/floci-io/floci/issues/2737)).
pub const MAX_DEPTH: usize = 90;

/// Checks that `expression` is one of JSONata 2.0.6, and that its regexes mean the same in every
/// implementation. The error names the fix. An expression that [`crate::uses`] cannot read is not
/// judged.
pub fn check_dialect(expression: &str) -> Result<(), String> {
    let Ok(ast) = parser::parse(expression) else {
        return Ok(());
    };
    if let Some(fault) = fault(expression) {
        return Err(format!("JSONata 2.0.6 cannot read it: {fault}"));
    }
    let walk = Walk::through(&ast);
    let power = |found: &Use| match found {
        Use::Function(name) | Use::Variable(name, _) => name == "power",
        _ => false,
    };
    if walk.found.iter().any(power) {
        return Err("the last digit of $power differs between engines; multiply".to_owned());
    }
    walk.patterns.iter().try_for_each(|(pattern, flags)| {
        check_pattern(pattern, flags).map_err(|why| format!("the regex /{pattern}/: {why}"))
    })?;
    check_depth(expression, MAX_DEPTH)?;
    check_finite(expression)
}

/// Checks that at most `most` evaluations of `expression` are open at once. The error names the
/// fix. An expression that JSONata 2.0.6 cannot read has no depth: other checks have the reason.
pub fn check_depth(expression: &str, most: usize) -> Result<(), String> {
    if fault(expression).is_some() {
        return Ok(());
    }
    let depth = form(expression)?.depth;
    match depth > most {
        true => Err(format!(
            "it nests {depth} levels deep, at most {most}, since Step Functions ends an expression at \
             about 100, and each operator of a chain is a level: write a long `a & b & …` as \
             `$join([a, b, …], '')`, `a + b + …` as `$sum([a, b, …])`, `x = 1 or x = 2 …` as \
             `x in [1, 2, …]`, and `x = 'a' ? 1 : …` as `$lookup({{ 'a': 1, … }}, x)`"
        )),
        false => Ok(()),
    }
}

/// Checks that a number which is not finite cannot be the result. Step Functions writes it as a
/// text, `Infinity` or `NaN`, as others measured
/// ([floci-io/floci, pull request 2783](https://github.com/floci-io/floci/pull/2783)). Our
/// evaluator reports an error. JSONata reports it too if the number is an operand.
fn check_finite(expression: &str) -> Result<(), String> {
    let (why, fix) = match form(expression)?.loose.as_deref() {
        None => return Ok(()),
        Some(operator @ ("/" | "%")) => (
            format!("`{operator}` has no number as its result if the divisor is 0"),
            format!("add 0: `$input.a {operator} $input.b + 0`"),
        ),
        Some(function) => (
            format!("`{function}` has no number as its result if it cannot read its text"),
            format!("add 0: `{function}(…) + 0`"),
        ),
    };
    Err(format!(
        "{why}; Step Functions then continues with the text 'Infinity' or 'NaN'. To have an error \
         instead, {fix}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_is_not_the_same_everywhere_is_refused() {
        assert_eq!(check_dialect("$input.a & /* c */ 'x'"), Ok(()));
        for expression in [
            "$power($input.a, 2.5)",
            "$map($input.a, $power)",
            "$input.a ?? 1",
            "$input.a ?: 1",
            "$match($input.a, /(?=x)/)",
            "$match($input.a, /^x$/)",
            "$match($input.a, /ä/i)",
        ] {
            check_dialect(expression).expect_err(expression);
        }
    }

    #[test]
    fn an_expression_that_step_functions_finds_too_deep_is_refused() {
        let chain = |operator: &str, terms: usize| vec!["$input.a"; terms].join(operator);
        let nested = |open: &str, close: &str, levels: usize| {
            format!("{}$input.a{}", open.repeat(levels), close.repeat(levels))
        };
        let choices = |count: usize| "$input.a = 1 ? 2 : ".repeat(count) + "3";
        // A path is a level, and so is its step.
        for operator in [" & ", " and ", " + ", " or "] {
            assert_eq!(check_depth(&chain(operator, 50), 51), Ok(()), "{operator}");
            check_depth(&chain(operator, 50), 50).expect_err(operator);
        }
        for deep in [
            chain(" & ", 100),
            chain(" and ", 100),
            choices(90),
            nested("(", ")", 90),
            nested("[", "]", 90),
            nested("{ 'a': ", "}", 90),
            nested("$string(", ")", 90),
            nested("$input.b[", "]", 32),
        ] {
            let why = check_dialect(&deep).expect_err(&deep);
            assert!(why.contains("levels deep, at most 90"), "{why}");
        }
        for unread in ["$input.a ?? 1", "$input.a ?: 1", "$input."] {
            assert_eq!(check_depth(unread, 1), Ok(()), "{unread}");
        }
        for flat in [
            chain(" & ", 80),
            choices(80),
            format!("$join([{}], '')", chain(", ", 500)),
            format!("$input.a in [{}]", chain(", ", 500)),
        ] {
            assert_eq!(check_dialect(&flat), Ok(()), "{flat}");
        }
    }

    #[test]
    fn the_depth_of_a_form_is_the_depth_at_which_the_evaluation_ends() {
        use crate::evaluate;
        // A name for a function makes the evaluator count.
        let counted = |inner: &str| format!("($f := function($n) {{ $n }}; {inner})");
        for (open, close) in [("(", ")"), ("[", "]"), ("1 + (", ")"), ("$string(", ")")] {
            for levels in 20..60 {
                let inner = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                let expression = counted(&inner);
                let fits = check_depth(&expression, MAX_DEPTH).is_ok();
                let evaluated = evaluate(&expression, &[]);
                assert_eq!(evaluated.is_ok(), fits, "{expression}: {evaluated:?}");
            }
        }
    }

    #[test]
    fn a_number_that_may_not_be_finite_is_refused_as_a_result_and_accepted_as_an_operand() {
        for loose in [
            "$input.a / $input.b",
            "1 / 0",
            "$input.a % $input.b",
            "[$input.a / $input.b]",
            "{ 'share': $input.a / $input.b }",
            "$input.on ? $input.a / $input.b : 0",
            "($x := $input.a / $input.b; $x)",
            "$map($input.list, function($v) { $v / $input.b })",
            "$round($input.a / $input.b, 2)",
            "$input.list.(a / b)",
            "$floor($input.a / $input.b)",
            "$input.list{ id: a / b }",
            "$parseInteger($input.a, '#')",
            "$toMillis($input.a)",
            "$input.a ~> $toMillis",
            "$input.a ~> $parseInteger('#')",
            "$map($input.list, $toMillis)",
            "$match($input.t, /a/, $input.a / $input.b)",
        ] {
            let why = check_dialect(loose).expect_err(loose);
            assert!(why.contains("add 0"), "{why}");
        }
        for settled in [
            "$input.a / $input.b + 0",
            "$round($input.a / $input.b + 0, 2)",
            "$round($input.a / $input.b, 2) + 0",
            "$input.a / 100",
            "$input.a % 7",
            "$input.a / $input.b > 0.5",
            "'about ' & $input.a / $input.b",
            "$string($input.a / $input.b)",
            "$input.list[$input.a / $input.b]",
            "$filter($input.list, function($v) { $v / $input.b > 2 })",
            "$toMillis($input.a) + 1000",
            "$fromMillis($toMillis($input.a))",
            "$input.list^(a / b)",
            "$substring($input.t, 0, $input.a % $input.b)",
            "$pad($input.t, $floor($input.a / $input.b))",
            "$split($input.t, ',', $input.a / $input.b)",
        ] {
            assert_eq!(check_dialect(settled), Ok(()), "{settled}");
        }
    }

    #[test]
    fn a_settled_number_that_is_not_finite_is_an_error_or_no_number() {
        use crate::evaluate;
        let nothing = serde_json::json!(0);
        let outcome = |expression| evaluate(expression, &[("n", &nothing)]);
        for error in [
            "1 / $n + 0",
            "0 / $n + 0",
            "1 % $n + 0",
            "$parseInteger('x', '#') + 0",
            "$toMillis('2020-13-01') + 0",
            "-(1 / $n)",
            "'a' & 1 / $n",
            "$string(1 / $n)",
        ] {
            outcome(error).expect_err(error);
        }
        for number in ["1 / $n", "-1 / $n", "1 % $n"] {
            for call in [
                "$length($)",
                "$lowercase($)",
                "$pad('abc', $)",
                "$pad('abc', 5, $)",
                "$replace('abc', 'b', 'd', $)",
                "$replace('abc', 'b', $)",
                "$replace('abc', /b/, function($m) { $ })",
                "$split('a,b', ',', $)",
                "$split('a,b', $)",
                "$substring('abc', $)",
                "$substring('abc', 0, $)",
                "$substringAfter('abc', $)",
                "$substringBefore('abc', $)",
                "$trim($)",
                "$uppercase($)",
            ] {
                let call = call.replace("$)", &format!("({number}))"));
                let call = call.replace("{ $ }", &format!("{{ {number} }}"));
                let kind = format!("$type({call})");
                if let Ok(found) = evaluate(&kind, &[("n", &nothing)]) {
                    let kinds = [serde_json::json!("string"), serde_json::json!("array")];
                    // A call without its subject yields nothing.
                    assert!(found.is_none_or(|kind| kinds.contains(&kind)), "{call}");
                }
            }
        }
        let compared = outcome("1 / $n > 5");
        assert_eq!(compared, Ok(Some(serde_json::json!(true))));
    }
}
