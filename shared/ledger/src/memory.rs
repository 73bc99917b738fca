//! The ledger in memory: the same contract as the real one, for tests and for running without AWS.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    control::{Control, ControlState, Scope},
    counter::{Counter, CounterChange},
    due::NextLook,
    duplicate::{Duplicate, Duplicates},
    execution::{EpochAndPhase, ExecutionRecord},
    incident::Incident,
    key::{IncidentKey, Key},
    link::Link,
    list::List,
    open::{DueEntry, OpenIndex},
    paused_scopes::PausedScopes,
    port::{CountedPut, Expect, Ledger, LedgerError, Put},
    question::Question,
    record::{AnyRecord, Record, RecordKey},
    snapshot::Snapshot,
    tenant::{TenantRecord, TenantState},
};
use holdfast_ids::keys::ExecutionKey;
use jiff::Timestamp;

/// Links on a page, few enough that tests turn pages.
const LINKS_PER_PAGE: usize = 3;

/// A ledger that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Table>);

#[derive(Debug)]
struct Table {
    records: BTreeMap<Key, AnyRecord>,
    /// The one copy of the list of paused scopes.
    paused: PausedScopes,
    counts: BTreeMap<Counter, i64>,
    duplicates: BTreeMap<ExecutionKey, Duplicates>,
    /// The next look at an execution, for this revision of its record.
    looks: BTreeMap<ExecutionKey, (u64, NextLook)>,
    /// The questions that left the index of open executions, with their revision.
    looked_at: BTreeMap<Key, u64>,
    /// By incident, then execution and execution generation.
    links: BTreeMap<(IncidentKey, String, u32), Link>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            records: BTreeMap::new(),
            paused: PausedScopes::none(),
            counts: BTreeMap::new(),
            duplicates: BTreeMap::new(),
            looks: BTreeMap::new(),
            looked_at: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }
}

impl Table {
    fn get<R: Record>(&self, key: &Key) -> Option<R> {
        R::try_from(self.records.get(key)?.clone()).ok()
    }

    /// The stored record, as the loser of a write sees it; `None` if `expect` admits the write.
    fn conflict<R: Record>(&self, record: &R, expect: Expect) -> Option<Option<Box<R>>> {
        let current: Option<R> = self.get(&record.key());
        (Expect::after(current.as_ref()) != expect).then(|| current.map(Box::new))
    }

    fn insert<R: Record>(&mut self, record: &R) {
        if let Some(control) = record.control() {
            self.paused = PausedScopes::changed(&[Some(self.paused.clone())], control);
        }
        self.records.insert(record.key(), record.clone().into());
    }

    /// The entry of a record in the index of open executions.
    fn open_entry(&self, record: &AnyRecord) -> Option<(NextLook, DueEntry)> {
        let look = |lists: Vec<(List, Timestamp)>| {
            lists.into_iter().find_map(|(list, due)| match list {
                List::Open { urgent, .. } => Some(NextLook { due, urgent }),
                _ => None,
            })
        };
        match record {
            AnyRecord::Execution(execution) => {
                let look = look(execution.lists())?;
                let set = self.looks.get(&execution.at);
                let set = set.filter(|(rev, _)| *rev == execution.rev);
                let look = set.map_or(look, |(_, look)| *look);
                Some((look, DueEntry::Execution(execution.at.clone())))
            }
            AnyRecord::Question(question) => {
                let look = look(question.lists())?;
                let looked_at = self.looked_at.get(&question.key()) == Some(&question.rev);
                let look = match looked_at {
                    true => NextLook {
                        due: question.next_reminder()?,
                        urgent: false,
                    },
                    false => look,
                };
                Some((look, DueEntry::Question(question.at.clone())))
            }
            _ => None,
        }
    }
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a tenant, for engines whose tests and drills are not about the registry.
    pub fn register(&self, tenant: &str) {
        self.lock().insert(&TenantRecord {
            rev: 1,
            tenant: tenant.to_owned(),
            state: TenantState::Open,
            by: "memory".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        });
    }

    /// Every counter that some write has changed, with its count.
    pub fn counts(&self) -> Vec<(Counter, i64)> {
        let table = self.lock();
        let counts = table.counts.iter();
        counts
            .map(|(counter, count)| (counter.clone(), *count))
            .collect()
    }

    /// The index of open executions, each entry with the look at it.
    pub fn open_entries(&self) -> Vec<(NextLook, DueEntry)> {
        let table = self.lock();
        let records = table.records.values();
        records
            .filter_map(|record| table.open_entry(record))
            .collect()
    }

    /// Every incident of a tenant, and the executions that met it.
    pub fn incidents(&self, tenant: &str) -> Vec<(Incident, Vec<Link>)> {
        let table = self.lock();
        let incidents = table.records.values().filter_map(|record| match record {
            AnyRecord::Incident(incident) if incident.tenant == tenant => Some(incident),
            _ => None,
        });
        let with_links = incidents.map(|incident| {
            let links = table.links.values();
            let links = links
                .filter(|link| (&link.tenant, &link.incident) == (&incident.tenant, &incident.id));
            (Incident::clone(incident), links.cloned().collect())
        });
        with_links.collect()
    }
}

