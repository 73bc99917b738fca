//! Tests of budgets and limits: reserved by the start, returned by the end, exact under faults.

use serde_json::{Value, json};

use super::*;

mod at_random;

use crate::testing::{Fault, Op, engine};
use holdfast_ids::digest::value_sha256_hex;
use holdfast_ledger::{Counter, CounterKind, Phase, Request, RequestTransition, redrive, withdraw};
use holdfast_receipt::Status;
use holdfast_task::{Budget, ErrorName, Period};

const LIMIT: i64 = 100;

fn rules() -> StartConditions {
    let budget = Budget {
        name: "held_amount".to_owned(),
        amount: "$input.amount".to_owned(),
        limit: LIMIT * 10_000,
        per: Period::Day,
        zone: "UTC".to_owned(),
    };
    StartConditions {
        budgets: vec![budget],
        concurrent_executions: Some(3),
        ..StartConditions::default()
    }
}

/// A start with its own key and this amount, under the usual guardrails.
fn start_with(key: &str, amount: Value) -> BeginTask {
    let mut start = start_of(json!({"vendor_id": "v-1", "hold_days": 1, "amount": amount}));
    start["idempotency_key"] = json!(key);
    let mut task = begin_task(start);
    task.owner = format!("arn:{key}");
    task.gate.rules = rules();
    task
}

fn counted(engine: &TestEngine, kind: CounterKind, name: &str, period: &str) -> i64 {
    let counter = Counter {
        tenant: "acme".to_owned(),
        kind,
        name: name.to_owned(),
        period: period.to_owned(),
    };
    run(engine.ledger.kept.count(&counter)).unwrap()
}

/// The used part of the budget, in whole units, and the number of open executions.
fn used_and_open(engine: &TestEngine) -> (i64, i64) {
    let used = counted(engine, CounterKind::Budget, "held_amount", "2025-09-29");
    assert_eq!(used % 10_000, 0);
    let open = counted(engine, CounterKind::Open, "WF-HOLD", "");
    (used / 10_000, open)
}

/// The execution of a rejected start, and the guardrails that did not hold.
fn rejected(engine: &TestEngine, task: &BeginTask) -> (ExecutionRef, Vec<String>) {
    let error = run(engine.begin(task)).expect_err("it is rejected");
    assert_eq!(error.name, ErrorName::Rejected, "{error}");
    let read: Value = serde_json::from_str(&error.message).unwrap();
    let execution: ExecutionRef = serde_json::from_value(read["execution"].clone()).unwrap();
    let guardrails = snapshot(engine, &execution).execution.guardrails;
    let no = guardrails.into_iter().filter(|one| !one.held);
    (execution, no.map(|one| one.name).collect())
}

#[test]
fn a_start_reserves_with_its_record_and_a_retry_reserves_nothing() {
    let engine = engine();
    let task = start_with("k-1", json!(30));
    engine.ledger.spoil(Op::PutExecution, 0, Fault::AnswerLost);
    let begun = run(engine.begin(&task)).unwrap();
    assert_eq!(run(engine.begin(&task)), Ok(begun.clone()));
    assert_eq!(used_and_open(&engine), (30, 1));
    let other = BeginTask {
        owner: "arn:other".to_owned(),
        ..task
    };
    let error = run(engine.begin(&other)).expect_err("it is a duplicate");
    assert_eq!(error.name, ErrorName::Duplicate);
    assert_eq!(used_and_open(&engine), (30, 1));
    let execution = snapshot(&engine, &begun.execution).execution;
    assert!(execution.guardrails.iter().all(|one| one.held));
    let names: Vec<_> = execution.guardrails.iter().map(|one| &*one.name).collect();
    let all = [
        "input",
        "short_hold",
        "held_amount",
        "concurrent_executions",
    ];
    assert_eq!(names, all);
    assert!(execution.policy_digest.is_some());
}

#[test]
fn a_start_without_limits_costs_one_write_and_its_end_two() {
    let engine = engine();
    let execution = begun(&engine);
    assert_eq!(
        engine.ledger.calls(),
        [Op::ReadWithControls, Op::Tenant, Op::PutExecution]
    );
    finish(&engine, &execution, None).unwrap();
    assert_eq!(
        engine.ledger.calls(),
        [Op::Snapshot, Op::PutExecution, Op::PutExecution]
    );
}

