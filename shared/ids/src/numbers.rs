//! Numbers whose digits a text does not keep.

use serde_json::Value;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::keep_digits;

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
