//! Tests of mistakes in guardrails besides assertions: hours, freezes, approval, budgets, limits.

use insta::assert_snapshot;

use super::{definition, problems};

#[test]
fn hours_and_freezes_need_real_times_and_zones() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: { type: object }
hours:
  - { zone: Europe/Berlln, days: [mon-fry, sun], from: "8:00", to: "24:30" }
  - { days: [], from: "08:00", to: "08:00" }
freeze:
  - { zone: Europe/Berlin, from: 2026-12-27T00:00, to: 2026-12-24T00:00, reason: closed }
  - { zone: Europe/Berlin, from: 24.12.2026, to: 2026-12-27T00:00, reason: "{% $input.why %}" }
  - { zone: UTC, until: tomorrow }
steps:
  - name: pause
    wait: 1s
"#), @r#"
  × `Europe/Berlln` is not a time zone
   ╭─[workflows/test.yaml:5:13]
 5 │   - { zone: Europe/Berlln, days: [mon-fry, sun], from: "8:00", to: "24:30" }
   ·             ─────────────
   ╰────
  help: an IANA name such as Europe/Berlin, or UTC

  × `mon-fry` is not a day
   ╭─[workflows/test.yaml:5:35]
 5 │   - { zone: Europe/Berlln, days: [mon-fry, sun], from: "8:00", to: "24:30" }
   ·                                   ───────
   ╰────
  help: mon, tue, wed, thu, fri, sat, sun, or from one to another: mon-fri

  × `8:00` is not a time of day
   ╭─[workflows/test.yaml:5:56]
 5 │   - { zone: Europe/Berlln, days: [mon-fry, sun], from: "8:00", to: "24:30" }
   ·                                                        ──────
   ╰────
  help: two digits each: `from: "08:00"`

  × `24:30` is not a time of day
   ╭─[workflows/test.yaml:5:68]
 5 │   - { zone: Europe/Berlln, days: [mon-fry, sun], from: "8:00", to: "24:30" }
   ·                                                                    ───────
   ╰────
  help: two digits each: `to: "18:00"`

  × hours has no `zone`
   ╭─[workflows/test.yaml:6:5]
 6 │   - { days: [], from: "08:00", to: "08:00" }
   ·     ─
   ╰────
  help: add `zone: Europe/Berlin`

  × hours that end when they begin
   ╭─[workflows/test.yaml:6:5]
 6 │   - { days: [], from: "08:00", to: "08:00" }
   ·     ─
   ╰────
  help: leave hours out for any time; the end of a day is "24:00"

  × days is an empty list
   ╭─[workflows/test.yaml:6:13]
 6 │   - { days: [], from: "08:00", to: "08:00" }
   ·             ─
   ╰────
  help: give it an entry, or leave the field out

  × a freeze that ends before it begins
   ╭─[workflows/test.yaml:8:5]
 8 │   - { zone: Europe/Berlin, from: 2026-12-27T00:00, to: 2026-12-24T00:00, reason: closed }
   ·     ─
   ╰────
  help: swap from and to

  × an expression in reason
   ╭─[workflows/test.yaml:9:76]
 9 │   - { zone: Europe/Berlin, from: 24.12.2026, to: 2026-12-27T00:00, reason: "{% $input.why %}" }
   ·                                                                            ──────────────────
   ╰────
  help: only plain values belong here

  × a freeze has no `from`
    ╭─[workflows/test.yaml:10:5]
 10 │   - { zone: UTC, until: tomorrow }
    ·     ─
    ╰────
  help: add `from: 2026-12-24T00:00`

  × a freeze has no `to`
    ╭─[workflows/test.yaml:10:5]
 10 │   - { zone: UTC, until: tomorrow }
    ·     ─
    ╰────
  help: add `to: 2026-12-27T00:00`

  × a freeze has no `reason`
    ╭─[workflows/test.yaml:10:5]
 10 │   - { zone: UTC, until: tomorrow }
    ·     ─
    ╰────
  help: add `reason: year-end closing`

  × unknown field `until` in a freeze
    ╭─[workflows/test.yaml:10:18]
 10 │   - { zone: UTC, until: tomorrow }
    ·                  ─────
    ╰────
  help: a freeze has zone, from, to, reason
"#);
}

