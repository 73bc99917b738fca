//! Tests that each rule finds what breaks it, and nothing else.

use serde_json::{Value, json};

use crate::Machine;

fn machine(states: Value) -> Machine {
    let text = json!({
        "Comment": "a test", "QueryLanguage": "JSONata", "TimeoutSeconds": 900, "StartAt": "first",
        "States": states,
    });
    serde_json::from_value(text).expect("the model knows it")
}

fn violations(states: Value) -> Vec<String> {
    machine(states).violations()
}

fn task(more: Value) -> Value {
    let mut task = json!({
        "Type": "Task", "Resource": "it", "TimeoutSeconds": 60, "Arguments": {}, "End": true,
    });
    let more = more.as_object().expect("members").clone();
    let members = task.as_object_mut().expect("members");
    if more.contains_key("Next") {
        members.remove("End");
    }
    members.extend(more);
    task
}

/// Returns the violations of a machine with one task.
fn of_task(more: Value) -> Vec<String> {
    violations(json!({ "first": task(more) }))
}

#[test]
fn each_member_of_states_is_read_only_where_it_exists() {
    let catch = |output: &str| json!([{ "ErrorEquals": ["States.ALL"], "Output": output, "Next": "first" }]);
    let token = "{% $states.context.Task.Token %}";
    for right in [
        json!({ "Arguments": ["{% $states.input.a %}", "{% $states.context.Execution.Id %}"] }),
        json!({ "Arguments": "{% $states.context.Execution.Input.deep %}" }),
        json!({ "Output": "{% $states.result.a %}" }),
        json!({ "Assign": { "a": "{% $states.result %}", "b": "{% $states.input %}" } }),
        json!({ "Catch": catch("{% $states.errorOutput.Error & $states.input.a %}") }),
        json!({ "Resource": "it.waitForTaskToken", "Arguments": token }),
    ] {
        assert_eq!(of_task(right.clone()), [""; 0], "{right}");
    }
    for (wrong, path) in [
        (
            json!({ "Arguments": "{% $states.result %}" }),
            "$states.result",
        ),
        (
            json!({ "Output": "{% $states.errorOutput.Error %}" }),
            "$states.errorOutput.Error",
        ),
        (
            json!({ "Catch": catch("{% $states.result %}") }),
            "$states.result",
        ),
        (
            json!({ "Arguments": { "a": ["{% $states.context.Map.Item.Value %}"] } }),
            "$states.context.Map.Item.Value",
        ),
        (json!({ "Arguments": token }), "$states.context.Task.Token"),
        (
            json!({ "Output": token, "Resource": "it.waitForTaskToken" }),
            "$states.context.Task.Token",
        ),
        (
            json!({ "Arguments": "{% $states.output %}" }),
            "$states.output",
        ),
    ] {
        let found = of_task(wrong.clone());
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(
            found[0].ends_with(&format!("{path} does not exist here")),
            "{found:?}"
        );
    }
    let pass = json!({ "Type": "Pass", "Assign": { "a": "{% $states.result %}" }, "End": true });
    assert_eq!(
        violations(json!({ "first": pass })).len(),
        1,
        "a Pass has no result"
    );
}

#[test]
fn an_expression_keeps_to_the_jsonata_that_step_functions_evaluates() {
    for (wrong, why) in [
        ("$states.input.a ?? 1", "`??` is not in JSONata 2.0.6"),
        ("$states.input.a ?: 1", "`?:` is not in JSONata 2.0.6"),
        ("$eval('1')", "there is no function $eval"),
        ("$upper('a')", "there is no function $upper"),
        ("$hold.id", "no state around it assigns $hold"),
        ("vendor_id", "`vendor_id` is read from nothing"),
        ("$.a", "`$` refers to nothing here"),
    ] {
        let found = of_task(json!({ "Arguments": format!("{{% {wrong} %}}") }));
        assert_eq!(found, [format!("first: Arguments: {wrong}: {why}")]);
    }
    let found = of_task(json!({ "Arguments": "{% $states.( %}" }));
    assert_eq!(found.len(), 1, "{found:?}");
    let found = of_task(json!({ "Arguments": "for {% $states.input %}" }));
    assert!(found[0].contains("a part of a text"), "{found:?}");
    let own = "{% $partition($range(1, 9, 2), 2) ~> $string & $hash('a', 'MD5') & $uuid() %}";
    assert_eq!(of_task(json!({ "Arguments": own })), [""; 0]);
}

#[test]
fn a_variable_is_assigned_at_its_level_or_around_it_and_never_at_both() {
    let inner = |assign: &str, read: &str| {
        json!({ "StartAt": "own", "States": {
            "own": { "Type": "Pass", "Assign": { assign: 1 }, "Next": "read" },
            "read": task(json!({ "Arguments": read })),
        } })
    };
    let both = |assign: &str, read: &str, after: &str| {
        violations(json!({
            "first": { "Type": "Pass", "Assign": { "ours": 1 }, "Next": "both" },
            "both": { "Type": "Parallel", "Branches": [inner(assign, read)], "Next": "after" },
            "after": task(json!({ "Arguments": after })),
        }))
    };
    assert_eq!(both("mine", "{% $ours + $mine %}", "{% $ours %}"), [""; 0]);
    let shadowed = both("ours", "{% $ours %}", "{% $ours %}");
    assert_eq!(
        shadowed,
        ["$ours is assigned inside and outside a container"]
    );
    let leaked = both("mine", "{% $mine %}", "{% $mine %}");
    assert_eq!(
        leaked,
        ["after: Arguments: $mine: no state around it assigns $mine"]
    );
    let long = "v".repeat(81);
    let named = of_task(json!({ "Assign": { "states": 1, long.as_str(): 1, "1st": 1 } }));
    assert_eq!(named.len(), 3, "{named:?}");
}

