//! The counts of a measured run are those of the documented budgets.

use std::time::Duration;

use crate::set_up::drill_of;
use holdfast_drill::{Scenario, Usage};
use holdfast_ledger::Key;

/// The workflow by which the project measures cost.
const PLAIN: &str = include_str!("../../../../infra/bench/plain.yaml");

/// A workflow of so many plain steps.
fn plain(steps: usize) -> String {
    let (head, step) = PLAIN.split_once("steps:\n").expect("steps");
    let steps = (1..=steps).map(|n| step.replace("{n}", &n.to_string()));
    format!("{head}steps:\n{}", steps.collect::<String>())
}

/// Time of an invocation.
const CALL: Duration = Duration::from_millis(100);

fn happy(source: &str) -> Usage {
    executed(source, &Scenario::default())
}

fn executed(source: &str, scenario: &Scenario) -> Usage {
    let measured = drill_of(source).measure(scenario, CALL).expect("it runs");
    assert_eq!(measured.status.as_deref(), Some("EXECUTED"));
    measured.usage
}

#[test]
fn a_success_of_n_steps_keeps_to_its_budget_of_requests() {
    for n in [2, 5, 20] {
        let usage = happy(&plain(n as usize));
        assert_eq!(usage.transitions, n + 2, "{n} steps");
        assert_eq!(usage.calls, n + 2, "{n} steps");
        // Begin, claim and outcome of each step, status and receipt.
        let writes = 2 * n + 3;
        // The registration of the tenant, begin, each attempt, and the query of the end.
        let reads = 1 + (n + 1) + 1;
        assert_eq!(usage.ledger_requests, writes + reads, "{n} steps");
        // Begin and each attempt read one copy of the list of paused scopes, for one unit.
        let copies = usage.partitions.iter();
        let copies = copies.filter(|(one, _)| one.hash.starts_with(Key::CONTROL_PREFIX));
        let units: Vec<_> = copies.map(|(_, load)| (load.reads, load.writes)).collect();
        assert_eq!(units, [(n + 1, 0)], "{n} steps");
        assert_eq!(usage.objects_put, 1, "{n} steps");
        assert_eq!(usage.receipts_signed, 1, "{n} steps");
        assert_eq!(usage.target_calls, n, "{n} steps");
        // Start, end and receipt; the first attempt and the effect of each step.
        assert_eq!(usage.events.count, 3, "{n} steps");
        assert_eq!(usage.step_details.count, n, "{n} steps");
        assert_eq!(usage.completed_steps.count, n, "{n} steps");
        // The wait of the first step, the end of each, and the end of the execution.
        assert_eq!(usage.metric_lines(1).count, n + 2, "{n} steps");
        assert_eq!(usage.changes(), writes, "{n} steps");
    }
}

#[test]
fn events_and_lines_of_metrics_have_the_bytes_that_are_sent() {
    let usage = happy(&plain(2));
    for volume in [usage.events, usage.completed_steps, usage.metric_lines(1)] {
        let mean = volume.bytes / volume.count;
        assert!((300..900).contains(&mean), "{volume:?}");
    }
}

#[test]
fn executions_of_one_batch_share_the_declarations_of_their_metrics() {
    let usage = happy(&plain(2));
    let (alone, ten) = (usage.metric_lines(1), usage.metric_lines(10));
    // One line for the wait of the first step, the end of each, and the end of the execution. Of
    // the wait and of each step, the two longest have a line without a declaration too.
    assert_eq!(alone.count, 4);
    assert_eq!(ten.count, 4 + 3 * 2);
    assert!(ten.bytes < 2 * alone.bytes, "{alone:?}, {ten:?}");
}

#[test]
fn statistics_are_sized_by_the_steps_that_contribute_to_them() {
    let units = [2, 5, 20].map(|n| happy(&plain(n)).statistics_units(10_800));
    assert_eq!(units, [4, 4, 6]);
}

#[test]
fn an_express_run_lasts_as_long_as_its_calls_and_the_pauses_between_them() {
    let express = plain(2).replace("steps:\n", "tier: express\nsteps:\n");
    let usage = happy(&express);
    assert_eq!((usage.express_runs, usage.express_ms), (1, 400));
    // The retry is one more call, after a pause.
    let throttled = "notify_1/throttled".parse().expect("a scenario");
    let retried = executed(&express, &throttled);
    assert_eq!((retried.express_runs, retried.calls), (1, 5));
    assert!(retried.express_ms > 500, "{}", retried.express_ms);
    assert_eq!(retried.express_ms % 100, 0);
}

#[test]
fn the_calls_of_a_recovery_are_no_time_of_an_express_run() {
    let express = plain(2).replace("steps:\n", "tier: express\nsteps:\n");
    let killed = "Finish/killed-before".parse().expect("a scenario");
    let measured = drill_of(&express).measure(&killed, CALL);
    let usage = measured.expect("it runs").usage;
    // Begin and two steps. The recovery is a Standard execution.
    assert_eq!((usage.express_runs, usage.express_ms), (1, 300));
    assert!(usage.transitions > 0 && usage.calls > 3, "{usage:?}");
}

#[test]
fn a_standard_execution_that_fails_has_a_status_event() {
    let refused = "notify_2/permanent".parse().expect("a scenario");
    for (tier, events) in [("standard", 1), ("express", 0)] {
        let source = plain(2).replace("steps:\n", &format!("tier: {tier}\nsteps:\n"));
        let measured = drill_of(&source).measure(&refused, CALL);
        assert_eq!(measured.expect("it runs").usage.status_events, events);
    }
}