#[test]
fn budgets_and_limits_are_exact_and_have_unique_names() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: { type: object, additionalProperties: false, properties: { amount: { type: number } } }
guardrails:
  - { name: held_amount, assert: "{% $now() > '2026' %}", message: not yet }
  - { name: hours, assert: "{% $approval.by = $tenant %}", message: never }
approval: maybe
budget:
  - { name: held_amount, amount: "{% $input.amonut * $random() %}", limit: 0.00001, per: fortnight }
  - { name: calls, amount: -1, limit: 200000000000, per: day, zone: Mars/Phobos }
limits: { concurrent_executions: 0, starts_per_minute: many, concurrent: 3 }
steps:
  - name: pause
    wait: 1s
when_paused: qeueu
"#), @r#"
  × `$now` in assert differs between attempts, and all attempts must yield the same
   ╭─[workflows/test.yaml:5:38]
 5 │   - { name: held_amount, assert: "{% $now() > '2026' %}", message: not yet }
   ·                                      ────
   ╰────
  help: `$execution.started_at` stays the same; or put the moment into the input or into an earlier step's
        output

  × `hours` is the name of a check of the engine in receipts
   ╭─[workflows/test.yaml:6:13]
 6 │   - { name: hours, assert: "{% $approval.by = $tenant %}", message: never }
   ·             ─────
   ╰────
  help: another name, such as short_hold

  × `$approval` has no field `by`
   ╭─[workflows/test.yaml:6:32]
 6 │   - { name: hours, assert: "{% $approval.by = $tenant %}", message: never }
   ·                                ────────────
   ╰────
  help: $approval has approved_by, approved_at, expires_at, input_sha256, reference

  × approval is the text "maybe"
   ╭─[workflows/test.yaml:7:11]
 7 │ approval: maybe
   ·           ─────
   ╰────
  help: it is one of required

  × a second budget is called `held_amount`
   ╭─[workflows/test.yaml:9:13]
 9 │   - { name: held_amount, amount: "{% $input.amonut * $random() %}", limit: 0.00001, per: fortnight }
   ·             ───────────
   ╰────
  help: the first is on line 5: every budget has a name of its own

  × `$input` has no field `amonut`
   ╭─[workflows/test.yaml:9:38]
 9 │   - { name: held_amount, amount: "{% $input.amonut * $random() %}", limit: 0.00001, per: fortnight }
   ·                                      ─────────────
   ╰────
  help: did you mean `amount`? $input has amount

  × `$random` in amount differs between attempts, and all attempts must yield the same
   ╭─[workflows/test.yaml:9:54]
 9 │   - { name: held_amount, amount: "{% $input.amonut * $random() %}", limit: 0.00001, per: fortnight }
   ·                                                      ───────
   ╰────
  help: put the value into the input, or into an earlier step's output

  × limit is the number 0.00001
   ╭─[workflows/test.yaml:9:76]
 9 │   - { name: held_amount, amount: "{% $input.amonut * $random() %}", limit: 0.00001, per: fortnight }
   ·                                                                            ───────
   ╰────
  help: an amount has at most 4 places behind the point: $round(…, 2)

  × per is the text "fortnight"
   ╭─[workflows/test.yaml:9:90]
 9 │   - { name: held_amount, amount: "{% $input.amonut * $random() %}", limit: 0.00001, per: fortnight }
   ·                                                                                          ─────────
   ╰────
  help: it is one of hour, day, week, month

  × amount is the number -1
    ╭─[workflows/test.yaml:10:28]
 10 │   - { name: calls, amount: -1, limit: 200000000000, per: day, zone: Mars/Phobos }
    ·                            ──
    ╰────
  help: an amount is never negative

  × limit is the number 200000000000
    ╭─[workflows/test.yaml:10:39]
 10 │   - { name: calls, amount: -1, limit: 200000000000, per: day, zone: Mars/Phobos }
    ·                                       ────────────
    ╰────
  help: an amount is at most 100000000000

  × `Mars/Phobos` is not a time zone
    ╭─[workflows/test.yaml:10:69]
 10 │   - { name: calls, amount: -1, limit: 200000000000, per: day, zone: Mars/Phobos }
    ·                                                                     ───────────
    ╰────
  help: an IANA name such as Europe/Berlin, or UTC

  × limits.concurrent_executions is the number 0
    ╭─[workflows/test.yaml:11:34]
 11 │ limits: { concurrent_executions: 0, starts_per_minute: many, concurrent: 3 }
    ·                                  ─
    ╰────
  help: a whole number from 1 to 1000000 belongs here

  × limits.starts_per_minute is the text "many"
    ╭─[workflows/test.yaml:11:56]
 11 │ limits: { concurrent_executions: 0, starts_per_minute: many, concurrent: 3 }
    ·                                                        ────
    ╰────
  help: a whole number from 1 to 1000000 belongs here

  × unknown field `concurrent` in limits
    ╭─[workflows/test.yaml:11:62]
 11 │ limits: { concurrent_executions: 0, starts_per_minute: many, concurrent: 3 }
    ·                                                              ──────────
    ╰────
  help: did you mean `concurrent_executions`? limits has timeout, concurrent_executions, starts_per_minute

  × when_paused is the text "qeueu"
    ╭─[workflows/test.yaml:15:14]
 15 │ when_paused: qeueu
    ·              ─────
    ╰────
  help: it is one of refuse, queue
