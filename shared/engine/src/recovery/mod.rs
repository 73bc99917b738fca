//! Recovery: what the function `recover` does for executions whose owner is gone, over ports that
//! the function and the simulator fill.

mod delivery;
mod ended;
mod owners;
mod sweep;
mod unreported;

pub use delivery::{DeliveryError, deliver};
pub use ended::StatusEvent;
pub(crate) use owners::constants_of;
use owners::recover_ended;
#[cfg(test)]
pub(crate) use owners::redrive_envelope;
pub use owners::{RecoveryStart, recovery_name, redrive_name, start_owner};
pub use unreported::{EndCursor, LISTED_WITHIN};

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, LedgerError, NextLook, OpenIndex};
use holdfast_task::Failure;

use crate::{
    engine::Engine,
    ports::{Host, ObjectStore},
    state_machines::{MachineError, StateMachines},
    task_errors::TaskError,
};

/// The recovery of executions, over the engine and Step Functions.
pub struct Recovery<'a, L, S, H, M> {
    /// The engine.
    pub engine: &'a Engine<L, S, H>,
    /// Step Functions.
    pub machines: &'a M,
    /// The end up to which ended Step Functions executions were handled.
    pub cursor: &'a EndCursor,
    /// Receives what the function logs and counts.
    pub notice: &'a (dyn Fn(RecoveryNotice<'_>) + Sync),
}

/// An observation of the recovery, for logs and metrics.
#[derive(Debug)]
pub enum RecoveryNotice<'a> {
    /// A recovery of the execution was started.
    Started {
        /// The execution.
        execution: &'a ExecutionRecord,
        /// The error of its failure.
        error: &'a str,
        /// True if an earlier recovery of the epoch has ended.
        again: bool,
    },
    /// The owner that a request named never began, and was started.
    OwnerStarted {
        /// The execution.
        execution: &'a ExecutionRecord,
    },
    /// The input of an ended recovery cannot be read.
    UnreadableInput {
        /// ARN of the recovery.
        owner: &'a str,
    },
    /// The start of an ended execution cannot be read, and `begin` has not counted it.
    UnreadableStart {
        /// Workflow id.
        workflow: &'a str,
        /// Version of its definition.
        version: u32,
        /// The end.
        ended: &'a StatusEvent,
    },
    /// A look failed, so that the execution remains overdue.
    Overdue {
        /// The execution.
        at: &'a ExecutionKey,
        /// The reason.
        reason: &'a RecoveryError,
    },
    /// An ended execution of the list was not handled. The next list has it again.
    Unhandled {
        /// ARN of the ended execution.
        owner: &'a str,
        /// The reason.
        reason: &'a RecoveryError,
    },
}

/// The reason why a recovery could not be started. The queue or the next sweep tries again.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecoveryError {
    /// The ledger did not answer.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// Step Functions did not answer.
    #[error("Step Functions: {0}")]
    Machine(#[from] MachineError),
    /// An event claims an end that Step Functions does not describe.
    #[error("Step Functions does not describe the end that the event claims")]
    NotEnded,
    /// The start that `begin` lost was not recorded.
    #[error("{0}")]
    Record(#[from] TaskError),
    /// A decision was not delivered.
    #[error("a decision was not delivered: {0}")]
    Delivery(#[from] DeliveryError),
}

impl<L, S, H, M> Recovery<'_, L, S, H, M>
where
    L: OpenIndex,
    S: ObjectStore,
    H: Host,
    M: StateMachines,
{
    /// Starts a recovery of an execution whose owner has ended.
    async fn start(
        &self,
        execution: &ExecutionRecord,
        failure: Failure,
    ) -> Result<RecoveryStart, RecoveryError> {
        let now = self.engine.host.now();
        let error = failure.error.clone();
        let minute = now.as_second() / 60;
        let start = recover_ended(self.machines, execution, failure, minute).await?;
        let next = NextLook::of_recovery(now);
        self.engine.ledger.look_again(execution, next).await?;
        if start != RecoveryStart::AtWork {
            (self.notice)(RecoveryNotice::Started {
                execution,
                error: &error,
                again: start == RecoveryStart::Again,
            });
        }
        Ok(start)
    }
}
