//! Tests of mistakes in expressions: syntax, and names that do not exist.

use insta::assert_snapshot;

use super::step_problems;

#[test]
fn an_expression_is_jsonata_and_fills_the_text() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: "{% $input.( %}", days: 1 }, rollback: {} }
  - { name: b, action: vendor-hold, input: { vendor_id: "{%  %}", days: 1 }, rollback: {} }
  - { name: c, action: vendor-hold, input: { vendor_id: "v {% $input.vendor_id %}", days: 1, "{% $k %}": 1 }, rollback: {} }
  - { name: d, action: vendor-hold, when: yes please, input: { vendor_id: v, days: 1 }, rollback: {} }
"#), @r#"
  × not a JSONata expression: S0207: Unexpected end of expression
   ╭─[workflows/test.yaml:8:57]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $input.( %}", days: 1 }, rollback: {} }
   ·                                                         ────────────────
   ╰────
  help: JSONata is what Step Functions evaluates: https://docs.jsonata.org

  × not a JSONata expression: S0207: Unexpected end of expression
   ╭─[workflows/test.yaml:9:57]
 9 │   - { name: b, action: vendor-hold, input: { vendor_id: "{%  %}", days: 1 }, rollback: {} }
   ·                                                         ────────
   ╰────
  help: JSONata is what Step Functions evaluates: https://docs.jsonata.org

  × an expression as a part of a text
    ╭─[workflows/test.yaml:10:60]
 10 │   - { name: c, action: vendor-hold, input: { vendor_id: "v {% $input.vendor_id %}", days: 1, "{% $k %}": 1 }, rollback: {} }
    ·                                                            ──
    ╰────
  help: an expression is the whole text: "{% 'vendor ' & $input.vendor_id %}"

  × the key `{% $k %}` is no plain name
    ╭─[workflows/test.yaml:10:94]
 10 │   - { name: c, action: vendor-hold, input: { vendor_id: "v {% $input.vendor_id %}", days: 1, "{% $k %}": 1 }, rollback: {} }
    ·                                                                                              ──────────
    ╰────
  help: only values can be expressions; build the whole object: "{% { $input.name: 1 } %}"

  × the input of action vendor-hold has no field `{% $k %}`
    ╭─[workflows/test.yaml:10:94]
 10 │   - { name: c, action: vendor-hold, input: { vendor_id: "v {% $input.vendor_id %}", days: 1, "{% $k %}": 1 }, rollback: {} }
    ·                                                                                              ──────────
    ╰────
  help: the input of action vendor-hold has vendor_id, days, reason

  × when is the text "yes please", not an expression
    ╭─[workflows/test.yaml:11:43]
 11 │   - { name: d, action: vendor-hold, when: yes please, input: { vendor_id: v, days: 1 }, rollback: {} }
    ·                                           ──────────
    ╰────
  help: write an expression: "{% $input.name %}"
"#);
}

#[test]
fn the_marks_of_an_expression_are_refused_inside_of_it() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, when: "{% $input.vendor_id != '{% 1 %}x' %}", input: { vendor_id: "{% 'a%}b' %}", days: 1 }, rollback: {} }
"#), @r#"
  × `{%` inside an expression
   ╭─[workflows/test.yaml:8:43]
 8 │   - { name: a, action: vendor-hold, when: "{% $input.vendor_id != '{% 1 %}x' %}", input: { vendor_id: "{% 'a%}b' %}", days: 1 }, rollback: {} }
   ·                                           ──────────────────────────────────────
   ╰────
  help: an expression is the whole text; for the characters, write '{' & '%'

  × `%}` inside an expression
   ╭─[workflows/test.yaml:8:103]
 8 │   - { name: a, action: vendor-hold, when: "{% $input.vendor_id != '{% 1 %}x' %}", input: { vendor_id: "{% 'a%}b' %}", days: 1 }, rollback: {} }
   ·                                                                                                       ──────────────
   ╰────
  help: an expression is the whole text; for the characters, write '%' & '}'
"#);
}

