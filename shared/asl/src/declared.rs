//! What a compiled machine says of a step: its policy and its retriers, read back from its state.

use serde_json::Value;

/// The policy and the retriers of the step `name`, or nothing if no state performs it.
pub fn declared(machine: &Value, name: &str) -> Option<Value> {
    let states = machine["States"].as_object()?;
    states.values().find_map(|state| {
        let policy = &state["Arguments"]["step"];
        if policy["name"] == name {
            let mut told = policy.clone();
            told["retry"] = state["Retry"].clone();
            return Some(told);
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
    fn a_step_is_found_wherever_its_state_stands() {
        let task = |name: &str| json!({ "Arguments": { "step": { "name": name, "timeout_s": 30 } }, "Retry": [{ "MaxAttempts": 2 }] });
        let machine = json!({ "States": {
            "Begin": { "Arguments": { "gate": {} } },
            "each": { "ItemProcessor": { "States": { "hold": task("hold") } } },
            "beside": { "Branches": [{ "States": {} }, { "States": { "tell": task("tell") } }] },
            "last": task("last"),
        }});
        for name in ["hold", "tell", "last"] {
            let told = json!({ "name": name, "timeout_s": 30, "retry": [{ "MaxAttempts": 2 }] });
            assert_eq!(declared(&machine, name), Some(told));
        }
        assert_eq!(declared(&machine, "Begin"), None);
    }
}
