//! Tests of begin: owners, duplicates, rejected and malformed starts.

use serde_json::{Value, json};

use super::{
    closing::{put, redriven},
    *,
};
use crate::testing::{Fault, Op, ScriptedCall, engine};
use holdfast_action::StepError;
use holdfast_ledger::Phase;
use holdfast_task::ErrorName;

pub(super) fn refused(engine: &TestEngine, task: &BeginTask) -> TaskError {
    run(engine.begin(task)).expect_err("it is refused")
}

fn by_another(start: Value) -> BeginTask {
    BeginTask {
        owner: "arn:other".to_owned(),
        ..begin_task(start)
    }
}

#[test]
fn a_start_costs_one_write_and_returns_what_later_tasks_need() {
    let engine = engine();
    let begun = run(engine.begin(&begin_task(start_of(usual_input())))).unwrap();
    assert_eq!(
        engine.ledger.calls(),
        [Op::ReadWithControls, Op::Tenant, Op::PutExecution]
    );
    assert_eq!(begun.input, usual_input());
    let snapshot = snapshot(&engine, &begun.execution);
    let execution = &snapshot.execution;
    assert_eq!(
        (execution.rev, execution.epoch, &execution.phase),
        (1, 1, &Phase::Running)
    );
    assert_eq!(begun.execution, execution.reference());
    assert_eq!(execution.deadline.to_string(), "2025-09-29T13:15:00Z");
    let outcomes: Vec<_> = execution
        .guardrails
        .iter()
        .map(|no| (&*no.name, no.held))
        .collect();
    assert_eq!(outcomes, [("input", true), ("short_hold", true)]);
}

#[test]
fn a_begin_after_a_lost_answer_continues_with_its_own_record() {
    let engine = engine();
    let task = begin_task(start_of(usual_input()));
    engine.ledger.spoil(Op::PutExecution, 0, Fault::AnswerLost);
    assert_eq!(refused(&engine, &task).name, ErrorName::Transient);
    let again = run(engine.begin(&task)).unwrap();
    assert_eq!(again.input, usual_input());
    assert_eq!(snapshot(&engine, &again.execution).execution.rev, 1);
    assert_eq!(snapshot(&engine, &again.execution).duplicates, 0);
}

#[test]
fn a_repeated_begin_returns_the_recorded_input() {
    let engine = engine();
    let mut task = begin_task(json!({"trigger": "nightly", "scheduled_time": "t-1"}));
    let first = run(engine.begin(&task)).unwrap();
    task.gate.triggers[1].input = Template(json!({"vendor_id": "other", "hold_days": 1}));
    assert_eq!(run(engine.begin(&task)), Ok(first));
}

#[test]
fn a_repeated_begin_returns_a_stored_large_input() {
    let engine = engine();
    let input = json!({"vendor_id": "v".repeat(5000), "hold_days": 1.5});
    let task = begin_task(start_of(input.clone()));
    for _ in 0..2 {
        assert_eq!(run(engine.begin(&task)).unwrap().input, input);
    }
    assert_eq!(engine.payloads.objects.lock().unwrap().len(), 1);
}

#[test]
fn another_owner_is_a_duplicate_and_is_counted_once() {
    let engine = engine();
    let execution = begun(&engine);
    for n in 1..=2 {
        let mut task = by_another(start_of(usual_input()));
        task.owner = format!("arn:other:{n}");
        // The answer to the first invocation is lost, and Step Functions invokes it again.
        for _ in 0..2 {
            let error = refused(&engine, &task);
            assert_eq!(error.name, ErrorName::Duplicate);
            assert!(error.message.contains(&execution.id), "{error}");
            assert_eq!(snapshot(&engine, &execution).duplicates, n);
        }
    }
    assert_eq!(snapshot(&engine, &execution).execution.owner, "arn:owner");
}

#[test]
fn another_owner_is_a_duplicate_after_the_end_too() {
    let engine = engine();
    finish(&engine, &begun(&engine), None).unwrap();
    let error = refused(&engine, &by_another(start_of(usual_input())));
    assert_eq!(error.name, ErrorName::Duplicate);
}

#[test]
fn a_reused_key_with_another_input_is_refused() {
    let engine = engine();
    let execution = begun(&engine);
    let error = refused(&engine, &by_another(start_of(json!({"vendor_id": "v-2"}))));
    assert_eq!(error.name, ErrorName::KeyReused);
    assert!(error.message.contains("send a new key"), "{error}");
    assert!(
        !error.message.contains("v-2"),
        "no payload in an error: {error}"
    );
    assert_eq!(snapshot(&engine, &execution).duplicates, 1);
}

#[test]
fn the_same_input_in_another_spelling_is_the_same_start() {
    let engine = engine();
    begun(&engine);
    let spelt = json!({"hold_days": 14.0, "vendor_id": "v-1"});
    let error = refused(&engine, &by_another(start_of(spelt)));
    assert_eq!(error.name, ErrorName::Duplicate);
}

