//! The ledger in memory keeps the contract, and the contract notices ledgers that do not.

use std::sync::Mutex;

use futures_executor::block_on;

use super::super::{
    Control, CountedPut, Counter, CounterChange, ExecutionRecord, Expect, Incident, Ledger,
    LedgerError, Link, MemoryLedger, Put, Question, Scope, Snapshot, StepRecord,
    contract::check_all,
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
    kept: MemoryLedger,
    revs: Mutex<std::collections::BTreeMap<(ExecutionKey, String), u64>>,
}

impl Ledger for Careless {
    async fn put_execution(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
    ) -> Result<Put<ExecutionRecord>, LedgerError> {
        self.kept.put_execution(execution, expect).await
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        draws: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        // It counts without looking whether there is room.
        let unbounded = draws.iter().cloned();
        let unbounded: Vec<_> = unbounded
            .map(|draw| CounterChange { most: None, ..draw })
            .collect();
        self.kept
            .put_execution_and_counters(execution, expect, &unbounded)
            .await
    }

    async fn counted(&self, counter: &Counter) -> Result<i64, LedgerError> {
        self.kept.counted(counter).await
    }

    async fn execution_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError> {
        self.kept.execution_and_controls(at, workflow).await
    }

    async fn control(&self, scope: &Scope) -> Result<Option<Control>, LedgerError> {
        self.kept.control(scope).await
    }

    async fn put_control(
        &self,
        control: &Control,
        expect: Expect,
    ) -> Result<Put<Control>, LedgerError> {
        self.kept.put_control(control, expect).await
    }

    async fn put_step(
        &self,
        record: &StepRecord,
        _: Expect,
    ) -> Result<Put<StepRecord>, LedgerError> {
        let key = (record.at.clone(), record.label());
        let before = self.revs.lock().unwrap().insert(key, record.rev);
        let expect = before.map_or(Expect::Absent, Expect::Rev);
        self.kept.put_step(record, expect).await
    }

    async fn put_question(
        &self,
        question: &Question,
        expect: Expect,
    ) -> Result<Put<Question>, LedgerError> {
        self.kept.put_question(question, expect).await
    }

    async fn put_incident(
        &self,
        incident: &Incident,
        expect: Expect,
    ) -> Result<Put<Incident>, LedgerError> {
        self.kept.put_incident(incident, expect).await
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        self.kept.put_link(link).await
    }

    async fn incident(&self, tenant: &str, id: &str) -> Result<Option<Incident>, LedgerError> {
        self.kept.incident(tenant, id).await
    }

    async fn execution(&self, at: &ExecutionKey) -> Result<Option<ExecutionRecord>, LedgerError> {
        self.kept.execution(at).await
    }

    async fn step(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<&str>,
    ) -> Result<Option<StepRecord>, LedgerError> {
        self.kept.step(at, step, item).await
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        self.kept.snapshot(at).await
    }

    async fn count_duplicate(&self, _: &ExecutionKey, _: &str) -> Result<(), LedgerError> {
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
    assert!(named("a_write_lands_only_on_the_rev_it_read"), "{broken:?}");
    assert!(
        named("fifty_takeovers_at_once_have_one_winner"),
        "{broken:?}"
    );
    assert!(
        named("fifty_draws_at_once_take_what_there_is_and_no_more"),
        "{broken:?}"
    );
    assert!(
        named("fifty_duplicates_at_once_are_counted_each"),
        "{broken:?}"
    );
}
