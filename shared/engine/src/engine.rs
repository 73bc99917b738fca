//! The engine itself: its ports, and the reads and writes that every task shares.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    ports::{Host, ObjectStore},
    task_errors::{
        SHORT_WAIT, TaskError, no_such_execution, no_such_step, retry_later, too_many_races,
    },
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    CountedPut, CounterChange, ExecutionRecord, Expect, Ledger, LedgerError, Put, Snapshot,
    StepKey, StepRecord, returned_reservations,
};
use holdfast_task::{ErrorName, ExecutionRef, UndoItem};

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

/// A write that met another one's counters is sent again this often before the machine is asked to
/// try again.
const CROWDED_TRIES: u32 = 6;

/// A claim whose answer was lost is sent this often: only the attempt that wrote it can know it
/// again.
pub(crate) const CLAIM_TRIES: u32 = 2;

/// An outcome is worth this many writes before it is left to the lease.
pub(crate) const COMPLETION_TRIES: u32 = 5;

/// A conditional write that lost is decided anew this often before the machine is asked to try
/// again.
pub(crate) const MAX_RACES: usize = 16;

pub(crate) fn partition(execution: &ExecutionRef) -> ExecutionKey {
    ExecutionKey {
        tenant: execution.tenant.clone(),
        execution: execution.id.clone(),
    }
}

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Waits before a write without an answer is sent again; gives the error back once it was sent
    /// `tries` times.
    pub(crate) async fn retry_write(
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

    /// Writes a changed execution record, and gives back what it no longer holds; `change` is asked
    /// again with what stands whenever another writer was first, and says `None` when nothing is
    /// left to do.
    pub(crate) async fn change_execution(
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
                false => match self.put_with_counters(&next, expect, &back).await? {
                    CountedPut::Lost(stands) => Put::Lost(stands),
                    CountedPut::Done => Put::Done,
                    CountedPut::Refused(_) => {
                        let message = "what is given back was refused, and nothing was written";
                        return Err(TaskError::new(ErrorName::Transient, message));
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

    /// A write that changes on counters: others may draw on them at the same moment, and then none
    /// of them gets through.
    pub(crate) async fn put_with_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        // Executions that meet once must not meet at every try: their ids spread them.
        let spread = execution.at.execution.get(..4);
        let spread = spread.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let mut wait = Duration::from_millis(10 + spread.unwrap_or_default() % 90);
        for _ in 1..CROWDED_TRIES {
            match self
                .ledger
                .put_execution_and_counters(execution, expect, changes)
                .await
            {
                Err(LedgerError::Unavailable(_)) => self.host.sleep(wait).await,
                answer => return answer,
            }
            wait *= 2;
        }
        self.ledger
            .put_execution_and_counters(execution, expect, changes)
            .await
    }

    /// Everything recorded of an execution.
    pub(crate) async fn read(&self, at: &ExecutionKey) -> Result<Snapshot, TaskError> {
        let snapshot = self.ledger.snapshot(at).await?;
        snapshot.ok_or_else(|| no_such_execution(at))
    }

    /// The record of a step that is to be undone.
    pub(crate) async fn record_of(
        &self,
        at: &ExecutionKey,
        undo: &UndoItem,
    ) -> Result<StepRecord, TaskError> {
        let key = StepKey::new(at, &undo.step, undo.item.as_deref());
        let record = self.ledger.read(&key);
        record.await?.ok_or_else(|| no_such_step(undo))
    }

    /// Waits until a step may be tried again: here if that is soon, else by way of the machine.
    pub(crate) async fn wait_until(
        &self,
        label: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), TaskError> {
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        if left > SHORT_WAIT {
            return Err(retry_later(label, "the target asked to wait", left));
        }
        self.host.sleep(left).await;
        Ok(())
    }
}
