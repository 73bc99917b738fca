//! Checks an input against its definition's JSON Schema; messages name places and rules, never
//! values.

use jsonschema::Validator;
use serde_json::Value;

/// Most violations that are reported of one input.
const MAX_REPORTED: usize = 10;
/// What is said of one, in characters: names that somebody sent can be as long as the input.
const MAX_SAID: usize = 300;

/// Every violation of `schema` by `input`, each as `input/path: what is wrong`. Values are masked,
/// since these messages reach receipts and logs. An error means that the schema itself is broken.
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

fn cut(said: String) -> String {
    match said.char_indices().nth(MAX_SAID) {
        None => said,
        Some((end, _)) => format!("{}…", &said[..end]),
    }
}

/// Builds a validator; the error says what is wrong with the schema, and where.
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
        let said = violations(&schema(), &json!({"vendor_id": 4711, "secret": "hunter2"}))
            .expect("the schema is fine")
            .join("\n");
        assert!(
            said.contains("input/vendor_id: value is not of type \"string\""),
            "{said}"
        );
        assert!(said.contains("hold_days"), "{said}");
        assert!(
            !said.contains("4711") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn what_is_said_is_short_however_long_the_names_in_an_input_are() {
        let long = "é".repeat(60_000);
        let said = violations(&schema(), &json!({ (long): 1 })).expect("the schema is fine");
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(
            said.iter().all(|one| one.chars().count() <= 301),
            "{said:?}"
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
