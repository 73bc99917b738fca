//! The body of an answer as a value in which every number keeps its digits.

use std::borrow::Cow;

use holdfast_ids::numbers::LONG;
use serde::de::IgnoredAny;
use serde_json::Value;

/// A body: JSON if it parses, else text, or null if there is none.
pub(super) fn body_of(text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    // The grammar is checked first, since quotes would turn some wrong numbers into right texts.
    let valid = serde_json::from_str::<IgnoredAny>(&text).is_ok();
    let value = valid.then(|| serde_json::from_str(&with_long_numbers_quoted(&text)));
    value.and_then(Result::ok).unwrap_or(Value::String(text))
}

/// JSON in which every number from [`LONG`] on is a string, as it is written.
fn with_long_numbers_quoted(json: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let mut copied = 0;
    let mut at = 0;
    let bytes = json.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let digits = bytes[at..].iter().take_while(|byte| is_of_number(**byte));
                let end = at + digits.count();
                let number = &json[at..end];
                if number.parse().is_ok_and(|number: f64| number.abs() >= LONG) {
                    quoted += &json[copied..at];
                    quoted += &format!("\"{number}\"");
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    quoted += &json[copied..];
    Cow::Owned(quoted)
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The place after the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::body_of;

    fn read(text: &str) -> Value {
        body_of(text.to_owned())
    }

    #[test]
    fn a_number_from_ten_to_the_fifteenth_on_is_a_string_as_it_is_written() {
        for number in [
            "1000000000000000",
            "-1000000000000001",
            "9007199254740993",
            "123456789012345678901234567890",
            "1000000000000001.0",
            "1000000000000000.5",
            "1e15",
            "1E+400",
            "-1e400",
        ] {
            assert_eq!(read(number), json!(number));
            let inside = read(&format!(r#"{{"a":[{number},"{number}"],"b":{number}}}"#));
            assert_eq!(inside, json!({ "a": [number, number], "b": number }));
        }
    }

    #[test]
    fn any_other_number_remains_one() {
        for (text, number) in [
            ("999999999999999", json!(999_999_999_999_999_i64)),
            ("-999999999999999", json!(-999_999_999_999_999_i64)),
            ("0.1", json!(0.1)),
            ("0.30000000000000004", json!(0.300_000_000_000_000_04)),
            ("-0", json!(-0.0)),
            ("1e-400", json!(0.0)),
            ("1e14", json!(1e14)),
        ] {
            assert_eq!(read(text), number, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_json_remains_as_it_is() {
        for text in [
            "9007199254740993 kg",
            "+1000000000000000",
            "01000000000000000",
            "1000000000000000.",
            "{\"a\":1000000000000000",
            "\"\\ud83d\"",
            "NaN",
            " ",
        ] {
            assert_eq!(read(text), json!(text));
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(read(&deep), json!(deep));
    }

    /// Any JSON, of which every number is short.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-999_999_999_999_999_i64..=999_999_999_999_999).prop_map(Value::from),
            (-1e14..1e14_f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[0-9]{1,30}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn json_with_short_numbers_is_read_as_it_is(value in values()) {
            prop_assert_eq!(read(&value.to_string()), value.clone());
            prop_assert_eq!(read(&format!("{value:#}")), value);
        }

        #[test]
        fn every_digit_of_a_long_number_arrives(digits in "-?[1-9][0-9]{15,40}(\\.[0-9]{1,9})?") {
            let body = read(&format!("{{\"id\": {digits} }}"));
            prop_assert_eq!(body, json!({ "id": digits }));
        }

        #[test]
        fn no_text_panics(text in r#"([\[\]{}:,"\\0-9eE.+-]|\PC){0,60}"#) {
            read(&text);
        }
    }
}
