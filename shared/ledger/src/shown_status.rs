//! The status of an execution as people see it: a running execution may wait for people or be
//! paused.
//!
//! Nothing of it is stored. A question and a control have records of their own, and a second record
//! of either could disagree.

use super::{execution::Phase, incident::WAITING};

/// The status of an execution whose steps may act.
pub const RUNNING: &str = "RUNNING";
/// The status of a running execution whose scope a control pauses.
pub const PAUSED: &str = "PAUSED";

/// The statuses that a running execution can have.
pub const DERIVED: [&str; 3] = [RUNNING, WAITING, PAUSED];

/// The status of an execution in `phase`. A question has a deadline that a pause does not move, so
/// an execution that waits during a pause is `WAITING`.
pub fn shown_status(phase: &Phase, waits: bool, paused: bool) -> &'static str {
    match phase {
        Phase::Running if waits => WAITING,
        Phase::Running if paused => PAUSED,
        Phase::Running => RUNNING,
        Phase::Rejected | Phase::Unwinding { .. } | Phase::Ended { .. } => phase.name(),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_receipt::Status;

    use super::*;

    #[test]
    fn a_question_and_a_pause_show_only_while_an_execution_runs() {
        let ended = Phase::Ended {
            status: Status::Executed,
            at: jiff::Timestamp::UNIX_EPOCH,
            failure: None,
        };
        for (phase, waits, paused, status) in [
            (Phase::Running, false, false, "RUNNING"),
            (Phase::Running, false, true, "PAUSED"),
            (Phase::Running, true, false, "WAITING"),
            (Phase::Running, true, true, "WAITING"),
            (Phase::Rejected, true, true, "CLOSING"),
            (ended, true, true, "EXECUTED"),
        ] {
            assert_eq!(shown_status(&phase, waits, paused), status);
        }
    }
}