#[test]
fn a_rejected_start_is_recorded_and_a_retry_is_rejected_alike() {
    let engine = engine();
    let task = begin_task(start_of(json!({"vendor_id": "v-1", "hold_days": 31})));
    let error = refused(&engine, &task);
    assert_eq!(error.name, ErrorName::Rejected);
    assert_eq!(refused(&engine, &task), error);
    let read: Value = serde_json::from_str(&error.message).unwrap();
    assert_eq!(read["message"], "short_hold: a hold lasts 30 days at most");
    assert_eq!(read["guardrails"], json!(["short_hold"]));
    let execution: ExecutionRef = serde_json::from_value(read["execution"].clone()).unwrap();
    assert_eq!(
        snapshot(&engine, &execution).execution.phase,
        Phase::Rejected
    );
}

#[test]
fn an_excluded_tenant_is_rejected_in_its_own_partition() {
    let engine = engine();
    engine.ledger.kept.register("umbrella");
    let mut start = start_of(usual_input());
    start["tenant"] = json!("umbrella");
    let error = refused(&engine, &begin_task(start));
    assert_eq!(error.name, ErrorName::Rejected);
    let read: Value = serde_json::from_str(&error.message).unwrap();
    assert_eq!(read["execution"]["tenant"], "umbrella");
}

#[test]
fn a_malformed_start_writes_nothing() {
    let engine = engine();
    let with = |name: &str, value: Value| {
        let mut start = start_of(usual_input());
        start[name] = value;
        start
    };
    let table = [
        (json!(null), "tenant"),
        (json!({}), "tenant"),
        (with("tenant", json!("Ac/me")), "lower-case"),
        (with("idempotency_key", json!(" ")), "is empty"),
        (with("surprise", json!(1)), "surprise"),
        (with(&"é".repeat(99_999), json!(1)), "…`, expected"),
        (with("requested_by", json!("")), "requested_by has 1 to 200"),
        (with("requested_by", json!("a\nb")), "on one line"),
        (with("requested_by", json!("ann\u{3164}")), "visible"),
        (with("via", json!("v".repeat(201))), "via has 1 to 200"),
        (with("input", json!({"n": u64::MAX})), "string"),
        (with("input", json!("x".repeat(200_001))), "200000"),
        (json!({"trigger": "nope", "event": {}}), "risk, nightly"),
        (json!({"trigger": "risk", "event": {}}), "yields nothing"),
        (json!({"trigger": "risk", "extra": 1}), "unknown field"),
    ];
    for (start, right) in table {
        let error = refused(&engine, &begin_task(start));
        assert_eq!(error.name, ErrorName::Malformed, "{error}");
        assert!(error.message.contains(right), "{right}: {error}");
        assert!(error.message.len() < 1_000, "{}", error.message.len());
    }
    assert_eq!(engine.ledger.calls(), []);
}

#[test]
fn an_event_starts_by_its_trigger_and_a_repeated_event_is_a_duplicate() {
    let engine = engine();
    let event = |id| json!({"id": id, "detail": {"tenant": "acme", "vendor": "v-9"}});
    let start = json!({"trigger": "risk", "event": event("e-1")});
    let begun = run(engine.begin(&begin_task(start.clone()))).unwrap();
    assert_eq!(begun.execution.trigger, "risk");
    assert_eq!(begun.input, json!({"vendor_id": "v-9", "hold_days": 14}));
    let error = refused(&engine, &by_another(start));
    assert_eq!(error.name, ErrorName::Duplicate);
    let other = json!({"trigger": "risk", "event": event("e-2")});
    let other = run(engine.begin(&by_another(other))).unwrap();
    assert_ne!(other.execution.id, begun.execution.id);
}

#[test]
fn a_schedule_starts_once_per_scheduled_time() {
    let engine = engine();
    let at = |time| json!({"trigger": "nightly", "scheduled_time": time});
    let first = run(engine.begin(&begin_task(at("2025-09-29T02:00:00Z")))).unwrap();
    assert_eq!(first.input, json!({"vendor_id": "all", "hold_days": 1}));
    let error = refused(&engine, &by_another(at("2025-09-29T02:00:00Z")));
    assert_eq!(error.name, ErrorName::Duplicate);
    run(engine.begin(&by_another(at("2025-09-30T02:00:00Z")))).unwrap();
}

