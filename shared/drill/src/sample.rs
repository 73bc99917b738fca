//! Makes a value that fits a JSON Schema: its example if it has one, else the smallest that fits.

use serde_json::{Map, Value, json};

/// Returns a value of `schema`. Texts carry `mark`, so that two samples differ.
pub(crate) fn sample(schema: &Value, mark: &str) -> Value {
    value(schema, mark)
}

fn value(schema: &Value, mark: &str) -> Value {
    let first = |name: &str| schema[name].as_array().and_then(|list| list.first());
    let given = [
        schema.get("const"),
        first("examples"),
        schema.get("default"),
        first("enum"),
    ];
    if let Some(given) = given.into_iter().flatten().next() {
        return given.clone();
    }
    if let Some(one) = ["oneOf", "anyOf", "allOf"].into_iter().find_map(first) {
        return value(one, mark);
    }
    match kind(schema) {
        "object" => object(schema, mark),
        "array" => {
            let at_least = schema["minItems"].as_u64().unwrap_or(0).max(2);
            let many = at_least.min(schema["maxItems"].as_u64().unwrap_or(u64::MAX));
            (1..=many)
                .map(|n| value(&schema["items"], &format!("{mark}-{n}")))
                .collect()
        }
        "string" => text(schema, mark),
        "integer" => json!(number(schema).ceil() as i64),
        "number" => json!(number(schema)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!({}),
    }
}

/// Returns the type: the first that is not null, or the type that the members imply.
fn kind(schema: &Value) -> &str {
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().find(|one| *one != "null"),
        Value::Null => None,
        one => Some(one),
    };
    let implied = if schema.get("properties").is_some() {
        "object"
    } else {
        ""
    };
    types.and_then(Value::as_str).unwrap_or(implied)
}

/// Returns an object with the required members only.
fn object(schema: &Value, mark: &str) -> Value {
    let required = schema["required"].as_array().into_iter().flatten();
    let members = required.filter_map(Value::as_str).map(|name| {
        let member = &schema["properties"][name];
        (name.to_owned(), value(member, &format!("{name}-{mark}")))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn text(schema: &Value, mark: &str) -> Value {
    let text = match schema["format"].as_str() {
        Some("date-time") => return json!("2025-10-01T09:00:00Z"),
        Some("date") => return json!("2025-10-01"),
        Some("time") => return json!("09:00:00Z"),
        Some("email") => return json!("drill@example.com"),
        Some("uri") => return json!("https://example.com/drill"),
        Some("uuid") => return json!("018f4a3e-0000-7000-8000-000000000001"),
        _ => mark.trim_matches('-').to_owned(),
    };
    let at_least = schema["minLength"].as_u64().unwrap_or(0) as usize;
    let at_most = schema["maxLength"].as_u64().unwrap_or(u64::MAX) as usize;
    let padded = format!("{text:x<at_least$}");
    // The end distinguishes samples.
    let skipped = padded.chars().count().saturating_sub(at_most);
    json!(padded.chars().skip(skipped).collect::<String>())
}

fn number(schema: &Value) -> f64 {
    let given = |name: &str| schema[name].as_f64();
    let above = given("exclusiveMinimum").map(|minimum| minimum + 1.0);
    let step = given("multipleOf").filter(|step| *step > 0.0);
    let number = given("minimum").or(above).unwrap_or(1.0);
    let number = number.min(given("maximum").unwrap_or(f64::MAX));
    step.map_or(number, |step| (number / step).ceil() * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_what_is_required_and_fits() {
        let schema = json!({
            "type": "object", "required": ["id", "days", "parts"], "additionalProperties": false,
            "properties": {
                "id": { "type": "string", "minLength": 8 },
                "days": { "type": "integer", "exclusiveMinimum": 6 },
                "note": { "type": "string" },
                "parts": { "type": "array", "items": {
                    "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } },
                } },
            },
        });
        let sample = sample(&schema, "");
        assert_eq!(
            holdfast_admission::violations(&schema, &sample),
            Ok(vec![]),
            "{sample}"
        );
        assert_eq!(sample["days"], 7);
        assert_eq!(sample.get("note"), None);
        assert_ne!(
            sample["parts"][0]["id"], sample["parts"][1]["id"],
            "{sample}"
        );
    }

    #[test]
    fn an_example_takes_precedence() {
        let schema = json!({ "type": "integer", "minimum": 1, "examples": [14] });
        assert_eq!(sample(&schema, ""), json!(14));
    }
}
