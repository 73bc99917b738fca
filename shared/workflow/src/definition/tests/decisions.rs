//! Tests of decisions: `approve`, `on_failure`, `decide_within`, and every mistake in them.

use insta::assert_snapshot;

use super::{HEAD, definition, problems, step_problems};
use crate::definition::graph;

/// Returns a workflow with two approvals, two escalations and a step that may fail.
fn asking() -> String {
    format!(
        r#"{HEAD}limits: {{ timeout: 8h }}
steps:
  - name: cfo_agrees
    approve: {{ message: "{{% 'Hold ' & $input.vendor_id & '?' %}}" }}
    decide_within: 4h
  - name: hold
    action: vendor-hold
    input: {{ vendor_id: "{{% $input.vendor_id %}}", days: 1, reason: "{{% $cfo_agrees.by & ': ' & $cfo_agrees.reason %}}" }}
    rollback: {{}}
    on_failure: escalate
    decide_within: 2h
  - name: ask_and_tell
    parallel:
      - steps:
          - {{ name: controller_agrees, approve: {{ message: "Tell \"everyone\" <now>?" }} }}
      - steps:
          - name: tell
            action: http
            input: {{ method: POST, url: "${{VendorSystemUrl}}", body: {{ hold: "{{% $hold.hold_id %}}" }} }}
            irreversible: true
            on_failure: continue
          - {{ name: undo_if_this_fails, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}}, on_failure: rollback }}
          - {{ name: ask_if_this_fails, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}}, on_failure: escalate }}
  - name: log
    action: http
    input: {{ method: POST, url: "${{VendorSystemUrl}}", body: "{{% $ask_and_tell.controller_agrees.at %}}" }}
    irreversible: true
"#
    )
}

#[test]
fn a_graph_shows_approvals_and_escalations() {
    assert_snapshot!(graph(&definition(&asking())), @r#"
    flowchart TD
      begin(["WF-TEST version 1<br/>started by API"])
      step_cfo_agrees{"cfo_agrees<br/>approve within 4h<br/>'Hold ' &amp; $input.vendor_id &amp; '?'"}
      begin --> step_cfo_agrees
      step_hold["hold<br/>vendor-hold<br/>asks within 2h if it fails"]
      step_cfo_agrees --> step_hold
      subgraph step_ask_and_tell ["ask_and_tell: in parallel"]
        step_controller_agrees{"controller_agrees<br/>approve within 1h<br/>Tell &quot;everyone&quot; &lt;now&gt;?"}
        step_tell["tell<br/>http<br/>continues if it fails"]:::irreversible
        step_undo_if_this_fails["undo_if_this_fails<br/>vendor-hold"]
        step_tell --> step_undo_if_this_fails
        step_ask_if_this_fails["ask_if_this_fails<br/>vendor-hold<br/>asks within 1h if it fails"]
        step_undo_if_this_fails --> step_ask_if_this_fails
      end
      step_hold --> step_ask_and_tell
      step_log["log<br/>http"]:::irreversible
      step_ask_and_tell --> step_log
      step_log --> finish(["receipt"])
      classDef irreversible stroke-width:4px
    "#);
}

#[test]
fn on_failure_is_one_of_three_words() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: esclate, decide_within: 5m }
  - { name: b, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: true }
  - { name: c, wait: 1s, on_failure: continue }
  - { name: d, on_failure: continue, decide_within: 5m, parallel: [{ steps: [{ name: d1, wait: 1s }] }, { steps: [{ name: d2, wait: 1s }] }] }
