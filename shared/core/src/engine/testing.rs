//! What the engine's tests run on: a clock that jumps, a ledger and a store that fail on cue, an action that remembers.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{Future, pending},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Engine, Host, ObjectStore, StoreError};
use crate::{
    action::{AnyAction, Boxed, Call, Done, StepError, Verdict},
    keys::ExecutionKey,
    ledger::{
        Expect, Incident, Ledger, LedgerError, Link, MemoryLedger, Meta, Put, Question, Snapshot,
        StepRecord,
    },
};

/// The answer of a future in which nothing really waits.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

/// An engine over everything in memory.
pub(super) type TestEngine = Engine<TestLedger, TestStore, Clock>;

/// An engine whose parts can be reached from outside: clones share them.
pub(super) fn engine() -> TestEngine {
    Engine {
        ledger: TestLedger::default(),
        payloads: TestStore::default(),
        receipts: TestStore::default(),
        host: Clock::default(),
    }
}

/// Time passes only when someone sleeps or a test says so; it begins at 13:00 on the day of the specification's example.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<Mutex<(SignedDuration, u64, Vec<Duration>)>>);

impl Clock {
    pub(super) fn pass(&self, seconds: i64) {
        self.0.lock().unwrap().0 += SignedDuration::from_secs(seconds);
    }

