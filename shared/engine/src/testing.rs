//! The fakes of the engine's tests: a clock that jumps, a ledger and a store that fail on cue.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};

pub(super) use super::script::{Script, ScriptedCall};
use crate::{
    engine::Engine,
    ports::{Host, ObjectStore, StoreError},
};
use holdfast_admission::ApprovalKeys;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, CountedPut, Counter, CounterChange, Duplicate, EpochAndPhase, ExecutionRecord, Expect,
    IncidentKey, Key, Ledger, LedgerError, Link, MemoryLedger, Put, Record, RecordKey, Snapshot,
};

/// Returns the answer of a future that never really waits.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

/// An engine with everything in memory.
pub(super) type TestEngine = Engine<TestLedger, TestStore, Clock>;

/// Makes an engine whose parts a test can reach, since clones share them.
pub(super) fn engine() -> TestEngine {
    let ledger = TestLedger::default();
    ledger.kept.register("acme");
    Engine {
        ledger,
        payloads: TestStore::default(),
        receipts: TestStore::default(),
        host: Clock::default(),
        approval_keys: ApprovalKeys::default(),
        deployment: None,
    }
}

/// A clock whose time passes only in a sleep or by a test. It begins at 13:00 on the day of the
/// specification's example.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<Mutex<(SignedDuration, u64, Vec<Duration>)>>);

impl Clock {
    pub(super) fn pass(&self, seconds: i64) {
        self.0.lock().unwrap().0 += SignedDuration::from_secs(seconds);
    }

    /// Returns every sleep so far.
    pub(super) fn sleeps(&self) -> Vec<Duration> {
        self.0.lock().unwrap().2.clone()
    }
}

impl Host for Clock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2025-09-29T13:00:00Z".parse().unwrap();
        start + self.0.lock().unwrap().0
    }

    async fn sleep(&self, duration: Duration) {
        let mut clock = self.0.lock().unwrap();
        clock.0 += SignedDuration::try_from(duration).unwrap();
        clock.2.push(duration);
    }

    fn token(&self) -> String {
        let mut clock = self.0.lock().unwrap();
        clock.1 += 1;
        format!("token-{}", clock.1)
    }
}

/// The calls of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Op {
    PutExecution,
    PutStep,
    ExecutionRecord,
    Step,
    Snapshot,
    CountDuplicate,
    PutQuestion,
    PutIncident,
    PutLink,
    Link,
    LinksPage,
    Incident,
    Question,
    Counted,
    ReadWithControls,
    Control,
    Tenant,
}

impl Op {
    fn read(key: &Key) -> Self {
        match key {
            Key::Execution(_) => Self::ExecutionRecord,
            Key::Step(_) => Self::Step,
            Key::Incident(_) => Self::Incident,
            Key::Question(_) => Self::Question,
            Key::Control(_) => Self::Control,
            Key::Tenant { .. } => Self::Tenant,
            other => panic!("the engine reads no {other:?}"),
        }
    }

    fn put(key: &Key) -> Self {
        match key {
            Key::Execution(_) => Self::PutExecution,
            Key::Step(_) => Self::PutStep,
            Key::Question(_) => Self::PutQuestion,
            Key::Incident(_) => Self::PutIncident,
            Key::Control(_) => Self::Control,
            Key::Tenant { .. } => Self::Tenant,
            other => panic!("the engine puts no {other:?}"),
        }
    }
}

/// A fault of one call of a ledger.
pub(super) enum Fault {
    /// The call is not carried out.
    Unavailable,
    /// The call is carried out, and its answer is lost.
    AnswerLost,
    /// Another writer is first.
    After(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Wires {
    calls: Vec<Op>,
    faults: BTreeMap<Op, VecDeque<Option<Fault>>>,
}

/// The ledger in memory behind a wire that counts calls and fails on cue.
#[derive(Clone, Default)]
pub(super) struct TestLedger {
    pub(super) kept: Arc<MemoryLedger>,
    wires: Arc<Mutex<Wires>>,
}

impl TestLedger {
    /// Makes a call of this kind fail, after `pass` calls without a fault.
    pub(super) fn spoil(&self, op: Op, pass: usize, fault: Fault) {
        let mut wires = self.wires.lock().unwrap();
        let faults = wires.faults.entry(op).or_default();
        faults.extend((0..pass).map(|_| None));
        faults.push_back(Some(fault));
    }

    /// Returns the calls since the last time.
    pub(super) fn calls(&self) -> Vec<Op> {
        std::mem::take(&mut self.wires.lock().unwrap().calls)
    }

    async fn call<T>(
        &self,
        op: Op,
        call: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let fault = {
            let mut wires = self.wires.lock().unwrap();
            wires.calls.push(op);
            wires
                .faults
                .get_mut(&op)
                .and_then(VecDeque::pop_front)
                .flatten()
        };
        let unavailable = || Err(LedgerError::Unavailable("cut off".to_owned()));
        match fault {
            None => call.await,
            Some(Fault::Unavailable) => unavailable(),
            Some(Fault::AnswerLost) => call.await.and_then(|_| unavailable()),
            Some(Fault::After(other)) => {
                other();
                call.await
            }
        }
    }
}

impl Ledger for TestLedger {
    async fn read<K: RecordKey>(&self, key: &K) -> Result<Option<K::Record>, LedgerError> {
        self.call(Op::read(&key.key()), self.kept.read(key)).await
    }

    async fn put<R: Record>(&self, record: &R, expect: Expect) -> Result<Put<R>, LedgerError> {
        let op = Op::put(&record.key());
        self.call(op, self.kept.put(record, expect)).await
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let put = self
            .kept
            .put_execution_and_counters(execution, expect, changes);
        self.call(Op::PutExecution, put).await
    }

    async fn phase_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<EpochAndPhase>, Vec<Control>), LedgerError> {
        let read = self.kept.phase_and_controls(at, workflow);
        self.call(Op::ReadWithControls, read).await
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        self.call(Op::Snapshot, self.kept.snapshot(at)).await
    }

    async fn count(&self, counter: &Counter) -> Result<i64, LedgerError> {
        self.call(Op::Counted, self.kept.count(counter)).await
    }

    async fn read_link(&self, link: &Link) -> Result<Option<Link>, LedgerError> {
        self.call(Op::Link, self.kept.read_link(link)).await
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        self.call(Op::PutLink, self.kept.put_link(link)).await
    }

    async fn links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> Result<(Vec<Link>, bool), LedgerError> {
        let page = self.kept.links_page(incident, after);
        self.call(Op::LinksPage, page).await
    }

    async fn count_duplicate(
        &self,
        at: &ExecutionKey,
        workflow: &str,
        duplicate: &Duplicate,
    ) -> Result<(), LedgerError> {
        let count = self.kept.count_duplicate(at, workflow, duplicate);
        self.call(Op::CountDuplicate, count).await
    }
}

/// Objects in memory.
#[derive(Clone, Default)]
pub(super) struct TestStore {
    pub(super) objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    refusals: Arc<Mutex<usize>>,
}

impl TestStore {
    /// Makes the next writes fail.
    pub(super) fn refuse(&self, writes: usize) {
        *self.refusals.lock().unwrap() = writes;
    }
}

impl ObjectStore for TestStore {
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(StoreError("cut off".to_owned()));
        }
        let mut objects = self.objects.lock().unwrap();
        let free = !objects.contains_key(key);
        if free {
            objects.insert(key.to_owned(), bytes);
        }
        Ok(free)
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.objects.lock().unwrap().get(key).cloned())
    }
}