"#);
}

#[test]
fn a_trigger_brings_the_approval_that_its_workflow_requires() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: { type: object }
approval: required
triggers:
  - { schedule: rate(1 hour), tenant: acme }
  - { event: { source: [a] }, tenant: acme, idempotency_key: "{% $event.id %}" }
  - event: { source: [b] }
    tenant: acme
    idempotency_key: "{% $event.id %}"
    requested_by: "{% $input.by %}"
    approval: { approved_by: "{% $event.detail.by %}" }
steps:
  - name: pause
    wait: 1s
"#), @r#"
  × a schedule cannot bring the approval that every start needs
   ╭─[workflows/test.yaml:6:7]
 6 │   - { schedule: rate(1 hour), tenant: acme }
   ·       ────────
   ╰────
  help: start it by an event or by the API, or leave out `approval: required`

  × every start needs an approval, and this trigger has no `approval`
   ╭─[workflows/test.yaml:7:5]
 7 │   - { event: { source: [a] }, tenant: acme, idempotency_key: "{% $event.id %}" }
   ·     ─
   ╰────
  help: add `approval: "{% $event.detail.approval %}"`

  × every start needs an approval, and this trigger has no `requested_by`
   ╭─[workflows/test.yaml:7:5]
 7 │   - { event: { source: [a] }, tenant: acme, idempotency_key: "{% $event.id %}" }
   ·     ─
   ╰────
  help: add `requested_by: "{% $event.detail.requested_by %}"`

  × there is no `$input`
    ╭─[workflows/test.yaml:11:23]
 11 │     requested_by: "{% $input.by %}"
    ·                       ──────
    ╰────
  help: you can use $event

  × an approval without a signature, which this workflow rejects
    ╭─[workflows/test.yaml:12:15]
 12 │     approval: { approved_by: "{% $event.detail.by %}" }
    ·               ─
    ╰────
  help: write `approval: { jws: "{% $event.detail.jws %}" }`, or add `unsigned_approvals: true`
"#);
}

#[test]
fn unsigned_approvals_count_only_where_an_approval_is_required() {
    let yaml = |rules: &str, approval: &str| {
        format!(
            r#"workflow: WF-A
version: 1
input: {{ type: object }}
{rules}
triggers:
  - event: {{ source: [b] }}
    tenant: acme
    idempotency_key: "{{% $event.id %}}"
    requested_by: "{{% $event.detail.by %}}"
    approval: {approval}
steps:
  - name: pause
    wait: 1s
"#
        )
    };
    let (signed, unsigned) = (
        r#"{ jws: "{% $event.detail.jws %}" }"#,
        r#"{ approved_by: "{% $event.detail.by %}" }"#,
    );
    for (rules, approval) in [
        ("approval: required", signed),
        ("approval: required\nunsigned_approvals: true", unsigned),
        ("approval: required\nunsigned_approvals: false", signed),
    ] {
        definition(&yaml(rules, approval));
    }
    assert!(problems(&yaml("unsigned_approvals: true", signed)).contains("without an approval"));
    let off = yaml("approval: required\nunsigned_approvals: false", unsigned);
    assert!(problems(&off).contains("an approval without a signature"));
}
