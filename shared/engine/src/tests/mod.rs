//! Tests of the engine in memory, with a fault at any call.

mod approvals;
mod approving;
mod asking;
mod attempts;
mod begin;
mod certified;
mod choosing;
mod closing;
mod continuing;
mod express;
mod faults;
mod finish;
mod finishing;
mod generations;
mod late_claims;
mod late_questions;
mod limits;
mod lost_start;
mod missing;
mod output;
mod owners;
mod pausing;
mod payloads;
mod polling;
mod receipts;
mod reports;
mod requests;
mod requirements;
mod rollback;
mod rollback_races;
mod shown;
mod slow_checks;
mod status_events;
mod target_answers;
mod tenants;
mod unwinding;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Host, TaskError,
    engine::partition,
    testing::{Script, TestEngine, run},
};
use holdfast_admission::Envelope;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Put, Snapshot, StepRecord};
use holdfast_receipt::evidence::NoSigner;
use holdfast_task::{
    AdmissionSpec, BeginTask, Choices, ErrorName, ExecutionRef, Failure, FinishResult, FinishTask,
    Guardrail, PlanResult, PlanTask, ShownFields, StartConditions, StepPolicy, StepRef, StepResult,
    StepTask, Template, TriggerMap, UndoPolicy, UndoTask,
};

/// The steps of the specification's workflow.
const STEPS: [&str; 2] = ["apply_vendor_hold", "notify_ap_team"];

fn gate() -> AdmissionSpec {
    let template = |value| Template(value);
    AdmissionSpec {
        workflow: "WF-HOLD".to_owned(),
        version: 3,
        description: None,
        definition_digest: "sha256:d1".to_owned(),
        tenants: vec!["acme".to_owned()],
        input_schema: json!({"type": "object", "required": ["vendor_id"]}),
        guardrails: vec![Guardrail {
            name: "short_hold".to_owned(),
            assert: "$input.hold_days <= 30".to_owned(),
            message: "a hold lasts 30 days at most".to_owned(),
        }],
        triggers: vec![
            TriggerMap {
                name: "risk".to_owned(),
                tenant: template(json!({"$jsonata": "$event.detail.tenant"})),
                idempotency_key: template(json!({"$jsonata": "$event.id"})),
                input: template(json!({
                    "vendor_id": {"$jsonata": "$event.detail.vendor"},
                    "hold_days": 14,
                })),
                requested_by: None,
                approval: None,
            },
            TriggerMap {
                name: "nightly".to_owned(),
                tenant: template(json!("acme")),
                idempotency_key: template(json!({"$jsonata": "$scheduled_time"})),
                input: template(json!({"vendor_id": "all", "hold_days": 1})),
                requested_by: None,
                approval: None,
            },
        ],
        rules: StartConditions::default(),
        fields: ShownFields::default(),
        timeout_s: 900,
        tier: holdfast_task::Tier::Standard,
    }
}

fn begin_task(start: Value) -> BeginTask {
    BeginTask {
        gate: gate(),
        steps: steps(),
        start,
        owner: "arn:owner".to_owned(),
        machine: "arn:machine".to_owned(),
        started_at: "2025-09-29T13:00:00Z".to_owned(),
        trace: None,
    }
}

fn start_of(input: Value) -> Value {
    let envelope = Envelope {
        tenant: "acme".to_owned(),
        idempotency_key: "risk-17".to_owned(),
        input,
        via: "api".to_owned(),
        requested_by: None,
        approval: None,
        request_id: None,
        trace: None,
    };
    serde_json::to_value(envelope).unwrap()
}

fn usual_input() -> Value {
    json!({"vendor_id": "v-1", "hold_days": 14})
}

fn steps() -> Vec<StepRef> {
    let step = |name: &str| StepRef {
        name: name.to_owned(),
        action: "script".to_owned(),
        for_each: None,
        last: false,
        approvals: Vec::new(),
        output: false,
        branches: Vec::new(),
    };
    STEPS.map(step).to_vec()
}

/// An execution that has begun.
fn begun(engine: &TestEngine) -> ExecutionRef {
    let task = begin_task(start_of(usual_input()));
    run(engine.begin(&task)).unwrap().execution
}

