//! Tests the interpreter with small state machines.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use futures_executor::LocalPool;
use futures_util::{future::LocalBoxFuture, task::LocalSpawnExt};
use holdfast_asl::Machine;
use holdfast_engine::Host;
use serde_json::{Value, json};

use super::{Interpreter, RaisedError, Surroundings, TaskCall};
use crate::{clock::Clock, query::Query, world::START};

/// Tasks answer after a second, as the script has it, then with their arguments.
struct Script {
    clock: Clock,
    answers: RefCell<VecDeque<Result<Value, RaisedError>>>,
    entered: RefCell<Vec<String>>,
    at_work: Cell<u32>,
    most_at_work: Cell<u32>,
}

impl Surroundings for Rc<Script> {
    fn entered<'a>(&'a self, state: &'a str) -> LocalBoxFuture<'a, ()> {
        Box::pin(async { self.entered.borrow_mut().push(state.to_owned()) })
    }

    fn perform<'a>(&'a self, task: TaskCall<'a>) -> LocalBoxFuture<'a, Result<Value, RaisedError>> {
        Box::pin(async {
            self.at_work.set(self.at_work.get() + 1);
            self.most_at_work
                .set(self.most_at_work.get().max(self.at_work.get()));
            // A resource that is a number takes so many seconds.
            let seconds = task.resource.parse().unwrap_or(1);
            self.clock.sleep(Duration::from_secs(seconds)).await;
            self.at_work.set(self.at_work.get() - 1);
            let answer = self.answers.borrow_mut().pop_front();
            answer.unwrap_or(Ok(task.arguments))
        })
    }
}

struct Ran {
    result: Result<Value, RaisedError>,
    entered: Vec<String>,
    seconds: f64,
    most_at_work: u32,
}

fn machine(states: Value) -> String {
    json!({
        "Comment": "a test", "QueryLanguage": "JSONata", "TimeoutSeconds": 900, "StartAt": "first", "States": states,
    })
    .to_string()
}

fn run(states: Value, answers: Vec<Result<Value, RaisedError>>) -> Ran {
    let machine = Machine::read(&machine(states)).unwrap();
    let input = json!({ "list": [3, 1, 2] });
    run_with(machine, input, answers)
}

fn run_with(machine: Machine, input: Value, answers: Vec<Result<Value, RaisedError>>) -> Ran {
    let clock = Clock::new(START, 1);
    let script = Rc::new(Script {
        clock: clock.clone(),
        answers: RefCell::new(answers.into()),
        entered: RefCell::default(),
        at_work: Cell::default(),
        most_at_work: Cell::default(),
    });
    let interpreter = Interpreter {
        clock: clock.clone(),
        query: Query::new(clock.clone(), Rc::default()),
        surroundings: script.clone(),
        context: json!({ "Execution": { "Id": "arn:test" } }),
        events: Cell::default(),
        transitions: Cell::default(),
    };
    let mut pool = LocalPool::new();
    let ended = Rc::new(RefCell::new(None));
    let slot = ended.clone();
    let work = async move {
        let result = interpreter.run(&machine, input).await;
        let passed = interpreter.clock.now().duration_since(START);
        *slot.borrow_mut() = Some((result, passed.as_secs_f64()));
    };
    pool.spawner().spawn_local(work).unwrap();
    assert!(clock.exhaust(&mut pool));
    let (result, seconds) = ended.take().expect("it ends");
    Ran {
        result,
        entered: script.entered.take(),
        seconds,
        most_at_work: script.most_at_work.get(),
    }
}

fn raises(error: &str) -> Result<Value, RaisedError> {
    Err(RaisedError::new(error, "{}"))
}

fn task(more: Value) -> Value {
    let mut task = json!({ "Type": "Task", "Resource": "it", "TimeoutSeconds": 60, "Arguments": {}, "End": true });
    task.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    task
}

