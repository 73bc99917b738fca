//! Reads a step back from a compiled state machine: its policy and its retriers.

use serde_json::Value;

/// Returns the policy and the retriers of the step `name`, or nothing if no state performs it.
pub fn declared(machine: &Value, name: &str) -> Option<Value> {
    let states = machine["States"].as_object()?;
    states.values().find_map(|state| {
        let policy = &state["Arguments"]["step"];
        if policy["name"] == name {
            let mut step = policy.clone();
            step["retry"] = state["Retry"].clone();
            return Some(step);
        }
        let branches = state["Branches"].as_array().into_iter().flatten();
        let inside = branches.chain(state.get("ItemProcessor"));
        inside.into_iter().find_map(|inner| declared(inner, name))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_found_at_every_level() {
        let task = |name: &str| json!({ "Arguments": { "step": { "name": name, "timeout_s": 30 } }, "Retry": [{ "MaxAttempts": 2 }] });
        let machine = json!({ "States": {
            "Begin": { "Arguments": { "gate": {} } },
            "each": { "ItemProcessor": { "States": { "hold": task("hold") } } },
            "beside": { "Branches": [{ "States": {} }, { "States": { "tell": task("tell") } }] },
            "last": task("last"),
        }});
        for name in ["hold", "tell", "last"] {
            let step = json!({ "name": name, "timeout_s": 30, "retry": [{ "MaxAttempts": 2 }] });
            assert_eq!(declared(&machine, name), Some(step));
        }
        assert_eq!(declared(&machine, "Begin"), None);
    }
}