"#), @r#"
  × on_failure is the text "esclate"
   ╭─[workflows/test.yaml:8:97]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: esclate, decide_within: 5m }
   ·                                                                                                 ───────
   ╰────
  help: did you mean `escalate`? it is one of rollback, escalate, continue

  × on_failure is the boolean true
   ╭─[workflows/test.yaml:9:97]
 9 │   - { name: b, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: true }
   ·                                                                                                 ────
   ╰────
  help: it is one of rollback, escalate, continue

  × a `wait` step cannot have `on_failure`
    ╭─[workflows/test.yaml:10:26]
 10 │   - { name: c, wait: 1s, on_failure: continue }
    ·                          ──────────
    ╰────
  help: a wait has only `name` and `wait`; what it waits for can be an expression: `wait: { until: … }`

  × a `parallel` step cannot have `on_failure`
    ╭─[workflows/test.yaml:11:16]
 11 │   - { name: d, on_failure: continue, decide_within: 5m, parallel: [{ steps: [{ name: d1, wait: 1s }] }, { steps: [{ name: d2, wait: 1s }] }] }
    ·                ──────────
    ╰────
  help: put it on the steps inside

  × a `parallel` step cannot have `decide_within`
    ╭─[workflows/test.yaml:11:38]
 11 │   - { name: d, on_failure: continue, decide_within: 5m, parallel: [{ steps: [{ name: d1, wait: 1s }] }, { steps: [{ name: d2, wait: 1s }] }] }
    ·                                      ─────────────
    ╰────
  help: put it on the steps inside
"#);
}

#[test]
fn decide_within_needs_a_decision() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, decide_within: 5m }
  - { name: b, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: continue, decide_within: 5m }
  - { name: c, wait: 1s, decide_within: 5m }
"#), @r#"
  × `decide_within` without a decision
   ╭─[workflows/test.yaml:8:85]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, decide_within: 5m }
   ·                                                                                     ─────────────
   ╰────
  help: it belongs to `on_failure: escalate` and to `approve`: add that, or leave it out

  × `decide_within` without a decision
   ╭─[workflows/test.yaml:9:107]
 9 │   - { name: b, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: continue, decide_within: 5m }
   ·                                                                                                           ─────────────
   ╰────
  help: it belongs to `on_failure: escalate` and to `approve`: add that, or leave it out

  × a `wait` step cannot have `decide_within`
    ╭─[workflows/test.yaml:10:26]
 10 │   - { name: c, wait: 1s, decide_within: 5m }
    ·                          ─────────────
    ╰────
  help: a wait has only `name` and `wait`; what it waits for can be an expression: `wait: { until: … }`
"#);
}

#[test]
fn a_decision_is_due_before_the_execution_times_out() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate }
  - { name: b, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate, decide_within: 15m }
  - { name: c, approve: { message: "Go on?" } }
  - { name: d, approve: { message: "Go on?" }, decide_within: 2h }
  - { name: e, approve: { message: "Go on?" }, decide_within: 59s }
  - { name: f, approve: { message: "Go on?" }, decide_within: 5 }
  - { name: g, approve: { message: "Go on?" }, decide_within: 14m }
"#), @r#"
  × the decision can take 1h (the default), and the execution's timeout is 15m
   ╭─[workflows/test.yaml:8:97]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate }
   ·                                                                                                 ────────
   ╰────
  help: decide_within must be shorter than limits.timeout: shorten it, or set limits.timeout to more than 1h

  × the decision can take 15m, and the execution's timeout is 15m
   ╭─[workflows/test.yaml:9:122]
 9 │  - { name: b, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate, decide_within: 15m }
   ·                                                                                                                         ───
   ╰────
  help: decide_within must be shorter than limits.timeout: shorten it, or set limits.timeout to more than
        15m

  × the decision can take 1h (the default), and the execution's timeout is 15m
    ╭─[workflows/test.yaml:10:16]
 10 │   - { name: c, approve: { message: "Go on?" } }
    ·                ───────
    ╰────
  help: decide_within must be shorter than limits.timeout: shorten it, or set limits.timeout to more than 1h

  × the decision can take 2h, and the execution's timeout is 15m
    ╭─[workflows/test.yaml:11:63]
 11 │   - { name: d, approve: { message: "Go on?" }, decide_within: 2h }
    ·                                                               ──
    ╰────
  help: decide_within must be shorter than limits.timeout: shorten it, or set limits.timeout to more than 2h

  × decide_within is out of range
    ╭─[workflows/test.yaml:12:63]
 12 │   - { name: e, approve: { message: "Go on?" }, decide_within: 59s }
    ·                                                               ───
    ╰────
  help: a duration from 1m to 365d belongs here, such as 15m, 2h or 7d

  × decide_within is the number 5, not a duration
    ╭─[workflows/test.yaml:13:63]
 13 │   - { name: f, approve: { message: "Go on?" }, decide_within: 5 }
    ·                                                               ─
    ╰────
  help: a duration from 1m to 365d belongs here, such as 15m, 2h or 7d
