//! The bound on whole numbers that a start may contain: all digits survive as text.

use holdfast_expression::reads;
use serde_json::{Number, Value};

/// Largest whole number of which JSONata writes every digit. It writes 15, so that two longer ids
/// could become one text.
///
/// Source: jsonata 2.0.6, `$string`: `Number(val.toPrecision(15))`.
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// The fault of a long number, and its fix.
pub const TOO_LONG: &str =
    "a whole number has more than 15 digits, which a text would round: send it as a string";

/// Checks that every whole number in a value keeps its digits as text. The error names the fix.
pub(crate) fn check_numbers(value: &Value) -> Result<(), String> {
    match long_number(value) {
        Some(_) => Err(TOO_LONG.to_owned()),
        None => Ok(()),
    }
}

/// The place of the first whole number that loses digits as text, as a JSON Pointer (RFC 6901).
pub(crate) fn long_number(value: &Value) -> Option<String> {
    let below = |name: String, value| long_number(value).map(|place| format!("/{name}{place}"));
    match value {
        Value::Number(number) => is_long(number).then(String::new),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(place, item)| below(place.to_string(), item))
        }
        Value::Object(members) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            let mut members = members.iter();
            members.find_map(|(name, value)| below(escaped(name), value))
        }
        _ => None,
    }
}

/// Checks that every number in a value keeps its digits as text, fractions included: two of them
/// could become one key. Elsewhere a fraction passes as a number, which keeps all its digits.
pub(crate) fn check_digits(value: &Value) -> Result<(), String> {
    check_numbers(value)?;
    match value {
        Value::Number(number) if is_rounded(number) => Err(
            "a number has more than 15 digits, which a key or a tenant would round: send it as a \
             string, or `$round` it"
                .to_owned(),
        ),
        Value::Array(items) => items.iter().try_for_each(check_digits),
        Value::Object(members) => members.values().try_for_each(check_digits),
        _ => Ok(()),
    }
}

/// Applies `check` to what `expression` reads of its variables. Other values of an event are its
/// sender's.
pub(crate) fn check_numbers_read(
    expression: &str,
    variables: &[(&str, &Value)],
    check: fn(&Value) -> Result<(), String>,
) -> Result<(), String> {
    for read in reads(expression)? {
        let bound = variables.iter().find(|(name, _)| *name == read.variable);
        let Some((_, value)) = bound else { continue };
        // A list on the way is read as a whole.
        let found = read
            .path
            .iter()
            .take(read.depth)
            .try_fold(*value, |value, name| match value {
                Value::Object(members) => members.get(name).ok_or(None),
                list => Err(Some(list)),
            });
        match found {
            Ok(value) | Err(Some(value)) => check(value)?,
            Err(None) => {}
        }
    }
    Ok(())
}

fn is_long(number: &Number) -> bool {
    match number.as_u64().or(number.as_i64().map(i64::unsigned_abs)) {
        Some(integer) => integer > MAX_INTEGER,
        // A reader of JSON has rounded an integer that is longer than 64 bits. JSONata rounds a
        // fraction away that follows 15 digits.
        None => number
            .as_f64()
            .is_some_and(|float| float.abs() > MAX_INTEGER as f64),
    }
}

/// Returns whether a number of a decimal fraction has more than the 15 digits that JSONata writes.
fn is_rounded(number: &Number) -> bool {
    let rounded = |float: f64| format!("{float:.14e}").parse() != Ok(float);
    number.is_f64() && number.as_f64().is_some_and(rounded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_place_of_a_long_number_is_a_json_pointer() {
        let input = json!({ "lines": [{ "a/b~": 1 }, { "a/b~": 1_000_000_000_000_000_u64 }] });
        assert_eq!(long_number(&input).as_deref(), Some("/lines/1/a~1b~0"));
        assert_eq!(long_number(&json!(1e15)).as_deref(), Some(""));
        assert_eq!(long_number(&json!({ "a": ["1000000000000000"] })), None);
    }

    #[test]
    fn a_whole_number_of_more_than_15_digits_is_refused_at_any_depth() {
        for long in [
            json!(1_000_000_000_000_000_u64),
            json!({ "a": [-1_000_000_000_000_001_i64] }),
            json!(9_007_199_254_740_993_u64),
            json!(12_345_678_901_234_567_890_u64),
            json!(1e15),
            serde_json::from_str("1000000000000000.25").expect("JSON"),
            serde_json::from_str("1000000000000000000001").expect("JSON"),
        ] {
            check_numbers(&long).expect_err(&long.to_string());
        }
        for kept in [
            json!(999_999_999_999_999_u64),
            json!(-999_999_999_999_999_i64),
            json!([0.1, 12_345_678_901_234.5, "1000000000000001"]),
        ] {
            assert_eq!(check_numbers(&kept), Ok(()), "{kept}");
        }
    }

    #[test]
    fn a_fraction_of_more_than_15_digits_is_no_part_of_a_key() {
        for long in [0.123_456_789_012_345_6, 0.1 + 0.2, -1_234.567_890_123_456] {
            check_digits(&json!({ "a": [long] })).expect_err("it is rounded");
            assert_eq!(check_numbers(&json!(long)), Ok(()), "it keeps its digits");
            let text = holdfast_expression::evaluate("'' & $n", &[("n", &json!(long))]);
            assert_ne!(
                text,
                Ok(Some(json!(long.to_string()))),
                "as text it does not"
            );
        }
        for kept in [
            json!(0.1),
            json!(0.123_456_789_012_345),
            json!(1e-7),
            json!(12.5e9),
            json!(7),
        ] {
            assert_eq!(check_digits(&kept), Ok(()), "{kept}");
        }
    }

    #[test]
    fn only_the_numbers_that_an_expression_reads_are_checked() {
        let event = json!({ "id": 1_000_000_000_000_001_u64, "kind": "a", "list": [{ "n": 1e15 }], "m": { "k": 1 } });
        let check =
            |expression| check_numbers_read(expression, &[("event", &event)], check_numbers);
        for fine in [
            "$event.kind",
            "$event.m.k & $event.nothing",
            "$event.m[k = 1].k",
            "'a'",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for long in [
            "'o-' & $event.id",
            "$event",
            "$event.list.n",
            "$event.list[0].x",
            "$event.m.%.id",
            "$event[kind = 'a'].kind",
            "$event@$e.$e.kind",
        ] {
            check(long).expect_err(long);
        }
    }
}