fn step_task(execution: &ExecutionRef, name: &str) -> StepTask {
    let number = STEPS.iter().position(|step| *step == name).unwrap_or(2) as u32 + 1;
    StepTask {
        execution: execution.clone(),
        step: StepPolicy {
            name: name.to_owned(),
            number,
            action: "script".to_owned(),
            timeout_s: 30,
            max_attempts: 3,
            idempotent: true,
            reads: false,
            optional: false,
            continues_on: Vec::new(),
            poll: None,
            last: false,
            undo: Some(UndoPolicy {
                timeout_s: 30,
                max_attempts: 3,
                fences: true,
                missing_is_undone: false,
            }),
            inline_output_bytes: 2000,
        },
        item_key: None,
        items: None,
        when: None,
        input: json!({"vendor_id": "v-1"}),
        undo_input: None,
    }
}

/// A task of the first step of an execution that has begun.
fn first_step(engine: &TestEngine) -> StepTask {
    step_task(&begun(engine), STEPS[0])
}

fn attempt(engine: &TestEngine, task: &StepTask, action: &Script) -> Result<StepResult, TaskError> {
    run(engine.step(task, action))
}

/// The answer of an attempt whose action succeeds.
fn succeeding(engine: &TestEngine, task: &StepTask) -> StepResult {
    attempt(engine, task, &Script::default()).expect("a success")
}

/// The error name of an attempt that fails.
fn failing(engine: &TestEngine, task: &StepTask, action: &Script) -> ErrorName {
    attempt(engine, task, action).expect_err("it fails").name
}

fn finish(
    engine: &TestEngine,
    execution: &ExecutionRef,
    failed_at: Option<&str>,
) -> Result<FinishResult, TaskError> {
    match failed_at {
        None => run(engine.finish(&finish_task(execution), &NoSigner)),
        Some(state) => unwind(engine, execution, state, &Script::default()),
    }
}

/// Plans, undoes each step once and closes, as the state machine does for an execution that failed
/// at `state`.
fn unwind(
    engine: &TestEngine,
    execution: &ExecutionRef,
    state: &str,
    action: &Script,
) -> Result<FinishResult, TaskError> {
    let PlanResult { execution, undo } = run(engine.plan(&plan_task(execution, state)))?;
    for undo in undo {
        let execution = execution.clone();
        run(engine.undo(&UndoTask { execution, undo }, action))?;
    }
    run(engine.finish(&finish_task(&execution), &NoSigner))
}

fn finish_task(execution: &ExecutionRef) -> FinishTask {
    FinishTask {
        execution: execution.clone(),
        steps: steps(),
        output: None,
        choices: Choices::new(),
        stops: Default::default(),
    }
}

fn plan_task(execution: &ExecutionRef, state: &str) -> PlanTask {
    PlanTask {
        execution: execution.clone(),
        owner: "arn:owner".to_owned(),
        failure: failed_at(state),
        functions: [("script".to_owned(), "arn:script".to_owned())].into(),
        steps: Vec::new(),
    }
}

fn failed_at(state: &str) -> Failure {
    Failure {
        state: state.to_owned(),
        error: "Permanent".to_owned(),
        cause: "{}".to_owned(),
        by: None,
    }
}

fn snapshot(engine: &TestEngine, execution: &ExecutionRef) -> Snapshot {
    let found = run(engine.ledger.kept.snapshot(&partition(execution)));
    found.unwrap().expect("it has begun")
}

/// The record of the step with this name.
fn record(engine: &TestEngine, task: &StepTask) -> StepRecord {
    let steps = snapshot(engine, &task.execution).steps;
    let found = steps.into_iter().find(|step| step.step == task.step.name);
    found.expect("it was claimed")
}

/// Overwrites the execution record, as another task would.
fn change(engine: &TestEngine, at: &ExecutionKey, change: impl FnOnce(&mut ExecutionRecord)) {
    let mut execution = run(engine.ledger.kept.read(at)).unwrap().unwrap();
    let expect = Expect::Rev(execution.rev);
    execution.rev += 1;
    change(&mut execution);
    assert_eq!(
        run(engine.ledger.kept.put(&execution, expect)),
        Ok(Put::Done)
    );
}

fn now(engine: &TestEngine) -> Timestamp {
    engine.host.now()
}
