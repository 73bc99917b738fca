//! Holds an expression to what its evaluators have in common: the grammar of JSONata 2.0.6, and
//! regexes that mean the same in each.

use jsonata_core::parser;

use crate::{evaluate::fault, names::Use, pattern::check_pattern, uses::Walk};

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
    })
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
}
