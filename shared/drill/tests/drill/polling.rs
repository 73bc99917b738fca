//! Tests of a workflow that polls, continues after a listed failure, and has an output.

use std::fs;

use holdfast_drill::Drill;

use crate::set_up::{drill_of, held};

/// The ported job monitor, which the integration tests run too.
fn drill() -> Drill {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/workflows/job-monitor.yaml"
    );
    drill_of(&fs::read_to_string(file).expect(file))
}

#[test]
fn a_job_monitor_holds_under_every_single_fault() {
    let drill = drill();
    let singles = drill.singles();
    for (scenario, outcome) in singles
        .iter()
        .zip(drill.run_all(&singles).expect("they run"))
    {
        assert_eq!(outcome.violations, [""; 0], "{scenario}");
    }
}

#[test]
fn a_listed_failure_of_a_poll_takes_its_path_and_another_one_rolls_back() {
    let drill = drill();
    let listed = held(&drill, "job/permanent");
    assert_eq!(listed.status.as_deref(), Some("EXECUTED"));
    let receipt = listed.receipt.expect("a receipt");
    let step = |name: &str| receipt.steps.iter().find(|step| step.name == name);
    let job = step("job").expect("the step");
    assert_eq!(job.continued_on.as_deref(), Some("404"));
    assert!(step("tell_failed").expect("the step").attempts > 0);
    assert!(receipt.output_sha256.is_some());
    let unlisted = held(&drill, "job/transient-always");
    assert_eq!(unlisted.status.as_deref(), Some("ROLLED_BACK"));
    assert_eq!(unlisted.receipt.expect("a receipt").output_missing, None);
}

#[test]
fn a_recovery_that_finishes_forward_says_that_the_output_is_missing() {
    let drill = drill();
    let outcome = held(&drill, "Finish/killed-before");
    assert_eq!(outcome.status.as_deref(), Some("EXECUTED"));
    let receipt = outcome.receipt.expect("a receipt");
    let missing = receipt.output_missing.expect("a reason");
    assert!(missing.contains("only Finish evaluates it"), "{missing}");
}
