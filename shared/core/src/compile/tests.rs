//! What holds for every machine we compile: every target exists, every word is one that Step Functions knows, every
//! expression can be parsed, and a happy run of N plain steps enters N + 2 states.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::machine;
use crate::definition::{
    ActionStep, Approve, Branch, Definition, ForEach, Guardrail, Jitter, Limits, OnFailure, Retry,
    Rollback, Step, StepKind, Trigger, TriggerSource, Wait,
};
use crate::task::{AskCall, BeginTask, FinishTask, PlanCall, StepCall};

fn retry() -> impl Strategy<Value = Retry> {
    let jitter = prop_oneof![Just(Jitter::Full), Just(Jitter::None)];
    (1..100_u32, 1..600_u64, 10..100_u32, 0..600_u64, jitter).prop_map(
        |(max_attempts, interval_s, backoff, more, jitter)| Retry {
            max_attempts,
            interval_s,
            backoff: f64::from(backoff) / 10.0,
            max_delay_s: interval_s + more,
            jitter,
        },
    )
}

fn input() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!("{% $input %}")),
        Just(
            json!({ "a": "{% $input.a & $execution.id %}", "b": [1, "two", { "c": "{% $uuid() %}" }] })
        ),
    ]
}

fn action() -> impl Strategy<Value = StepKind> {
    let when = prop_oneof![
        Just(None),
        Just(Some("{% $input.on ? true : false %}".to_owned()))
    ];
    let rollback = prop_oneof![
        Just(None),
        (proptest::option::of(input()), 1..840_u64, retry()).prop_map(
            |(input, timeout_s, retry)| Some(Rollback {
                input,
                timeout_s,
                retry,
                fences: true
            })
        ),
    ];
    (when, input(), 1..840_u64, retry(), rollback, any::<bool>()).prop_map(
        |(when, input, timeout_s, retry, rollback, idempotent)| {
            let action = "vendor-hold".to_owned();
            StepKind::Action(ActionStep {
                action,
                when,
                input,
                timeout_s,
                retry,
                rollback,
                idempotent,
                on_failure: OnFailure::Rollback,
            })
        },
    )
}

/// Actions whose failure has consequences, and approvals: what must not stand inside a `for_each`.
fn asking() -> impl Strategy<Value = StepKind> {
    let ways = prop_oneof![
        Just(OnFailure::Continue),
        Just(OnFailure::Escalate { within_s: 60 })
    ];
    let escalates = (action(), ways).prop_map(|(kind, on_failure)| match kind {
        StepKind::Action(action) => StepKind::Action(ActionStep {
            on_failure,
            ..action
        }),
        other => other,
    });
    let approve = Just(StepKind::Approve(Approve {
        message: "{% 'Hold ' & $input.vendor_id & '?' %}".to_owned(),
        within_s: 600,
    }));
    prop_oneof![2 => escalates, 1 => approve]
}

fn wait() -> impl Strategy<Value = StepKind> {
    let wait = prop_oneof![
        (1..9000_u64).prop_map(Wait::Seconds),
        Just(Wait::Until("{% $now() %}".to_owned()))
    ];
    wait.prop_map(StepKind::Wait)
}

/// Steps whose names are given later, since they must be unique; `outside` every `for_each`, or not.
fn row(depth: u32, outside: bool) -> BoxedStrategy<Vec<Step>> {
    let plain = match outside {
        true => prop_oneof![3 => action(), 1 => wait(), 2 => asking()].boxed(),
        false => prop_oneof![3 => action(), 1 => wait()].boxed(),
    };
    let kind = if depth == 0 {
        plain
    } else {
        let branches = prop::collection::vec(row(depth - 1, outside), 2..4);
        let parallel = branches.prop_map(|all| {
            StepKind::Parallel(all.into_iter().map(|steps| Branch { steps }).collect())
        });
        let each = (row(depth - 1, false), any::<bool>()).prop_map(|(steps, collect)| {
            StepKind::ForEach(ForEach {
                items: "{% $input.items %}".to_owned(),
                item_key: "{% $item.id %}".to_owned(),
                max_concurrency: 5,
                collect: collect.then(|| "{% { 'key': $item_key, 'last': $last } %}".to_owned()),
                steps,
            })
        });
        match outside {
            true => prop_oneof![4 => plain, 1 => parallel, 1 => each].boxed(),
            false => prop_oneof![4 => plain, 1 => parallel].boxed(),
        }
    };
    prop::collection::vec(
        kind.prop_map(|kind| Step {
            name: String::new(),
            kind,
        }),
        1..4,
    )
    .boxed()
}

