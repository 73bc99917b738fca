//! Tests of mistakes in triggers: events, schedules, and how they become a start.

use insta::assert_snapshot;

use super::{HEAD, definition, problems, read_with_warnings};

/// Returns the problems of triggers in a workflow that is otherwise correct.
fn trigger_problems(triggers: &str) -> String {
    problems(&format!(
        "{HEAD}tenants: [acme]\ntriggers:\n{triggers}steps: [{{ name: a, wait: 1s }}]\n"
    ))
}

#[test]
fn a_trigger_is_an_event_or_a_schedule() {
    assert_snapshot!(trigger_problems(r#"  - { tenant: acme }
  - { event: { source: [a] }, schedule: rate(1 hour), tenant: acme, idempotency_key: "{% $event.id %}" }
  - { event: { source: [a] }, timezone: UTC, tenant: acme, idempotency_key: "{% $event.id %}" }
"#), @r#"
  × a trigger with neither `event` nor `schedule`
   ╭─[workflows/test.yaml:9:5]
 9 │   - { tenant: acme }
   ·     ─
   ╰────
  help: one of them: `event: { source: [finops.risk] }` or `schedule: "rate(1 hour)"`

  × a trigger with both `event` and `schedule`
    ╭─[workflows/test.yaml:10:5]
 10 │   - { event: { source: [a] }, schedule: rate(1 hour), tenant: acme, idempotency_key: "{% $event.id %}" }
    ·     ─
    ╰────
  help: one of them: `event: { source: [finops.risk] }` or `schedule: "rate(1 hour)"`

  × an event has no `timezone`
    ╭─[workflows/test.yaml:11:31]
 11 │   - { event: { source: [a] }, timezone: UTC, tenant: acme, idempotency_key: "{% $event.id %}" }
    ·                               ────────
    ╰────
  help: leave it out; only a schedule has one
"#);
}

#[test]
fn an_event_needs_a_tenant_and_a_business_key() {
    assert_snapshot!(trigger_problems(r#"  - event: { source: [a] }
"#), @r#"
  × a trigger has no `tenant`
   ╭─[workflows/test.yaml:9:5]
 9 │   - event: { source: [a] }
   ·     ──────────────────────
   ╰────
  help: add `tenant: "{% $event.detail.tenant_id %}"`

  × an event trigger has no `idempotency_key`
   ╭─[workflows/test.yaml:9:5]
 9 │   - event: { source: [a] }
   ·     ──────────────────────
   ╰────
  help: add a business key, since an event's id changes when its producer retries: `idempotency_key: "{%
        $event.detail.order_id %}"`
"#);
}

#[test]
fn an_event_pattern_holds_lists() {
    assert_snapshot!(trigger_problems(r#"  - event: { source: finops, detail_type: [A], detail: { state: open, empty: [] } }
    tenant: acme
    idempotency_key: "{% $event.id %}"
  - event: { resources: ["{% $now() %}"] }
    tenant: acme
    idempotency_key: "{% $event.id %}"
  - event: {}
    tenant: acme
    idempotency_key: "{% $event.id %}"
"#), @r#"
  × `source` in an event pattern is the text "finops"
   ╭─[workflows/test.yaml:9:22]
 9 │   - event: { source: finops, detail_type: [A], detail: { state: open, empty: [] } }
   ·                      ──────
   ╰────
  help: EventBridge wants a list of what may match: [VendorRiskRaised]

  × unknown field `detail_type` in an event pattern
   ╭─[workflows/test.yaml:9:30]
 9 │   - event: { source: finops, detail_type: [A], detail: { state: open, empty: [] } }
   ·                              ───────────
   ╰────
  help: did you mean `detail-type`? an event pattern has source, detail-type, detail, account, region,
        resources, version, id, time, $or

  × `state` in an event pattern is the text "open"
   ╭─[workflows/test.yaml:9:65]
 9 │   - event: { source: finops, detail_type: [A], detail: { state: open, empty: [] } }
   ·                                                                 ────
   ╰────
  help: EventBridge wants a list of what may match: [VendorRiskRaised]

  × `empty` in an event pattern is a list
   ╭─[workflows/test.yaml:9:78]
 9 │   - event: { source: finops, detail_type: [A], detail: { state: open, empty: [] } }
   ·                                                                              ─
   ╰────
  help: EventBridge wants a list of what may match: [VendorRiskRaised]

  × an expression in an event pattern
    ╭─[workflows/test.yaml:12:26]
 12 │   - event: { resources: ["{% $now() %}"] }
    ·                          ──────────────
    ╰────
  help: only plain values belong here

  × an event pattern that matches every event
    ╭─[workflows/test.yaml:15:12]
 15 │   - event: {}
    ·            ─
    ╰────
  help: add `source: [finops.risk]`
"#);
}

#[test]
fn the_default_key_of_a_schedule_names_its_trigger() {
    let schedules = "\
tenants: [acme]
triggers:
  - { name: daily, schedule: cron(0 2 * * ? *), tenant: acme }
  - { name: monthly, schedule: cron(0 2 1 * ? *), tenant: acme }
steps: [{ name: a, wait: 1s }]
";
    let triggers = definition(&format!("{HEAD}{schedules}")).triggers;
    let keys: Vec<_> = triggers
        .iter()
        .map(|trigger| trigger.idempotency_key.content().trim())
        .collect();
    assert_eq!(
        keys,
        ["'daily/' & $scheduled_time", "'monthly/' & $scheduled_time"]
    );
}

#[test]
fn two_triggers_whose_keys_can_meet_are_warned_about() {
    let warnings = |second_tenant: &str, second_key: &str| {
        let triggers = format!(
            "tenants: [acme, other]
triggers:
  - {{ name: daily, schedule: cron(0 2 * * ? *), tenant: acme, idempotency_key: \"{{% $scheduled_time %}}\" }}
  - {{ schedule: cron(0 2 1 * ? *), tenant: {second_tenant}{second_key} }}
steps: [{{ name: a, wait: 1s }}]
"
        );
        let (_, warnings) = read_with_warnings(&format!("{HEAD}{triggers}")).expect("it is right");
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let same = ", idempotency_key: \"{% $scheduled_time %}\"";
    let found = warnings("acme", same);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("trigger `daily` has the same"),
        "{found:?}"
    );
    assert_eq!(warnings("other", same), [""; 0], "another tenant");
    assert_eq!(
        warnings("acme", ""),
        [""; 0],
        "the default names the trigger"
    );
}

#[test]
fn a_constant_idempotency_key_is_refused() {
    assert_snapshot!(trigger_problems(r#"  - { event: { source: [a] }, tenant: acme, idempotency_key: always }
"#), @r#"
  × the same idempotency key for every start: only the first would run
   ╭─[workflows/test.yaml:9:62]
 9 │   - { event: { source: [a] }, tenant: acme, idempotency_key: always }
   ·                                                              ──────
   ╰────
  help: take what tells one occasion from the next: "{% $event.detail.order_id %}", "{% $scheduled_time %}"
"#);
}

#[test]
fn a_literal_tenant_must_be_among_the_tenants() {
    assert_snapshot!(trigger_problems(r#"  - { schedule: rate(1 day), tenant: acmee }
  - { schedule: rate(1 day), tenant: Not A Tenant }
"#), @r#"
  × this workflow is not open to tenant `acmee`
   ╭─[workflows/test.yaml:9:38]
 9 │   - { schedule: rate(1 day), tenant: acmee }
   ·                                      ─────
   ╰────
  help: did you mean `acme`? `tenants` lists acme

  × `Not A Tenant` is not a tenant name
    ╭─[workflows/test.yaml:10:38]
 10 │   - { schedule: rate(1 day), tenant: Not A Tenant }
    ·                                      ────────────
    ╰────
  help: 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit: acme
"#);
}

#[test]
fn the_form_of_schedules_and_time_zones_is_checked() {
    assert_snapshot!(trigger_problems(r#"  - { schedule: every hour, tenant: acme }
  - { schedule: rate(1 hours), tenant: acme }
  - { schedule: cron(0 2 * * *), tenant: acme }
  - { schedule: cron(0 2 * * * *), tenant: acme }
  - { schedule: cron(0 25 * * ? *), tenant: acme }
  - { schedule: cron(0 2 * * ? $), tenant: acme, timezone: Berlin }
"#), @r#"
  × `every hour` is not a schedule
   ╭─[workflows/test.yaml:9:17]
 9 │   - { schedule: every hour, tenant: acme }
   ·                 ──────────
   ╰────
  help: rate(1 hour), or cron(0 2 * * ? *) for two o'clock every night

  × `rate(1 hours)` is not a schedule
    ╭─[workflows/test.yaml:10:17]
 10 │   - { schedule: rate(1 hours), tenant: acme }
    ·                 ─────────────
    ╰────
  help: rate(N unit): a whole number from 1, and minute, hour or day (minutes, hours, days from 2)

  × `cron(0 2 * * *)` is not a schedule
    ╭─[workflows/test.yaml:11:17]
 11 │   - { schedule: cron(0 2 * * *), tenant: acme }
    ·                 ───────────────
    ╰────
  help: cron has six fields (minute, hour, day of month, month, day of week, year), one space between them,
        and this has 5: cron(0 2 * * ? *)

  × `cron(0 2 * * * *)` is not a schedule
    ╭─[workflows/test.yaml:12:17]
 12 │   - { schedule: cron(0 2 * * * *), tenant: acme }
    ·                 ─────────────────
    ╰────
  help: one of day of month and day of week must be ?, and only one: cron(0 2 * * ? *)

  × `cron(0 25 * * ? *)` is not a schedule
    ╭─[workflows/test.yaml:13:17]
 13 │   - { schedule: cron(0 25 * * ? *), tenant: acme }
    ·                 ──────────────────
    ╰────
  help: the hour `25` must lie between 0 and 23

  × `cron(0 2 * * ? $)` is not a schedule
    ╭─[workflows/test.yaml:14:17]
 14 │   - { schedule: cron(0 2 * * ? $), tenant: acme, timezone: Berlin }
    ·                 ─────────────────
    ╰────
  help: the year `$` must lie between 1970 and 2199

  × `Berlin` is not a time zone
    ╭─[workflows/test.yaml:14:60]
 14 │   - { schedule: cron(0 2 * * ? $), tenant: acme, timezone: Berlin }
    ·                                                            ──────
    ╰────
  help: an IANA name such as Europe/Berlin belongs here; leave it out for UTC
"#);
}

#[test]
fn a_trigger_sees_its_own_event_or_time() {
    assert_snapshot!(trigger_problems(r#"  - name: one
    schedule: rate(1 day)
    tenant: "{% $event.detail.tenant %}"
  - name: one
    event: { source: [a] }
    tenant: "{% $events.detail.tenant %}"
    idempotency_key: "{% $scheduled_time %}"
    input: { vendor: "{% $input.vendor_id %}" }
"#), @r#"
  × `$event` exists only in a trigger by event
    ╭─[workflows/test.yaml:11:17]
 11 │     tenant: "{% $event.detail.tenant %}"
    ·                 ──────
    ╰────
  help: you can use $scheduled_time

  × a second trigger is called `one`
    ╭─[workflows/test.yaml:12:11]
 12 │   - name: one
    ·           ───
    ╰────
  help: the first is on line 9: every trigger has a name of its own

  × there is no `$events`
    ╭─[workflows/test.yaml:14:17]
 14 │     tenant: "{% $events.detail.tenant %}"
    ·                 ───────
    ╰────
  help: did you mean `$event`? you can use $event

  × `$scheduled_time` exists only in a trigger by time
    ╭─[workflows/test.yaml:15:26]
 15 │     idempotency_key: "{% $scheduled_time %}"
    ·                          ───────────────
    ╰────
  help: you can use $event

  × the workflow's input has no field `vendor`
    ╭─[workflows/test.yaml:16:14]
 16 │     input: { vendor: "{% $input.vendor_id %}" }
    ·              ──────
    ╰────
  help: did you mean `vendors`? the workflow's input has vendor_id, days, vendors

  × there is no `$input`
    ╭─[workflows/test.yaml:16:26]
 16 │     input: { vendor: "{% $input.vendor_id %}" }
    ·                          ──────
    ╰────
  help: you can use $event
"#);
}

#[test]
fn a_triggers_input_fits_the_workflows_input() {
    assert_snapshot!(trigger_problems(r#"  - schedule: rate(1 day)
    tenant: acme
    input: { days: many, vendorid: v }
"#), @r#"
  × `days` in the workflow's input: the text "many" is not of type "integer"
    ╭─[workflows/test.yaml:11:20]
 11 │     input: { days: many, vendorid: v }
    ·                    ────
    ╰────
  help: the schema says what would be right

  × the workflow's input has no field `vendorid`
    ╭─[workflows/test.yaml:11:26]
 11 │     input: { days: many, vendorid: v }
    ·                          ────────
    ╰────
  help: did you mean `vendor_id`? the workflow's input has vendor_id, days, vendors
"#);
}

#[test]
fn a_trigger_with_a_name_of_holdfasts_own_starts_is_refused() {
    for name in ["api", "direct", "redrive"] {
        let triggers = format!(
            "tenants: [acme]
triggers:
  - {{ name: {name}, schedule: cron(0 2 * * ? *), tenant: acme }}
steps: [{{ name: a, wait: 1s }}]
"
        );
        let refused = read_with_warnings(&format!("{HEAD}{triggers}"));
        let refused = format!("{:?}", refused.expect_err("it is refused"));
        assert!(refused.contains("cannot be a trigger's name"), "{refused}");
    }
}

#[test]
fn a_trigger_has_no_clock_and_no_chance_since_a_repeated_event_is_the_same_start() {
    for field in [
        "tenant",
        "idempotency_key",
        "requested_by",
        "input",
        "approval",
    ] {
        for function in ["now", "millis", "random", "uuid", "shuffle"] {
            let values = [
                "tenant",
                "idempotency_key",
                "requested_by",
                "input",
                "approval",
            ]
            .map(|name| {
                let value = match name == field {
                    true => format!("{{% $string(${function}()) %}}"),
                    false => "{% $event.id %}".to_owned(),
                };
                format!("{name}: \"{value}\"")
            });
            let trigger = format!(
                "  - {{ event: {{ source: [a] }}, {} }}\n",
                values.join(", ")
            );
            let drawn = trigger_problems(&trigger);
            let expected = match function {
                "uuid" => "the function `$uuid` exists only in steps".to_owned(),
                _ => format!("`${function}` in a trigger differs between attempts"),
            };
            assert!(drawn.contains(&expected), "{field}: {drawn}");
        }
    }
}