"#);
}

#[test]
fn a_for_each_asks_no_person_for_each_item() {
    assert_snapshot!(problems(&format!(r#"{HEAD}limits: {{ timeout: 2h }}
steps:
  - name: each_one
    for_each:
      items: "{{% $input.vendors %}}"
      item_key: "{{% $item.id %}}"
      steps:
        - {{ name: a, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}}, on_failure: escalate, decide_within: 5m }}
        - {{ name: b, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}}, on_failure: continue }}
        - name: both
          parallel:
            - steps: [{{ name: c, approve: {{ message: "{{% $item.id %}}" }} }}]
            - steps: [{{ name: d, wait: 1s }}]
"#)), @r#"
  × `on_failure: escalate` inside a for_each
    ╭─[workflows/test.yaml:14:103]
 14 │         - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate, decide_within: 5m }
    ·                                                                                                       ────────
    ╰────
  help: every item that fails would ask a person, many at once: write `rollback` or `continue`, or let one
        `approve` step after the for_each ask

  × an approve inside a for_each
    ╭─[workflows/test.yaml:18:23]
 18 │             - steps: [{ name: c, approve: { message: "{% $item.id %}" } }]
    ·                       ─
    ╰────
  help: every item would ask a person, many at once: ask once, before or after the for_each
"#);
}

