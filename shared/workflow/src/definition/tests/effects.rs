//! Tests of mistakes in an action step: its input, its undo, its attempts and their time.

use insta::assert_snapshot;

use super::{HEAD, definition, step_problems};

#[test]
fn the_literal_part_of_an_input_is_checked() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, rollback: {} }
  - { name: b, action: vendor-hold, input: { vendor: v, days: many }, rollback: {} }
  - { name: c, action: vendor-hold, input: { vendor_id: "{% $input.vendor_id %}", days: -1 }, rollback: {} }
  - { name: d, action: http, input: { method: FETCH, url: "${VendorSystemUrl}/a", auth: { secrt: a } }, irreversible: true }
"#), @r#"
  × step `a` has no `input`, and the input of action vendor-hold lacks `vendor_id`
   ╭─[workflows/test.yaml:8:5]
 8 │   - { name: a, action: vendor-hold, rollback: {} }
   ·     ─
   ╰────
  help: add `vendor_id: …`: The vendor's id in the vendor system.

  × step `a` has no `input`, and the input of action vendor-hold lacks `days`
   ╭─[workflows/test.yaml:8:5]
 8 │   - { name: a, action: vendor-hold, rollback: {} }
   ·     ─
   ╰────
  help: add `days: …`: How many days the hold lasts.

  × the input of action vendor-hold lacks `vendor_id`
   ╭─[workflows/test.yaml:9:44]
 9 │   - { name: b, action: vendor-hold, input: { vendor: v, days: many }, rollback: {} }
   ·                                            ─
   ╰────
  help: add `vendor_id: …`: The vendor's id in the vendor system.

  × the input of action vendor-hold has no field `vendor`
   ╭─[workflows/test.yaml:9:46]
 9 │   - { name: b, action: vendor-hold, input: { vendor: v, days: many }, rollback: {} }
   ·                                              ──────
   ╰────
  help: did you mean `vendor_id`? the input of action vendor-hold has vendor_id, days, reason

  × `days` in the input of action vendor-hold: the text "many" is not of type "integer"
   ╭─[workflows/test.yaml:9:63]
 9 │   - { name: b, action: vendor-hold, input: { vendor: v, days: many }, rollback: {} }
   ·                                                               ────
   ╰────
  help: How many days the hold lasts.

  × `days` in the input of action vendor-hold: the number -1 is less than the minimum of 0
    ╭─[workflows/test.yaml:10:89]
 10 │   - { name: c, action: vendor-hold, input: { vendor_id: "{% $input.vendor_id %}", days: -1 }, rollback: {} }
    ·                                                                                         ──
    ╰────
  help: How many days the hold lasts.

  × `method` in the input of action http is the text "FETCH"
    ╭─[workflows/test.yaml:11:47]
 11 │   - { name: d, action: http, input: { method: FETCH, url: "${VendorSystemUrl}/a", auth: { secrt: a } }, irreversible: true }
    ·                                               ─────
    ╰────
  help: it is one of GET, POST, PUT, PATCH, DELETE

  × `auth` in the input of action http lacks `secret`
    ╭─[workflows/test.yaml:11:89]
 11 │   - { name: d, action: http, input: { method: FETCH, url: "${VendorSystemUrl}/a", auth: { secrt: a } }, irreversible: true }
    ·                                                                                         ─
    ╰────
  help: add `secret: …`: The secret's name. Its text is sent unchanged.

  × `auth` in the input of action http has no field `secrt`
    ╭─[workflows/test.yaml:11:91]
 11 │   - { name: d, action: http, input: { method: FETCH, url: "${VendorSystemUrl}/a", auth: { secrt: a } }, irreversible: true }
    ·                                                                                           ─────
    ╰────
  help: did you mean `secret`? `auth` in the input of action http has secret, header, scheme
"#);
}

#[test]
fn a_step_declares_a_rollback_or_that_it_is_irreversible() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 } }
  - { name: b, action: http, input: { method: PUT, url: u } }
  - { name: c, action: http, input: { method: PUT, url: u }, irreversible: true, rollback: { input: { method: PUT, url: u } } }
  - { name: d, action: vendor-hold, input: { vendor_id: v, days: 1 }, irreversible: false }
"#), @r#"
  × step `a` has neither `rollback` nor `irreversible`
   ╭─[workflows/test.yaml:8:5]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 } }
   ·     ─
   ╰────
  help: add `rollback: {}`, the action's own undo, or `irreversible: true`

  × step `b` has neither `rollback` nor `irreversible`
   ╭─[workflows/test.yaml:9:5]
 9 │   - { name: b, action: http, input: { method: PUT, url: u } }
   ·     ─
   ╰────
  help: add `rollback: { input: { … } }`, or `irreversible: true`

  × step `c` has both `rollback` and `irreversible`
    ╭─[workflows/test.yaml:10:62]
 10 │   - { name: c, action: http, input: { method: PUT, url: u }, irreversible: true, rollback: { input: { method: PUT, url: u } } }
    ·                                                              ────────────
    ╰────
  help: keep the one that is true

  × irreversible is not true
    ╭─[workflows/test.yaml:11:85]
 11 │   - { name: d, action: vendor-hold, input: { vendor_id: v, days: 1 }, irreversible: false }
    ·                                                                                     ─────
    ╰────
  help: write `irreversible: true`, or say how to undo: `rollback: {}`
