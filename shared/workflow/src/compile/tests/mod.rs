//! Tests of every compiled state machine: Step Functions accepts it, its functions can read their
//! tasks, and N plain steps without errors enter N + 2 states.

pub(super) mod definitions;
mod template;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::definitions::{action, definition, step_of, workflow};
use super::{machine, recovery};
use crate::definition::{Choose, ChooseBranch, Definition, Expression, Step, StepKind, Stop};
use holdfast_task::{AskCall, BeginTask, FinishTask, PlanCall, StepCall, Tier};

fn compiled(steps: Vec<Step>) -> Value {
    compiled_of(&definition(steps))
}

fn compiled_of(definition: &Definition) -> Value {
    let machine = machine(definition, "workflows/test.yaml").expect("it has a digest");
    serde_json::from_str(&machine.to_json().expect("it is JSON")).expect("it reads back")
}

/// Checks our own rules of a level and of those below it: a Task ends and retries, the top level
/// catches every error, and no item of a `for_each` asks a person.
fn check_level(level: &Value, top: bool) {
    for (name, state) in level["States"].as_object().expect("States") {
        let kind = state["Type"].as_str().expect("a type");
        // A branch raises again the failure of a step that was put to a person.
        let raises = kind == "Fail" && name.ends_with(".failed");
        // A Map without items, which evaluates a choice, needs a state that it never enters.
        let never = kind == "Succeed" && name.ends_with(".none");
        assert!(
            top || raises || never || !["Succeed", "Fail"].contains(&kind),
            "{name}: a branch has no end of its own"
        );
        if kind == "Task" {
            assert!(state["Retry"].is_array(), "{name} retries");
        }
        if top && ["Task", "Parallel", "Map"].contains(&kind) {
            let catchers = state["Catch"].as_array();
            let last = catchers.and_then(|all| all.last()).expect("a catcher");
            assert_eq!(
                last["ErrorEquals"],
                json!(["States.ALL"]),
                "{name} catches everything"
            );
        }
        let branches = state["Branches"].as_array().into_iter().flatten();
        branches.for_each(|inner| check_level(inner, false));
        if let Some(inner) = state.get("ItemProcessor") {
            assert_eq!(inner["ProcessorConfig"]["Mode"], "INLINE");
            // A question is about a step, not about one item of many.
            let asks = inner.to_string().contains("waitForTaskToken");
            assert!(!asks, "{name}: every item would ask");
            check_level(inner, false);
        }
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
    fn step_functions_accepts_every_compiled_machine(steps in workflow()) {
        let definition = definition(steps);
        for machine in [machine(&definition, "test.yaml").expect("it has a digest"), recovery(&[&definition])] {
            prop_assert_eq!(machine.violations(), [""; 0]);
        }
        check_level(&compiled(definition.steps), true);
    }

    #[test]
    fn a_step_that_is_not_idempotent_asks_no_person_on_the_express_tier(kinds in prop::collection::vec(action(), 1..20)) {
        let steps = kinds.into_iter().map(|kind| Step { name: String::new(), kind }).collect();
        let definition = Definition { tier: Tier::Express, ..definition(steps) };
        let machine = machine(&definition, "test.yaml").expect("it has a digest");
        prop_assert_eq!(machine.express_violations(), [""; 0]);
        prop_assert_eq!(machine.violations(), [""; 0]);
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
    fn functions_can_read_the_arguments_of_their_tasks(steps in workflow()) {
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
            ("when", json!(true)),
            ("undo", undo),
            ("retry", json!(0)),
            ("output", json!({ "value": {} })),
            ("choices", json!({})),
        ] {
            let sent_as = sent.get(field).and_then(Value::as_str);
            if sent_as.is_some_and(|text| text.starts_with("{%")) {
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

#[test]
fn a_choose_enters_two_states_and_calls_no_function() {
    let choose = |branches: Vec<ChooseBranch>| {
        StepKind::Choose(Choose {
            branches,
            otherwise: Vec::new(),
        })
    };
    let branch = |steps| ChooseBranch {
        when: Expression::read("{% $input.on %}").expect("an expression"),
        steps,
    };
    let hold = || step_of("vendor-hold");
    let steps = vec![
        Step {
            name: String::new(),
            kind: choose(vec![branch(vec![hold(), hold()]), branch(vec![hold()])]),
        },
        hold(),
    ];
    let machine = compiled(steps);
    let states = &machine["States"];
    let evaluates = &states["step_1"];
    assert_eq!(evaluates["Type"], "Map");
    assert_eq!(evaluates["Items"], "{% [] %}");
    assert_eq!(
        evaluates["Assign"],
        json!({
            "choicesMade": "{% $merge([$choicesMade, { 'step_1': $exists($choicesMade.step_1) \
                            ? $choicesMade.step_1 : ((($input.on) = true) ? '1' : (($input.on) = true) \
                            ? '2' : 'otherwise') }]) %}",
            "step_2": null, "step_3": null, "step_4": null,
        })
    );
    let leads = json!({
        "Type": "Choice",
        "Choices": [
            { "Condition": "{% $choicesMade.step_1 = '1' %}", "Next": "step_2" },
            { "Condition": "{% $choicesMade.step_1 = '2' %}", "Next": "step_4" },
        ],
        "Default": "step_5",
    });
    assert_eq!(states["step_1.branch"], leads);
    for (step, next) in [
        ("step_2", "step_3"),
        ("step_3", "step_5"),
        ("step_4", "step_5"),
    ] {
        assert_eq!(states[step]["Next"], next);
    }
    assert_eq!(
        states["Finish"]["Arguments"]["choices"],
        states["Close"]["Arguments"]["choices"]
    );
    let declared = &states["Begin"]["Arguments"]["steps"];
    assert_eq!(
        declared[2]["branches"],
        json!([{ "step": "step_1", "branch": "2" }])
    );
    assert_eq!(declared[3].get("branches"), None);
}

#[test]
fn a_machine_without_a_choice_has_nothing_of_one() {
    let text = compiled(vec![step_of("vendor-hold")]).to_string();
    for word in ["choices", "branches", "stops", "Choice"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn every_state_that_ends_an_execution_receives_choices_and_stops() {
    let when = Expression::read("{% $input.on %}").expect("an expression");
    let stop = Step {
        name: String::new(),
        kind: StepKind::Stop(Stop {
            when: when.clone(),
            reason: "nothing left".to_owned(),
        }),
    };
    let mut definition = definition(vec![stop, step_of("vendor-hold")]);
    definition.output.insert("amount".to_owned(), when);
    let machine = compiled_of(&definition);
    for end in ["Finish", "Finish.without_output", "Close"] {
        let arguments = &machine["States"][end]["Arguments"];
        assert!(arguments["choices"].is_string(), "{end}");
        assert_eq!(
            arguments["stops"],
            json!({ "step_1": "nothing left" }),
            "{end}"
        );
    }
}