impl Ledger for MemoryLedger {
    async fn read<K: RecordKey>(&self, key: &K) -> Result<Option<K::Record>, LedgerError> {
        Ok(self.lock().get(&key.key()))
    }

    async fn put<R: Record>(&self, record: &R, expect: Expect) -> Result<Put<R>, LedgerError> {
        let mut table = self.lock();
        if let Some(stored) = table.conflict(record, expect) {
            return Ok(Put::Lost(stored));
        }
        table.insert(record);
        Ok(Put::Done)
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let mut table = self.lock();
        if let Some(stored) = table.conflict(execution, expect) {
            return Ok(CountedPut::Lost(stored));
        }
        let count = |counter: &Counter| table.counts.get(counter).copied().unwrap_or_default();
        let places = changes.iter().enumerate();
        let exceeding = places.filter(|(_, change)| !change.fits(count(&change.counter)));
        let exceeding: Vec<_> = exceeding.map(|(place, _)| place).collect();
        if !exceeding.is_empty() {
            return Ok(CountedPut::Refused(exceeding));
        }
        for change in changes {
            *table.counts.entry(change.counter.clone()).or_default() += change.amount;
        }
        table.insert(execution);
        Ok(CountedPut::Done)
    }

    async fn phase_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<EpochAndPhase>, Vec<Control>), LedgerError> {
        let table = self.lock();
        let scopes = Scope::around(&at.tenant, workflow);
        let execution: Option<ExecutionRecord> = table.get(&at.key());
        let phase = execution.map(|execution| execution.epoch_and_phase());
        if table.paused.excludes(&scopes, Timestamp::UNIX_EPOCH) {
            return Ok((phase, Vec::new()));
        }
        let controls = scopes.iter().filter_map(|scope| table.get(&scope.key()));
        let pausing = controls.filter(|control: &Control| control.state == ControlState::Paused);
        Ok((phase, pausing.collect()))
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        let table = self.lock();
        let Some(execution) = table.get(&at.key()) else {
            return Ok(None);
        };
        let (mut steps, mut questions) = (Vec::new(), Vec::new());
        for record in table.records.values() {
            match record {
                AnyRecord::Step(step) if step.at == *at => steps.push(step.as_ref().clone()),
                AnyRecord::Question(question) if question.at == *at => {
                    questions.push(question.as_ref().clone());
                }
                _ => {}
            }
        }
        let snapshot = Snapshot::new(execution, steps, 0).asking(questions);
        Ok(Some(match table.duplicates.get(at) {
            Some(duplicates) => snapshot.repeated(duplicates),
            None => snapshot,
        }))
    }

    async fn count(&self, counter: &Counter) -> Result<i64, LedgerError> {
        Ok(self.lock().counts.get(counter).copied().unwrap_or_default())
    }

    async fn read_link(&self, link: &Link) -> Result<Option<Link>, LedgerError> {
        Ok(self.lock().links.get(&place_of(link)).cloned())
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        let place = place_of(link);
        let mut table = self.lock();
        let stored = table.links.get(&place);
        if stored.is_none_or(|stored| stored.at <= link.at) {
            table.links.insert(place, link.clone());
        }
        Ok(())
    }

    async fn links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> Result<(Vec<Link>, bool), LedgerError> {
        let table = self.lock();
        let links = table
            .links
            .iter()
            .filter(|((of, ..), _)| of == incident)
            .map(|(_, link)| link)
            .skip_while(|link| {
                after.is_some_and(|after| {
                    (&link.execution, link.generation) <= (&after.execution, after.generation)
                })
            });
        let mut page: Vec<_> = links.take(LINKS_PER_PAGE + 1).cloned().collect();
        let more = page.len() > LINKS_PER_PAGE;
        page.truncate(LINKS_PER_PAGE);
        Ok((page, more))
    }

    async fn count_duplicate(
        &self,
        at: &ExecutionKey,
        _: &str,
        duplicate: &Duplicate,
    ) -> Result<(), LedgerError> {
        let mut table = self.lock();
        table
            .duplicates
            .entry(at.clone())
            .or_default()
            .count(duplicate);
        Ok(())
    }
}

impl OpenIndex for MemoryLedger {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueEntry>, LedgerError> {
        let mut due = self.open_entries();
        due.retain(|(look, _)| look.due < now);
        due.sort_by_key(|(look, _)| (!look.urgent, look.due));
        due.truncate(limit);
        Ok(due.into_iter().map(|(_, entry)| entry).collect())
    }

    async fn look_again(
        &self,
        execution: &ExecutionRecord,
        next: NextLook,
    ) -> Result<(), LedgerError> {
        let look = (execution.rev, next);
        self.lock().looks.insert(execution.at.clone(), look);
        Ok(())
    }

    async fn looked_at(&self, question: &Question) -> Result<(), LedgerError> {
        self.lock().looked_at.insert(question.key(), question.rev);
        Ok(())
    }
}

fn place_of(link: &Link) -> (IncidentKey, String, u32) {
    let incident = IncidentKey::new(&link.tenant, &link.incident);
    (incident, link.execution.clone(), link.generation)
}