#[test]
fn states_and_fields_that_the_compiler_never_writes_are_refused() {
    let error = |state: Value| Machine::read(&machine(json!({ "first": state }))).unwrap_err();
    let activity = error(json!({ "Type": "Activity", "End": true }));
    assert!(
        activity.contains("first: unknown variant `Activity`"),
        "{activity}"
    );
    let field = error(task(json!({ "HeartbeatSeconds": 5 })));
    assert!(
        field.contains("unknown field `HeartbeatSeconds`"),
        "{field}"
    );
    let nowhere = error(json!({ "Type": "Pass", "Assign": {}, "Next": "second" }));
    assert_eq!(nowhere, "there is no state second");
}

#[test]
fn an_expression_means_what_it_means_in_step_functions() {
    let output = |output: &str| {
        let states = json!({ "first": task(json!({ "Output": output })) });
        run(states, vec![]).result.expect("it is evaluated")
    };
    let text = "{% 'v-' & 1000000000000001 %}";
    assert_eq!(output(text), "v-1000000000000000", "15 digits");
    let clock = "{% $toMillis($now()) - $millis() + $millis() %}";
    // The task takes a second.
    assert_eq!(output(clock), json!(START.as_millisecond() + 1000));
    let dice = "{% [$random(), $uuid()] %}";
    assert_eq!(output(dice), output(dice), "the seed decides");
    let twice = "{% $uuid() %}";
    let states = json!({ "first": task(json!({ "Output": [twice, twice] })) });
    let drawn = run(states, vec![]).result.expect("it is evaluated");
    assert_ne!(drawn[0], drawn[1]);
}

