//! Interprets an unquoted YAML scalar: as a JSON value, or as an ambiguity to be quoted.
//!
//! The rules are those of the core schema of YAML 1.2.2 (yaml.org/spec/1.2.2, 10.3), as far as the
//! types of YAML 1.1 (yaml.org/type: null, bool, int, float, timestamp, merge, value) agree.

use serde_json::Number;

use holdfast_ids::digest::is_rounded;

use super::{
    problem::{Problem, Span},
    tree::Kind,
};

/// Returns the value of unquoted `text`. Text that YAML versions read differently, or that JSON
/// cannot hold, is a problem.
pub(super) fn scalar(text: &str, at: Span, problems: &mut Vec<Problem>) -> Kind {
    match text {
        "" | "null" => return Kind::Null,
        "true" => return Kind::Bool(true),
        "false" => return Kind::Bool(false),
        _ => {}
    }
    if let Some(number) = number(text) {
        // Digits that fit no integer were parsed as a float, and rounded.
        let rounded = number.is_f64() && !text.contains(['.', 'e', 'E']);
        if !rounded && !is_rounded(&number) {
            return Kind::Number(number);
        }
        let help = format!("beyond ±(2^53 - 1) JSON readers round: carry it as a text, \"{text}\"");
        problems.push(Problem::new(
            at,
            format!("the number {text} is too large"),
            help,
        ));
        return Kind::Null;
    }
    if let Some(help) = ambiguity(text) {
        problems.push(two_ways(text, at, help));
    }
    Kind::Text(text.to_owned())
}

/// Returns the name that an unquoted key is. A key that some reader takes as another value than a
/// text is a problem.
pub(super) fn key(text: &str, at: Span, problems: &mut Vec<Problem>) -> Kind {
    if text == "<<" {
        let help = "YAML 1.2 has no merge keys: anchor the whole value, or repeat the fields";
        problems.push(Problem::new(at, "the merge key `<<`", help));
    } else if matches!(text, "" | "null" | "true" | "false")
        || serde_json::from_str::<Number>(text).is_ok()
        || ambiguity(text).is_some()
    {
        problems.push(two_ways(text, at, format!("quote the key: \"{text}\"")));
    }
    Kind::Text(text.to_owned())
}

fn two_ways(text: &str, at: Span, help: String) -> Problem {
    Problem::new(at, format!("`{text}` can be read in two ways"), help)
}

/// Returns the number that every reader sees in `text`. An exponent is one in YAML 1.1 only after
/// a point and with a sign, and zero has no sign in JSON.
fn number(text: &str) -> Option<Number> {
    let number = serde_json::from_str::<Number>(text).ok()?;
    let exponent = text.find(['e', 'E']);
    let plain = exponent
        .is_none_or(|at| text[..at].contains('.') && text[at + 1..].starts_with(['+', '-']));
    let signed_zero = text.starts_with('-') && number.as_f64() == Some(0.0);
    (plain && !signed_zero).then_some(number)
}

/// Returns the fix of a text that some reader takes as another value.
fn ambiguity(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.strip_prefix(['-', '+']).unwrap_or(&lower);
    let fix = match lower.as_str() {
        "yes" | "on" | "true" | "y" => format!("write true, or \"{text}\" for the text"),
        "no" | "off" | "false" | "n" => format!("write false, or \"{text}\" for the text"),
        "null" | "~" => format!("write null, or \"{text}\" for the text"),
        "<<" | "=" => format!("quote it: \"{text}\""),
        _ if matches!(unsigned, ".inf" | ".nan") => {
            format!("JSON has no such number; quote it for the text: \"{text}\"")
        }
        _ if unsigned.trim_matches(['0', '.']).is_empty()
            && lower.starts_with('-')
            && unsigned.contains('0') =>
        {
            format!("write 0, or \"{text}\" for the text")
        }
        _ if is_number_of_some_reader(unsigned) => {
            let exponent = if serde_json::from_str::<Number>(text).is_ok() {
                " but without an exponent"
            } else {
                ""
            };
            format!("write a number as JSON does{exponent}, or \"{text}\" for the text")
        }
        _ if is_clock(unsigned) => {
            format!("some readers count in sixties: write \"{text}\" for the text")
        }
        _ if is_date(&lower) => format!("some readers make it a date: write \"{text}\""),
        _ => return None,
    };
    Some(fix)
}

/// Returns true for digits with underscores, signs, points, exponents or a base, without a sign
/// before them.
fn is_number_of_some_reader(text: &str) -> bool {
    let of = |digits: &str, base: u32| {
        digits.chars().any(|c| c.is_digit(base))
            && digits.chars().all(|c| c.is_digit(base) || c == '_')
    };
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return of(digits, base);
        }
    }
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    begins && digits.contains(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}

/// Returns true for digits that are divided by colons, which YAML 1.1 reads in base 60.
fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &&str, more: &str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_digit() || more.contains(c))
    };
    match parts.as_slice() {
        [first, inner @ .., last] => {
            digits(first, "_") && inner.iter().all(|part| digits(part, "")) && digits(last, ".")
        }
        _ => false,
    }
}

/// Returns true for a date, alone or with a time of the day to the second.
fn is_date(lower: &str) -> bool {
    let day = lower.split(['t', ' ', '\t']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split('-').collect();
    let digits = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit())
    };
    let [year, month, date] = parts.as_slice() else {
        return false;
    };
    let rest = lower[day.len()..].trim_start_matches(['t', ' ', '\t']);
    digits(year, 4, 4)
        && digits(month, 1, 2)
        && digits(date, 1, 2)
        && (rest.is_empty() || rest.matches(':').count() >= 2)
}
