//! ARNs of Step Functions executions, and the owner that each of them is.
//!
//! The ARN of an Express execution ends in an id of the run, which Step Functions makes:
//! `arn:aws:states:REGION:ACCOUNT:express:MACHINE:NAME:RUN`. Several runs can have one name,
//! because asynchronous Express runs are at least once and their names are not unique
//! (docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html). All runs of
//! one name are one owner.

/// The place of the kind, `execution` or `express`, in an ARN.
const KIND: usize = 5;
/// The number of parts of an Express ARN with the id of the run.
const PARTS_OF_RUN: usize = 9;

/// Returns the owner that the Step Functions execution with this ARN is.
pub fn owner_of(arn: &str) -> &str {
    match arn.rsplit_once(':') {
        Some((owner, _)) if is_express(arn) && arn.split(':').count() == PARTS_OF_RUN => owner,
        _ => arn,
    }
}

/// Returns true if the ARN names an Express run, or the owner that Express runs are.
pub fn is_express(arn: &str) -> bool {
    arn.split(':').nth(KIND) == Some("express")
}

/// Returns the owner that Express runs of the same machine and name are, given the ARN that a
/// Standard execution would have.
pub fn express_owner(standard: &str) -> String {
    standard.replacen(":execution:", ":express:", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: &str = "arn:aws:states:eu-central-1:123456789012:execution:WF-A:x-1";
    const OWNER: &str = "arn:aws:states:eu-central-1:123456789012:express:WF-A:x-1";

    #[test]
    fn two_runs_of_one_name_are_one_owner() {
        let run = |id: &str| format!("{OWNER}:{id}");
        assert_eq!(owner_of(&run("a")), OWNER);
        assert_eq!(owner_of(&run("a")), owner_of(&run("b")));
        assert_eq!(owner_of(OWNER), OWNER);
        assert_eq!(express_owner(STANDARD), OWNER);
    }

    #[test]
    fn a_standard_execution_is_its_own_owner() {
        assert_eq!(owner_of(STANDARD), STANDARD);
        assert!(!is_express(STANDARD) && is_express(OWNER));
        let machine = "arn:aws:states:eu-central-1:123456789012:execution:express:x-1";
        assert!(!is_express(machine), "a machine may have any name");
    }
}
