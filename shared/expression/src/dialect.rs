//! Holds an expression to what its evaluators have in common: the grammar of JSONata 2.0.6, and
//! regexes that mean the same in each.
//!
//! Step Functions does not publish its implementation. So a regex may use only what ECMAScript,
//! Java and RE2 define alike.

use jsonata_core::parser;

use crate::{
    evaluate::fault,
    uses::{Use, Walk},
};

/// Escapes of letters that mean the same everywhere.
const ESCAPES: &str = "dDwWtnr";
/// Characters that an escape takes literally.
const PUNCTUATION: &str = r"\^$.*+?()[]{}|/-";

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
    walk.patterns.iter().try_for_each(|pattern| {
        check_pattern(pattern).map_err(|why| format!("the regex /{pattern}/: {why}"))
    })
}

/// Checks a regex without its slashes. The error names what is refused, and what is right.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let mut rest = pattern.chars().peekable();
    let mut class = false;
    let mut before = '\0';
    while let Some(now) = rest.next() {
        let next = rest.peek().copied().unwrap_or('\0');
        match now {
            '\\' => {
                rest.next();
                check_escape(next)?;
            }
            '[' if class => return Err("a `[` inside brackets is written `\\[`".to_owned()),
            '[' => {
                class = true;
                if next == '^' {
                    rest.next();
                }
                if rest.peek() == Some(&']') {
                    return Err("brackets contain at least one character".to_owned());
                }
            }
            ']' => class = false,
            '&' | '~' | '-' if class && next == now => {
                return Err(format!(
                    "`{now}{now}` inside brackets is an operator to some engines"
                ));
            }
            '(' if !class && next == '?' => {
                rest.next();
                if rest.peek() != Some(&':') {
                    return Err(
                        "a group is `(…)` or `(?:…)`; there is no look-around and no name"
                            .to_owned(),
                    );
                }
            }
            '+' if !class && "*+?}".contains(before) && before != '\0' => {
                return Err("a quantifier is followed by `?` at most".to_owned());
            }
            _ => {}
        }
        before = if now == '\\' { '\0' } else { now };
    }
    Ok(())
}

fn check_escape(escaped: char) -> Result<(), String> {
    match escaped {
        _ if ESCAPES.contains(escaped) || PUNCTUATION.contains(escaped) => Ok(()),
        's' | 'S' => Err(format!(
            "`\\{escaped}` means other characters to other engines; write `[ \\t\\r\\n]`"
        )),
        'b' | 'B' => Err(format!(
            "`\\{escaped}` means other places to other engines; write the characters around it"
        )),
        '1'..='9' => Err(
            "it refers back to a group, which RE2 lacks; compare the groups that `$match` returns"
                .to_owned(),
        ),
        'u' | 'x' | 'p' | 'P' | 'c' | '0' | 'k' => Err(format!(
            "`\\{escaped}…` is not the same to all engines; write the character itself"
        )),
        other => Err(format!("`\\{other}` is no escape of all engines")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_regexes_are_of_every_dialect() {
        for pattern in [
            r"^[A-Z]{2}[0-9]{2,30}$",
            r"[^a-z0-9_.-]",
            r"(?:a|b)+?\d*\.\w",
            r"(\$|\/)[\]\[\\]",
            "straße",
            r"^\{.*\}$",
        ] {
            assert_eq!(check_pattern(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn a_regex_that_engines_read_otherwise_is_refused() {
        for pattern in [
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<name>a)",
            "(?i)a",
            r"(a)\1",
            r"\s",
            r"[\S]",
            r"\bword",
            r"\p{L}",
            r"\u0061",
            r"\x41",
            r"\Qa\E",
            r"\z",
            "[a[b]]",
            "[a-z&&b]",
            "[]a]",
            "[^]",
            "a++",
            "a{2}+",
        ] {
            check_pattern(pattern).expect_err(pattern);
        }
    }

    #[test]
    fn an_expression_that_is_not_the_same_everywhere_is_refused() {
        assert_eq!(check_dialect("$input.a & /* c */ 'x'"), Ok(()));
        for expression in [
            "$power($input.a, 2.5)",
            "$map($input.a, $power)",
            "$input.a ?? 1",
            "$input.a ?: 1",
            "$match($input.a, /(?=x)/)",
        ] {
            check_dialect(expression).expect_err(expression);
        }
    }
}
