//! The engine: what begin, a step, its undo, plan and finish do, over ports that the Lambda functions and the tests fill.

mod ask;
mod begin;
pub mod chain;
mod finish;
mod paused;
mod payloads;
mod plan;
mod receipt;
mod report;
mod requirements;
#[cfg(test)]
mod script;
mod step;
mod task_errors;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod undo;

pub use ask::answer;
pub use begin::asked_for;
pub use receipt::receipt_of;
pub use report::cases;

use std::{future::Future, time::Duration};

use jiff::Timestamp;

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    CountedPut, ExecutionRecord, Expect, Ledger, LedgerError, Put, returned_reservations,
};
use holdfast_task::{ExecutionRef, error_name};

/// Time, waiting and randomness: all that the engine may not have of itself.
pub trait Host: Send + Sync {
    /// The time, to the millisecond.
    fn now(&self) -> Timestamp;
    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
    /// A text that nobody else has: an attempt's identity.
    fn token(&self) -> String;
}

/// Objects by key, each written once.
pub trait ObjectStore: Send + Sync {
    /// Writes an object unless the key is taken; says whether it was free.
    fn put_new(
        &self,
        key: &str,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Reads an object.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;
}

/// Why an object store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the object store is unavailable: {0}")]
pub struct StoreError(pub String);

/// How a task ends when it does not end well: an error name that its machine matches, and words for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct TaskError {
    /// One of [`error_name`].
    pub name: &'static str,
    /// What failed, where, and what would help; never a payload or a secret. JSON where the machine reads it.
    pub message: String,
    /// Which attempt it was that came to this, from 1, if one was made: for the log.
    pub attempt: Option<u32>,
}

impl TaskError {
    /// An error of no attempt in particular.
    pub fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
            attempt: None,
        }
    }

    fn of_attempt(self, attempt: u32) -> Self {
        Self {
            attempt: Some(attempt),
            ..self
        }
    }
}

impl From<LedgerError> for TaskError {
    fn from(error: LedgerError) -> Self {
        // Even a refusal is retried: a missing permission is mended by a deployment, not by giving up.
        Self::new(error_name::TRANSIENT, error.to_string())
    }
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::new(error_name::TRANSIENT, error.to_string())
    }
}

/// Begin, step and finish over a ledger, two object stores and a host.
#[derive(Debug, Clone)]
pub struct Engine<L, S, H> {
    /// Where records are kept.
    pub ledger: L,
    /// Where large inputs and outputs are kept.
    pub payloads: S,
    /// Where receipts are kept.
    pub receipts: S,
    /// Time and randomness.
    pub host: H,
}

/// A conditional write that lost is decided anew this often before the machine is asked to try again.
const MAX_RACES: usize = 16;

fn too_many_races(what: &str) -> TaskError {
    TaskError::new(
        error_name::CONFLICT,
        format!("{what}: too many writers at once"),
    )
}

fn partition(execution: &ExecutionRef) -> ExecutionKey {
    ExecutionKey {
        tenant: execution.tenant.clone(),
        execution: execution.id.clone(),
    }
}

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Waits before a write without an answer is sent again; gives the error back once it was sent `tries` times.
    async fn insist(
        &self,
        error: LedgerError,
        failures: &mut u32,
        tries: u32,
    ) -> Result<(), LedgerError> {
        *failures += 1;
        if *failures == tries {
            return Err(error);
        }
        self.host
            .sleep(Duration::from_millis(100 << *failures))
            .await;
        Ok(())
    }

    /// Writes a changed execution record, and gives back what it no longer holds; `change` is asked again with what stands whenever another writer was first,
    /// and says `None` when nothing is left to do.
    async fn change_execution(
        &self,
        mut execution: ExecutionRecord,
        mut change: impl FnMut(&ExecutionRecord) -> Option<ExecutionRecord> + Send,
    ) -> Result<ExecutionRecord, TaskError> {
        for _ in 0..MAX_RACES {
            let Some(next) = change(&execution) else {
                return Ok(execution);
            };
            let next = ExecutionRecord {
                rev: execution.rev + 1,
                ..next
            };
            let expect = Expect::Rev(execution.rev);
            let back = returned_reservations(&execution, &next);
            let put = match back.is_empty() {
                true => self.ledger.put(&next, expect).await?,
                false => match self.draw(&next, expect, &back).await? {
                    CountedPut::Lost(stands) => Put::Lost(stands),
                    CountedPut::Done => Put::Done,
                    CountedPut::Refused(_) => {
                        let message = "what is given back was refused, and nothing was written";
                        return Err(TaskError::new(error_name::TRANSIENT, message));
                    }
                },
            };
            match put {
                Put::Done => return Ok(next),
                Put::Lost(Some(stands)) => execution = *stands,
                Put::Lost(None) => break,
            }
        }
        Err(too_many_races("the execution's record"))
    }
}
