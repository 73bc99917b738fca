//! Tests workflows on Express state machines, with the same judge as on Standard. Runs die
//! anywhere, run again from the start, or run twice at once.

use std::fs;

use holdfast_drill::{Drill, Scenario, ScheduleSource, Settings, Simulator};
use serde_json::json;

use crate::{
    set_up::{actions, read},
    simulation::violations,
};

/// Number of schedules of each workflow.
const SCHEDULES: u64 = 1_500;

/// Returns the text of a workflow of the project with `tier: express` and its longest timeout.
pub(crate) fn express(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(&path).expect("a workflow");
    let lines = source.lines().map(|line| match line {
        line if line.starts_with("limits: { timeout:") => "tier: express\n".to_owned(),
        line => format!("{line}\n"),
    });
    let mut text: String = lines.collect();
    if !text.contains("tier: express") {
        text.push_str("tier: express\n");
    }
    text
}

fn simulator(path: &str) -> Simulator {
    Simulator::new(&read(&express(path)), path, &actions(), None).expect("it compiles")
}

fn schedules_hold(path: &str, source: ScheduleSource, schedules: u64) {
    let ran = simulator(path).run(source, 1, schedules);
    assert_eq!(violations(ran.expect("it runs")), [""; 0], "{path}");
}

#[test]
fn schedules_of_express_runs_hold_every_invariant() {
    let seeds = ScheduleSource::Seeds;
    schedules_hold("tests/simulation/express.yaml", seeds, SCHEDULES);
    schedules_hold("tests/simulation/each.yaml", seeds, SCHEDULES);
}

#[test]
fn every_single_disturbance_of_express_runs_is_followed_by_every_request() {
    let path = "tests/simulation/express.yaml";
    let all = simulator(path).follow_ups();
    schedules_hold(path, ScheduleSource::FollowUps, all);
}

#[test]
fn a_slow_answer_beside_a_cancel_holds_at_every_call_of_express_runs() {
    let path = "tests/simulation/express.yaml";
    let all = simulator(path).races();
    schedules_hold(path, ScheduleSource::Races, all);
}

#[test]
fn the_shipped_workflows_that_wait_for_no_person_hold_on_express() {
    let group = json!({
        "group": "east", "hold_days": 14, "tell_treasury": true,
        "vendors": [{ "id": "v1" }, { "id": "v2", "exempt": true }, { "id": "v3" }],
    });
    let shipped = [
        ("delay-vendor-payments-acme.yaml", None),
        ("hold-vendor-group.yaml", Some(group)),
    ];
    for (file, input) in shipped {
        let definition = read(&express(&format!("../../workflows/{file}")));
        let drill = Drill::new(&definition, file, &actions(), input, Settings::default());
        let drill = drill.expect("it executes");
        let singles = drill.singles();
        assert!(singles.len() > 100, "{file}: {}", singles.len());
        assert_eq!(broken(&drill, &singles), [""; 0], "{file}");
    }
}

fn broken(drill: &Drill, scenarios: &[Scenario]) -> Vec<String> {
    let outcomes = drill.run_all(scenarios).expect("they run");
    let outcomes = scenarios.iter().zip(outcomes);
    let broken = outcomes.flat_map(|(scenario, outcome)| {
        let violations = outcome.violations.into_iter();
        let violations = violations.map(move |what| format!("{scenario}: {what}"));
        let missed = (!outcome.struck).then(|| format!("{scenario}: it never came up"));
        violations.chain(missed).collect::<Vec<_>>()
    });
    broken.collect()
}