#[test]
fn only_earlier_steps_can_be_used() {
    assert_snapshot!(step_problems(r#"  - { name: first, action: vendor-hold, input: { vendor_id: "{% $second.hold_id & $first.hold_id & $frist.hold_id %}", days: 1 }, rollback: {} }
  - { name: second, action: vendor-hold, input: { vendor_id: "{% $firts.hold_id & $pause %}", days: 1 }, rollback: {} }
  - { name: pause, wait: 1s }
  - { name: third, action: vendor-hold, input: { vendor_id: "{% $pause.x %}", days: 1 }, rollback: {} }
"#), @r#"
  × `second` comes later, on line 9
   ╭─[workflows/test.yaml:8:65]
 8 │   - { name: first, action: vendor-hold, input: { vendor_id: "{% $second.hold_id & $first.hold_id & $frist.hold_id %}", days: 1 }, rollback: {} }
   ·                                                                 ───────
   ╰────
  help: only earlier steps have an output; you can use $input, $execution

  × `$first` is this step's own output
   ╭─[workflows/test.yaml:8:83]
 8 │   - { name: first, action: vendor-hold, input: { vendor_id: "{% $second.hold_id & $first.hold_id & $frist.hold_id %}", days: 1 }, rollback: {} }
   ·                                                                                   ──────
   ╰────
  help: use the output of an earlier step

  × there is no `$frist`
   ╭─[workflows/test.yaml:8:100]
 8 │   - { name: first, action: vendor-hold, input: { vendor_id: "{% $second.hold_id & $first.hold_id & $frist.hold_id %}", days: 1 }, rollback: {} }
   ·                                                                                                    ──────
   ╰────
  help: you can use $input, $execution

  × there is no `$firts`
   ╭─[workflows/test.yaml:9:66]
 9 │   - { name: second, action: vendor-hold, input: { vendor_id: "{% $firts.hold_id & $pause %}", days: 1 }, rollback: {} }
   ·                                                                  ──────
   ╰────
  help: did you mean `$first`? you can use $input, $execution, $first

  × `pause` is a wait and has no output
   ╭─[workflows/test.yaml:9:83]
 9 │   - { name: second, action: vendor-hold, input: { vendor_id: "{% $firts.hold_id & $pause %}", days: 1 }, rollback: {} }
   ·                                                                                   ──────
   ╰────
  help: you can use $input, $execution, $first

  × `pause` is a wait and has no output
    ╭─[workflows/test.yaml:11:65]
 11 │   - { name: third, action: vendor-hold, input: { vendor_id: "{% $pause.x %}", days: 1 }, rollback: {} }
    ·                                                                 ──────
    ╰────
  help: you can use $input, $execution, $first, $second
"#);
}

#[test]
fn the_output_of_a_container_has_the_name_of_the_container() {
    assert_snapshot!(step_problems(r#"  - name: both
    parallel:
      - steps: [{ name: left, action: vendor-hold, input: { vendor_id: "{% $input.vendor_id %}", days: 1 }, rollback: {} }]
      - steps: [{ name: right, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $both.left %}", days: 1 }, rollback: {} }]
  - name: each_one
    for_each: { items: "{% $input.vendors %}", item_key: "{% $item_key %}", steps: [{ name: inner, action: vendor-hold, input: { vendor_id: "{% $item.id %}", days: 1 }, rollback: {} }] }
  - name: all
    for_each: { items: "{% $input.vendors %}", item_key: "{% $item.id %}", collect: "{% $inner2.hold_id %}", steps: [{ name: inner2, action: vendor-hold, input: { vendor_id: "{% $item.id & $item_key %}", days: 1 }, rollback: {} }] }
  - { name: last, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $inner.hold_id & $inner2.hold_id & $each_one & $item.id %}", days: 1 }, rollback: {} }
"#), @r#"
  × `left` runs in another branch
    ╭─[workflows/test.yaml:11:77]
 11 │       - steps: [{ name: right, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $both.left %}", days: 1 }, rollback: {} }]
    ·                                                                             ─────
    ╰────
  help: branches do not see each other; you can use $input, $execution

  × `both` is the container around this step
    ╭─[workflows/test.yaml:11:93]
 11 │       - steps: [{ name: right, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $both.left %}", days: 1 }, rollback: {} }]
    ·                                                                                             ─────
    ╰────
  help: inside it you can use $input, $execution

  × `$item_key` exists only inside a for_each
    ╭─[workflows/test.yaml:13:62]
 13 │     for_each: { items: "{% $input.vendors %}", item_key: "{% $item_key %}", steps: [{ name: inner, action: vendor-hold, input: { vendor_id: "{% $item.id %}", days: 1 }, rollback: {} }] }
    ·                                                              ─────────
    ╰────
  help: you can use $input, $execution, $both, $item

  × `left` is seen only inside `both`
    ╭─[workflows/test.yaml:16:64]
 16 │   - { name: last, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $inner.hold_id & $inner2.hold_id & $each_one & $item.id %}", days: 1 }, rollback: {} }
    ·                                                                ─────
    ╰────
  help: after it, write `$both.left`

  × `inner` is seen only inside `each_one`
    ╭─[workflows/test.yaml:16:80]
 16 │   - { name: last, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $inner.hold_id & $inner2.hold_id & $each_one & $item.id %}", days: 1 }, rollback: {} }
    ·                                                                                ──────
    ╰────
  help: give `each_one` a `collect`, and use `$each_one`

  × `inner2` is seen only inside `all`
    ╭─[workflows/test.yaml:16:97]
 16 │   - { name: last, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $inner.hold_id & $inner2.hold_id & $each_one & $item.id %}", days: 1 }, rollback: {} }
    ·                                                                                                 ───────
    ╰────
  help: after it, `$all` holds what its `collect` yields

  × the for_each `each_one` yields nothing
    ╭─[workflows/test.yaml:16:115]
 16 │   - { name: last, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $inner.hold_id & $inner2.hold_id & $each_one & $item.id %}", days: 1 }, rollback: {} }
    ·                                                                                                                   ─────────
    ╰────
  help: give `each_one` a `collect`

  × `$item` exists only inside a for_each
    ╭─[workflows/test.yaml:16:127]
 16 │ name: last, action: vendor-hold, input: { vendor_id: "{% $left.hold_id & $inner.hold_id & $inner2.hold_id & $each_one & $item.id %}", days: 1 }, rollback: {} }
    ·                                                                                                                         ─────
    ╰────
  help: you can use $input, $execution, $both, $all
"#);
}

#[test]
fn only_functions_of_jsonata_and_step_functions_exist() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: "{% $uppercas('a') & $eval('1') & $frobnicate(1) & string(1) & $hash('a', 'SHA-256') & $uuid() %}", days: 1 }, rollback: {} }
"#), @r#"
  × there is no function `$uppercas`
   ╭─[workflows/test.yaml:8:61]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $uppercas('a') & $eval('1') & $frobnicate(1) & string(1) & $hash('a', 'SHA-256') & $uuid() %}", days: 1 }, rollback: {} }
   ·                                                             ─────────
   ╰────
  help: did you mean `$uppercase`?

  × `$eval` does not exist in Step Functions
   ╭─[workflows/test.yaml:8:78]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $uppercas('a') & $eval('1') & $frobnicate(1) & string(1) & $hash('a', 'SHA-256') & $uuid() %}", days: 1 }, rollback: {} }
   ·                                                                              ─────
   ╰────
  help: write the expression itself

  × there is no function `$frobnicate`
   ╭─[workflows/test.yaml:8:91]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $uppercas('a') & $eval('1') & $frobnicate(1) & string(1) & $hash('a', 'SHA-256') & $uuid() %}", days: 1 }, rollback: {} }
   ·                                                                                           ───────────
   ╰────
  help: https://docs.jsonata.org lists JSONata's functions

  × `string(…)` is not a function
   ╭─[workflows/test.yaml:8:108]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $uppercas('a') & $eval('1') & $frobnicate(1) & string(1) & $hash('a', 'SHA-256') & $uuid() %}", days: 1 }, rollback: {} }
   ·                                                                                                            ──────
   ╰────
  help: functions begin with $: `$string(…)`