"#);
}

#[test]
fn an_undo_takes_the_input_that_its_action_requires() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: { input: {} } }
  - { name: b, action: http, input: { method: PUT, url: u }, rollback: {} }
  - { name: c, action: http, input: { method: PUT, url: u }, rollback: { input: { method: PUT, ur: u }, when: x } }
"#), @r#"
  × the undo of action vendor-hold takes no input
   ╭─[workflows/test.yaml:8:90]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: { input: {} } }
   ·                                                                                          ─
   ╰────
  help: leave it out: the undo takes what the step did

  × the undo of action http has no input
   ╭─[workflows/test.yaml:9:72]
 9 │   - { name: b, action: http, input: { method: PUT, url: u }, rollback: {} }
   ·                                                                        ─
   ╰────
  help: say what undoes it: `rollback: { input: { … } }`, as the step's own input

  × the rollback's input of action http lacks `url`
    ╭─[workflows/test.yaml:10:81]
 10 │   - { name: c, action: http, input: { method: PUT, url: u }, rollback: { input: { method: PUT, ur: u }, when: x } }
    ·                                                                                 ─
    ╰────
  help: add `url: …`: The address, within what the parameter HttpAllow lists: literal, with the fixed path.

  × the rollback's input of action http has no field `ur`
    ╭─[workflows/test.yaml:10:96]
 10 │   - { name: c, action: http, input: { method: PUT, url: u }, rollback: { input: { method: PUT, ur: u }, when: x } }
    ·                                                                                                ──
    ╰────
  help: did you mean `url`? the rollback's input of action http has method, url, path, query, headers, body,
        auth

  × unknown field `when` in rollback
    ╭─[workflows/test.yaml:10:105]
 10 │   - { name: c, action: http, input: { method: PUT, url: u }, rollback: { input: { method: PUT, ur: u }, when: x } }
    ·                                                                                                         ────
    ╰────
  help: rollback has input, timeout, retry, missing_is_undone
"#);
}

