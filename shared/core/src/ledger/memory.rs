//! The ledger in memory: the same contract as the real one, for tests and for running without AWS.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Expect, Ledger, LedgerError, Meta, Put, Snapshot, StepRecord};
use crate::keys::{ExecutionKey, step_sort_key};

/// A ledger that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    partitions: Mutex<BTreeMap<ExecutionKey, Partition>>,
}

#[derive(Debug, Default)]
struct Partition {
    meta: Option<Meta>,
    steps: BTreeMap<String, StepRecord>,
    duplicates: u64,
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ExecutionKey, Partition>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a write that expects `expect` may replace a record whose `rev` is `current`.
fn admits(expect: Expect, current: Option<u64>) -> bool {
    match expect {
        Expect::Absent => current.is_none(),
        Expect::Rev(rev) => current == Some(rev),
    }
}

impl Ledger for MemoryLedger {
    async fn put_meta(&self, meta: &Meta, expect: Expect) -> Result<Put<Meta>, LedgerError> {
        let mut partitions = self.lock();
        let slot = &mut partitions.entry(meta.at.clone()).or_default().meta;
        if !admits(expect, slot.as_ref().map(|stands| stands.rev)) {
            return Ok(Put::Lost(slot.clone().map(Box::new)));
        }
        *slot = Some(meta.clone());
        Ok(Put::Done)
    }

    async fn put_step(
        &self,
        record: &StepRecord,
        expect: Expect,
    ) -> Result<Put<StepRecord>, LedgerError> {
        let mut partitions = self.lock();
        let steps = &mut partitions.entry(record.at.clone()).or_default().steps;
        let key = step_sort_key(&record.step, record.item.as_deref());
        let stands = steps.get(&key);
        if !admits(expect, stands.map(|stands| stands.rev)) {
            return Ok(Put::Lost(stands.cloned().map(Box::new)));
        }
        steps.insert(key, record.clone());
        Ok(Put::Done)
    }

    async fn meta(&self, at: &ExecutionKey) -> Result<Option<Meta>, LedgerError> {
        Ok(self
            .lock()
            .get(at)
            .and_then(|partition| partition.meta.clone()))
    }

    async fn step(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<&str>,
    ) -> Result<Option<StepRecord>, LedgerError> {
        let partitions = self.lock();
        let key = step_sort_key(step, item);
        Ok(partitions
            .get(at)
            .and_then(|partition| partition.steps.get(&key).cloned()))
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        let partitions = self.lock();
        let Some(partition) = partitions.get(at) else {
            return Ok(None);
        };
        let Some(meta) = partition.meta.clone() else {
            return Ok(None);
        };
        let steps = partition.steps.values().cloned().collect();
        Ok(Some(Snapshot::new(meta, steps, partition.duplicates)))
    }

    async fn count_duplicate(&self, at: &ExecutionKey) -> Result<(), LedgerError> {
        self.lock().entry(at.clone()).or_default().duplicates += 1;
        Ok(())
    }
}