#[test]
fn an_approval_has_no_fields_of_an_action() {
    assert_snapshot!(step_problems(&format!(r#"  - name: a
    approve: {{ message: "Go on?", title: cfo }}
    decide_within: 5m
    rollback: {{}}
    irreversible: true
    retry: {{ max_attempts: 2 }}
    timeout: 5m
    when: "{{% true %}}"
    input: {{}}
    idempotent: false
    on_failure: continue
    message: x
  - {{ name: b, approve: Go on?, decide_within: 5m }}
  - {{ name: c, approve: {{}}, decide_within: 5m }}
  - {{ name: d, approve: {{ message: "" }}, decide_within: 5m }}
  - {{ name: e, approve: {{ message: "Hold {{% $input.vendor_id %}}?" }}, decide_within: 5m }}
  - {{ name: f, approve: {{ message: "{{% $input.vendorid & $f.by %}}" }}, decide_within: 5m }}
  - {{ name: g, approve: {{ message: {} }}, decide_within: 5m }}
  - {{ name: h, approve: {{ message: Go on? }}, wait: 1s }}
"#, "é".repeat(501))), @r#"
  × unknown field `title` in approve
   ╭─[workflows/test.yaml:9:35]
 9 │     approve: { message: "Go on?", title: cfo }
   ·                                   ─────
   ╰────
  help: approve has message, when, by, count, distinct_groups, remind_every

  × an `approve` step cannot have `rollback`
    ╭─[workflows/test.yaml:11:5]
 11 │     rollback: {}
    ·     ────────
    ╰────
  help: a decision has no effect that could be undone: leave it out

  × an `approve` step cannot have `irreversible`
    ╭─[workflows/test.yaml:12:5]
 12 │     irreversible: true
    ·     ────────────
    ╰────
  help: a decision has no effect that could be undone: leave it out

  × an `approve` step cannot have `retry`
    ╭─[workflows/test.yaml:13:5]
 13 │     retry: { max_attempts: 2 }
    ·     ─────
    ╰────
  help: a person is asked once, without a retry: leave it out

  × an `approve` step cannot have `timeout`
    ╭─[workflows/test.yaml:14:5]
 14 │     timeout: 5m
    ·     ───────
    ╰────
  help: there are no attempts; how long the decision may take is `decide_within: 4h`

  × an `approve` step cannot have `when`
    ╭─[workflows/test.yaml:15:5]
 15 │     when: "{% true %}"
    ·     ────
    ╰────
  help: write it inside: `approve: { message: …, when: … }`

  × an `approve` step cannot have `input`
    ╭─[workflows/test.yaml:16:5]
 16 │     input: {}
    ·     ─────
    ╰────
  help: what the person is asked is `approve: { message: … }`

  × an `approve` step cannot have `idempotent`
    ╭─[workflows/test.yaml:17:5]
 17 │     idempotent: false
    ·     ──────────
    ╰────
  help: it calls nothing: leave it out

  × an `approve` step cannot have `on_failure`
    ╭─[workflows/test.yaml:18:5]
 18 │     on_failure: continue
    ·     ──────────
    ╰────
  help: a refusal, or silence until `decide_within` is over, rolls back: leave it out

  × unknown field `message` in step `a`
    ╭─[workflows/test.yaml:19:5]
 19 │     message: x
    ·     ───────
    ╰────
  help: it has name, approve, decide_within

  × approve is the text "Go on?"
    ╭─[workflows/test.yaml:20:25]
 20 │   - { name: b, approve: Go on?, decide_within: 5m }
    ·                         ──────
    ╰────
  help: a mapping belongs here: `name: value` lines

  × approve has no `message`
    ╭─[workflows/test.yaml:21:25]
 21 │   - { name: c, approve: {}, decide_within: 5m }
    ·                         ─
    ╰────
  help: add `message: "{% 'Hold ' & $input.vendor_id & '?' %}"`

  × message is an empty text
    ╭─[workflows/test.yaml:22:36]
 22 │   - { name: d, approve: { message: "" }, decide_within: 5m }
    ·                                    ──
    ╰────
  help: write `a text, or "{% $input.name %}"`

  × an expression as a part of a text
    ╭─[workflows/test.yaml:23:42]
 23 │   - { name: e, approve: { message: "Hold {% $input.vendor_id %}?" }, decide_within: 5m }
    ·                                          ──
    ╰────
  help: an expression is the whole text: "{% 'vendor ' & $input.vendor_id %}"

  × `$input` has no field `vendorid`
    ╭─[workflows/test.yaml:24:40]
 24 │   - { name: f, approve: { message: "{% $input.vendorid & $f.by %}" }, decide_within: 5m }
    ·                                        ───────────────
    ╰────
  help: did you mean `vendor_id`? $input has vendor_id, days, vendors

  × `$f` is this step's own output
    ╭─[workflows/test.yaml:24:58]
 24 │   - { name: f, approve: { message: "{% $input.vendorid & $f.by %}" }, decide_within: 5m }
    ·                                                          ──
    ╰────
  help: use the output of an earlier step

  × message has 501 characters
    ╭─[workflows/test.yaml:25:36]
 25 │   - { name: g, approve: { message: éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé
    ·                                    ────────────────────────────────────────────────────────────────────────────────
    ╰────
  help: at most 500: ask the question, and leave the rest to a link

  × step `h` has `wait` and `approve`
    ╭─[workflows/test.yaml:26:5]
 26 │   - { name: h, approve: { message: Go on? }, wait: 1s }
    ·     ─
    ╰────
  help: a step is one of action, wait, approve, parallel, for_each, choose, stop: make two steps
"#);
}
