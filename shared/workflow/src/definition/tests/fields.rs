//! Tests of the fields that expressions read, and of texts that look like expressions.

use super::{definition, problems, read_with_warnings};

const TOP: &str = "\
workflow: WF-TEST
version: 1
input:
  type: object
  additionalProperties: false
  required: [vendor, list]
  properties:
    vendor: { type: object, required: [id], additionalProperties: false, properties: { id: { type: string }, name: { type: string } } }
    list: { type: array, items: { type: object, additionalProperties: false, properties: { id: { type: string } } } }
    open: { type: object }
    reason: { type: string }
";

/// A workflow whose last step has this value as its input's `reason`.
fn last(value: &str) -> String {
    format!(
        "{TOP}steps:
  - {{ name: hold, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}} }}
  - {{ name: read, action: http, input: {{ method: GET, url: u }} }}
  - name: both
    parallel:
      - steps: [{{ name: one, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}} }}]
      - steps: [{{ name: pause, wait: 1s }}]
  - {{ name: tell, action: http, input: {{ method: POST, url: u, body: {{ reason: \"{value}\" }} }}, irreversible: true }}
"
    )
}

fn warnings(value: &str) -> Vec<String> {
    let (_, warnings) = read_with_warnings(&last(value)).expect(value);
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_field_that_never_exists_is_refused_with_the_meant_one() {
    for (read, message, help) in [
        (
            "$hold.hodl_id",
            "`$hold` has no field `hodl_id`",
            "did you mean `hold_id`?",
        ),
        (
            "$read.statu",
            "`$read` has no field `statu`",
            "did you mean `status`?",
        ),
        ("$both.two", "`$both` has no field `two`", "$both has one"),
        (
            "$both.pause",
            "`$both` has no field `pause`",
            "$both has one",
        ),
        (
            "$both.one.hodl_id",
            "`$both.one` has no field `hodl_id`",
            "did you mean `hold_id`?",
        ),
        (
            "$input.vendr.id",
            "`$input` has no field `vendr`",
            "did you mean `vendor`?",
        ),
        (
            "$input.vendor.ident",
            "`$input.vendor` has no field `ident`",
            "$input.vendor has id, name",
        ),
        (
            "$input.list.ids",
            "`$input.list` has no field `ids`",
            "did you mean `id`?",
        ),
        (
            "$input.list[0].ids",
            "`$input.list` has no field `ids`",
            "did you mean `id`?",
        ),
        (
            "$execution.tenat",
            "`$execution` has no field `tenat`",
            "did you mean `tenant`?",
        ),
    ] {
        let drawn = problems(&last(&format!("{{% {read} %}}")));
        let drawn = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(drawn.contains(message), "{read}: {drawn}");
        assert!(drawn.contains(help), "{read}: {drawn}");
        assert!(drawn.contains("test.yaml:19:"), "{read}: {drawn}");
    }
}

#[test]
fn a_field_that_can_exist_is_accepted() {
    for read in [
        "$hold.hold_id",
        "$hold",
        "$read.status",
        "$read.body.any.thing",
        "$both.one.placed_at",
        "$input.vendor.id",
        "$input.list.id",
        "$input.list[id = 'x'].id",
        "$execution.id",
    ] {
        definition(&last(&format!("{{% {read} %}}")));
    }
}

#[test]
fn an_optional_field_that_is_read_unchecked_is_warned_about() {
    for read in [
        "$input.reason",
        "$uppercase($input.reason)",
        "$input.vendor.name",
        "$input.open.x",
    ] {
        let found = warnings(&format!("{{% {read} %}}"));
        assert_eq!(found.len(), 1, "{read}: {found:?}");
        assert!(found[0].contains("which is optional"), "{found:?}");
        assert!(found[0].starts_with("19:"), "{found:?}");
    }
    for read in [
        "$exists($input.reason) ? $input.reason : 'none'",
        "'why: ' & $input.reason",
        "$input.vendor.id",
        "{ 'name': $input.vendor.name }",
    ] {
        assert_eq!(warnings(&format!("{{% {read} %}}")), [""; 0], "{read}");
    }
}

#[test]
fn a_condition_that_reads_the_field_is_its_check() {
    let step = last("{% $input.reason %}").replace(
        "irreversible: true",
        "irreversible: true, when: '{% $exists($input.reason) %}'",
    );
    let (_, warnings) = read_with_warnings(&step).expect("it is right");
    assert_eq!(warnings, []);
}

#[test]
fn a_text_that_looks_like_an_expression_is_warned_about() {
    for text in [
        "$input.vendor.id",
        "vendor $input.vendor",
        "{{ $hold.hold_id }}",
        "$execution.id %}",
    ] {
        let found = warnings(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains("{%"), "{found:?}");
    }
    for text in ["5 $", "$inputs", "input.vendor", "$unknown.id", "100%"] {
        assert_eq!(warnings(text), [""; 0], "{text}");
    }
}

#[test]
fn a_name_after_a_dollar_and_a_brace_is_a_parameter_of_the_template() {
    for (text, message) in [
        ("${AWS::Region}", "`${AWS::Region}` names no parameter"),
        (
            "${AWS::AccountId}",
            "CloudFormation's own are not filled in",
        ),
        (
            "${VendorSystemUrls}",
            "template.yaml has no parameter `VendorSystemUrls`",
        ),
        ("${vendor-url}", "`${vendor-url}` names no parameter"),
        ("${}", "`${}` names no parameter"),
        ("a ${ b", "`${ b` names no parameter"),
        ("{{resolve:ssm:/a:1}}", "a dynamic reference"),
    ] {
        let drawn = problems(&last(text));
        let drawn = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(drawn.contains(message), "{text}: {drawn}");
    }
    definition(&last("${VendorSystemUrl}/a"));
    for trigger in [
        "event: { source: [\"${AWS::Region}\"] }",
        "event: { source: [\"${Ledger}\"] }",
        "event: { detail: { \"${Ledger}\": [a] } }",
        "schedule: rate(1 day), timezone: \"${Zone}\"",
    ] {
        let workflow = format!(
            "{TOP}triggers: [{{ {trigger}, tenant: acme, idempotency_key: \"{{% 'k' & $event.id %}}\" }}]\nsteps: [{{ name: a, wait: 1s }}]\n"
        );
        assert!(problems(&workflow).contains("parameter"), "{trigger}");
    }
}