    /// Every pause taken so far.
    pub(super) fn pauses(&self) -> Vec<Duration> {
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
    PutMeta,
    PutStep,
    Meta,
    Step,
    Snapshot,
    CountDuplicate,
    PutQuestion,
    PutIncident,
    PutLink,
    Incident,
}

/// What happens to one call of a ledger.
pub(super) enum Fault {
    /// It is not carried out.
    Unavailable,
    /// It is carried out and the answer is lost.
    AnswerLost,
    /// Somebody else is quicker.
    After(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Wires {
    calls: Vec<Op>,
    faults: BTreeMap<Op, VecDeque<Option<Fault>>>,
}

/// The ledger in memory behind a wire that counts and fails.
#[derive(Clone, Default)]
pub(super) struct TestLedger {
    pub(super) kept: Arc<MemoryLedger>,
    wires: Arc<Mutex<Wires>>,
}

impl TestLedger {
    /// Spoils a call of this kind, after letting `pass` of them through.
    pub(super) fn spoil(&self, op: Op, pass: usize, fault: Fault) {
        let mut wires = self.wires.lock().unwrap();
        let faults = wires.faults.entry(op).or_default();
        faults.extend((0..pass).map(|_| None));
        faults.push_back(Some(fault));
    }

    /// The calls since the last time this was asked.
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
    async fn put_meta(&self, meta: &Meta, expect: Expect) -> Result<Put<Meta>, LedgerError> {
        self.call(Op::PutMeta, self.kept.put_meta(meta, expect))
            .await
    }

    async fn put_step(
        &self,
        record: &StepRecord,
        expect: Expect,
    ) -> Result<Put<StepRecord>, LedgerError> {
        self.call(Op::PutStep, self.kept.put_step(record, expect))
            .await
    }

    async fn put_question(
        &self,
        question: &Question,
        expect: Expect,
    ) -> Result<Put<Question>, LedgerError> {
        self.call(Op::PutQuestion, self.kept.put_question(question, expect))
            .await
    }

    async fn put_incident(
        &self,
        incident: &Incident,
        expect: Expect,
    ) -> Result<Put<Incident>, LedgerError> {
        self.call(Op::PutIncident, self.kept.put_incident(incident, expect))
            .await
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        self.call(Op::PutLink, self.kept.put_link(link)).await
    }

    async fn incident(&self, tenant: &str, id: &str) -> Result<Option<Incident>, LedgerError> {
        self.call(Op::Incident, self.kept.incident(tenant, id))
            .await
    }

    async fn meta(&self, at: &ExecutionKey) -> Result<Option<Meta>, LedgerError> {
        self.call(Op::Meta, self.kept.meta(at)).await
    }

    async fn step(
        &self,
        at: &ExecutionKey,
        step: &str,
        item: Option<&str>,
    ) -> Result<Option<StepRecord>, LedgerError> {
        self.call(Op::Step, self.kept.step(at, step, item)).await
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        self.call(Op::Snapshot, self.kept.snapshot(at)).await
    }

    async fn count_duplicate(&self, at: &ExecutionKey, workflow: &str) -> Result<(), LedgerError> {
        self.call(Op::CountDuplicate, self.kept.count_duplicate(at, workflow))
            .await
    }
}

/// Objects in memory.
#[derive(Clone, Default)]
pub(super) struct TestStore {
    pub(super) objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    refusals: Arc<Mutex<usize>>,
}

impl TestStore {
    /// The next writes fail.
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

/// What the action does when it is called.
pub(super) enum Does {
    /// Acts and answers this.
    Answers(Value),
    /// Acts, and its answer is lost.
    ActsUnheard,
    /// Does nothing and says why.
    Fails(StepError),
    /// Acts and never answers.
    Hangs,
    /// Stops by a bug.
    Panics,
    /// Acts, and answers after other things have happened.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

/// A call to undo, and what it was told.
type Undone = (Call, Done<Value, Value>);

/// An action that follows a script, then answers with its key; its target honours idempotency keys.
#[derive(Clone, Default)]
pub(super) struct Script {
    does: Arc<Mutex<VecDeque<Does>>>,
    /// Every call and its input.
    pub(super) calls: Arc<Mutex<Vec<(Call, Value)>>>,
    effects: Arc<Mutex<BTreeMap<String, Value>>>,
    undoes: Arc<Mutex<VecDeque<Does>>>,
    /// Every call to undo, and what it was told.
    pub(super) undone: Arc<Mutex<Vec<Undone>>>,
    /// Whether its target can be asked.
    pub(super) tells: bool,
}

impl Script {
    pub(super) fn of(does: impl IntoIterator<Item = Does>) -> Self {
        let script = Self::default();
        script.does.lock().unwrap().extend(does);
        script
    }

    /// The same with a script for its undo.
    pub(super) fn undoing(self, does: impl IntoIterator<Item = Does>) -> Self {
        self.undoes.lock().unwrap().extend(does);
        self
    }

    /// How often it was called.
    pub(super) fn times(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// How many effects stand at the target.
    pub(super) fn effects(&self) -> usize {
        self.effects.lock().unwrap().len()
    }

    fn act(&self, call: &Call, answer: Value) -> Value {
        let mut effects = self.effects.lock().unwrap();
        effects.entry(call.key.clone()).or_insert(answer).clone()
    }
}

impl AnyAction for Script {
    fn run<'a>(&'a self, call: &'a Call, input: Value) -> Boxed<'a, Result<Value, StepError>> {
        Box::pin(async move {
            self.calls.lock().unwrap().push((call.clone(), input));
            let does = self.does.lock().unwrap().pop_front();
            let usual = json!({ "done": call.step });
            match does {
                None => Ok(self.act(call, usual)),
                Some(Does::Answers(answer)) => Ok(self.act(call, answer)),
                Some(Does::ActsUnheard) => {
                    self.act(call, usual);
                    Err(StepError::unknown("the connection dropped"))
                }
                Some(Does::Fails(error)) => Err(error),
                Some(Does::Hangs) => {
                    self.act(call, usual);
                    pending().await
                }
                Some(Does::Panics) => panic!("a bug in an action"),
                Some(Does::Meanwhile(other)) => {
                    let answer = self.act(call, usual);
                    other();
                    Ok(answer)
                }
            }
        })
    }

    fn undo<'a>(
        &'a self,
        call: &'a Call,
        done: Done<Value, Value>,
    ) -> Boxed<'a, Result<(), StepError>> {
        Box::pin(async move {
            self.undone.lock().unwrap().push((call.clone(), done));
            let takes_back = || self.effects.lock().unwrap().remove(&call.forward_key);
            let does = self.undoes.lock().unwrap().pop_front();
            match does {
                None | Some(Does::Answers(_)) => {
                    takes_back();
                    Ok(())
                }
                Some(Does::ActsUnheard) => {
                    takes_back();
                    Err(StepError::unknown("the connection dropped"))
                }
                Some(Does::Fails(error)) => Err(error),
                Some(Does::Hangs) => {
                    takes_back();
                    pending().await
                }
                Some(Does::Panics) => panic!("a bug in an undo"),
                Some(Does::Meanwhile(other)) => {
                    takes_back();
                    other();
                    Ok(())
                }
            }
        })
    }

    fn verify<'a>(
        &'a self,
        call: &'a Call,
        _: Value,
    ) -> Boxed<'a, Result<Verdict<Value>, StepError>> {
        Box::pin(async {
            Ok(match &self.tells {
                false => Verdict::CannotTell,
                true => match self.effects.lock().unwrap().get(&call.forward_key) {
                    Some(output) => Verdict::Happened(output.clone()),
                    None => Verdict::DidNotHappen,
                },
            })
        })
    }
}