"#);
}

#[test]
fn a_field_is_read_from_a_variable() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: "{% vendor_id & $ & $$.b & * %}", days: 1 }, rollback: {} }
"#), @r#"
  × the field `vendor_id` is read from nothing
   ╭─[workflows/test.yaml:8:61]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% vendor_id & $ & $$.b & * %}", days: 1 }, rollback: {} }
   ·                                                             ─────────
   ╰────
  help: name what has it, such as `$input.vendor_id`; a text goes in quotes: 'vendor_id'

  × `$` stands for a current value, and there is none here
   ╭─[workflows/test.yaml:8:73]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% vendor_id & $ & $$.b & * %}", days: 1 }, rollback: {} }
   ·                                                                         ─
   ╰────
  help: begin with a variable: $input, $execution

  × `$$` stands for a current value, and there is none here
   ╭─[workflows/test.yaml:8:77]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% vendor_id & $ & $$.b & * %}", days: 1 }, rollback: {} }
   ·                                                                             ──
   ╰────
  help: begin with a variable: $input, $execution

  × `*` stands for a current value, and there is none here
   ╭─[workflows/test.yaml:8:84]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% vendor_id & $ & $$.b & * %}", days: 1 }, rollback: {} }
   ·                                                                                    ─
   ╰────
  help: begin with a variable: $input, $execution
