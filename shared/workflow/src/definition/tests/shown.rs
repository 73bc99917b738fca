//! Tests of `subject` and `receipt`: what people see of an execution.

use serde_json::json;

use super::{HEAD, definition, problems, read_with_warnings};

const STEP: &str = "steps: [{ name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }]\n";

fn with(fields: &str) -> String {
    format!("{HEAD}{fields}{STEP}")
}

fn show(fields: &str) -> String {
    with(&format!("receipt: {{ show: {fields} }}\n"))
}

#[test]
fn shown_fields_keep_their_order_and_the_digest_of_a_definition_without_them() {
    let plain = serde_json::to_value(definition(&with(""))).expect("JSON");
    assert_eq!((plain.get("subject"), plain.get("show")), (None, None));
    let vendor = "\"{% $string($input.vendor_id) %}\"";
    let fields = format!(
        "subject: {vendor}\nreceipt: {{ show: {{ vendor no.: {vendor}, a: {vendor} }} }}\n"
    );
    let declared = serde_json::to_value(definition(&with(&fields))).expect("JSON");
    let value = "{% $string($input.vendor_id) %}";
    assert_eq!(declared["subject"], json!(value));
    assert_eq!(
        declared["show"],
        json!([["vendor no.", value], ["a", value]])
    );
}

#[test]
fn every_mistake_in_a_shown_field_is_reported() {
    let long = "l".repeat(41);
    let eleven: Vec<_> = (0..11).map(|n| format!("f{n}: \"{{% 1 %}}\"")).collect();
    for (workflow, message) in [
        (
            with("subject: order\n"),
            "subject is the text \"order\", not an expression",
        ),
        (
            with("subject: \"{% $hold.hold_id %}\"\n"),
            "`hold` comes later",
        ),
        (with("subject: \"{% $now() %}\"\n"), "$now"),
        (with("receipt: {}\n"), "receipt has no `show`"),
        (
            with("receipt: { shows: {} }\n"),
            "unknown field `shows` in receipt",
        ),
        (show("{}"), "a receipt that shows nothing"),
        (show("{ a: 1 }"), "receipt.show.a is the number 1"),
        (
            show(&format!("{{ {long}: \"{{% 1 %}}\" }}")),
            "cannot be a label",
        ),
        (show("{ \" a\": \"{% 1 %}\" }"), "` a` cannot be a label"),
        (show("{ \"a\\u200b\": \"{% 1 %}\" }"), "cannot be a label"),
        (
            show(&format!("{{ {} }}", eleven.join(", "))),
            "more than 10 fields in receipt.show",
        ),
    ] {
        let found = problems(&workflow);
        assert!(found.contains(message), "{message}: {found}");
    }
}

#[test]
fn a_field_that_reads_the_whole_input_is_a_warning() {
    let warnings = |workflow: &str| {
        let (_, warnings) = read_with_warnings(workflow).expect(workflow);
        let texts = warnings.iter().map(ToString::to_string);
        texts
            .filter(|text| text.contains("the whole input"))
            .count()
    };
    assert_eq!(warnings(&show("{ all: \"{% $string($input) %}\" }")), 1);
    assert_eq!(
        warnings(&with("subject: \"{% $join($keys($input)) %}\"\n")),
        1
    );
    assert_eq!(
        warnings(&show("{ days: \"{% $string($input.days) %}\" }")),
        0
    );
}
