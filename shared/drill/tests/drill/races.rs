//! Tests that no slow answer beside a cancel breaks an invariant, at whatever call.

use holdfast_drill::ScheduleSource;

use crate::simulation::{simulator, violations};

fn holds(file: &str) {
    let simulator = simulator(file);
    let all = simulator.races();
    assert!(all > 2_000, "{file}: {all}");
    let ran = simulator.run(ScheduleSource::Races, 0, all);
    assert_eq!(violations(ran.expect("it runs")), [""; 0], "{file}");
}

#[test]
fn a_slow_answer_beside_a_cancel_holds_at_every_call_of_steps_finish_close_and_recovery() {
    holds("holds.yaml");
}

#[test]
fn a_slow_answer_beside_a_cancel_holds_at_every_call_of_ask_and_of_the_expiry() {
    holds("asks.yaml");
}
