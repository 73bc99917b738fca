//! A property test: after any operations, counters equal the reservations in the records.

use proptest::prelude::*;

use super::*;

/// An operation on one of a few executions.
#[derive(Debug, Clone)]
enum Event {
    Begin(u8),
    BeginUnheard(u8),
    BeginUnavailable(u8),
    Execute(u8),
    Fail(u8),
    FailUnheard(u8),
    Redrive(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let key = 0..6_u8;
    prop_oneof![
        key.clone().prop_map(Event::Begin),
        key.clone().prop_map(Event::BeginUnheard),
        key.clone().prop_map(Event::BeginUnavailable),
        key.clone().prop_map(Event::Execute),
        key.clone().prop_map(Event::Fail),
        key.clone().prop_map(Event::FailUnheard),
        key.prop_map(Event::Redrive),
    ]
}

/// Applies the operation, if it is possible.
fn happen(engine: &TestEngine, event: &Event) {
    let (Event::Begin(n) | Event::BeginUnheard(n) | Event::BeginUnavailable(n)) = event else {
        let (Event::Execute(n) | Event::Fail(n) | Event::FailUnheard(n) | Event::Redrive(n)) =
            event
        else {
            return;
        };
        let task = task_of(*n);
        let Some(record) = execution_of(engine, &task) else {
            return;
        };
        let execution = record.reference();
        match event {
            Event::Redrive(_) => {
                let ended = matches!(
                    record.phase,
                    Phase::Ended {
                        status: Status::Failed,
                        ..
                    }
                );
                if ended && record.receipt.is_some() {
                    let again = redriven(engine, &task, &execution);
                    drop(run(engine.begin(&again)));
                }
            }
            Event::Execute(_) => drop(run(engine.finish(&finish_task(&execution), &NoSigner))),
            _ => {
                if matches!(event, Event::FailUnheard(_)) {
                    engine.ledger.spoil(Op::PutExecution, 1, Fault::AnswerLost);
                }
                let plan = PlanTask {
                    owner: record.owner.clone(),
                    ..plan_task(&execution, STEPS[0])
                };
                if let Ok(planned) = run(engine.plan(&plan)) {
                    drop(run(
                        engine.finish(&finish_task(&planned.execution), &NoSigner)
                    ));
                }
            }
        }
        return;
    };
    match event {
        Event::BeginUnheard(_) => engine.ledger.spoil(Op::PutExecution, 0, Fault::AnswerLost),
        Event::BeginUnavailable(_) => engine.ledger.spoil(Op::PutExecution, 0, Fault::Unavailable),
        _ => {}
    }
    drop(run(engine.begin(&task_of(*n))));
}

fn task_of(n: u8) -> BeginTask {
    start_with(&format!("k-{n}"), json!(i64::from(n) * 10 + 5))
}

fn execution_of(engine: &TestEngine, task: &BeginTask) -> Option<ExecutionRecord> {
    let key = task.start["idempotency_key"].as_str().unwrap();
    let at = ExecutionKey {
        tenant: "acme".to_owned(),
        execution: holdfast_ids::keys::execution_id("acme", "WF-HOLD", key),
    };
    run(engine.ledger.kept.read(&at)).unwrap()
}

proptest! {
    #[test]
    fn counters_equal_the_reservations_after_any_operations(
        events in proptest::collection::vec(event(), 1..40)
    ) {
        let engine = engine();
        for event in &events {
            happen(&engine, event);
            let found: Vec<_> = (0..6).filter_map(|n| execution_of(&engine, &task_of(n))).collect();
            let held = |kind| -> i64 {
                let holds = found.iter().flat_map(|execution| &execution.reservations);
                holds.filter(|hold| hold.kind == kind).map(|hold| hold.amount).sum()
            };
            let (used, open) = used_and_open(&engine);
            prop_assert_eq!((used * 10_000, open), (held(CounterKind::Budget), held(CounterKind::Open)));
            prop_assert!((0..=LIMIT).contains(&used) && (0..=3).contains(&open), "{} {}", used, open);
            for execution in &found {
                let open = execution.reservations.iter().any(|hold| hold.kind == CounterKind::Open);
                let ended = matches!(execution.phase, Phase::Ended { .. } | Phase::Rejected);
                prop_assert!(!(open && ended), "{:?}", execution);
                prop_assert!(open || execution.phase != Phase::Running || execution.redriven.is_some(), "{:?}", execution);
            }
        }
    }
}
