//! Mistakes in what a start must keep to: hours, freezes, an approval, budgets, limits.

use insta::assert_snapshot;

use crate::project::problems;

#[test]
fn times_are_checked_against_clocks_and_zones_that_there_are() {
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
"#), @"");
}

#[test]
fn budgets_and_limits_are_whole_exact_and_named_apart() {
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
"#), @"");
}

#[test]
fn a_trigger_of_a_workflow_that_needs_an_approval_brings_one() {
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
"#), @"");
}
