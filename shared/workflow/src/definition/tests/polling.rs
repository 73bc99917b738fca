//! Tests of `poll`, and of `on_failure` with codes.

use serde_json::{Value, json};

use super::{HEAD, definition, problems, read_with_warnings};
use crate::{
    compile::machine,
    definition::{ActionStep, OnFailure, StepKind},
};

const GET: &str = "action: http, input: { method: GET, url: \"${VendorSystemUrl}/jobs\" }";
const POST: &str = "action: http, irreversible: true, \
                    input: { method: POST, url: \"${VendorSystemUrl}/jobs\" }";
const PUT: &str = "action: http, irreversible: true, \
                   input: { method: PUT, url: \"${VendorSystemUrl}/jobs\" }";
const UNTIL: &str = "until: \"{% $result.body.done = true %}\"";

fn with(fields: &str) -> String {
    format!("{HEAD}steps: [{{ name: job, {fields} }}]\n")
}

fn step(fields: &str) -> ActionStep {
    let mut steps = definition(&with(fields)).steps;
    match steps.remove(0).kind {
        StepKind::Action(action) => action,
        other => panic!("no action: {other:?}"),
    }
}

#[test]
fn a_poll_bounds_the_attempts_of_its_step() {
    let step = step(&format!(
        "{GET}, poll: {{ {UNTIL}, every: 20s, at_most: 5 }}"
    ));
    let poll = step.poll.expect("a poll");
    assert_eq!((poll.every_s, step.retry.max_attempts), (20, 5));
    // Five attempts of 40 s with the margin, and four delays of 20 s.
    assert_eq!(poll.longest_s(30, &step.retry), 5 * 40 + 4 * 20);
}

#[test]
fn every_mistake_in_a_poll_is_reported() {
    let poll = |fields: &str| format!("{GET}, poll: {{ {fields} }}");
    for (fields, message) in [
        (
            format!("{POST}, poll: {{ {UNTIL}, every: 20s, at_most: 5 }}"),
            "`poll` on a step that does not only read",
        ),
        (poll(&format!("{UNTIL}, every: 20s")), "has no `at_most`"),
        (poll(&format!("{UNTIL}, at_most: 5")), "has no `every`"),
        (poll("every: 20s, at_most: 5"), "has no `until`"),
        (poll(&format!("{UNTIL}, every: 20s, at_most: 1")), "at_most"),
        (
            poll(&format!("{UNTIL}, every: 20s, at_most: 101")),
            "at_most",
        ),
        (
            poll("until: \"{% $input.vendor_id = 'v' %}\", every: 20s, at_most: 5"),
            "`$input`",
        ),
        (
            poll("until: \"{% $result.body.done and $uuid() = '' %}\", every: 20s, at_most: 5"),
            "the function `$uuid` exists only in steps",
        ),
        (
            format!(
                "{}, retry: {{ max_attempts: 4 }}",
                poll(&format!("{UNTIL}, every: 20s, at_most: 5"))
            ),
            "`max_attempts` beside `poll`",
        ),
        (
            poll(&format!("{UNTIL}, every: 5m, at_most: 5")),
            "5 attempts of this poll can take 24m, longer than the execution's timeout of 15m",
        ),
    ] {
        let found = problems(&with(&fields));
        assert!(found.contains(message), "{fields}: {found}");
    }
}

#[test]
fn codes_are_read_as_texts_and_the_plain_form_keeps_its_digest() {
    let step_of = |on_failure: &str| step(&format!("{POST}, on_failure: {on_failure}"));
    let listed = step_of("{ continue: [404, sold_out] }");
    let codes = ["404", "sold_out"].map(str::to_owned).to_vec();
    assert_eq!(listed.on_failure, OnFailure::ContinueOn(codes));
    let plain = serde_json::to_value(step_of("continue")).expect("JSON");
    assert_eq!(plain["on_failure"], json!("continue"));
}

#[test]
fn every_mistake_in_a_list_of_codes_is_reported() {
    let of = |call: &str, codes: &str| format!("{call}, on_failure: {{ {codes} }}");
    for (fields, message) in [
        (of(POST, "continue: []"), "continue"),
        (of(POST, "continue: 404"), "continue"),
        (of(POST, "proceed: [404]"), "unknown field `proceed`"),
        (of(POST, "continue: [40]"), "a status"),
        (of(POST, "continue: [a-b]"), "`a-b` is no code of a failure"),
        (of(POST, "continue: [404, 404]"), "404"),
        (of(POST, "continue: [503]"), "an answer 503 never proves"),
        (of(PUT, "continue: [404]"), "an answer 404 never proves"),
    ] {
        let found = problems(&with(&fields));
        assert!(found.contains(message), "{fields}: {found}");
    }
    definition(&with(&of(GET, "continue: [404, 503]")));
}

#[test]
fn an_expression_that_needs_the_answer_of_a_step_with_codes_gets_a_warning() {
    let workflow = format!(
        "{HEAD}steps:\n  - {{ name: job, {POST}, on_failure: {{ continue: [409] }} }}\n  \
         - {{ name: hold, action: vendor-hold, rollback: {{}}, \
         input: {{ vendor_id: \"{{% $job.body.id %}}\", days: 1 }} }}\n"
    );
    let (_, warnings) = read_with_warnings(&workflow).expect("it is right");
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    let text = format!("{warning:?}");
    assert!(text.contains("this fails if `job` fails"), "{text}");
    assert!(text.contains("$not($exists($job.failed))"), "{text}");
}

/// The compiled state of the step `job`.
fn state(fields: &str) -> Value {
    let machine = machine(&definition(&with(fields)), "workflows/test.yaml").expect("it compiles");
    let machine = machine.to_json().expect("JSON");
    let machine: Value = serde_json::from_str(&machine).expect("it reads back");
    machine["States"]["job"].clone()
}

#[test]
fn a_poll_is_repeated_at_its_interval_and_a_plain_step_has_no_such_retrier() {
    let retrier = |fields: &str| {
        let state = state(fields);
        let retriers = state["Retry"].as_array().expect("retriers");
        let mut of_polls = retriers
            .iter()
            .filter(|one| one["ErrorEquals"] == json!(["NotYet"]));
        of_polls.next().cloned()
    };
    let found = retrier(&format!(
        "{GET}, poll: {{ {UNTIL}, every: 20s, at_most: 5 }}"
    ));
    let found = found.expect("a retrier");
    assert_eq!(
        (&found["IntervalSeconds"], &found["MaxAttempts"]),
        (&json!(20), &json!(4))
    );
    assert_eq!(found["BackoffRate"], json!(1), "every answer after 20 s");
    assert_eq!(retrier(GET), None);
}

#[test]
fn the_task_of_a_step_lists_the_codes_after_which_the_workflow_continues() {
    let codes = |on_failure: &str| {
        let state = state(&format!("{POST}, on_failure: {on_failure}"));
        state["Arguments"]["step"]["continues_on"].clone()
    };
    let listed = codes("{ continue: [404, sold_out] }");
    assert_eq!(listed, json!(["404", "sold_out"]));
    assert_eq!(codes("continue"), Value::Null);
}
