//! Defines the JSON Schema of `choose` and `stop`.

use serde_json::{Value, json};

use super::{
    choose::MAX_REASON,
    schema::{container, expression},
};

/// Returns the schema of a `choose`.
pub(super) fn choose() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", "choose"],
        "properties": {
            "name": { "$ref": "#/$defs/name" },
            "choose": {
                "description": "Branches of which one runs", "type": "array", "minItems": 1,
                "items": {
                    "type": "object", "additionalProperties": false, "required": ["when", "steps"],
                    "properties": {
                        "when": expression("The first branch whose condition yields true is taken"),
                        "steps": { "$ref": "#/$defs/steps" }
                    }
                }
            },
            "otherwise": {
                "description": "Steps that run if no condition yields true; none if left out",
                "$ref": "#/$defs/steps"
            }
        }
    })
}

/// Returns the schema of a `stop`.
pub(super) fn stop() -> Value {
    container(
        "stop",
        json!({
            "description": "Ends the execution with success; the steps after it are skipped",
            "type": "object", "additionalProperties": false, "required": ["when", "reason"],
            "properties": {
                "when": expression("The execution ends if this yields true"),
                "reason": {
                    "description": "Reason, as the receipt states it",
                    "type": "string", "minLength": 1, "maxLength": MAX_REASON
                }
            }
        }),
    )
}