#[test]
fn a_start_beyond_its_limits_is_rejected_by_each_and_reserves_nothing() {
    let engine = engine();
    for key in ["a", "b", "c"] {
        run(engine.begin(&start_with(key, json!(30)))).unwrap();
    }
    let (execution, no) = rejected(&engine, &start_with("d", json!(10.5)));
    assert_eq!(no, ["held_amount", "concurrent_executions"]);
    let mut long = start_with("e", json!(11));
    long.start["input"]["hold_days"] = json!(31);
    let (_, no) = rejected(&engine, &long);
    assert_eq!(no, ["short_hold", "held_amount", "concurrent_executions"]);
    let (_, no) = rejected(&engine, &start_with("f", json!(10)));
    assert_eq!(no, ["concurrent_executions"]);
    let (_, no) = rejected(&engine, &start_with("g", json!(0.00001)));
    assert_eq!(no, ["held_amount", "concurrent_executions"]);
    assert_eq!(used_and_open(&engine), (90, 3));
    let result = run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap();
    assert_eq!(result.status, "REJECTED");
    assert_eq!(used_and_open(&engine), (90, 3));
    // A retry is rejected alike, even if the counters have room by then.
    let (_, no) = rejected(&engine, &start_with("f", json!(10)));
    assert_eq!(no, ["concurrent_executions"]);
}

#[test]
fn an_executed_execution_keeps_its_budget_until_it_is_rolled_back() {
    let engine = engine();
    let begun = run(engine.begin(&start_with("a", json!(30)))).unwrap();
    let task = step_task(&begun.execution, STEPS[0]);
    attempt(&engine, &task, &Script::default()).unwrap();
    for _ in 0..2 {
        finish(&engine, &begun.execution, None).unwrap();
        assert_eq!(used_and_open(&engine), (30, 0));
    }
    let execution = snapshot(&engine, &begun.execution).execution;
    let request = Request {
        by: "bob".to_owned(),
        reason: "wrong vendor".to_owned(),
    };
    let RequestTransition::Write(next) = withdraw(&execution, &request, "arn:owner", now(&engine))
    else {
        panic!("it can be rolled back");
    };
    run(engine.ledger.kept.put(&*next, Expect::Rev(execution.rev))).unwrap();
    let done = unwind(&engine, &next.reference(), "", &Script::default()).unwrap();
    assert_eq!(done.status, "ROLLED_BACK");
    assert_eq!(used_and_open(&engine), (0, 0));
}

#[test]
fn a_rollback_returns_its_reservations_once_under_any_retries() {
    let engine = engine();
    run(engine.begin(&start_with("other", json!(5)))).unwrap();
    let begun = run(engine.begin(&start_with("a", json!(30)))).unwrap();
    let plan = PlanTask {
        owner: "arn:a".to_owned(),
        ..plan_task(&begun.execution, STEPS[0])
    };
    let execution = run(engine.plan(&plan)).unwrap().execution;
    engine.ledger.spoil(Op::PutExecution, 0, Fault::AnswerLost);
    for _ in 0..3 {
        let done = run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap();
        assert_eq!(done.status, "FAILED");
        assert_eq!(used_and_open(&engine), (5, 1));
    }
}

#[test]
fn a_possible_residual_effect_keeps_its_budget() {
    let engine = engine();
    let begun = run(engine.begin(&start_with("a", json!(30)))).unwrap();
    let mut task = step_task(&begun.execution, STEPS[0]);
    task.step.undo = None;
    attempt(&engine, &task, &Script::default()).unwrap();
    let plan = PlanTask {
        owner: "arn:a".to_owned(),
        ..plan_task(&begun.execution, STEPS[1])
    };
    let execution = run(engine.plan(&plan)).unwrap().execution;
    let done = run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap();
    assert_eq!(done.status, "PARTIALLY_ROLLED_BACK");
    assert_eq!(used_and_open(&engine), (30, 0));
}

/// Redrives an execution that has ended.
fn redriven(engine: &TestEngine, of: &BeginTask, execution: &ExecutionRef) -> BeginTask {
    let snapshot = snapshot(engine, execution);
    let request = Request {
        by: "bob".to_owned(),
        reason: "again".to_owned(),
    };
    let owner = format!("{}-again", of.owner);
    let transition = redrive(&snapshot, &of.gate, &steps(), &request, &owner, now(engine));
    let RequestTransition::Write(next) = transition else {
        panic!("it can be redriven: {transition:?}");
    };
    let expect = Expect::Rev(snapshot.execution.rev);
    run(engine.ledger.kept.put(&*next, expect)).unwrap();
    let mut task = BeginTask {
        owner,
        ..of.clone()
    };
    // The API sends no reference to a stored input.
    task.start["input"] = json!({});
    task
}