#[test]
fn the_form_of_timeouts_and_retries_is_checked() {
    assert_snapshot!(step_problems(r#"  - name: a
    action: vendor-hold
    input: { vendor_id: v, days: 1 }
    timeout: 30
    retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    idempotent: maybe
    rollback: { timeout: 15m }
  - name: b
    action: vendor-hold
    input: { vendor_id: v, days: 1 }
    retry: { interval: 40s, max_delay: 30s }
    rollback: {}
"#), @r#"
  × timeout is the number 30, not a duration
    ╭─[workflows/test.yaml:11:14]
 11 │     timeout: 30
    ·              ──
    ╰────
  help: a duration from 1s to 14m belongs here, such as 30s

  × max_attempts is the number 0
    ╭─[workflows/test.yaml:12:28]
 12 │     retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    ·                            ─
    ╰────
  help: a whole number from 1 to 100 belongs here

  × interval is the text "500ms", not a duration
    ╭─[workflows/test.yaml:12:41]
 12 │     retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    ·                                         ─────
    ╰────
  help: a duration from 1s to 1d belongs here, such as 30s, 15m or 2h

  × backoff is the number 0.5
    ╭─[workflows/test.yaml:12:57]
 12 │     retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    ·                                                         ───
    ╰────
  help: a number from 1 to 10 belongs here

  × max_delay is out of range
    ╭─[workflows/test.yaml:12:73]
 12 │     retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    ·                                                                         ──
    ╰────
  help: a duration from 1s to 1d belongs here, such as 30s, 15m or 2h

  × jitter is the text "half"
    ╭─[workflows/test.yaml:12:85]
 12 │     retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    ·                                                                                     ────
    ╰────
  help: it is one of full, none

  × unknown field `times` in retry
    ╭─[workflows/test.yaml:12:91]
 12 │     retry: { max_attempts: 0, interval: 500ms, backoff: 0.5, max_delay: 2d, jitter: half, times: 3 }
    ·                                                                                           ─────
    ╰────
  help: retry has max_attempts, interval, backoff, max_delay, jitter

  × idempotent is the text "maybe"
    ╭─[workflows/test.yaml:13:17]
 13 │     idempotent: maybe
    ·                 ─────
    ╰────
  help: write true or false

  × timeout is out of range
    ╭─[workflows/test.yaml:14:26]
 14 │     rollback: { timeout: 15m }
    ·                          ───
    ╰────
  help: a duration from 1s to 14m belongs here, such as 30s

  × max_delay is shorter than interval
    ╭─[workflows/test.yaml:18:40]
 18 │     retry: { interval: 40s, max_delay: 30s }
    ·                                        ───
    ╰────
  help: raise max_delay, or shorten interval
"#);
}

#[test]
fn attempts_and_waits_must_fit_into_the_timeout_of_the_execution() {
    assert_snapshot!(step_problems(r#"  - name: a
    action: vendor-hold
    input: { vendor_id: v, days: 1 }
    timeout: 5m
    retry: { max_attempts: 4 }
    rollback: {}
  - name: b
    action: vendor-hold
    input: { vendor_id: v, days: 1 }
    timeout: 6m
    rollback: { retry: { max_attempts: 2 } }
  - { name: c, wait: 16m }
"#), @r#"
  × 4 attempts of this step can take 21m, longer than the execution's timeout of 15m
    ╭─[workflows/test.yaml:12:5]
 12 │     retry: { max_attempts: 4 }
    ·     ─────
    ╰────
  help: shorten it, or set limits.timeout to 21m or more

  × 3 attempts of this step can take 19m, longer than the execution's timeout of 15m
    ╭─[workflows/test.yaml:17:5]
 17 │     timeout: 6m
    ·     ───────
    ╰────
  help: shorten it, or set limits.timeout to 19m or more

  × this wait can take 16m, longer than the execution's timeout of 15m
    ╭─[workflows/test.yaml:19:22]
 19 │   - { name: c, wait: 16m }
    ·                      ───
    ╰────
  help: shorten it, or set limits.timeout to 16m or more
"#);
}

#[test]
fn only_an_undo_whose_target_may_miss_the_effect_says_what_missing_means() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: { missing_is_undone: true } }
  - { name: b, action: http, input: { method: POST, url: u }, rollback: { input: { method: DELETE, url: u }, missing_is_undone: 1 } }
"#), @r"
  × the target of this action never answers that an effect is missing
   ╭─[workflows/test.yaml:8:83]
 8 │   - { name: a, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: { missing_is_undone: true } }
   ·                                                                                   ─────────────────
   ╰────
  help: leave it out: its undo succeeds even where there is nothing to undo

  × missing_is_undone is the number 1
   ╭─[workflows/test.yaml:9:129]
 9 │ me: b, action: http, input: { method: POST, url: u }, rollback: { input: { method: DELETE, url: u }, missing_is_undone: 1 } }
   ·                                                                                                                         ─
   ╰────
  help: write true or false
");
}

#[test]
fn a_step_that_only_reads_has_nothing_to_undo_and_can_be_repeated() {
    assert_snapshot!(step_problems(r#"  - { name: a, action: http, input: { method: GET, url: u }, irreversible: true }
  - { name: b, action: http, input: { method: GET, url: u }, rollback: { input: { method: PUT, url: u } } }
  - { name: c, action: http, input: { method: POST, url: u }, reads: true, idempotent: false }
  - { name: d, action: http, input: { method: GET, url: u }, reads: false }
"#), @r"
  × step `a` only reads, so that it cannot have `irreversible`
   ╭─[workflows/test.yaml:8:62]
 8 │   - { name: a, action: http, input: { method: GET, url: u }, irreversible: true }
   ·                                                              ────────────
   ╰────
  help: leave it out, or write `reads: false` if the request has an effect

  × step `b` only reads, so that it cannot have `rollback`
   ╭─[workflows/test.yaml:9:62]
 9 │   - { name: b, action: http, input: { method: GET, url: u }, rollback: { input: { method: PUT, url: u } } }
   ·                                                              ────────
   ╰────
  help: leave it out, or write `reads: false` if the request has an effect

  × step `c` only reads, so that it cannot have `idempotent`
    ╭─[workflows/test.yaml:10:76]
 10 │   - { name: c, action: http, input: { method: POST, url: u }, reads: true, idempotent: false }
    ·                                                                            ──────────
    ╰────
  help: leave it out, or write `reads: false` if the request has an effect

  × step `d` has neither `rollback` nor `irreversible`
    ╭─[workflows/test.yaml:11:5]
 11 │   - { name: d, action: http, input: { method: GET, url: u }, reads: false }
    ·     ─
    ╰────
  help: add `rollback: { input: { … } }`, or `irreversible: true`
");
}

#[test]
fn a_get_only_reads_unless_it_says_otherwise() {
    let reads = |step: &str| {
        let yaml = format!("{HEAD}steps: [{{ name: a, action: http, {step} }}]\n");
        let definition = definition(&yaml);
        let (_, action, _) = definition.action_steps()[0];
        (action.reads, action.rollback.is_some())
    };
    assert_eq!(reads("input: { method: GET, url: u }"), (true, false));
    assert_eq!(
        reads("input: { method: GET, url: u }, idempotent: true"),
        (true, false)
    );
    assert_eq!(
        reads("input: { method: POST, url: u }, reads: true"),
        (true, false)
    );
    let effect = "input: { method: GET, url: u }, reads: false, irreversible: true";
    assert_eq!(reads(effect), (false, false));
    let late = "input: { method: \"{% 'GET' %}\", url: u }, irreversible: true";
    assert_eq!(reads(late), (false, false), "the method is not written out");
}
