//! The engine: begin, step, undo, plan, finish, ask and recover, over ports that functions and
//! tests fill.

mod allowances;
mod ask;
mod attempt_result;
mod begin;
mod bounded_check;
mod case;
pub mod chain;
mod engine;
mod finish;
mod first_record;
mod items;
mod lost_start;
mod output;
mod paused;
mod payloads;
mod plan;
mod poll;
mod ports;
mod publish;
mod receipt;
mod recovery;
mod redefinition;
mod report;
mod reports;
mod requirements;
#[cfg(test)]
mod script;
mod skipped;
mod state_machines;
mod step;
mod task_errors;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod undo;

pub use allowances::{Allowance, allowances_of};
pub use ask::{QuestionAnswer, answer};
pub use begin::requested_execution;
pub use case::{cases, standing};
pub use engine::Engine;
pub use lost_start::{LostOwner, LostStart};
pub use output::OUTPUT_FAILED;
pub use ports::{Host, ObjectStore, StoreError};
pub use receipt::{failure_reason, receipt_of, residuals};
pub use recovery::{
    DeliveryError, EndCursor, LISTED_WITHIN, Recovery, RecoveryError, RecoveryNotice,
    RecoveryStart, StatusEvent, deliver, recovery_name, redrive_name, start_owner,
};
pub use state_machines::{
    CompiledMachine, EndedExecution, MachineError, MachineExecution, StartOutcome, StateMachines,
};
pub use task_errors::TaskError;
