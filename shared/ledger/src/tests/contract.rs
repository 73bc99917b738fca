//! The contract on the ledger in memory, and on a ledger that breaks it.

use std::{collections::BTreeMap, sync::Mutex};

use futures_executor::block_on;

use super::super::{
    Control, CountedPut, Counter, CounterChange, Duplicate, EpochAndPhase, ExecutionRecord, Expect,
    IncidentKey, Key, Ledger, LedgerError, Link, MemoryLedger, Put, Record, RecordKey, Snapshot,
    StepKey, contract::check_all,
};
use holdfast_ids::keys::ExecutionKey;

#[test]
fn the_ledger_in_memory_keeps_the_contract() {
    let ledger = MemoryLedger::default();
    for run in ["one", "two"] {
        for (check, result) in block_on(check_all(&ledger, run)) {
            assert_eq!(result, Ok(()), "{check}");
        }
    }
}

/// A ledger in which the last writer wins.
#[derive(Default)]
struct Careless {
    ledger: MemoryLedger,
    revs: Mutex<BTreeMap<StepKey, u64>>,
}

impl Ledger for Careless {
    async fn read<K: RecordKey>(&self, key: &K) -> Result<Option<K::Record>, LedgerError> {
        self.ledger.read(key).await
    }

    async fn put<R: Record>(&self, record: &R, expect: Expect) -> Result<Put<R>, LedgerError> {
        let Key::Step(key) = record.key() else {
            return self.ledger.put(record, expect).await;
        };
        let before = self.revs.lock().unwrap().insert(key, record.rev());
        let expect = before.map_or(Expect::Absent, Expect::Rev);
        self.ledger.put(record, expect).await
    }

    /// Counts without a limit.
    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let unlimited = changes.iter().cloned();
        let unlimited: Vec<_> = unlimited
            .map(|change| CounterChange {
                most: None,
                ..change
            })
            .collect();
        self.ledger
            .put_execution_and_counters(execution, expect, &unlimited)
            .await
    }

    async fn phase_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<EpochAndPhase>, Vec<Control>), LedgerError> {
        self.ledger.phase_and_controls(at, workflow).await
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        self.ledger.snapshot(at).await
    }

    async fn count(&self, counter: &Counter) -> Result<i64, LedgerError> {
        self.ledger.count(counter).await
    }

    async fn read_link(&self, link: &Link) -> Result<Option<Link>, LedgerError> {
        self.ledger.read_link(link).await
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        self.ledger.put_link(link).await
    }

    async fn links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> Result<(Vec<Link>, bool), LedgerError> {
        self.ledger.links_page(incident, after).await
    }

    async fn count_duplicate(
        &self,
        _: &ExecutionKey,
        _: &str,
        _: &Duplicate,
    ) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[test]
fn a_ledger_in_which_the_last_writer_wins_breaks_the_contract() {
    let results = block_on(check_all(&Careless::default(), "x"));
    let broken: Vec<_> = results
        .iter()
        .filter(|(_, result)| result.is_err())
        .collect();
    let named = |check| broken.iter().any(|(name, _)| *name == check);
    assert!(
        named("a_write_is_applied_only_to_the_revision_that_was_read"),
        "{broken:?}"
    );
    assert!(
        named("fifty_concurrent_takeovers_have_one_winner"),
        "{broken:?}"
    );
    assert!(
        named("fifty_concurrent_changes_stop_at_the_maximum"),
        "{broken:?}"
    );
    assert!(
        named("fifty_concurrent_duplicates_are_all_counted"),
        "{broken:?}"
    );
}
