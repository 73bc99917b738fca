//! Checks an input against its definition's JSON Schema; messages never quote values.

use jsonschema::{PatternOptions, ValidationOptions, Validator};
use serde_json::Value;

/// Most violations that are reported for one input.
const MAX_REPORTED: usize = 10;
/// Longest message of one violation, in characters: a member's name can be as long as the input.
const MAX_MESSAGE: usize = 300;

/// Largest program of a pattern, in bytes. Its time is the size of its program times the length of
/// the text.
const MAX_PATTERN: usize = 100_000;

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

/// The beginning of a message that can have long names of an input's members.
pub(crate) fn cut(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        None => message,
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

/// Builds a validator; the error names the fault in the schema and its place.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    build(&options(), schema)
}

/// Builds a validator as [`validator`] does, and refuses formats that it would not check, and
/// patterns that take long. A deployed schema may have such a pattern from before.
pub fn authored_validator(schema: &Value) -> Result<Validator, String> {
    let options = options().should_ignore_unknown_formats(false);
    let validator = build(&options, schema)?;
    let patterns = PatternOptions::regex().size_limit(MAX_PATTERN);
    let options = options.with_pattern_options(patterns);
    options.build(schema).map_err(|error| {
        format!(
            "at {}: the pattern has so many repetitions that it takes long: write fewer, and `maxLength`",
            error.instance_path()
        )
    })?;
    Ok(validator)
}

/// Formats are checked. The time of a pattern grows with the length of the text alone, so that
/// look-around and back references are faults of the schema.
fn options() -> ValidationOptions<'static> {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
}

fn build(options: &ValidationOptions<'_>, schema: &Value) -> Result<Validator, String> {
    options
        .build(schema)
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
    fn a_format_is_checked_and_an_unknown_one_is_a_fault_of_the_author() {
        let schema = json!({"properties": {"at": {"type": "string", "format": "date-time"}}});
        let misfits = violations(&schema, &json!({"at": "yesterday"}));
        assert_eq!(misfits.expect("the schema is fine").len(), 1);
        let fits = violations(&schema, &json!({"at": "2026-11-28T17:30:00Z"}));
        assert_eq!(fits, Ok(vec![]));
        authored_validator(&schema).expect("the format is known");
        let unknown = json!({"properties": {"at": {"type": "string", "format": "datetime"}}});
        authored_validator(&unknown).expect_err("there is no such format");
    }

    #[test]
    fn a_pattern_takes_time_that_grows_with_the_length_of_the_text() {
        let schema = json!({"properties": {"id": {"pattern": "^(a+)+$"}}});
        let found = violations(&schema, &json!({"id": "a".repeat(100_000) + "!"}));
        assert_eq!(found.expect("the schema is fine").len(), 1);
        let around = json!({"properties": {"id": {"pattern": "^(?=a)(a+)+$"}}});
        validator(&around).expect_err("look-around is not linear");
    }

    #[test]
    fn a_pattern_whose_program_is_large_is_refused_where_it_is_written() {
        let build =
            |pattern| authored_validator(&json!({"properties": {"id": {"pattern": pattern}}}));
        for usual in [
            r"^[A-Za-z0-9._-]{1,255}$",
            r"^\w{1,100}$",
            r"^\d{4}-\d{2}-\d{2}$",
            "^.{1,100}$",
            "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        ] {
            assert!(build(usual).is_ok(), "{usual}");
        }
        for large in ["^(?:a|aa|aaa|.){1,900}b", "(?:[a-m]|[n-z]|a.){1,99}{1,9}b"] {
            assert!(build(large).is_err(), "{large}");
            assert!(validator(&json!({"properties": {"id": {"pattern": large}}})).is_ok());
        }
    }

    #[test]
    fn a_broken_schema_is_an_error_of_its_own() {
        violations(&json!({"type": "strnig"}), &json!({})).expect_err("no such type");
    }
}
