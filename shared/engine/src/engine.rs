//! The engine itself: its ports, and the reads and writes that every task shares.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    ports::{Host, ObjectStore},
    task_errors::{
        SHORT_WAIT, TaskError, no_such_execution, no_such_step, retry_later, too_many_races,
    },
};
use holdfast_admission::ApprovalKeys;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    CountedPut, CounterChange, ExecutionRecord, Expect, Ledger, LedgerError, Put, Snapshot,
    StepKey, StepRecord, returned_reservations,
};
use holdfast_task::{ErrorName, ExecutionRef, UndoItem};

/// The engine over a ledger, two object stores and a host. Each task has its methods in its own
/// file.
#[derive(Debug, Clone)]
pub struct Engine<L, S, H> {
    /// The ledger, with every record.
    pub ledger: L,
    /// The store of large inputs and outputs.
    pub payloads: S,
    /// The store of receipts.
    pub receipts: S,
    /// The host, for time and randomness.
    pub host: H,
    /// The keys of signed approvals; only `begin` needs them.
    pub approval_keys: ApprovalKeys,
    /// The deployment that receipts name, as `ACCOUNT/REGION/STACK`; only `finish` needs it.
    pub deployment: Option<String>,
}

/// Writes of changed counters that are tried before the state machine retries the task.
const CROWDED_TRIES: u32 = 6;

/// Writes of a claim that are tried. A claim whose answer was lost is sent again, since only this
/// attempt knows its token.
pub(crate) const CLAIM_TRIES: u32 = 2;

/// Writes of an outcome that are tried before the end of the lease decides.
pub(crate) const COMPLETION_TRIES: u32 = 5;

/// Lost conditional writes after which the state machine retries the task.
pub(crate) const MAX_RACES: usize = 16;

pub(crate) fn partition(execution: &ExecutionRef) -> ExecutionKey {
    ExecutionKey {
        tenant: execution.tenant.clone(),
        execution: execution.id.clone(),
    }
}

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Waits before a write without an answer is sent again; returns the error once it was sent
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

    /// Writes a changed execution record and returns the reservations that the change drops. If
    /// another writer was first, `change` is called again with the stored record. It returns `None`
    /// if there is nothing to change.
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
            match self.put_execution(&execution, &next).await? {
                Put::Done => return Ok(next),
                Put::Lost(Some(stored)) => execution = *stored,
                Put::Lost(None) => break,
            }
        }
        Err(too_many_races("the execution record"))
    }

    /// Writes `next` over the execution record `before`, and returns the reservations that the
    /// change drops.
    pub(crate) async fn put_execution(
        &self,
        before: &ExecutionRecord,
        next: &ExecutionRecord,
    ) -> Result<Put<ExecutionRecord>, TaskError> {
        let expect = Expect::Rev(before.rev);
        let returned = returned_reservations(before, next);
        if returned.is_empty() {
            return Ok(self.ledger.put(next, expect).await?);
        }
        match self.put_with_counters(next, expect, &returned).await? {
            CountedPut::Lost(stored) => Ok(Put::Lost(stored)),
            CountedPut::Done => Ok(Put::Done),
            CountedPut::Refused(_) => {
                let message = "the return of reservations was refused, and nothing was written";
                Err(TaskError::new(ErrorName::Transient, message))
            }
        }
    }

    /// Writes an execution record together with counter changes. Concurrent writes to one counter
    /// can all fail, so the write is tried several times.
    pub(crate) async fn put_with_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        // The execution id spreads the waits, so that two executions do not collide at every try.
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

    /// Reads the snapshot of an execution.
    pub(crate) async fn read(&self, at: &ExecutionKey) -> Result<Snapshot, TaskError> {
        let snapshot = self.ledger.snapshot(at).await?;
        snapshot.ok_or_else(|| no_such_execution(at))
    }

    /// Reads the record of a step that is to be undone.
    pub(crate) async fn record_of(
        &self,
        at: &ExecutionKey,
        undo: &UndoItem,
    ) -> Result<StepRecord, TaskError> {
        let key = StepKey::new(at, &undo.step, undo.item.as_deref());
        let record = self.ledger.read(&key);
        record.await?.ok_or_else(|| no_such_step(undo))
    }

    /// Waits until a step may be tried again. A short wait is spent here; for a longer one the
    /// error lets the state machine wait.
    pub(crate) async fn wait_until(
        &self,
        label: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), TaskError> {
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        if left > SHORT_WAIT {
            return Err(retry_later(label, "the target requested a wait", left));
        }
        self.host.sleep(left).await;
        Ok(())
    }
}
