//! Tests of the fields that people see: which values become texts, and which reject a start.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NOW, at, gate, start};
use crate::{StartScope, evaluate_fields, policy_digest};
use holdfast_task::{FieldExpression, ShownFields, StartConditions};

/// The text of one field of an input, or the message of its outcome.
fn shown(expression: &str, input: Value) -> Result<String, String> {
    let fields = ShownFields {
        subject: Some(expression.to_owned()),
        show: vec![FieldExpression {
            label: "field".to_owned(),
            value: expression.to_owned(),
        }],
    };
    let scope = StartScope::of(
        &gate(StartConditions::default()),
        &start(input),
        "e-1",
        at(NOW),
    );
    let (evaluated, broken) = evaluate_fields(&fields, &scope);
    let messages: Vec<_> = broken
        .into_iter()
        .map(|no| (no.name, no.message.unwrap_or_default()))
        .collect();
    match evaluated.subject {
        Some(subject) => {
            assert_eq!(evaluated.shown, [("field".to_owned(), subject.clone())]);
            assert_eq!(messages, []);
            Ok(subject)
        }
        None => {
            assert_eq!(evaluated.shown, []);
            let why = messages[0].1.clone();
            let named = format!("`field`: {why}");
            let all = [
                ("subject".to_owned(), why.clone()),
                ("show".to_owned(), named),
            ];
            assert_eq!(messages, all);
            Err(why)
        }
    }
}

#[test]
fn texts_numbers_and_booleans_are_shown_with_every_digit() {
    for (value, text) in [
        (json!("order 4711"), "order 4711"),
        (json!(1250.5), "1250.5"),
        (json!(0.1), "0.1"),
        (json!(100.0), "100"),
        (json!(999_999_999_999_999_u64), "999999999999999"),
        (json!(-7), "-7"),
        (json!(true), "true"),
        (json!("é".repeat(200)), &"é".repeat(200)),
    ] {
        assert_eq!(
            shown("$input.value", json!({ "value": value })),
            Ok(text.to_owned())
        );
    }
}

#[test]
fn a_field_without_a_short_text_rejects_the_start_by_its_name() {
    for (expression, value, why) in [
        ("$input.nothing", json!(1), "it yields nothing"),
        ("$input.value", json!(null), "it yields nothing"),
        (
            "$input.value",
            json!(["a"]),
            "must yield a text, a number or a boolean",
        ),
        (
            "$input",
            json!(1),
            "must yield a text, a number or a boolean",
        ),
        ("$input.value", json!(""), "1 to 200 visible characters"),
        ("$input.value", json!("a\nb"), "1 to 200 visible characters"),
        (
            "$input.value",
            json!("a\u{202e}b"),
            "1 to 200 visible characters",
        ),
        (
            "$input.value",
            json!("x".repeat(201)),
            "1 to 200 visible characters",
        ),
        (
            "$input.value * 1000",
            json!(999_999_999_999_999_u64),
            "more than 15 digits",
        ),
        (
            "$input.value + 1",
            json!("a"),
            "cannot be evaluated for this input",
        ),
    ] {
        let message = shown(expression, json!({ "value": value })).expect_err(expression);
        assert!(message.contains(why), "{expression}: {message}");
    }
}

#[test]
fn the_policy_digest_covers_the_fields_and_is_unchanged_without_any() {
    let plain = gate(StartConditions::default());
    let mut with = plain.clone();
    with.fields.subject = Some("$input.order".to_owned());
    assert_ne!(policy_digest(&with), policy_digest(&plain));
}

proptest! {
    #[test]
    fn no_number_of_an_input_is_shown_as_another(value in -999_999_999_999_999_i64..=999_999_999_999_999) {
        prop_assert_eq!(shown("$input.value", json!({ "value": value })), Ok(value.to_string()));
    }
}
