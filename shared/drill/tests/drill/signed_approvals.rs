//! Tests of a workflow whose starts need an approval: the drill signs one for each.

use std::fs;

use holdfast_drill::{Drill, Settings};

use crate::set_up::{actions, read};

#[test]
fn a_workflow_that_needs_a_signed_approval_executes_and_holds_under_every_single_fault() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/workflows/signed.yaml"
    );
    let definition = read(&fs::read_to_string(file).expect(file));
    let drill = Drill::new(
        &definition,
        "signed.yaml",
        &actions(),
        None,
        Settings::default(),
    );
    let drill = drill.expect("it executes");
    let singles = drill.singles();
    let outcomes = drill.run_all(&singles).expect("they run");
    for (scenario, outcome) in singles.iter().zip(outcomes) {
        assert_eq!(outcome.violations, [""; 0], "{scenario}");
    }
}
