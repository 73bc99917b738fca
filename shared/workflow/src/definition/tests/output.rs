//! Tests of `output`: what an execution yields.

use serde_json::json;

use super::{HEAD, definition, problems};

const STEP: &str = "steps: [{ name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }]\n";

fn with(output: &str) -> String {
    format!("{HEAD}{STEP}{output}")
}

#[test]
fn an_output_sees_every_step_and_keeps_the_digest_of_a_definition_without_one() {
    let plain = serde_json::to_value(definition(&with(""))).expect("JSON");
    assert_eq!(plain.get("output"), None);
    let declared = definition(&with("output: { hold_id: \"{% $hold.hold_id %}\" }\n"));
    assert_eq!(
        json!(declared.output),
        json!({ "hold_id": "{% $hold.hold_id %}" })
    );
}

#[test]
fn every_mistake_in_an_output_is_reported() {
    for (output, message) in [
        (
            "{ hold-id: \"{% $hold.hold_id %}\" }",
            "`hold-id` cannot be a member of output",
        ),
        ("{ days: 3 }", "output.days is the number 3"),
        (
            "{ days: plain }",
            "output.days is the text \"plain\", not an expression",
        ),
        ("{ id: \"{% $hold_it.id %}\" }", "there is no `$hold_it`"),
        (
            "{ id: \"{% $item %}\" }",
            "`$item` exists only inside a for_each",
        ),
        ("{}", "an output without members"),
        ("\"{% $hold %}\"", "output is the text"),
    ] {
        let found = problems(&with(&format!("output: {output}\n")));
        assert!(found.contains(message), "{output}: {found}");
    }
}
