//! The receipt's JSON Schema, as `docs/schemas/receipt.json` publishes it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::receipt::{FORMAT, Receipt};

/// The JSON Schema (2020-12) of a receipt. A member that does not apply is absent, never `null`.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema: Value = generator.into_root_schema_for::<Receipt>().into();
    schema["title"] = json!(FORMAT);
    never_null(&mut schema);
    schema
}

/// Removes `null` from the type that the generator gives every optional member.
fn never_null(schema: &mut Value) {
    let Value::Object(members) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(never_null);
        }
        return;
    };
    let null = |kind: &Value| kind == "null" || *kind == json!({ "type": "null" });
    if let Some(Value::Array(kinds)) = members.get_mut("type") {
        kinds.retain(|kind| !null(kind));
        if let [kind] = kinds.as_slice() {
            members["type"] = kind.clone();
        }
    }
    if let Some(Value::Array(any)) = members.get_mut("anyOf") {
        any.retain(|kind| !null(kind));
        if let [Value::Object(only)] = any.as_slice() {
            let only = only.clone();
            members.remove("anyOf");
            members.extend(only);
        }
    }
    members.values_mut().for_each(never_null);
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    /// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-receipt published` writes the file.
    #[test]
    fn the_published_schema_of_receipts_is_that_of_the_code() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/receipt.json");
        let right = format!("{:#}\n", schema());
        if env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
            fs::write(&file, &right).unwrap();
        }
        let published = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(published, right, "{} is stale", file.display());
    }

    #[test]
    fn the_schema_lets_nothing_be_null_and_no_object_have_other_members() {
        let schema = schema();
        assert!(!schema.to_string().contains("\"null\""), "{schema:#}");
        let mut objects: Vec<_> = schema["$defs"].as_object().unwrap().values().collect();
        objects.push(&schema);
        objects.retain(|object| object["type"] == "object");
        assert!(objects.len() > 5, "{schema:#}");
        for object in objects {
            assert_eq!(object["additionalProperties"], false, "{object:#}");
        }
    }
}