#[test]
fn names_are_short_and_plain_and_occur_once() {
    let named = |name: &str| {
        let mut states = json!({ "first": task(json!({ "Next": name })) });
        states[name] = task(json!({}));
        violations(states)
    };
    assert_eq!(named(&"s".repeat(80)), [""; 0]);
    assert_eq!(named(&"s".repeat(81)).len(), 1);
    assert_eq!(named("a b"), ["a b: its name contains ' '"]);
    let inner = json!({ "StartAt": "first", "States": { "first": task(json!({})) } });
    let twice = json!({ "first": { "Type": "Parallel", "Branches": [inner], "End": true } });
    assert_eq!(violations(twice), ["two states are called first"]);
}

#[test]
fn every_state_is_reached_and_every_level_ends() {
    let states = json!({ "first": task(json!({})), "second": task(json!({})) });
    assert_eq!(violations(states), ["second: no state leads to it"]);
    let circle = json!({ "first": task(json!({ "Next": "first" })) });
    assert_eq!(violations(circle), ["first: no state after it is an end"]);
    let nowhere = json!({ "first": task(json!({ "Next": "second" })), "end": task(json!({})) });
    assert_eq!(
        violations(nowhere),
        ["there is no state second", "end: no state leads to it"]
    );
}

#[test]
fn retriers_and_catchers_keep_within_their_bounds() {
    let retry = |more: Value| {
        let mut retrier = json!({ "ErrorEquals": ["Busy"], "MaxAttempts": 1 });
        let members = retrier.as_object_mut().expect("members");
        members.extend(more.as_object().expect("members").clone());
        of_task(json!({ "Retry": [retrier] }))
    };
    for right in [
        json!({}),
        json!({ "IntervalSeconds": 99_999_999, "MaxAttempts": 99_999_999, "BackoffRate": 1.0 }),
        json!({ "IntervalSeconds": 1, "MaxDelaySeconds": 2, "JitterStrategy": "FULL" }),
        json!({ "MaxDelaySeconds": 31_622_400 }),
    ] {
        assert_eq!(retry(right.clone()), [""; 0], "{right}");
    }
    for wrong in [
        json!({ "IntervalSeconds": 0 }),
        json!({ "IntervalSeconds": 100_000_000 }),
        json!({ "MaxAttempts": 100_000_000 }),
        json!({ "BackoffRate": 0.9 }),
        json!({ "IntervalSeconds": 5, "MaxDelaySeconds": 5 }),
        json!({ "MaxDelaySeconds": 31_622_401 }),
        json!({ "ErrorEquals": [] }),
        json!({ "ErrorEquals": ["States.ALL", "Busy"] }),
        json!({ "ErrorEquals": ["States.Busy"] }),
    ] {
        assert_eq!(retry(wrong.clone()).len(), 1, "{wrong}");
    }
    let all = json!({ "ErrorEquals": ["States.ALL"], "Next": "first" });
    let first = json!({ "Catch": [all, { "ErrorEquals": ["Busy"], "Next": "first" }] });
    assert_eq!(
        of_task(first),
        ["first: Catch: States.ALL must be alone, and last"]
    );
}

#[test]
fn durations_keep_within_their_bounds() {
    let wait = |seconds: Value| {
        violations(json!({ "first": { "Type": "Wait", "Seconds": seconds, "End": true } }))
    };
    assert_eq!(wait(json!(99_999_999)), [""; 0]);
    assert_eq!(wait(json!(100_000_000)).len(), 1);
    assert_eq!(wait(json!(-1)).len(), 1);
    assert_eq!(of_task(json!({ "TimeoutSeconds": 0 })).len(), 1);
    assert_eq!(of_task(json!({ "TimeoutSeconds": 100_000_000 })).len(), 1);
    assert_eq!(
        of_task(json!({ "Resource": "{% $a %}" })),
        ["first: Resource is an expression"]
    );
}

#[test]
fn a_choice_has_rules_and_each_leads_to_a_state() {
    let chosen = |rules: Value| {
        violations(json!({
            "first": { "Type": "Choice", "Choices": rules, "Default": "last" },
            "last": task(json!({})),
        }))
    };
    let rule = |condition: &str, next: &str| json!({ "Condition": condition, "Next": next });
    assert_eq!(
        chosen(json!([rule("{% $states.input.a = 1 %}", "last")])),
        [""; 0]
    );
    assert_eq!(chosen(json!([])), ["first: Choices is empty"]);
    let nowhere = chosen(json!([rule("{% true %}", "third")]));
    assert_eq!(nowhere, ["there is no state third"]);
    let wrong = chosen(json!([rule("{% $states.result %}", "last")]));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}

#[test]
fn an_express_machine_waits_for_no_job_and_no_token() {
    for resource in ["it.sync", "it.sync:2", "it.waitForTaskToken"] {
        let asks = json!({ "first": task(json!({ "Resource": resource })) });
        let inside = json!({ "first": {
            "Type": "Parallel", "Branches": [{ "StartAt": "second", "States": {
                "second": task(json!({ "Resource": resource })),
            }}], "End": true,
        }});
        for (states, name) in [(asks, "first"), (inside, "second")] {
            let machine = machine(states);
            let found = format!("{name}: an Express state machine has no {resource}");
            assert_eq!(machine.express_violations(), [found]);
            assert_eq!(machine.violations(), [""; 0]);
        }
    }
    let plain = machine(json!({ "first": task(json!({ "Resource": "it.sync.not" })) }));
    assert_eq!(plain.express_violations(), [""; 0]);
}
