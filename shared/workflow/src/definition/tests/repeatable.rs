//! Tests that `when` and `item_key` yield the same on every attempt.

use insta::assert_snapshot;

use super::{HEAD, definition, step_problems};

#[test]
fn conditions_and_item_keys_are_the_same_on_every_attempt() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, when: "{% $now() < '2030' and $millis() < 1 %}", input: { vendor_id: v, days: 1 }, rollback: {} }
  - { name: b, action: vendor-hold, when: "{% $random() < 0.5 and $uuid() != $eval('1') %}", input: { vendor_id: v, days: 1 }, rollback: {} }
  - { name: c, action: vendor-hold, when: "{% $map([1], $random)[0] < 0.5 and ($f := $now; $f()) < '2030' and $shuffle([1, 2])[0] = 1 %}", input: { vendor_id: v, days: 1 }, rollback: {} }
  - name: each_one
    for_each:
      items: "{% $input.vendors %}"
      item_key: "{% $item.id & $uuid() %}"
      steps:
        - { name: d, action: vendor-hold, when: "{% $item.due < $now() %}", input: { vendor_id: v, days: 1 }, rollback: {} }
"#), @r#"
  × `$now` in `when` differs between attempts, and all attempts must yield the same
   ╭─[workflows/test.yaml:8:47]
 8 │   - { name: a, action: vendor-hold, when: "{% $now() < '2030' and $millis() < 1 %}", input: { vendor_id: v, days: 1 }, rollback: {} }
   ·                                               ────
   ╰────
  help: `$execution.started_at` stays the same; or put the moment into the input or into an earlier step's
        output

  × `$millis` in `when` differs between attempts, and all attempts must yield the same
   ╭─[workflows/test.yaml:8:67]
 8 │   - { name: a, action: vendor-hold, when: "{% $now() < '2030' and $millis() < 1 %}", input: { vendor_id: v, days: 1 }, rollback: {} }
   ·                                                                   ───────
   ╰────
  help: `$execution.started_at` stays the same; or put the moment into the input or into an earlier step's
        output

  × `$random` in `when` differs between attempts, and all attempts must yield the same
   ╭─[workflows/test.yaml:9:47]
 9 │   - { name: b, action: vendor-hold, when: "{% $random() < 0.5 and $uuid() != $eval('1') %}", input: { vendor_id: v, days: 1 }, rollback: {} }
   ·                                               ───────
   ╰────
  help: put the value into the input, or into an earlier step's output

  × `$uuid` in `when` differs between attempts, and all attempts must yield the same
   ╭─[workflows/test.yaml:9:67]
 9 │   - { name: b, action: vendor-hold, when: "{% $random() < 0.5 and $uuid() != $eval('1') %}", input: { vendor_id: v, days: 1 }, rollback: {} }
   ·                                                                   ─────
   ╰────
  help: put the value into the input, or into an earlier step's output

  × `$eval` does not exist in Step Functions
   ╭─[workflows/test.yaml:9:78]
 9 │   - { name: b, action: vendor-hold, when: "{% $random() < 0.5 and $uuid() != $eval('1') %}", input: { vendor_id: v, days: 1 }, rollback: {} }
   ·                                                                              ─────
   ╰────
  help: write the expression itself

  × `$random` in `when` differs between attempts, and all attempts must yield the same
    ╭─[workflows/test.yaml:10:57]
 10 │   - { name: c, action: vendor-hold, when: "{% $map([1], $random)[0] < 0.5 and ($f := $now; $f()) < '2030' and $shuffle([1, 2])[0] = 1 %}", input: { vendor_id: v, days: 1 }, rollback:
    ·                                                         ───────
    ╰────
  help: put the value into the input, or into an earlier step's output

  × `$now` in `when` differs between attempts, and all attempts must yield the same
    ╭─[workflows/test.yaml:10:86]
 10 │   - { name: c, action: vendor-hold, when: "{% $map([1], $random)[0] < 0.5 and ($f := $now; $f()) < '2030' and $shuffle([1, 2])[0] = 1 %}", input: { vendor_id: v, days: 1 }, rollback: {} }
    ·                                                                                      ────
    ╰────
  help: `$execution.started_at` stays the same; or put the moment into the input or into an earlier step's
        output

  × `$shuffle` in `when` differs between attempts, and all attempts must yield the same
    ╭─[workflows/test.yaml:10:111]
 10 │   - { name: c, action: vendor-hold, when: "{% $map([1], $random)[0] < 0.5 and ($f := $now; $f()) < '2030' and $shuffle([1, 2])[0] = 1 %}", input: { vendor_id: v, days: 1 }, rollback: {} }
    ·                                                                                                               ────────
    ╰────
  help: put the value into the input, or into an earlier step's output

  × `$uuid` in `item_key` differs between attempts, and all attempts must yield the same
    ╭─[workflows/test.yaml:14:32]
 14 │       item_key: "{% $item.id & $uuid() %}"
    ·                                ─────
    ╰────
  help: put the value into the input, or into an earlier step's output

  × `$now` in `when` differs between attempts, and all attempts must yield the same
    ╭─[workflows/test.yaml:16:65]
 16 │         - { name: d, action: vendor-hold, when: "{% $item.due < $now() %}", input: { vendor_id: v, days: 1 }, rollback: {} }
    ·                                                                 ────
    ╰────
  help: `$execution.started_at` stays the same; or put the moment into the input or into an earlier step's
        output
"#);
}

#[test]
fn values_that_change_are_accepted_in_inputs_and_under_local_names() {
    definition(&format!(
        r#"{HEAD}steps:
  - {{ name: moment, wait: {{ until: "{{% $now() %}}" }} }}
  - name: hold
    action: vendor-hold
    when: "{{% ($now := $execution.started_at; $random := function($n) {{ $n }}; $random($now) < '2030') %}}"
    input: {{ vendor_id: "{{% $uuid() %}}", days: "{{% $random() %}}", reason: "{{% $now() %}}" }}
    rollback: {{}}
"#
    ));
}

#[test]
fn the_key_and_the_tenant_of_a_trigger_are_the_same_on_every_attempt() {
    let with = |key: &str| {
        let trigger = format!(
            "triggers:\n  - {{ event: {{ source: [a] }}, tenant: acme, idempotency_key: \"{{% {key} %}}\", input: {{}} }}\n"
        );
        let steps = "steps:\n  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }\n";
        super::problems(&format!("{HEAD}{trigger}{steps}"))
    };
    for key in [
        "$event.id & $now()",
        "$event.id & $random()",
        "$event.id & $toMillis($event.at, '[H01]:[m01]')",
    ] {
        assert!(with(key).contains("in a trigger"), "{key}: {}", with(key));
    }
}

#[test]
fn a_picture_without_a_year_is_refused_where_every_attempt_must_yield_the_same() {
    let when = |expression: &str| {
        step_problems(&format!(
            "  - {{ name: a, action: vendor-hold, when: \"{{% $toMillis($input.at, {expression}) > 1 %}}\", input: {{ vendor_id: v, days: 1 }}, rollback: {{}} }}\n"
        ))
    };
    let refused = when("'[H01]:[m01]'");
    assert!(refused.contains("may read the clock"), "{refused}");
    assert!(refused.contains("`[Y0001]`"), "{refused}");
}
