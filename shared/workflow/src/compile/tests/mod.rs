//! Tests of every compiled state machine: each target exists, Step Functions knows each word, each
//! expression parses, and N plain steps without errors enter N + 2 states.

mod definitions;

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;
use serde_json::{Value, json};

use self::definitions::{action, definition, row};
use super::machine;
use crate::definition::Step;
use holdfast_task::{AskCall, BeginTask, FinishTask, PlanCall, StepCall};

fn compiled(steps: Vec<Step>) -> Value {
    let machine = machine(&definition(steps), "workflows/test.yaml").expect("it has a digest");
    serde_json::from_str(&machine.to_json().expect("it is JSON")).expect("it reads back")
}

/// Checks every rule of Amazon States Language that our state machines could break, at one level
/// and below.
fn check_level(level: &Value, top: bool) {
    let states = level["States"].as_object().expect("States");
    let known = |target: &Value| {
        let name = target.as_str().expect("a name");
        assert!(states.contains_key(name), "no state {name}");
        name.to_owned()
    };
    let mut reached = BTreeSet::new();
    let mut open = VecDeque::from([known(&level["StartAt"])]);
    while let Some(name) = open.pop_front() {
        assert!(name.len() <= 80, "{name}");
        if !reached.insert(name.clone()) {
            continue;
        }
        let state = &states[&name];
        let kind = state["Type"].as_str().expect("a type");
        assert!(
            ["Task", "Pass", "Wait", "Parallel", "Map", "Succeed", "Fail"].contains(&kind),
            "{kind}"
        );
        let ends = state.get("End").is_some();
        let goes = state.get("Next").is_some();
        assert_eq!(
            ends ^ goes,
            !["Succeed", "Fail"].contains(&kind),
            "{name} has one way out"
        );
        // A branch raises again the failure of a step that was put to a person.
        let raises = kind == "Fail" && name.ends_with(".failed");
        assert!(
            top || raises || !["Succeed", "Fail"].contains(&kind),
            "a branch has no end of its own"
        );
        open.extend(state.get("Next").map(known));
        for catcher in state
            .get("Catch")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            open.push_back(known(&catcher["Next"]));
        }
        check_errors(&name, state, top);
        for inner in state
            .get("Branches")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            check_level(inner, false);
        }
        if let Some(inner) = state.get("ItemProcessor") {
            assert_eq!(inner["ProcessorConfig"]["Mode"], "INLINE");
            // A question is about a step, not about one item of many.
            let asks = inner.to_string().contains("waitForTaskToken");
            assert!(!asks, "{name}: every item would ask");
            check_level(inner, false);
        }
    }
    assert_eq!(reached.len(), states.len(), "every state can be reached");
}

/// Checks that no inner scope assigns a variable of an outer one, which Step Functions forbids.
fn check_scopes(level: &Value, outer: &BTreeSet<String>) {
    let states = level["States"].as_object().expect("States");
    let entries = |state: &Value, list: &str| state[list].as_array().cloned().unwrap_or_default();
    let mut own = BTreeSet::new();
    for state in states.values() {
        let all = std::iter::once(state.clone()).chain(entries(state, "Catch"));
        for assign in all.filter_map(|one| one["Assign"].as_object().cloned()) {
            own.extend(assign.into_iter().map(|(name, _)| name));
        }
    }
    let shared: Vec<_> = own.intersection(outer).collect();
    assert!(shared.is_empty(), "{shared:?} belong to an outer scope");
    let seen = own.union(outer).cloned().collect();
    for state in states.values() {
        let inside = entries(state, "Branches").into_iter();
        for inner in inside.chain(state.get("ItemProcessor").cloned()) {
            check_scopes(&inner, &seen);
        }
    }
}

fn check_errors(name: &str, state: &Value, top: bool) {
    for retrier in state
        .get("Retry")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        assert!(retrier["MaxAttempts"].as_u64().expect("a number") <= 99_999_999);
        if let Some(interval) = retrier.get("IntervalSeconds") {
            let interval = interval.as_u64().expect("whole seconds");
            assert!(interval >= 1);
            assert!(retrier["BackoffRate"].as_f64().expect("a number") >= 1.0);
            assert!(
                ["FULL", "NONE"].contains(&retrier["JitterStrategy"].as_str().expect("a word"))
            );
            if let Some(longest) = retrier.get("MaxDelaySeconds") {
                assert!(
                    longest.as_u64().expect("whole seconds") > interval,
                    "{name}"
                );
            }
        } else {
            assert_eq!(
                retrier["MaxAttempts"], 0,
                "{name}: only a ban needs no interval"
            );
        }
    }
    for list in ["Retry", "Catch"] {
        let names: Vec<&Vec<Value>> = state
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|entry| entry["ErrorEquals"].as_array().expect("names"))
            .collect();
        let all = names
            .iter()
            .position(|names| names.contains(&json!("States.ALL")));
        assert!(
            all.is_none_or(|all| all + 1 == names.len() && names[all].len() == 1),
            "{name}: States.ALL stands alone and last"
        );
    }
    let kind = state["Type"].as_str().expect("a type");
    if kind == "Task" {
        assert!(state["Retry"].is_array(), "{name} retries");
        assert!(
            state["TimeoutSeconds"]
                .as_u64()
                .is_some_and(|seconds| seconds > 0),
            "{name} ends"
        );
    }
    if top && ["Task", "Parallel", "Map"].contains(&kind) {
        let last = state["Catch"]
            .as_array()
            .and_then(|all| all.last())
            .expect("a catcher");
        assert_eq!(
            last["ErrorEquals"],
            json!(["States.ALL"]),
            "{name} catches everything"
        );
    }
}