fn name_all(steps: &mut [Step], next: &mut u32) {
    for step in steps {
        *next += 1;
        step.name = format!("step_{next}");
        match &mut step.kind {
            StepKind::Parallel(branches) => branches
                .iter_mut()
                .for_each(|branch| name_all(&mut branch.steps, next)),
            StepKind::ForEach(each) => {
                name_all(&mut each.steps, next);
                let last = each
                    .steps
                    .last()
                    .map(|step| format!("${}", step.name))
                    .unwrap_or_default();
                each.collect = each
                    .collect
                    .as_ref()
                    .map(|collect| collect.replace("$last", &last));
            }
            StepKind::Action(_) | StepKind::Wait(_) | StepKind::Approve(_) => {}
        }
    }
}

fn definition(steps: Vec<Step>) -> Definition {
    let mut steps = steps;
    name_all(&mut steps, &mut 0);
    Definition {
        workflow: "WF-TEST".to_owned(),
        version: 3,
        description: None,
        tenants: vec!["acme".to_owned()],
        input: json!({ "type": "object" }),
        triggers: vec![Trigger {
            name: "nightly".to_owned(),
            source: TriggerSource::Schedule {
                schedule: "rate(1 day)".to_owned(),
                timezone: None,
            },
            tenant: "acme".to_owned(),
            idempotency_key: "{% $scheduled_time %}".to_owned(),
            input: json!({ "at": "{% $scheduled_time %}" }),
        }],
        guardrails: vec![Guardrail {
            name: "always".to_owned(),
            assert: "{% true %}".to_owned(),
            message: "never said".to_owned(),
        }],
        limits: Limits { timeout_s: 900 },
        steps,
    }
}

fn compiled(steps: Vec<Step>) -> Value {
    let machine = machine(&definition(steps), "workflows/test.yaml").expect("it has a digest");
    serde_json::from_str(&machine.to_json().expect("it is JSON")).expect("it reads back")
}

/// Every rule of Amazon States Language that a machine of ours could break, for states at one level and below.
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
            ["Task", "Wait", "Parallel", "Map", "Succeed", "Fail"].contains(&kind),
            "{kind}"
        );
        let ends = state.get("End").is_some();
        let goes = state.get("Next").is_some();
        assert_eq!(
            ends ^ goes,
            !["Succeed", "Fail"].contains(&kind),
            "{name} has one way out"
        );
        // A branch raises the failure of a step that was put to a person anew.
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
            check_level(inner, false);
        }
    }
    assert_eq!(reached.len(), states.len(), "every state can be reached");
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

/// Every expression in a machine can be parsed.
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

/// The states that a run without any error enters at the top level.
fn happy_run(machine: &Value) -> Vec<String> {
    let mut entered = vec![machine["StartAt"].as_str().expect("a name").to_owned()];
    while let Some(next) = machine["States"][entered.last().expect("one")].get("Next") {
        entered.push(next.as_str().expect("a name").to_owned());
    }
    entered
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_machine_is_one_that_step_functions_takes(steps in row(2, true)) {
        let machine = compiled(steps);
        prop_assert_eq!(&machine["QueryLanguage"], "JSONata");
        check_level(&machine, true);
        check_expressions(&machine);
    }

    #[test]
    fn a_happy_run_of_n_plain_steps_enters_n_plus_2_states(kinds in prop::collection::vec(action(), 1..20)) {
        let n = kinds.len();
        let steps = kinds.into_iter().map(|kind| Step { name: String::new(), kind }).collect();
        let run = happy_run(&compiled(steps));
        prop_assert_eq!(run.len(), n + 2);
        prop_assert_eq!((run[0].as_str(), run[n + 1].as_str()), ("Begin", "Finish"));
    }

    #[test]
    fn task_arguments_are_what_the_functions_read(steps in row(2, true)) {
        let machine = compiled(steps);
        read_tasks(&machine);
    }
}

/// Every task in a machine or a branch is one that its function reads.
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
        // Expressions here, and values when they arrive.
        let failure = json!({ "state": "step_1", "error": "Permanent" });
        let execution = json!({
            "id": "e", "tenant": "acme", "workflow": "WF-TEST", "version": 3, "epoch": 1,
            "generation": 0, "started_at": "2025-09-29T13:00:00Z", "trigger": "api",
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
