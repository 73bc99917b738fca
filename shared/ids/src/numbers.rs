//! Numbers: those whose digits a text does not keep, and whole ones in any spelling.

use serde_json::{Number, Value};

/// Smallest number of which a text may lose digits. JSONata writes 15 of a number, so that two
/// longer ids could become one text.
///
/// Source: jsonata 2.0.6, `$string`: `Number(val.toPrecision(15))`.
pub const LONG: f64 = 1e15;

/// Turns every number from [`LONG`] on into a string with its digits.
pub fn keep_digits(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_f64().is_none_or(|float| float.abs() >= LONG) => {
            *value = Value::String(number.to_string());
        }
        Value::Array(items) => items.iter_mut().for_each(keep_digits),
        Value::Object(members) => members.values_mut().for_each(keep_digits),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Magnitude below which no two integers are one float: 2^53.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The integer that a float is in value, such as 30 of `30.0`, or 0 of `-0.0`. `None` of any other
/// number, so also of one that is written as an integer.
pub fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() < MAX_WHOLE).then_some(float as i64)
}

/// Writes every float that is an integer in value as that integer: RFC 8785 has one form of both.
pub fn write_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(integer) = whole(number) {
                *number = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole),
        Value::Object(members) => members.values_mut().for_each(write_whole),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{keep_digits, write_whole};

    #[test]
    fn a_float_that_is_an_integer_in_value_becomes_that_integer_at_any_depth() {
        let mut value: serde_json::Value = serde_json::from_str(
            r#"{"a":[1.0,1e0,-3.0,-0.0,0.5,1e16],"b":{"c":9007199254740991.0,"f":9007199254740992.0},"d":"1.0","e":7}"#,
        )
        .expect("written by hand");
        write_whole(&mut value);
        assert_eq!(
            value.to_string(),
            r#"{"a":[1,1,-3,0,0.5,1e+16],"b":{"c":9007199254740991,"f":9007199254740992.0},"d":"1.0","e":7}"#
        );
    }

    #[test]
    fn a_long_number_becomes_a_string_at_any_depth_and_a_short_one_remains() {
        let mut value = json!({
            "id": 1_000_000_000_000_001_u64,
            "list": [-9_007_199_254_740_991_i64, u64::MAX, 999_999_999_999_999_u64, 0.1, "1"],
        });
        keep_digits(&mut value);
        let kept = json!({
            "id": "1000000000000001",
            "list": ["-9007199254740991", "18446744073709551615", 999_999_999_999_999_u64, 0.1, "1"],
        });
        assert_eq!(value, kept);
    }
}
