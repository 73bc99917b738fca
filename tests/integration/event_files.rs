//! The files for `sam local invoke` are tasks that the functions accept and the compiled state
//! machine sends.

use holdfast_ids::keys::execution_id;
use holdfast_task::{BeginTask, FinishTask, StepTask};
use holdfast_tests::DELAY;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn file(path: &str) -> Value {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn task<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_value(file(&format!("tests/events/{name}.json")))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The arguments of a state of the compiled state machine.
fn arguments(state: &str) -> Value {
    let mut machine = file(&format!("infra/statemachines/{DELAY}.asl.json"));
    machine["States"][state]["Arguments"].take()
}

#[test]
fn the_tasks_belong_to_one_execution_and_match_the_compiled_state_machine() {
    let (begin, finish): (BeginTask, FinishTask) = (task("begin"), task("finish"));
    let compiled = arguments("Begin");
    assert_eq!(file("tests/events/begin.json")["gate"], compiled["gate"]);
    assert_eq!(file("tests/events/begin.json")["steps"], compiled["steps"]);
    assert_eq!(begin.steps, finish.steps);
    let key = begin.start["idempotency_key"].as_str().expect("a key");
    assert_eq!(finish.execution.id, execution_id("acme", DELAY, key));
    for (name, state) in [
        ("step-vendor-hold", "apply_vendor_hold"),
        ("step-http", "notify_ap_team"),
    ] {
        let step: StepTask = task(name);
        assert_eq!(step.execution, finish.execution, "{name}");
        let event = file(&format!("tests/events/{name}.json"));
        assert_eq!(event["step"], arguments(state)["step"], "{name}");
    }
}

#[test]
fn the_requests_start_and_read_that_execution() {
    let finish: FinishTask = task("finish");
    let start = file("tests/events/api-start.json");
    assert_eq!(
        start["rawPath"],
        format!("/v1/workflows/{DELAY}/executions")
    );
    let key = start["headers"]["idempotency-key"].as_str().expect("a key");
    assert_eq!(execution_id("acme", DELAY, key), finish.execution.id);
    let body: Value = serde_json::from_str(start["body"].as_str().expect("a body")).expect("JSON");
    let begin: BeginTask = task("begin");
    assert_eq!(body["input"], begin.start["input"]);
    for (name, end) in [("api-read", ""), ("api-receipt", "/receipt")] {
        let path = format!("/v1/executions/{}{end}", finish.execution.id);
        assert_eq!(file(&format!("tests/events/{name}.json"))["rawPath"], path);
    }
}
