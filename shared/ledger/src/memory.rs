//! The ledger in memory: the same contract as the real one, for tests and for running without AWS.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Control, CountedPut, Counter, CounterChange, ExecutionRecord, Expect, Incident, Ledger,
    LedgerError, Link, Put, Question, Scope, Snapshot, StepRecord,
};
use holdfast_ids::keys::{ExecutionKey, step_sort_key};

/// A ledger that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    partitions: Mutex<BTreeMap<ExecutionKey, Partition>>,
    /// Locked only while the partitions are.
    counters: Mutex<BTreeMap<Counter, i64>>,
    controls: Mutex<BTreeMap<Scope, Control>>,
    /// By tenant and id.
    incidents: Mutex<BTreeMap<(String, String), Case>>,
}

#[derive(Debug, Default)]
struct Case {
    incident: Option<Incident>,
    links: BTreeMap<(String, u32), Link>,
}

#[derive(Debug, Default)]
struct Partition {
    execution: Option<ExecutionRecord>,
    steps: BTreeMap<String, StepRecord>,
    questions: BTreeMap<String, Question>,
    duplicates: u64,
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ExecutionKey, Partition>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self) -> MutexGuard<'_, BTreeMap<Counter, i64>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn controls(&self) -> MutexGuard<'_, BTreeMap<Scope, Control>> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cases(&self) -> MutexGuard<'_, BTreeMap<(String, String), Case>> {
        self.incidents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Every incident of a tenant, and the executions that each met.
    pub fn incidents(&self, tenant: &str) -> Vec<(Incident, Vec<Link>)> {
        let cases = self.cases();
        let cases = cases.iter().filter(|((of, _), _)| of == tenant);
        cases
            .filter_map(|(_, case)| {
                let links = case.links.values().cloned().collect();
                Some((case.incident.clone()?, links))
            })
            .collect()
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
    async fn put_execution(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
    ) -> Result<Put<ExecutionRecord>, LedgerError> {
        let mut partitions = self.lock();
        let slot = &mut partitions
            .entry(execution.at.clone())
            .or_default()
            .execution;
        if !admits(expect, slot.as_ref().map(|stands| stands.rev)) {
            return Ok(Put::Lost(slot.clone().map(Box::new)));
        }
        *slot = Some(execution.clone());
        Ok(Put::Done)
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        draws: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let mut partitions = self.lock();
        let slot = &mut partitions
            .entry(execution.at.clone())
            .or_default()
            .execution;
        if !admits(expect, slot.as_ref().map(|stands| stands.rev)) {
            return Ok(CountedPut::Lost(slot.clone().map(Box::new)));
        }
        let mut counters = self.counters();
        let taken = |draw: &CounterChange| counters.get(&draw.counter).copied().unwrap_or_default();
        let refused = draws.iter().enumerate();
        let refused = refused.filter(|(_, draw)| !draw.fits(taken(draw)));
        let refused: Vec<_> = refused.map(|(n, _)| n).collect();
        if !refused.is_empty() {
            return Ok(CountedPut::Refused(refused));
        }
        for draw in draws {
            *counters.entry(draw.counter.clone()).or_default() += draw.amount;
        }
        *slot = Some(execution.clone());
        Ok(CountedPut::Done)
    }

    async fn counted(&self, counter: &Counter) -> Result<i64, LedgerError> {
        Ok(self.counters().get(counter).copied().unwrap_or_default())
    }

    async fn execution_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<ExecutionRecord>, Vec<Control>), LedgerError> {
        let execution = self.execution(at).await?;
        let controls = self.controls();
        let around = Scope::around(&at.tenant, workflow);
        let said = around
            .iter()
            .filter_map(|scope| controls.get(scope).cloned());
        Ok((execution, said.collect()))
    }

    async fn control(&self, scope: &Scope) -> Result<Option<Control>, LedgerError> {
        Ok(self.controls().get(scope).cloned())
    }

    async fn put_control(
        &self,
        control: &Control,
        expect: Expect,
    ) -> Result<Put<Control>, LedgerError> {
        let mut controls = self.controls();
        let stands = controls.get(&control.scope);
        if !admits(expect, stands.map(|stands| stands.rev)) {
            return Ok(Put::Lost(stands.cloned().map(Box::new)));
        }
        controls.insert(control.scope.clone(), control.clone());
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

    async fn put_question(
        &self,
        question: &Question,
        expect: Expect,
    ) -> Result<Put<Question>, LedgerError> {
        let mut partitions = self.lock();
        let questions = &mut partitions.entry(question.at.clone()).or_default().questions;
        let stands = questions.get(&question.step);
        if !admits(expect, stands.map(|stands| stands.rev)) {
            return Ok(Put::Lost(stands.cloned().map(Box::new)));
        }
        questions.insert(question.step.clone(), question.clone());
        Ok(Put::Done)
    }

    async fn put_incident(
        &self,
        incident: &Incident,
        expect: Expect,
    ) -> Result<Put<Incident>, LedgerError> {
        let mut cases = self.cases();
        let key = (incident.tenant.clone(), incident.id.clone());
        let slot = &mut cases.entry(key).or_default().incident;
        if !admits(expect, slot.as_ref().map(|stands| stands.rev)) {
            return Ok(Put::Lost(slot.clone().map(Box::new)));
        }
        *slot = Some(incident.clone());
        Ok(Put::Done)
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        let mut cases = self.cases();
        let key = (link.tenant.clone(), link.incident.clone());
        let links = &mut cases.entry(key).or_default().links;
        let of = (link.execution.clone(), link.generation);
        if links.get(&of).is_none_or(|stands| stands.at <= link.at) {
            links.insert(of, link.clone());
        }
        Ok(())
    }

    async fn incident(&self, tenant: &str, id: &str) -> Result<Option<Incident>, LedgerError> {
        let cases = self.cases();
        let case = cases.get(&(tenant.to_owned(), id.to_owned()));
        Ok(case.and_then(|case| case.incident.clone()))
    }

    async fn execution(&self, at: &ExecutionKey) -> Result<Option<ExecutionRecord>, LedgerError> {
        Ok(self
            .lock()
            .get(at)
            .and_then(|partition| partition.execution.clone()))
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
        let Some(execution) = partition.execution.clone() else {
            return Ok(None);
        };
        let steps = partition.steps.values().cloned().collect();
        let questions = partition.questions.values().cloned().collect();
        Ok(Some(
            Snapshot::new(execution, steps, partition.duplicates).asking(questions),
        ))
    }

    async fn count_duplicate(&self, at: &ExecutionKey, _: &str) -> Result<(), LedgerError> {
        self.lock().entry(at.clone()).or_default().duplicates += 1;
        Ok(())
    }
}
