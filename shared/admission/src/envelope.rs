//! The one check of a start's form, which every door applies: names, texts, and the limits of the
//! input.

use holdfast_ids::{
    keys::idempotency_key,
    names::{check_idempotency_key, check_tenant, check_text},
};
use serde_json::Value;

use crate::{
    numbers::{TOO_LONG, long_number},
    schema::cut,
    start::Start,
};

/// Largest input, in bytes of JSON: it must fit into a state's data beside everything else.
pub const INPUT_MAX_BYTES: usize = 200_000;

/// Deepest nesting of an input. JSON readers stop at 128 levels, and a task wraps the input in
/// further ones.
pub const INPUT_MAX_DEPTH: usize = 64;

/// Most values of an input: its members and the items of its lists, at every level.
///
/// The limit in bytes counts the shortest JSON. Another writer may spend two more bytes on a value:
/// Java [writes][java] `1.0E300` for `1e300`, and Python [puts][python] a space behind each comma
/// and colon. With this limit the input stays below 240,000 bytes, and a state's data below its
/// [quota][states] of 262,144.
///
/// [java]: https://docs.oracle.com/javase/8/docs/api/java/lang/Double.html#toString-double-
/// [python]: https://docs.python.org/3/library/json.html#json.dumps
/// [states]: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
pub const INPUT_MAX_VALUES: usize = 20_000;

/// The fault of a start's form. It names the field, the limit and the fix, without values of the
/// input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The input has more bytes or values than a start may carry.
    TooLarge(String),
    /// A field has the wrong form.
    Malformed(String),
    /// A whole number of the input loses digits as text. `place` is for the caller alone: it has
    /// names of the input's members, which no log may have.
    LongNumber {
        /// The place of the number, such as `input/lines/0/id`.
        place: String,
    },
}

impl From<String> for EnvelopeError {
    fn from(why: String) -> Self {
        Self::Malformed(why)
    }
}

impl From<EnvelopeError> for String {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::TooLarge(why) | EnvelopeError::Malformed(why) => why,
            EnvelopeError::LongNumber { .. } => format!("the input: {TOO_LONG}"),
        }
    }
}

/// Checks the form of a new start. The API, an event, a schedule and a direct `StartExecution` pass
/// this check alone, so that none of them accepts what another refuses.
pub fn check_envelope(start: &Start) -> Result<(), EnvelopeError> {
    check_recorded(start)?;
    let values = values(&start.input);
    if values > INPUT_MAX_VALUES {
        return Err(EnvelopeError::TooLarge(format!(
            "the input has {values} members and items, at most {INPUT_MAX_VALUES} are allowed: store it and send a reference"
        )));
    }
    match long_number(&start.input) {
        Some(place) => Err(EnvelopeError::LongNumber {
            place: cut(format!("input{place}")),
        }),
        None => Ok(()),
    }
}

/// Checks what holds for a recorded start too: a redrive sends it again, and earlier releases
/// accepted longer numbers and more values.
pub(crate) fn check_recorded(start: &Start) -> Result<(), EnvelopeError> {
    check_tenant(&start.tenant)?;
    check_key(&start.idempotency_key)?;
    check_size(&start.input)?;
    check_depth(&start.input)?;
    if let Some(by) = &start.requested_by {
        check_text("requested_by", by)?;
    }
    if let Some(approval) = &start.approval {
        approval.check()?;
    }
    Ok(())
}

/// Checks a key: what a header can carry, or the digest that another door made of a longer text.
fn check_key(key: &str) -> Result<(), String> {
    if idempotency_key(key)? == key {
        return Ok(());
    }
    check_idempotency_key(key)
}

fn check_size(input: &Value) -> Result<(), EnvelopeError> {
    let bytes = input.to_string().len();
    if bytes <= INPUT_MAX_BYTES {
        return Ok(());
    }
    Err(EnvelopeError::TooLarge(format!(
        "the input has {bytes} bytes of JSON, at most {INPUT_MAX_BYTES} are allowed: store it and send a reference"
    )))
}

fn check_depth(input: &Value) -> Result<(), String> {
    match is_deeper(input, INPUT_MAX_DEPTH) {
        false => Ok(()),
        true => Err(format!(
            "the input is nested more than {INPUT_MAX_DEPTH} levels deep: make it flatter"
        )),
    }
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, left)),
        Value::Object(members) => members.values().any(|member| is_deeper(member, left)),
        _ => false,
    }
}

/// The number of members and items at every level of a value.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + values(item)).sum(),
        Value::Object(members) => members.values().map(|member| 1 + values(member)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn start(input: Value) -> Start {
        Start {
            tenant: "acme".to_owned(),
            idempotency_key: "k".to_owned(),
            input,
            trigger: "direct".to_owned(),
            requested_by: Some("zoe".to_owned()),
            trace: None,
            approval: None,
            unmapped: None,
        }
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn an_input_at_each_limit_is_accepted_and_one_beyond_it_is_refused() {
        let text = |bytes: usize| json!("x".repeat(bytes - 2));
        let list = |items: usize| json!({ "list": vec![1; items - 1] });
        for (fits, beyond, said) in [
            (
                text(INPUT_MAX_BYTES),
                text(INPUT_MAX_BYTES + 1),
                "200001 bytes",
            ),
            (nested(64), nested(65), "64 levels"),
            (
                list(INPUT_MAX_VALUES),
                list(INPUT_MAX_VALUES + 1),
                "20001 members and items",
            ),
            (
                json!(999_999_999_999_999_u64),
                json!(1_000_000_000_000_000_u64),
                "15 digits",
            ),
        ] {
            assert_eq!(check_envelope(&start(fits)), Ok(()), "{said}");
            let why: String = check_envelope(&start(beyond)).expect_err(said).into();
            assert!(why.contains(said) && why.contains("the input"), "{why}");
        }
    }

    #[test]
    fn the_place_of_a_long_number_is_in_no_text_that_is_logged() {
        let long = json!({ "lines": [{ "secret": 1_000_000_000_000_000_u64 }] });
        let error = check_envelope(&start(long)).expect_err("a long number");
        let place = "input/lines/0/secret".to_owned();
        assert_eq!(error, EnvelopeError::LongNumber { place });
        let logged: String = error.into();
        assert!(!logged.contains("secret"), "{logged}");
    }

    #[test]
    fn a_size_is_another_error_than_a_form() {
        let large = check_envelope(&start(json!(vec![1; INPUT_MAX_VALUES + 1])));
        assert!(matches!(large, Err(EnvelopeError::TooLarge(_))));
        let deep = check_envelope(&start(nested(65)));
        assert!(matches!(deep, Err(EnvelopeError::Malformed(_))));
    }

    #[test]
    fn a_requester_with_a_hidden_character_is_refused() {
        for hidden in ["zoe\u{202e}", "\u{200b}", "a\u{feff}b"] {
            let one = Start {
                requested_by: Some(hidden.to_owned()),
                ..start(json!({}))
            };
            let why: String = check_envelope(&one).expect_err(hidden).into();
            assert!(why.contains("visible characters"), "{why}");
        }
    }
}
