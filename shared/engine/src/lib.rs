//! The engine: begin, step, undo, plan, finish and ask, over ports that functions and tests fill.

mod ask;
mod begin;
pub mod chain;
mod engine;
mod finish;
mod items;
mod lost_start;
mod paused;
mod payloads;
mod plan;
mod ports;
mod publish;
mod receipt;
mod redefinition;
mod report;
mod reports;
mod requirements;
#[cfg(test)]
mod script;
mod skipped;
mod step;
mod task_errors;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod undo;

pub use ask::answer;
pub use begin::requested_execution;
pub use engine::Engine;
pub use lost_start::{LostOwner, LostStart};
pub use ports::{Host, ObjectStore, StoreError};
pub use receipt::receipt_of;
pub use report::{cases, standing};
pub use task_errors::TaskError;
