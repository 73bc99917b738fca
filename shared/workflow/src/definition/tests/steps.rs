//! Tests of mistakes in steps: kinds, names, actions, waits and containers.

use insta::assert_snapshot;

use super::{HEAD, definition, step_problems};

#[test]
fn a_step_has_one_kind_and_a_name() {
    assert_snapshot!(step_problems(r#"  - name: nothing
  - name: both
    wait: 1s
    parallel: []
  - wait: 1s
  - just text
"#), @r#"
  × step `nothing` does nothing
   ╭─[workflows/test.yaml:8:5]
 8 │   - name: nothing
   ·     ─────────────
   ╰────
  help: add `action: …`, or one of wait, approve, parallel, for_each, choose, stop

  × step `nothing` has neither `rollback` nor `irreversible`
   ╭─[workflows/test.yaml:8:5]
 8 │   - name: nothing
   ·     ─────────────
   ╰────
  help: add `rollback: {}` or `irreversible: true`

  × step `both` has `wait` and `parallel`
   ╭─[workflows/test.yaml:9:5]
 9 │   - name: both
   ·     ──────────
   ╰────
  help: a step is one of action, wait, approve, parallel, for_each, choose, stop: make two steps

  × a step has no `name`
    ╭─[workflows/test.yaml:12:5]
 12 │   - wait: 1s
    ·     ────────
    ╰────
  help: add `name: apply_vendor_hold`

  × a step is the text "just text"
    ╭─[workflows/test.yaml:13:5]
 13 │   - just text
    ·     ─────────
    ╰────
  help: a mapping belongs here: `name: value` lines
"#);
}

#[test]
fn step_names_are_unique_and_not_reserved() {
    assert_snapshot!(step_problems(r#"  - { name: Hold-It, wait: 1s }
  - { name: sum, wait: 1s }
  - { name: input, wait: 1s }
  - { name: pause, wait: 1s }
  - { name: pause, wait: 1s }
"#), @r#"
  × `Hold-It` cannot be a step's name
   ╭─[workflows/test.yaml:8:13]
 8 │   - { name: Hold-It, wait: 1s }
   ·             ───────
   ╰────
  help: lower-case letters, digits and _, beginning with a letter, at most 60: apply_vendor_hold

  × `sum` cannot be a step's name: it is a JSONata function
   ╭─[workflows/test.yaml:9:13]
 9 │   - { name: sum, wait: 1s }
   ·             ───
   ╰────
  help: say what the step does: `sum_vendor`

  × `input` cannot be a step's name: it is a name that expressions use otherwise
    ╭─[workflows/test.yaml:10:13]
 10 │   - { name: input, wait: 1s }
    ·             ─────
    ╰────
  help: say what the step does: `input_vendor`

  × a second step is called `pause`
    ╭─[workflows/test.yaml:12:13]
 12 │   - { name: pause, wait: 1s }
    ·             ─────
    ╰────
  help: the first is on line 11: every step has a name of its own
"#);
}

#[test]
fn an_unknown_action_gets_the_list_of_actions() {
    let problems = step_problems(
        r#"  - { name: a, action: vendor-hol, rollback: {} }
  - { name: b, action: 7, rollback: {} }
"#,
    );
    // A repository may have more actions.
    let registry = holdfast_steps::registry();
    let names: Vec<&str> = registry.infos().map(|info| info.name).collect();
    assert_snapshot!(problems.replace(&names.join(", "), "ACTIONS"), @r#"
  × no action is called `vendor-hol`
   ╭─[workflows/test.yaml:8:24]
 8 │   - { name: a, action: vendor-hol, rollback: {} }
   ·                        ──────────
   ╰────
  help: did you mean `vendor-hold`? there are ACTIONS; `make up` builds in a new one

  × action is the number 7
   ╭─[workflows/test.yaml:9:24]
 9 │   - { name: b, action: 7, rollback: {} }
   ·                        ─
   ╰────
  help: a text belongs here: `http`
"#);
}

#[test]
fn unknown_fields_of_a_step_are_reported() {
    assert_snapshot!(step_problems(r#"  - name: a
    action: vendor-hold
    input: { vendor_id: v, days: 1 }
    rolback: {}
    owner: treasury
"#), @r#"
  × step `a` has neither `rollback` nor `irreversible`
   ╭─[workflows/test.yaml:8:5]
 8 │   - name: a
   ·     ───────
   ╰────
  help: add `rollback: {}`, the action's own undo, or `irreversible: true`

  × unknown field `rolback` in step `a`
    ╭─[workflows/test.yaml:11:5]
 11 │     rolback: {}
    ·     ───────
    ╰────
  help: did you mean `rollback`? it has name, action, when, input, timeout, retry, rollback, irreversible,
        reads, poll, idempotent, on_failure, decide_within

  × unknown field `owner` in step `a`
    ╭─[workflows/test.yaml:12:5]
 12 │     owner: treasury
    ·     ─────
    ╰────
  help: it has name, action, when, input, timeout, retry, rollback, irreversible, reads, poll, idempotent,
        on_failure, decide_within
"#);
}

#[test]
fn waits_and_containers_have_no_when() {
    assert_snapshot!(step_problems(r#"  - { name: a, wait: 1m, when: "{% true %}" }
  - name: b
    when: "{% true %}"
    parallel:
      - steps: [{ name: b1, wait: 1s }]
      - steps: [{ name: b2, wait: 1s }]
  - { name: c, wait: soon }
  - { name: d, wait: { till: tomorrow } }
  - { name: e, wait: { until: tomorrow } }
"#), @r#"
  × a `wait` step cannot have `when`
   ╭─[workflows/test.yaml:8:26]
 8 │   - { name: a, wait: 1m, when: "{% true %}" }
   ·                          ────
   ╰────
  help: a wait has only `name` and `wait`; what it waits for can be an expression: `wait: { until: … }`

  × a `parallel` step cannot have `when`
    ╭─[workflows/test.yaml:10:5]
 10 │     when: "{% true %}"
    ·     ────
    ╰────
  help: put it on the steps inside

  × wait is the text "soon", not a duration
    ╭─[workflows/test.yaml:14:22]
 14 │   - { name: c, wait: soon }
    ·                      ────
    ╰────
  help: a duration from 1s to 365d belongs here, such as 30s, 15m, 2h or 7d

  × wait has no `until`
    ╭─[workflows/test.yaml:15:22]
 15 │   - { name: d, wait: { till: tomorrow } }
    ·                      ─
    ╰────
  help: add `until: "{% $input.due_at %}"`

  × unknown field `till` in wait
    ╭─[workflows/test.yaml:15:24]
 15 │   - { name: d, wait: { till: tomorrow } }
    ·                        ────
    ╰────
  help: wait has until

  × until is the text "tomorrow", not an expression
    ╭─[workflows/test.yaml:16:31]
 16 │   - { name: e, wait: { until: tomorrow } }
    ·                               ────────
    ╰────
  help: write an expression: "{% $input.name %}"
"#);
}

#[test]
fn containers_need_items_and_steps() {
    assert_snapshot!(step_problems(r#"  - name: a
    parallel:
      - steps: []
  - name: b
    parallel: [{ step: [] }, { steps: [{ name: b1, wait: 1s }] }]
  - name: c
    for_each: { items: "{% $input.vendors %}", max_concurrency: 100 }
  - name: d
    for_each:
      items: $input.vendors
      item_key: id
      steps:
        - name: e
          for_each: { items: "{% $item.parts %}", item_key: "{% $item.id %}", steps: [{ name: e1, wait: 1s }] }
"#), @r#"
  × a parallel with one branch
    ╭─[workflows/test.yaml:10:7]
 10 │       - steps: []
    ·       ───────────
    ╰────
  help: add a second `- steps: …`, or leave the parallel out

  × steps is an empty list
    ╭─[workflows/test.yaml:10:16]
 10 │       - steps: []
    ·                ─
    ╰────
  help: give it an entry, or leave the field out

  × a branch has no `steps`
    ╭─[workflows/test.yaml:12:16]
 12 │     parallel: [{ step: [] }, { steps: [{ name: b1, wait: 1s }] }]
    ·                ─
    ╰────
  help: add `steps: [ … ]`

  × unknown field `step` in a branch
    ╭─[workflows/test.yaml:12:18]
 12 │     parallel: [{ step: [] }, { steps: [{ name: b1, wait: 1s }] }]
    ·                  ────
    ╰────
  help: did you mean `steps`? a branch has steps

  × for_each has no `item_key`
    ╭─[workflows/test.yaml:14:15]
 14 │     for_each: { items: "{% $input.vendors %}", max_concurrency: 100 }
    ·               ─
    ╰────
  help: add `item_key: "{% $item.id %}"`

  × for_each has no `steps`
    ╭─[workflows/test.yaml:14:15]
 14 │     for_each: { items: "{% $input.vendors %}", max_concurrency: 100 }
    ·               ─
    ╰────
  help: add `steps: [ … ]`

  × max_concurrency is the number 100
    ╭─[workflows/test.yaml:14:65]
 14 │     for_each: { items: "{% $input.vendors %}", max_concurrency: 100 }
    ·                                                                 ───
    ╰────
  help: a whole number from 1 to 40 belongs here

  × items is the text "$input.vendors", not an expression
    ╭─[workflows/test.yaml:17:14]
 17 │       items: $input.vendors
    ·              ──────────────
    ╰────
  help: write an expression: "{% $input.name %}"

  × item_key is the text "id", not an expression
    ╭─[workflows/test.yaml:18:17]
 18 │       item_key: id
    ·                 ──
    ╰────
  help: write an expression: "{% $input.name %}"

  × a for_each inside a for_each
    ╭─[workflows/test.yaml:21:21]
 21 │           for_each: { items: "{% $item.parts %}", item_key: "{% $item.id %}", steps: [{ name: e1, wait: 1s }] }
    ·                     ─
    ╰────
  help: one for_each runs over all pairs: build the list with $map in `items`
"#);
}

#[test]
fn the_end_is_what_must_be_done_so_that_every_step_was_reached() {
    let hold = |name: &str| {
        format!(
            "{{ name: {name}, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}} }}"
        )
    };
    let end = |steps: &[&str]| {
        let rows: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
        let definition = definition(&format!("{HEAD}steps:\n{rows}"));
        let ends = definition.ends();
        format!("{} {}", ends.steps.join(" "), ends.approvals.join(" "))
    };
    let [a, b, c] = &["a", "b", "c"].map(hold);
    let wait = "{ name: w, wait: 1s }";
    let agree = "{ name: agree, approve: { message: 'good?' }, decide_within: 5m }";
    let both = &format!(
        "{{ name: both, parallel: [{{ steps: [{a}, {b}] }}, {{ steps: [{c}, {wait}] }}] }}"
    );
    let each_of = |items: &str| {
        format!(
            "{{ name: each_one, for_each: {{ items: '{{% {items} %}}', item_key: '{{% $item %}}', steps: [{a}] }} }}"
        )
    };
    let each = &each_of("$input.vendors");
    assert_eq!(end(&[a, b]), "b ");
    assert_eq!(end(&[a, wait]), "a ");
    assert_eq!(end(&[a, agree]), " agree");
    assert_eq!(end(&[both]), "b c ");
    assert_eq!(end(&[each, b]), "b ");
    assert_eq!(end(&[b, each]), "a ");
    let waits = &format!(
        "{{ name: waits, for_each: {{ items: '{{% $input.vendors %}}', item_key: '{{% $item %}}', steps: [{wait}] }} }}"
    );
    let pause = &format!(
        "{{ name: pause, parallel: [{{ steps: [{wait}] }}, {{ steps: [{{ name: v, wait: 1s }}] }}] }}"
    );
    for only_waits in [waits, pause] {
        assert_eq!(end(&[a, only_waits]), "a ");
        let inside = format!(
            "{{ name: both, parallel: [{{ steps: [{a}, {only_waits}] }}, {{ steps: [{b}] }}] }}"
        );
        assert_eq!(end(&[&inside]), "a b ");
    }
    // The length of such a list cannot be recorded.
    assert_eq!(end(&[b, &each_of("$shuffle($input.vendors)")]), " ");
}
