//! Checks an input against its definition's JSON Schema; messages never quote values.

use jsonschema::Validator;
use serde_json::Value;

/// Most violations that are reported for one input.
const MAX_REPORTED: usize = 10;
/// Longest message of one violation, in characters: a member's name can be as long as the input.
const MAX_MESSAGE: usize = 300;

/// Returns every violation of `schema` by `input`, each as `input/path: message`. Values are
/// masked, since these messages reach receipts and logs. An error means that the schema itself is
/// broken.
pub fn violations(schema: &Value, input: &Value) -> Result<Vec<String>, String> {
    Ok(validator(schema)?
        .iter_errors(input)
        .take(MAX_REPORTED)
        .map(|error| {
            cut(format!(
                "input{}: {}",
                error.instance_path(),
                error.masked()
            ))
        })
        .collect())
}

fn cut(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        None => message,
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

/// Builds a validator; the error names the fault in the schema and its place.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::new(schema)
        .map_err(|error| format!("at {}: {error}", error.instance_path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "required": ["vendor_id", "hold_days"], "additionalProperties": false,
            "properties": {"vendor_id": {"type": "string"}, "hold_days": {"type": "integer", "minimum": 1}}})
    }

    #[test]
    fn every_violation_is_named_without_its_value() {
        let text = violations(&schema(), &json!({"vendor_id": 4711, "secret": "hunter2"}))
            .expect("the schema is fine")
            .join("\n");
        assert!(
            text.contains("input/vendor_id: value is not of type \"string\""),
            "{text}"
        );
        assert!(text.contains("hold_days"), "{text}");
        assert!(
            !text.contains("4711") && !text.contains("hunter2"),
            "{text}"
        );
    }

    #[test]
    fn a_message_is_short_even_if_a_members_name_is_long() {
        let long = "é".repeat(60_000);
        let found = violations(&schema(), &json!({ (long): 1 })).expect("the schema is fine");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found.iter().all(|message| message.chars().count() <= 301),
            "{found:?}"
        );
    }

    #[test]
    fn a_fitting_input_has_no_violations() {
        assert_eq!(
            violations(&schema(), &json!({"vendor_id": "v", "hold_days": 3})),
            Ok(vec![])
        );
    }

    #[test]
    fn a_broken_schema_is_an_error_of_its_own() {
        violations(&json!({"type": "strnig"}), &json!({})).expect_err("no such type");
    }
}
