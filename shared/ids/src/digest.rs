//! Digests of JSON: canonical bytes (RFC 8785) and SHA-256, equal for equal values.

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

/// Largest integer that every JSON reader keeps exactly: 2^53 - 1.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A value that has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// An integer that RFC 8785 would round, so that two different values could share a digest.
    #[error("an integer is beyond ±(2^53 - 1), which JSON readers round: carry it as a string")]
    UnsafeInteger,
    /// A value that cannot be written as JSON, with the serializer's error.
    #[error("not canonical JSON: {0}")]
    NotJson(String),
}

/// The canonical JSON (RFC 8785) of `value`: members sorted, numbers in one form, no white space.
///
/// Refuses integers beyond ±(2^53 - 1), which RFC 8785 would round.
pub fn canonical(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    check_integers(value)?;
    serde_json_canonicalizer::to_vec(value)
        .map_err(|error| CanonicalError::NotJson(error.to_string()))
}

/// The SHA-256 of `bytes` as 64 lower-case hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The SHA-256 of `value`'s canonical JSON, as hex.
pub fn value_sha256_hex(value: &Value) -> Result<String, CanonicalError> {
    canonical(value).map(|bytes| sha256_hex(&bytes))
}

/// Returns whether JSON readers round this number: a large integer, or a float that RFC 8785 writes
/// as one.
pub fn is_rounded(number: &Number) -> bool {
    let integer = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
    let as_integer = |float: f64| {
        float.fract() == 0.0 && (MAX_SAFE_INTEGER as f64) < float.abs() && float.abs() < 1e21
    };
    match integer {
        Some(integer) => integer > MAX_SAFE_INTEGER,
        None => number.as_f64().is_some_and(as_integer),
    }
}

fn check_integers(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) if is_rounded(number) => Err(CanonicalError::UnsafeInteger),
        Value::Array(items) => items.iter().try_for_each(check_integers),
        Value::Object(members) => members.values().try_for_each(check_integers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_float_written_as_an_unsafe_integer_is_refused() {
        for unsafe_float in [1e16, -9_007_199_254_740_992.0, 9.9e20] {
            assert!(canonical(&json!(unsafe_float)).is_err(), "{unsafe_float}");
        }
        for safe in [1e15, 1e21, 1e300, 0.5] {
            assert!(canonical(&json!(safe)).is_ok(), "{safe}");
        }
    }

    #[test]
    fn equal_values_have_equal_bytes_in_any_spelling() {
        let one = json!({"b": 1.0, "a": [true, null, "\u{e9}"]});
        let two: Value = serde_json::from_str(r#"{ "a": [true, null, "é"], "b": 1e0 }"#)
            .expect("written by hand");
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(
            canonical(&two).expect("canonical"),
            r#"{"a":[true,null,"é"],"b":1}"#.as_bytes()
        );
    }

    #[test]
    fn an_integer_that_would_be_rounded_is_refused() {
        assert!(canonical(&json!(9_007_199_254_740_991_u64)).is_ok());
        for unsafe_integer in [
            json!(9_007_199_254_740_992_u64),
            json!([-9_007_199_254_740_992_i64]),
            json!({"n": u64::MAX}),
        ] {
            let error = canonical(&unsafe_integer).expect_err("too large");
            assert!(error.to_string().contains("carry it as a string"));
        }
    }

    #[test]
    fn sha256_of_abc_is_the_published_digest() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
