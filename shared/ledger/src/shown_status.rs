//! The status of an execution as people see it: a running execution may wait for people or be
//! paused.
//!
//! Nothing of it is stored. A question and a control have records of their own, and a second record
//! of either could disagree.

use holdfast_receipt::Status;

use super::link::WAITING;

/// The status of an execution whose steps may act.
pub const RUNNING: &str = "RUNNING";
/// The status of a running execution whose scope a control pauses.
pub const PAUSED: &str = "PAUSED";

/// The status of an execution that admission rejected, until its end is recorded.
pub const CLOSING: &str = "CLOSING";
/// The status of an execution whose effects are undone.
pub const ROLLING_BACK: &str = "ROLLING_BACK";

/// The statuses that a list of executions can be limited to.
pub const STATUSES: [&str; 10] = [
    RUNNING,
    WAITING,
    PAUSED,
    CLOSING,
    ROLLING_BACK,
    Status::Executed.name(),
    Status::RolledBack.name(),
    Status::PartiallyRolledBack.name(),
    Status::Failed.name(),
    Status::Rejected.name(),
];

/// The statuses that a running execution can have.
pub const DERIVED: [&str; 3] = [RUNNING, WAITING, PAUSED];

/// The status of an execution whose record says `status`. A question has a deadline that a pause
/// does not move, so an execution that waits during a pause is `WAITING`.
pub fn shown_status(status: &str, waits: bool, paused: bool) -> &str {
    match status {
        RUNNING if waits => WAITING,
        RUNNING if paused => PAUSED,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_and_a_pause_show_only_while_an_execution_runs() {
        for (recorded, waits, paused, status) in [
            (RUNNING, false, false, "RUNNING"),
            (RUNNING, false, true, "PAUSED"),
            (RUNNING, true, false, "WAITING"),
            (RUNNING, true, true, "WAITING"),
            (CLOSING, true, true, "CLOSING"),
            ("EXECUTED", true, true, "EXECUTED"),
        ] {
            assert_eq!(shown_status(recorded, waits, paused), status);
        }
    }
}