"#);
}

#[test]
fn fields_that_never_exist_are_reported() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: "{% $input.vendorid & $execution.tenent %}", days: 1 }, rollback: {} }
"#), @r#"
  × `$input` has no field `vendorid`
   ╭─[workflows/test.yaml:8:61]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $input.vendorid & $execution.tenent %}", days: 1 }, rollback: {} }
   ·                                                             ───────────────
   ╰────
  help: did you mean `vendor_id`? $input has vendor_id, days, vendors

  × `$execution` has no field `tenent`
   ╭─[workflows/test.yaml:8:79]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $input.vendorid & $execution.tenent %}", days: 1 }, rollback: {} }
   ·                                                                               ─────────────────
   ╰────
  help: did you mean `tenant`? $execution has id, tenant, workflow, version, started_at, trigger
"#);
}

#[test]
fn names_of_the_compiled_state_machine_are_refused() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: "{% $states.input.vendor_id %}", days: 1 }, rollback: {} }
  - { name: b, action: vendor-hold, input: { vendor_id: "{% $event.detail & $item.id & $failure %}", days: 1 }, rollback: {} }
"#), @r#"
  × `$states` belongs to the compiled state machine
   ╭─[workflows/test.yaml:8:61]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: "{% $states.input.vendor_id %}", days: 1 }, rollback: {} }
   ·                                                             ───────
   ╰────
  help: use $input, $execution

  × `$event` exists only in a trigger by event
   ╭─[workflows/test.yaml:9:61]
 9 │   - { name: b, action: vendor-hold, input: { vendor_id: "{% $event.detail & $item.id & $failure %}", days: 1 }, rollback: {} }
   ·                                                             ──────
   ╰────
  help: you can use $input, $execution, $a

  × `$item` exists only inside a for_each
   ╭─[workflows/test.yaml:9:77]
 9 │   - { name: b, action: vendor-hold, input: { vendor_id: "{% $event.detail & $item.id & $failure %}", days: 1 }, rollback: {} }
   ·                                                                             ─────
   ╰────
  help: you can use $input, $execution, $a

  × there is no `$failure`
   ╭─[workflows/test.yaml:9:88]
 9 │   - { name: b, action: vendor-hold, input: { vendor_id: "{% $event.detail & $item.id & $failure %}", days: 1 }, rollback: {} }
   ·                                                                                        ────────
   ╰────
  help: you can use $input, $execution, $a
"#);
}

#[test]
fn parameters_must_be_in_the_template() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: http, input: { method: PUT, url: "${VendorSytemUrl}/x" }, irreversible: true }
"#), @r#"
  × template.yaml has no parameter `VendorSytemUrl`
   ╭─[workflows/test.yaml:8:58]
 8 │   - { name: a, action: http, input: { method: PUT, url: "${VendorSytemUrl}/x" }, irreversible: true }
   ·                                                          ─────────────────
   ╰────
  help: did you mean `VendorSystemUrl`? template.yaml has the parameters VendorSystemUrl, HttpAllow
"#);
}

#[test]
fn the_fields_of_an_approval_are_known() {
    assert_snapshot!(step_problems(r#"  - { name: a, approve: { message: "{% $b.by %}" }, decide_within: 5m }
  - { name: b, approve: { message: "{% $a.who & $a.by & $a.at & $a.reason %}" }, decide_within: 5m }
"#), @r#"
  × `b` comes later, on line 9
   ╭─[workflows/test.yaml:8:40]
 8 │   - { name: a, approve: { message: "{% $b.by %}" }, decide_within: 5m }
   ·                                        ──
   ╰────
  help: only earlier steps have an output; you can use $input, $execution

  × `$a` has no field `who`
   ╭─[workflows/test.yaml:9:40]
 9 │   - { name: b, approve: { message: "{% $a.who & $a.by & $a.at & $a.reason %}" }, decide_within: 5m }
   ·                                        ──────
   ╰────
  help: $a has by, at, reason, votes
"#);
}
