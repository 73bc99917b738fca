//! Tests of mistakes before the steps: identity, tenants, input, assertions, limits.

use insta::assert_snapshot;

use super::problems;

#[test]
fn all_missing_fields_are_reported_together() {
    assert_snapshot!(problems(r#"description: only this
"#), @r#"
  × a workflow has no `workflow`
   ╭─[workflows/test.yaml:1:1]
 1 │ description: only this
   · ──────────────────────
   ╰────
  help: add `workflow: WF-DELAY-VENDOR-PAYMENTS`

  × a workflow has no `version`
   ╭─[workflows/test.yaml:1:1]
 1 │ description: only this
   · ──────────────────────
   ╰────
  help: add `version: 1`

  × a workflow has no `input`
   ╭─[workflows/test.yaml:1:1]
 1 │ description: only this
   · ──────────────────────
   ╰────
  help: add `input: { type: object, properties: {…} }`

  × a workflow has no `steps`
   ╭─[workflows/test.yaml:1:1]
 1 │ description: only this
   · ──────────────────────
   ╰────
  help: add `steps: [ … ]`
"#);
}

#[test]
fn a_workflow_is_a_mapping() {
    assert_snapshot!(problems(r#"- workflow
"#), @r#"
  × a workflow is a list
   ╭─[workflows/test.yaml:1:1]
 1 │ - workflow
   · ──────────
   ╰────
  help: a mapping belongs here: `name: value` lines
"#);
}

#[test]
fn an_unknown_field_gets_the_closest_known_one_as_a_hint() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
guardrail: []
on_failure: rollback
input: { type: object }
limits: { timeout: 1m, concurrent_executions: 5 }
steps: [{ name: a, wait: 1s }]
"#), @r#"
  × unknown field `guardrail` in a workflow
   ╭─[workflows/test.yaml:3:1]
 3 │ guardrail: []
   · ─────────
   ╰────
  help: did you mean `guardrails`? a workflow has workflow, version, description, tenants, input, triggers,
        guardrails, hours, freeze, approval, unsigned_approvals, budget, when_paused, tier, limits, subject,
        receipt, steps, output

  × unknown field `on_failure` in a workflow
   ╭─[workflows/test.yaml:4:1]
 4 │ on_failure: rollback
   · ──────────
   ╰────
  help: a workflow has workflow, version, description, tenants, input, triggers, guardrails, hours, freeze,
        approval, unsigned_approvals, budget, when_paused, tier, limits, subject, receipt, steps, output
"#);
}

#[test]
fn the_form_of_names_numbers_and_lists_is_checked() {
    assert_snapshot!(problems(r#"workflow: wf_a
version: 0
description: 7
tenants: [Acme, acme, acme, ""]
input: { type: object }
limits: { timeout: 400d }
steps: []
"#), @r#"
  × `wf_a` is not a workflow id
   ╭─[workflows/test.yaml:1:11]
 1 │ workflow: wf_a
   ·           ────
   ╰────
  help: WF-, then groups of capitals and digits joined by hyphens, at most 60 characters: WF-DELAY-VENDOR-
        PAYMENTS

  × version is the number 0
   ╭─[workflows/test.yaml:2:10]
 2 │ version: 0
   ·          ─
   ╰────
  help: a whole number from 1 to 4294967295 belongs here

  × description is the number 7
   ╭─[workflows/test.yaml:3:14]
 3 │ description: 7
   ·              ─
   ╰────
  help: a text belongs here: `Holds payments to a vendor`

  × `Acme` is not a tenant name
   ╭─[workflows/test.yaml:4:11]
 4 │ tenants: [Acme, acme, acme, ""]
   ·           ────
   ╰────
  help: 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit: acme

  × a second tenant is called `acme`
   ╭─[workflows/test.yaml:4:23]
 4 │ tenants: [Acme, acme, acme, ""]
   ·                       ────
   ╰────
  help: the first is on line 4: every tenant has a name of its own

  × a tenant is an empty text
   ╭─[workflows/test.yaml:4:29]
 4 │ tenants: [Acme, acme, acme, ""]
   ·                             ──
   ╰────
  help: write `acme`

  × limits.timeout is out of range
   ╭─[workflows/test.yaml:6:20]
 6 │ limits: { timeout: 400d }
   ·                    ────
   ╰────
  help: a duration from 1s to 365d belongs here, such as 30s, 15m, 2h or 7d

  × steps is an empty list
   ╭─[workflows/test.yaml:7:8]
 7 │ steps: []
   ·        ─
   ╰────
  help: give it an entry, or leave the field out
"#);
}

#[test]
fn the_input_is_a_json_schema_of_an_object() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: { type: array, items: { type: strnig } }
steps: [{ name: a, wait: 1s }]
"#), @r#"
  × the input schema is not that of an object
   ╭─[workflows/test.yaml:3:16]
 3 │ input: { type: array, items: { type: strnig } }
   ·                ─────
   ╰────
  help: add `type: object`

  × not a JSON Schema: value is not valid under any of the schemas listed in the 'anyOf' keyword
   ╭─[workflows/test.yaml:3:38]
 3 │ input: { type: array, items: { type: strnig } }
   ·                                      ──────
   ╰────
  help: https://json-schema.org lists keywords and types
"#);
}

#[test]
fn an_input_schema_has_no_remote_references_and_no_expressions() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input:
  type: object
  description: "{% $now() %}"
  properties: { a: { $ref: "https://example.com/a.json" } }
steps: [{ name: a, wait: 1s }]
"#), @r#"
  × an expression in the input schema
   ╭─[workflows/test.yaml:5:16]
 5 │   description: "{% $now() %}"
   ·                ──────────────
   ╰────
  help: only plain values belong here

  × `https://example.com/a.json` leads out of this schema
   ╭─[workflows/test.yaml:6:28]
 6 │   properties: { a: { $ref: "https://example.com/a.json" } }
   ·                            ────────────────────────────
   ╰────
  help: nothing is fetched: put the schema into `$defs`, and refer to it as `#/$defs/name`
"#);
}

#[test]
fn the_input_must_be_written_as_a_mapping() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: object
steps: [{ name: a, wait: 1s }]
"#), @r#"
  × input is the text "object"
   ╭─[workflows/test.yaml:3:8]
 3 │ input: object
   ·        ──────
   ╰────
  help: a JSON Schema belongs here: { type: object, properties: {…} }
"#);
}

#[test]
fn guardrails_have_a_name_an_assertion_and_a_message() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: { type: object, additionalProperties: false, properties: { hold_days: { type: integer } } }
guardrails:
  - { name: short, assert: "$input.hold_days < 3", message: "{% 'too long' %}" }
  - { name: short, assert: "{% $input.hold_dyas < 3 and $uuid() %}", message: "" }
  - { name: Short-Hold, message: 3 }
steps: [{ name: a, wait: 1s }]
"#), @r#"
  × assert is the text "$input.hold_days < 3", not an expression
   ╭─[workflows/test.yaml:5:28]
 5 │   - { name: short, assert: "$input.hold_days < 3", message: "{% 'too long' %}" }
   ·                            ──────────────────────
   ╰────
  help: write an expression: "{% $input.name %}"

  × an expression in a message
   ╭─[workflows/test.yaml:5:61]
 5 │   - { name: short, assert: "$input.hold_days < 3", message: "{% 'too long' %}" }
   ·                                                             ──────────────────
   ╰────
  help: only plain values belong here

  × a second guardrail is called `short`
   ╭─[workflows/test.yaml:6:13]
 6 │   - { name: short, assert: "{% $input.hold_dyas < 3 and $uuid() %}", message: "" }
   ·             ─────
   ╰────
  help: the first is on line 5: every guardrail has a name of its own

  × `$input` has no field `hold_dyas`
   ╭─[workflows/test.yaml:6:32]
 6 │   - { name: short, assert: "{% $input.hold_dyas < 3 and $uuid() %}", message: "" }
   ·                                ────────────────
   ╰────
  help: did you mean `hold_days`? $input has hold_days

  × the function `$uuid` exists only in steps
   ╭─[workflows/test.yaml:6:57]
 6 │   - { name: short, assert: "{% $input.hold_dyas < 3 and $uuid() %}", message: "" }
   ·                                                         ─────
   ╰────
  help: Step Functions adds it, and does not evaluate this: use JSONata's own functions

  × message is an empty text
   ╭─[workflows/test.yaml:6:79]
 6 │   - { name: short, assert: "{% $input.hold_dyas < 3 and $uuid() %}", message: "" }
   ·                                                                               ──
   ╰────
  help: write `a hold lasts 30 days at most`

  × a guardrail has no `assert`
   ╭─[workflows/test.yaml:7:5]
 7 │   - { name: Short-Hold, message: 3 }
   ·     ─
   ╰────
  help: add `assert: "{% $input.hold_days <= 30 %}"`

  × `Short-Hold` cannot be a guardrail's name
   ╭─[workflows/test.yaml:7:13]
 7 │   - { name: Short-Hold, message: 3 }
   ·             ──────────
   ╰────
  help: lower-case letters, digits and _, beginning with a letter, at most 60: short_hold

  × message is the number 3
   ╭─[workflows/test.yaml:7:34]
 7 │   - { name: Short-Hold, message: 3 }
   ·                                  ─
   ╰────
  help: a text belongs here: `a hold lasts 30 days at most`
"#);
}
