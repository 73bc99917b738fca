//! Defines the parts of the editor's schema that follow from the actions of a deployment.

use serde_json::{Value, json};

use holdfast_action::{ActionInfo, Undo};

/// Returns the forms of a step that only reads: it says so, or its action does by its method.
pub(super) fn reading(actions: &[ActionInfo]) -> Vec<Value> {
    let said = json!({ "required": ["reads"], "properties": { "reads": { "const": true } } });
    let by_method = actions.iter().filter_map(|info| {
        let methods = info.input_schema["properties"]["method"]["enum"].as_array()?;
        let reads = |method: &&Value| (info.only_reads)(&json!({ "method": method }));
        let methods: Vec<&Value> = methods.iter().filter(reads).collect();
        Some(json!({
            "required": ["input"],
            "properties": {
                "action": { "const": info.name },
                "reads": { "const": true },
                "input": { "type": "object", "required": ["method"], "properties": { "method": { "enum": methods } } }
            }
        }))
    });
    [said].into_iter().chain(by_method).collect()
}

/// Returns the constraints on a step that follow from its action.
pub(super) fn for_action(info: &ActionInfo) -> Value {
    let input = relaxed(&info.input_schema);
    let is_required = info
        .input_schema
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|required| !required.is_empty());
    let rollback = match info.undo {
        Undo::None => json!(false),
        Undo::Own => json!({ "properties": { "input": false } }),
        Undo::OwnInput => json!({ "required": ["input"], "properties": { "input": input } }),
    };
    let required: &[&str] = if is_required { &["input"] } else { &[] };
    json!({
        "if": { "properties": { "action": { "const": info.name } }, "required": ["action"] },
        "then": { "required": required, "properties": { "input": input, "rollback": rollback } }
    })
}

/// Returns `schema`, with an expression or a parameter allowed in place of any value.
fn relaxed(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let mut inner = members.clone();
    inner.remove("$schema");
    inner.remove("title");
    for name in ["properties", "$defs"] {
        if let Some(Value::Object(properties)) = inner.get_mut(name) {
            properties
                .values_mut()
                .for_each(|property| *property = relaxed(property));
        }
    }
    for name in ["items", "additionalProperties"] {
        if let Some(part) = inner.get_mut(name) {
            *part = relaxed(part);
        }
    }
    if inner.is_empty() {
        return json!({});
    }
    // The description stays outside, because editors look for it there.
    let description = inner.remove("description");
    let mut outer = json!({ "anyOf": [inner, { "type": "string", "pattern": r"\{%|\$\{" }] });
    if let (Some(description), Value::Object(outer)) = (description, &mut outer) {
        outer.insert("description".to_owned(), description);
    }
    outer
}
