//! Tests that the drill detects changed state machines.

use std::{rc::Rc, sync::Arc};

use holdfast_asl::{Exit, State};
use holdfast_workflow::definition::{self, Definition, Environment};

use crate::{
    Fault, RunInputs, Strike,
    plan::DrilledWorkflow,
    survey::{Stage, play},
};

const WORKFLOW: &str = "
workflow: WF-HOLD
version: 1
input: { type: object }
steps:
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
  - { name: again, action: vendor-hold, input: { vendor_id: w, days: 1 }, rollback: {} }
";

fn definition() -> Definition {
    let registry = holdfast_steps::registry();
    let known = Environment {
        actions: &registry.infos().collect::<Vec<_>>(),
        parameters: &["VendorSystemUrl".to_owned()],
    };
    definition::read(WORKFLOW, &known).unwrap()
}

/// Returns the violations if both machines were changed and the second step fails permanently.
fn found(change: impl Fn(&str, &mut State)) -> Vec<String> {
    let actions: Vec<_> = holdfast_steps::registry().infos().cloned().collect();
    let mut deployed =
        DrilledWorkflow::new(&definition(), "hold.yaml", &actions, &RunInputs::default()).unwrap();
    for machine in [&mut deployed.machine, &mut deployed.recovery] {
        for (name, state) in &mut machine.states {
            change(name, state);
        }
    }
    let strike = Strike {
        place: "again".to_owned(),
        fault: Fault::Permanent,
    };
    let (_, found) = play(
        &Arc::new(deployed),
        &Rc::default(),
        &[strike],
        Stage::default(),
    );
    found.violations
}

#[test]
fn an_unchanged_machine_has_no_violation() {
    assert_eq!(found(|_, _| {}), [""; 0]);
}

#[test]
fn a_machine_that_undoes_nothing_is_detected() {
    let broken = found(|name, state| match state {
        State::Map(map) if name == "Undo" => map.items = "{% [] %}".to_owned(),
        _ => {}
    });
    let expected = [
        "it has not ended: it is ROLLING_BACK",
        "it never comes to rest",
    ];
    assert_eq!(broken[..2], expected);
}

#[test]
fn machines_that_stop_before_close_are_detected() {
    let broken = found(|_, state| match state {
        State::Task(task) if task.exit.next() == Some("Undo") => {
            task.exit = Exit::Next("Failed".to_owned());
        }
        _ => {}
    });
    assert_eq!(broken, ["it has not ended: it is ROLLING_BACK"]);
}

#[test]
fn recovery_ends_an_execution_without_a_catch() {
    // No violation is expected, because recovery is another way back.
    let broken = found(|_, state| match state {
        State::Task(task) if task.exit.next() == Some("Finish") => task.catch.clear(),
        _ => {}
    });
    assert_eq!(broken, [""; 0]);
}