fn failed(engine: &TestEngine, task: &BeginTask) -> ExecutionRef {
    let begun = run(engine.begin(task)).unwrap();
    let plan = PlanTask {
        owner: task.owner.clone(),
        ..plan_task(&begun.execution, STEPS[0])
    };
    let execution = run(engine.plan(&plan)).unwrap().execution;
    let done = run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap();
    assert_eq!(done.status, "FAILED");
    execution
}

#[test]
fn a_redrive_reserves_again_once() {
    let engine = engine();
    let task = start_with("a", json!(30));
    let execution = failed(&engine, &task);
    assert_eq!(used_and_open(&engine), (0, 0));
    let again = redriven(&engine, &task, &execution);
    engine.ledger.spoil(Op::PutExecution, 1, Fault::AnswerLost);
    for _ in 0..2 {
        run(engine.begin(&again)).unwrap();
        assert_eq!(used_and_open(&engine), (30, 1));
    }
}

#[test]
fn a_redrive_beyond_its_budget_ends_and_its_retry_ends_alike() {
    let engine = engine();
    let task = start_with("a", json!(30));
    let execution = failed(&engine, &task);
    run(engine.begin(&start_with("b", json!(71)))).unwrap();
    let again = redriven(&engine, &task, &execution);
    for _ in 0..2 {
        let (execution, no) = rejected(&engine, &again);
        assert_eq!(no, ["held_amount"]);
        let phase = snapshot(&engine, &execution).execution.phase;
        assert!(matches!(phase, Phase::Unwinding { .. }), "{phase:?}");
    }
    let (execution, _) = rejected(&engine, &again);
    let done = run(engine.finish(&finish_task(&execution), &NoSigner)).unwrap();
    assert_eq!(done.status, "FAILED");
    assert_eq!(used_and_open(&engine), (71, 1));
}

#[test]
fn a_redrive_with_an_inexact_amount_ends() {
    let engine = engine();
    let task = start_with("a", json!(30));
    let execution = failed(&engine, &task);
    let mut again = redriven(&engine, &task, &execution);
    again.gate.rules.budgets[0].amount = "'much'".to_owned();
    let (_, no) = rejected(&engine, &again);
    assert_eq!(no, ["held_amount"]);
    assert_eq!(used_and_open(&engine), (0, 0));
}

#[test]
fn an_approval_admits_one_start_and_its_retries_only() {
    let engine = engine();
    let agreed = |key: &str, reference: &str| {
        let mut task = start_with(key, json!(1));
        task.gate.rules = StartConditions {
            approval: true,
            unsigned_approvals: true,
            ..StartConditions::default()
        };
        task.start["requested_by"] = json!("ann");
        task.start["approval"] = json!({
            "approved_by": "bob", "reference": reference,
            "approved_at": "2025-09-29T12:00:00Z", "expires_at": "2999-01-01T00:00:00Z",
            "input_sha256": value_sha256_hex(&task.start["input"]).unwrap(),
        });
        task
    };
    for _ in 0..2 {
        run(engine.begin(&agreed("a", "CASE-1"))).unwrap();
    }
    let (_, no) = rejected(&engine, &agreed("b", "CASE-1"));
    assert_eq!(no, ["approval_unused"]);
    run(engine.begin(&agreed("c", "CASE-2"))).unwrap();
}

#[test]
fn each_minute_admits_its_limit_of_starts() {
    let engine = engine();
    let start_at = |key: &str, at: &str| {
        let mut task = start_with(key, json!(1));
        task.gate.rules = StartConditions {
            starts_per_minute: Some(2),
            ..StartConditions::default()
        };
        task.started_at = at.to_owned();
        task
    };
    for key in ["a", "b"] {
        run(engine.begin(&start_at(key, "2025-09-29T13:00:59.9Z"))).unwrap();
    }
    let (_, no) = rejected(&engine, &start_at("c", "2025-09-29T13:00:00Z"));
    assert_eq!(no, ["starts_per_minute"]);
    let begun = run(engine.begin(&start_at("d", "2025-09-29T13:01:00Z"))).unwrap();
    // An end returns none of them, and an ended execution is not started again.
    finish(&engine, &begun.execution, None).unwrap();
    let minute = counted(&engine, CounterKind::Starts, "WF-HOLD", "2025-09-29T13:01");
    assert_eq!(minute, 1);
}