#[test]
fn the_first_matching_retrier_decides_and_its_delays_grow_up_to_a_cap() {
    let retry = json!([
        { "ErrorEquals": ["Final"], "MaxAttempts": 0 },
        { "ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 3, "MaxDelaySeconds": 10 },
        { "ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "MaxAttempts": 9 },
    ]);
    let states = json!({ "first": task(json!({ "Retry": retry })) });
    let busy = || vec![raises("Busy"), raises("Busy"), raises("Busy")];
    let ran = run(states.clone(), busy());
    assert_eq!(ran.result, Ok(json!({})));
    // Four attempts of a second each; 2, 6 and (not 18 but) 10 seconds between them.
    assert_eq!(ran.seconds, 22.0);

    let ran = run(states.clone(), [busy(), busy()].concat());
    assert_eq!(
        (ran.result, ran.seconds),
        (raises("Busy"), 22.0),
        "no other retrier helps out"
    );
    let ran = run(states, vec![raises("Final")]);
    assert_eq!((ran.result, ran.seconds), (raises("Final"), 1.0));
}

#[test]
fn the_first_matching_catcher_decides_and_assigns() {
    let catch = json!([
        { "ErrorEquals": ["Odd"], "Next": "first" },
        { "ErrorEquals": ["States.ALL"], "Next": "then",
          "Assign": { "failure": "{% $states.errorOutput.Error %}" }, "Output": "{% $states.errorOutput.Cause %}" },
    ]);
    let fail = json!({ "Type": "Fail", "Error": "{% $failure %}", "Cause": "{% $states.input %}" });
    let states = json!({ "first": task(json!({ "Catch": catch })), "then": fail });
    let ran = run(states.clone(), vec![raises("Odd"), raises("Even")]);
    assert_eq!(ran.entered, ["first", "first", "then"]);
    assert_eq!(ran.result, raises("Even"));
    let ran = run(states, vec![raises("States.DataLimitExceeded")]);
    assert_eq!(
        ran.result,
        raises("States.DataLimitExceeded"),
        "it escapes States.ALL"
    );
}

#[test]
fn a_task_that_takes_too_long_raises_a_timeout_without_a_cause() {
    let catch = json!([{ "ErrorEquals": ["States.Timeout"], "Output": "{% $exists($states.errorOutput.Cause) %}", "Next": "then" }]);
    let slow = task(json!({ "Resource": "61", "Catch": catch }));
    let ran = run(
        json!({ "first": slow, "then": { "Type": "Succeed" } }),
        vec![],
    );
    assert_eq!((ran.result, ran.seconds), (Ok(json!(false)), 60.0));
}

#[test]
fn an_expression_without_a_value_is_an_error() {
    let arguments = json!({ "Arguments": { "a": "{% $states.input.nothing %}" } });
    let ran = run(json!({ "first": task(arguments) }), vec![]);
    assert_eq!(ran.result.unwrap_err().error, "States.QueryEvaluationError");
    assert_eq!(ran.seconds, 0.0);
}

#[test]
fn a_map_keeps_the_order_of_its_items_and_its_max_concurrency() {
    let one =
        task(json!({ "Arguments": "{% $states.input %}", "Output": "{% $states.result * 10 %}" }));
    let map = |at_once: u32| {
        json!({ "first": { "Type": "Map", "Items": "{% $states.input.list %}", "MaxConcurrency": at_once, "End": true,
            "ItemProcessor": { "ProcessorConfig": { "Mode": "INLINE" }, "StartAt": "one", "States": { "one": one.clone() } } } })
    };
    let ran = run(map(2), vec![]);
    assert_eq!(
        (ran.result, ran.most_at_work, ran.seconds),
        (Ok(json!([30, 10, 20])), 2, 2.0)
    );
    let ran = run(map(0), vec![]);
    assert_eq!(
        (ran.most_at_work, ran.seconds),
        (3, 1.0),
        "0 means no limit"
    );
    let ran = run(map(1), vec![Ok(json!(1)), raises("Broken")]);
    assert_eq!(ran.result, raises("Broken"));
    assert_eq!(
        ran.entered,
        ["first", "one", "one"],
        "the third item never begins"
    );
}

/// Compiled before 2026-11-28, when each item was read from the Context object. On AWS the first
/// item failed.
const ITEM_IN_CONTEXT: &str = include_str!("item-in-context.asl.json");

#[test]
fn an_item_that_is_read_from_the_context_object_is_refused() {
    let machine = Machine::read(ITEM_IN_CONTEXT).unwrap();
    let refused = machine.violations();
    assert_eq!(refused.len(), 4, "{refused:#?}");
    let why = "$states.context.Map.Item.Value does not exist here";
    assert!(refused.iter().all(|one| one.ends_with(why)), "{refused:#?}");
    let input = json!({ "vendors": [{ "id": "v1" }, { "id": "v2" }] });
    let raised = run_with(machine, input, vec![]).result.unwrap_err();
    assert_eq!(raised.error, "States.QueryEvaluationError");
    let cause = raised.cause.unwrap();
    assert!(cause.contains("it yields nothing"), "{cause}");
}

#[test]
fn a_result_exists_only_in_states_that_have_one() {
    let states = json!({
        "first": { "Type": "Pass", "Assign": { "a": "{% $exists($states.result) %}" }, "Next": "rest" },
        "rest": { "Type": "Wait", "Seconds": 1, "Assign": { "b": "{% $exists($states.result) %}" }, "Next": "last" },
        "last": task(json!({ "Arguments": { "a": "{% $a %}", "b": "{% $b %}", "own": "{% $exists($states.result) %}" } })),
    });
    let none = json!({ "a": false, "b": false, "own": false });
    assert_eq!(run(states, vec![]).result, Ok(none));
}

#[test]
fn a_token_exists_only_in_a_task_that_waits_for_its_answer() {
    let token = |resource: &str| {
        let arguments = json!({ "has": "{% $exists($states.context.Task.Token) %}" });
        let state = task(json!({ "Resource": resource, "Arguments": arguments }));
        run(json!({ "first": state }), vec![]).result
    };
    assert_eq!(token("it"), Ok(json!({ "has": false })));
    assert_eq!(token("it.waitForTaskToken"), Ok(json!({ "has": true })));
}

#[test]
fn a_full_history_ends_an_execution_past_every_catcher() {
    let one = task(json!({ "Arguments": "{% $states.input %}" }));
    let processor = json!({ "ProcessorConfig": { "Mode": "INLINE" }, "StartAt": "one", "States": { "one": one } });
    let states = json!({
        "first": { "Type": "Map", "Items": "{% $states.input.list %}", "MaxConcurrency": 40, "Next": "last",
            "ItemProcessor": processor, "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "last" }] },
        "last": { "Type": "Succeed" },
    });
    let ended = |items: u64| {
        let machine = Machine::read(&machine(states.clone())).unwrap();
        let input = json!({ "list": (0..items).collect::<Vec<_>>() });
        run_with(machine, input, vec![]).result.map(drop)
    };
    // Seven events for each item, four for the Map, two for the end.
    assert_eq!(ended(24_994 / 7), Ok(()));
    let raised = ended(24_994 / 7 + 1).unwrap_err();
    assert_eq!(raised.error, "States.Runtime");
}

#[test]
fn branches_run_in_parallel_and_the_first_failure_stops_the_others() {
    let branch = |name: &str, seconds: &str| json!({ "StartAt": name, "States": { name: task(json!({ "Resource": seconds, "Arguments": { name: 1 } })) } });
    let parallel = json!({ "first": { "Type": "Parallel", "End": true, "Output": "{% $merge($states.result) %}",
        "Branches": [branch("slow", "9"), branch("quick", "2")] } });
    let ran = run(parallel.clone(), vec![]);
    assert_eq!(
        (ran.result, ran.seconds),
        (Ok(json!({ "slow": 1, "quick": 1 })), 9.0)
    );
    let ran = run(parallel, vec![raises("Broken")]);
    assert_eq!((ran.result, ran.seconds), (raises("Broken"), 2.0));
}

#[test]
fn inner_states_read_outer_variables_and_keep_their_own() {
    let inner = json!({ "StartAt": "own", "States": {
        "own": { "Type": "Pass", "Assign": { "mine": "{% $ours + 1 %}" }, "Next": "reported" },
        "reported": task(json!({ "Arguments": "{% $mine %}" })),
    } });
    let states = json!({
        "first": { "Type": "Pass", "Assign": { "ours": 1 }, "Next": "both" },
        "both": { "Type": "Parallel", "Branches": [inner], "Next": "after" },
        "after": task(json!({ "Arguments": "{% [$states.input, $exists($mine)] %}" })),
    });
    assert_eq!(run(states, vec![]).result, Ok(json!([2, false])));
}

#[test]
fn an_inner_state_that_assigns_a_variable_of_an_outer_one_fails() {
    let inner = json!({ "StartAt": "own", "States": {
        "own": { "Type": "Pass", "Assign": { "ours": 2 }, "Next": "reported" },
        "reported": task(json!({ "Arguments": "{% $ours %}" })),
    } });
    let states = json!({
        "first": { "Type": "Pass", "Assign": { "ours": 1 }, "Next": "both" },
        "both": { "Type": "Parallel", "Branches": [inner], "End": true },
    });
    let raised = run(states, vec![]).result.expect_err("it shadows");
    assert_eq!(raised.error, "States.Runtime");
}

#[test]
fn a_wait_lasts_as_long_as_its_expression_says() {
    let states = json!({
        "first": { "Type": "Wait", "Seconds": "{% $count($states.input.list) %}", "Next": "until" },
        "until": { "Type": "Wait", "Timestamp": "{% $fromMillis($toMillis($now()) + 7000) %}", "End": true },
    });
    assert_eq!(run(states, vec![]).seconds, 10.0);
}

#[test]
fn a_choice_leads_to_the_first_rule_that_is_true_or_to_its_default() {
    let ended = |conditions: [&str; 2]| {
        let rules = conditions.map(|condition| json!({ "Condition": condition, "Next": "one" }));
        let mut choice = json!({ "Type": "Choice", "Choices": rules, "Default": "two" });
        choice["Choices"][1]["Next"] = json!("three");
        let pass = json!({ "Type": "Pass", "Assign": { "a": 1 }, "End": true });
        let states = json!({ "first": choice, "one": pass, "two": pass, "three": pass });
        run(states, Vec::new())
    };
    let (yes, no) = ("{% $states.input.list[0] = 3 %}", "{% false %}");
    for (conditions, last) in [([yes, yes], "one"), ([no, yes], "three"), ([no, no], "two")] {
        assert_eq!(ended(conditions).entered, ["first", last]);
    }
    for wrong in ["{% 'true' %}", "{% $states.input.absent %}"] {
        let raised = ended([wrong, yes]).result.expect_err("it is no boolean");
        assert_eq!(raised.error, "States.QueryEvaluationError", "{wrong}");
    }
}