#[test]
fn an_event_carries_requester_and_approval_and_is_rejected_without() {
    let engine = engine();
    let mut task = begin_task(Value::Null);
    task.gate.rules.approval = true;
    task.gate.rules.unsigned_approvals = true;
    let map = |path: &str| Some(Template(json!({ "$jsonata": path })));
    task.gate.triggers[0].requested_by = map("$event.detail.by");
    task.gate.triggers[0].approval = map("$event.detail.approval");
    let input = json!({"vendor_id": "v-9", "hold_days": 14});
    let approval = json!({
        "approved_by": "bob", "approved_at": "2025-09-29T12:00:00Z", "expires_at": "2025-09-30T12:00:00Z",
        "input_sha256": holdfast_ids::digest::value_sha256_hex(&input).unwrap(), "reference": "CASE-7",
    });
    let start = |id: &str, more: Value| {
        let mut event =
            json!({"id": id, "detail": {"tenant": "acme", "vendor": "v-9", "by": "ann"}});
        event["detail"]["approval"] = more;
        BeginTask {
            start: json!({"trigger": "risk", "event": event}),
            ..task.clone()
        }
    };
    let begun = run(engine.begin(&start("e-1", approval.clone()))).unwrap();
    let execution = snapshot(&engine, &begun.execution).execution;
    assert_eq!(execution.requested_by.as_deref(), Some("ann"));
    assert_eq!(json!(execution.approval), approval);
    let error = refused(&engine, &start("e-2", Value::Null));
    assert_eq!(error.name, ErrorName::Rejected);
    assert!(error.message.contains("none was sent"), "{error}");
    let mut odd = approval.clone();
    odd["surprise"] = json!("secret");
    let error = refused(&engine, &start("e-3", odd));
    assert_eq!(error.name, ErrorName::Malformed);
    assert!(
        error.message.contains("surprise") && !error.message.contains("secret"),
        "{error}"
    );
    let mut long = approval;
    long["reference"] = json!("x".repeat(201));
    let error = refused(&engine, &start("e-4", long));
    assert_eq!(error.name, ErrorName::Malformed);
}

#[test]
fn an_event_whose_key_no_header_could_carry_starts_once() {
    let engine = engine();
    let mut task = begin_task(Value::Null);
    task.gate.triggers[0].idempotency_key = Template(json!({ "$jsonata": "$event.key" }));
    for key in ["order 17", "Bestellung für März", &"ü".repeat(300), "a\nb"] {
        let start = |id: &str| {
            let event =
                json!({"id": id, "key": key, "detail": {"tenant": "acme", "vendor": "v-9"}});
            BeginTask {
                start: json!({"trigger": "risk", "event": event}),
                owner: format!("arn:{id}"),
                ..task.clone()
            }
        };
        let first = run(engine.begin(&start("e-1"))).expect(key).execution;
        let error = refused(&engine, &start("e-2"));
        assert_eq!(error.name, ErrorName::Duplicate, "{key}: {error}");
        let recorded = snapshot(&engine, &first).execution.idempotency_key;
        assert!(recorded.starts_with("sha256 "), "{recorded}");
    }
}

#[test]
fn a_redrive_continues_with_a_number_that_a_new_start_may_not_have() {
    let engine = engine();
    let long = json!({"vendor_id": 1_234_567_890_123_456_u64, "hold_days": 14});
    let start = start_of(long.clone());
    assert_eq!(
        refused(&engine, &begin_task(start.clone())).name,
        ErrorName::Malformed
    );
    let execution = begun(&engine);
    // An earlier release accepted this input.
    let mut recorded = snapshot(&engine, &execution).execution;
    recorded.input = run(engine.pack(&recorded.at, "input", long.clone())).unwrap();
    recorded.rev += 1;
    put(&engine, recorded);
    let no = Script::of([ScriptedCall::Fails(StepError::permanent("no"))]);
    failing(&engine, &step_task(&execution, STEPS[0]), &no);
    finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let execution = redriven(&engine, &execution);
    let task = BeginTask {
        owner: "arn:again".to_owned(),
        ..begin_task(start)
    };
    let again = run(engine.begin(&task)).unwrap();
    assert_eq!((again.execution, again.input), (execution, long));
}

/// A start that says `via`, as the Step Functions execution `name`, and its recorded trigger.
fn trigger_of(via: &str, name: &str) -> String {
    let engine = engine();
    let mut task = begin_task(start_of(usual_input()));
    task.start["via"] = json!(via);
    task.owner = format!("arn:execution:machine:{name}");
    let begun = run(engine.begin(&task)).expect("it begins");
    snapshot(&engine, &begun.execution).execution.trigger
}

#[test]
fn only_a_start_with_the_name_that_the_api_gives_is_recorded_as_the_apis() {
    let id = holdfast_ids::keys::execution_id("acme", "WF-HOLD", "risk-17");
    assert_eq!(trigger_of("api", &id), "api");
    assert_eq!(trigger_of("api", "another"), "direct");
    assert_eq!(trigger_of("direct", &id), "direct");
}

#[test]
fn a_direct_start_never_poses_as_a_trigger() {
    for via in ["nightly", "risk", "redrive"] {
        assert_eq!(trigger_of(via, "another"), "direct", "{via}");
    }
}

#[test]
fn a_key_of_an_event_reads_no_fraction_that_its_text_would_round() {
    let begins = |amount: f64| {
        let detail = json!({ "tenant": "acme", "vendor": "v-9", "amount": amount });
        let event = json!({ "id": "e-1", "detail": detail });
        let mut task = begin_task(json!({ "trigger": "risk", "event": event }));
        let key = json!({ "$jsonata": "'k-' & $event.detail.amount" });
        task.gate.triggers[0].idempotency_key = holdfast_task::Template(key);
        run(engine().begin(&task))
    };
    begins(0.5).expect("it begins");
    let error = begins(0.123_456_789_012_345_6).expect_err("another one has the same text");
    assert_eq!(error.name, ErrorName::Malformed);
    assert!(error.message.contains("more than 15 digits"), "{error:?}");
}
