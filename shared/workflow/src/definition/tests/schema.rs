//! Tests that the JSON Schema and the reader accept the same files and refuse the same mistakes.

use holdfast_action::ActionInfo;
use serde_json::Value;

use super::{HEAD, definition, read};

fn schema() -> jsonschema::Validator {
    let actions: Vec<ActionInfo> = holdfast_steps::registry().infos().cloned().collect();
    let schema = crate::definition::schema(&actions);
    jsonschema::draft202012::new(&schema).expect("a JSON Schema")
}

fn value(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect("YAML")
}

#[test]
fn the_schema_and_the_reader_refuse_the_same_mistakes_of_form() {
    let schema = schema();
    let hold = "action: vendor-hold, input: { vendor_id: v, days: 1 }";
    let top = |line: &str| format!("{HEAD}{line}\nsteps: [{{ name: a, wait: 1s }}]\n");
    let step = |step: &str| format!("{HEAD}steps: [{{ {step} }}]\n");
    let wrong = [
        "workflow: WF-TEST\n".to_owned(),
        top("workflows: x"),
        top("limits: { timeout: 15 }"),
        top("limits: { concurrency: 1 }"),
        top("tenants: [Acme]"),
        top("tenants: []"),
        top("guardrails: [{ name: a, assert: \"$input.a\", message: m }]"),
        top("guardrails: [{ name: a, assert: \"{% true %}\" }]"),
        top("triggers: [{ tenant: acme }]"),
        top("triggers: [{ schedule: hourly, tenant: acme }]"),
        top("triggers: [{ event: { source: [a] }, tenant: acme }]"),
        top(
            "triggers: [{ event: { sorce: [a] }, tenant: acme, idempotency_key: \"{% $event.id %}\" }]",
        ),
        HEAD.replace("WF-TEST", "wf-test") + "steps: [{ name: a, wait: 1s }]\n",
        HEAD.replace("type: object", "type: array") + "steps: [{ name: a, wait: 1s }]\n",
        format!("{HEAD}steps: []\n"),
        step("name: a"),
        step("name: A, wait: 1s"),
        step("name: a, wait: 1"),
        step("name: a, wait: { till: x }"),
        step("name: a, wait: 1s, when: \"{% true %}\""),
        step("name: a, parallel: [{ steps: [{ name: b, wait: 1s }] }]"),
        step("name: a, for_each: { items: \"{% [] %}\", steps: [{ name: b, wait: 1s }] }"),
        step(&format!("name: a, {hold}")),
        step(&format!("name: a, {hold}, reads: false")),
        step(&format!(
            "name: a, {hold}, reads: true, rollback: {{}}, irreversible: true"
        )),
        step("name: a, action: http, input: { method: POST, url: u }"),
        step("name: a, action: http, input: { method: GET, url: u }, reads: false"),
        step("name: a, action: http, input: { method: GET, url: u }, reads: 1"),
        step(&format!(
            "name: a, {hold}, irreversible: true, rollback: {{}}"
        )),
        step(&format!("name: a, {hold}, irreversible: false")),
        step(&format!("name: a, {hold}, rollback: {{ input: {{}} }}")),
        step(&format!("name: a, {hold}, rollback: {{}}, timeout: 1.5s")),
        step(&format!(
            "name: a, {hold}, rollback: {{}}, retry: {{ jitter: half }}"
        )),
        step(&format!(
            "name: a, {hold}, rollback: {{}}, retry: {{ max_attempts: 0 }}"
        )),
        step("name: a, action: vendor-hold, rollback: {}"),
        step("name: a, action: vendor-hold, input: { vendor_id: v, days: many }, rollback: {}"),
        step("name: a, action: vendor-hold, input: { vendor: v, days: 1 }, rollback: {}"),
        step("name: a, action: nobody, irreversible: true"),
        step("name: a, action: http, input: { method: GET, url: u }, rollback: {}"),
        step(&format!("name: a, {hold}, rollback: {{}}, on_failure: ask")),
        step(&format!(
            "name: a, {hold}, rollback: {{}}, decide_within: 2m"
        )),
        step(&format!(
            "name: a, {hold}, rollback: {{}}, on_failure: continue, decide_within: 2m"
        )),
        step(&format!(
            "name: a, {hold}, rollback: {{}}, on_failure: escalate, decide_within: 120"
        )),
        step("name: a, approve: \"Hold?\", decide_within: 2m"),
        step("name: a, approve: {}, decide_within: 2m"),
        step("name: a, approve: { message: \"\" }, decide_within: 2m"),
        step("name: a, approve: { message: \"Hold?\", by: cfo }, decide_within: 2m"),
        step(&format!(
            "name: a, approve: {{ message: \"{}\" }}, decide_within: 2m",
            "x".repeat(501)
        )),
        step("name: a, approve: { message: \"Hold?\" }, decide_within: 2m, timeout: 2m"),
        step("name: a, approve: { message: \"Hold?\" }, decide_within: 2m, irreversible: true"),
        step("name: a, action: http, input: { method: FETCH, url: u }, irreversible: true"),
    ];
    for yaml in wrong {
        assert!(!schema.is_valid(&value(&yaml)), "the schema takes\n{yaml}");
        assert!(read(&yaml).is_err(), "the reader takes\n{yaml}");
    }
}

#[test]
fn an_expression_or_a_parameter_can_replace_any_value() {
    let yaml = format!(
        "{HEAD}steps:
  - name: a
    action: vendor-hold
    input: {{ vendor_id: \"${{VendorSystemUrl}}\", days: \"{{% $input.days %}}\" }}
    rollback: {{}}
  - {{ name: b, action: vendor-hold, input: \"{{% $input %}}\", rollback: {{}} }}
  - {{ name: c, action: http, input: {{ method: \"{{% 'PUT' %}}\", url: u, headers: \"{{% {{}} %}}\" }}, irreversible: true }}
"
    );
    let errors: Vec<String> = schema()
        .iter_errors(&value(&yaml))
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0]);
    definition(&yaml);
}
