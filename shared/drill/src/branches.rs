//! Checks that an executed execution took one branch at each `choose` and `stop`, and has effects
//! of no other.

use std::collections::BTreeMap;

use holdfast_receipt::{Receipt, Status, StepStatus};
use holdfast_task::{STOP, StepRef};

use crate::plan::DrilledWorkflow;

/// Returns what a receipt says against one branch at each choice.
pub(crate) fn violations(receipt: &Receipt, deployed: &DrilledWorkflow) -> Vec<String> {
    if receipt.status != Status::Executed {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut taken: BTreeMap<&str, &str> = receipt
        .choices
        .iter()
        .map(|(step, branch)| (step.as_str(), branch.as_str()))
        .collect();
    let happened = |step: &StepRef| {
        let mut steps = receipt.steps.iter();
        let same = steps.any(|one| one.name == step.name && one.status == StepStatus::Success);
        same && !deployed.reads(&step.name)
    };
    for step in deployed.refs.iter().filter(|step| happened(step)) {
        for branch in &step.branches {
            let taken = taken.entry(&branch.step).or_insert(&branch.branch);
            if *taken != branch.branch {
                found.push(format!(
                    "{}: its effect remains, and the execution took the branch {taken} of {}",
                    step.name, branch.step
                ));
            }
        }
    }
    let stops = receipt.choices.iter().find(|(_, branch)| *branch == STOP);
    let stopped = receipt.stopped.as_ref().map(|stopped| &stopped.step);
    if stops.map(|(step, _)| step) != stopped {
        found.push("its receipt disagrees with itself about an early stop".to_owned());
    }
    found
}