/// Checks that every expression in a state machine parses.
fn check_expressions(value: &Value) {
    match value {
        Value::String(text) => {
            if let Some(expression) = text
                .strip_prefix("{%")
                .and_then(|rest| rest.strip_suffix("%}"))
            {
                jsonata_core::parser::parse(expression).expect(expression);
            }
            assert!(!text.contains("{%") || text.starts_with("{%"), "{text}");
        }
        Value::Array(items) => items.iter().for_each(check_expressions),
        Value::Object(members) => members.values().for_each(check_expressions),
        _ => {}
    }
}

/// Returns the states that an execution without errors enters at the top level.
fn states_entered(machine: &Value) -> Vec<String> {
    let mut entered = vec![machine["StartAt"].as_str().expect("a name").to_owned()];
    while let Some(next) = machine["States"][entered.last().expect("one")].get("Next") {
        entered.push(next.as_str().expect("a name").to_owned());
    }
    entered
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn step_functions_accepts_every_compiled_machine(steps in row(2, true)) {
        let machine = compiled(steps);
        prop_assert_eq!(&machine["QueryLanguage"], "JSONata");
        check_level(&machine, true);
        check_scopes(&machine, &BTreeSet::new());
        check_expressions(&machine);
    }

    #[test]
    fn n_plain_steps_without_errors_enter_n_plus_2_states(kinds in prop::collection::vec(action(), 1..20)) {
        let n = kinds.len();
        let steps = kinds.into_iter().map(|kind| Step { name: String::new(), kind }).collect();
        let entered = states_entered(&compiled(steps));
        prop_assert_eq!(entered.len(), n + 2);
        prop_assert_eq!((entered[0].as_str(), entered[n + 1].as_str()), ("Begin", "Finish"));
    }

    #[test]
    fn functions_can_read_the_arguments_of_their_tasks(steps in row(2, true)) {
        let machine = compiled(steps);
        read_tasks(&machine);
    }
}

/// Checks that its function can read every task in a state machine or a branch.
fn read_tasks(level: &Value) {
    for (name, state) in level["States"].as_object().expect("States") {
        let inner = state["Branches"].as_array().into_iter().flatten();
        inner.chain(state.get("ItemProcessor")).for_each(read_tasks);
        if state["Type"] != "Task" {
            continue;
        }
        let mut sent = state["Arguments"].clone();
        if let Some(payload) = sent.get_mut("Payload") {
            sent = payload.take();
        }
        // These are expressions here, and values when they arrive.
        let failure = json!({ "state": "step_1", "error": "Permanent" });
        let execution = json!({
            "id": "e", "tenant": "acme", "workflow": "WF-TEST", "version": 3, "epoch": 1,
            "generation": 0, "started_at": "2025-09-29T13:00:00Z", "trigger": "api",
            "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        });
        let undo = json!({ "step": "step_1", "function": "arn" });
        for (field, value) in [
            ("execution", execution),
            ("failure", failure),
            ("undo", undo),
            ("retry", json!(0)),
        ] {
            if sent.get(field).is_some_and(Value::is_string) {
                sent[field] = value;
            }
        }
        let function = state["Resource"].as_str().expect("a function");
        let read = match (function, name.as_str()) {
            ("${BeginFunctionArn}", _) => serde_json::from_value::<BeginTask>(sent).err(),
            ("${FinishFunctionArn}", _) => serde_json::from_value::<FinishTask>(sent).err(),
            ("${PlanFunctionArn}", _) => serde_json::from_value::<PlanCall>(sent).err(),
            ("${AskFunctionArn}", _) => serde_json::from_value::<AskCall>(sent).err(),
            (_, asks)
                if asks.ends_with(".escalate")
                    || state["Arguments"]["FunctionName"] == "${AskFunctionArn}" =>
            {
                serde_json::from_value::<AskCall>(sent).err()
            }
            _ => serde_json::from_value::<StepCall>(sent).err(),
        };
        assert!(read.is_none(), "{name}: {read:?}");
    }
}
