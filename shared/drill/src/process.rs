//! Runs a function in one process, under the fault that strikes it: its calls to the ledger, its
//! death, its pause.

use std::{
    future::{Future, pending, poll_fn},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use holdfast_engine::{Engine, Host};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    AnyRecord, Control, CountedPut, Counter, CounterChange, DueEntry, Duplicate, EpochAndPhase,
    ExecutionRecord, Expect, IncidentKey, Key, Ledger, LedgerError, Link, NextLook, OpenIndex, Put,
    Question, Record, RecordKey, Snapshot,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    fault::Fault,
    functions::DrillEngine,
    old_behavior::put_execution,
    outage::Service,
    signed_approval::approval_keys,
    simulation::{Hazard, Weather},
    store::{Bucket, Store},
    world::{World, lock},
};

/// Duration of a call to the ledger or to a store.
const ROUND_TRIP: Duration = Duration::from_millis(5);

/// A process and the fault that strikes it.
#[derive(Clone)]
pub(crate) struct Process(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    fault: Option<Fault>,
    writes: AtomicU32,
    acted: AtomicBool,
    mood: Mutex<Mood>,
    /// The first snapshot that it read, for an old behaviour.
    first: Mutex<Option<Snapshot>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Alive,
    Dead,
    Paused(Timestamp),
}

impl Process {
    pub(crate) fn new(world: Arc<World>, fault: Option<Fault>) -> Self {
        Self(Arc::new(Inner {
            world,
            fault,
            writes: AtomicU32::new(0),
            acted: AtomicBool::new(false),
            mood: Mutex::new(Mood::Alive),
            first: Mutex::default(),
        }))
    }

    /// Returns the engine as this process runs it.
    pub(crate) fn engine(&self) -> DrillEngine {
        Engine {
            ledger: self.clone(),
            payloads: Store(self.clone(), Bucket::Payloads),
            receipts: Store(self.clone(), Bucket::Receipts),
            host: self.world().clock.clone(),
            approval_keys: approval_keys(),
            deployment: None,
        }
    }

    pub(crate) fn world(&self) -> &Arc<World> {
        &self.0.world
    }

    /// Returns the fault that strikes it.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.0.fault
    }

    /// Ends the process here.
    pub(crate) async fn die<T>(&self) -> T {
        self.0
            .world
            .record(|| "crash      the process dies".to_owned());
        *lock(&self.0.mood) = Mood::Dead;
        pending().await
    }

    /// Pauses the process until `until`, whatever it waits for.
    pub(crate) async fn pause(&self, until: Timestamp) {
        *lock(&self.0.mood) = Mood::Paused(until);
        self.0.world.clock.until(until).await;
    }

    /// Records that its call to the target was made.
    pub(crate) fn has_acted(&self) {
        self.0.acted.store(true, Relaxed);
    }

    /// Runs the work of the process. Returns `None` if it dies before the end.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let mut thaw = None;
        poll_fn(|context| {
            loop {
                if let Some(paused) = &mut thaw {
                    match Future::poll(std::pin::Pin::new(paused), context) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(()) => thaw = None,
                    }
                }
                let answer = work.as_mut().poll(context);
                let mood = std::mem::replace(&mut *lock(&self.0.mood), Mood::Alive);
                match (answer, mood) {
                    (_, Mood::Dead) => return Poll::Ready(None),
                    (Poll::Ready(answer), _) => return Poll::Ready(Some(answer)),
                    (Poll::Pending, Mood::Alive) => return Poll::Pending,
                    (Poll::Pending, Mood::Paused(until)) => {
                        thaw = Some(self.0.world.clock.until(until));
                    }
                }
            }
        })
        .await
    }

    /// Makes a call over the wire, under the fault. Returns `None` if the call is refused or its
    /// answer is lost.
    pub(crate) async fn call<T>(
        &self,
        service: Service,
        write: bool,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        let inner = &*self.0;
        if let Some(weather) = &inner.world.weather {
            return self.call_under(weather, call).await;
        }
        inner.world.clock.sleep(ROUND_TRIP).await;
        let outage = inner.world.outage.as_ref();
        if outage.is_some_and(|outage| outage.refuses(service, inner.world.clock.now())) {
            return None;
        }
        let acted = inner.acted.load(Relaxed);
        match inner.fault {
            Some(Fault::Throttled | Fault::ThrottledAlways | Fault::ThrottledLong) => return None,
            Some(Fault::ThrottledAfterEffect) if acted => return None,
            _ => {}
        }
        let number = if write {
            inner.writes.fetch_add(1, Relaxed) + 1
        } else {
            0
        };
        if number == 1 && inner.fault == Some(Fault::CrashBeforeClaim) {
            return self.die().await;
        }
        let answer = call.await;
        match (inner.fault, number) {
            (Some(Fault::LostClaimAnswer), 1) | (Some(Fault::LostCompletionAnswer), 2) => None,
            (Some(Fault::CrashAfterClaim), 1) | (Some(Fault::CrashAfterEffect), 2) => {
                self.die().await
            }
            _ => Some(answer),
        }
    }

    /// Makes a call to the simulated Step Functions. Returns `None` as [`Self::call`] does.
    pub(crate) async fn call_machines<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        match &self.0.world.weather {
            Some(weather) => self.call_under(weather, call).await,
            None => Some(call.await),
        }
    }

    /// Makes a call of a simulated schedule. Returns `None` as [`Self::call`] does.
    async fn call_under<T>(&self, weather: &Weather, call: impl Future<Output = T>) -> Option<T> {
        let clock = &self.0.world.clock;
        // A random duration lets the schedules differ in who comes first.
        clock
            .sleep(ROUND_TRIP.mul_f64(0.2 + 2.0 * clock.random()))
            .await;
        let (number, hazard) = weather.strike(clock.now());
        self.record_hazard(number, hazard);
        match hazard {
            _ if weather.is_out(clock.now()) => None,
            None | Some(Hazard::Outage(_)) => Some(call.await),
            Some(Hazard::Refusal | Hazard::Permanent | Hazard::AsksToWait) => None,
            Some(Hazard::LostAnswer | Hazard::Silence | Hazard::Deafness) => {
                call.await;
                None
            }
            Some(Hazard::SlowCall(time)) => {
                clock.sleep(time).await;
                Some(call.await)
            }
            Some(Hazard::SlowAnswer(time)) => {
                let answer = call.await;
                clock.sleep(time).await;
                Some(answer)
            }
            Some(Hazard::DeathBefore) => self.die().await,
            Some(Hazard::DeathAfter) => {
                call.await;
                self.die().await
            }
            Some(Hazard::Freeze(time)) => {
                self.freeze(time).await;
                Some(call.await)
            }
        }
    }

    /// Records a hazard that strikes.
    pub(crate) fn record_hazard(&self, number: u32, hazard: Option<Hazard>) {
        if let Some(hazard) = hazard {
            self.0
                .world
                .record(|| format!("hazard     call {number}: {hazard}"));
        }
    }

    /// Stops the process for this time, whatever it waits for.
    pub(crate) async fn freeze(&self, time: Duration) {
        let time = SignedDuration::try_from(time).unwrap_or_default();
        self.pause(self.0.world.clock.now() + time).await;
    }

    /// Notes a written record for the checks and the story.
    fn note(&self, record: AnyRecord) {
        let world = self.world();
        let now = world.clock.now();
        if let Some(facts) = &world.facts {
            lock(facts).note(record.clone(), now);
        }
        match (record, &world.weather) {
            (AnyRecord::Step(step), weather) => {
                world.record(|| format!("ledger     {} is {}", step.label(), step.state.name()));
                if weather.is_none() {
                    lock(&world.history).push((now, *step));
                }
            }
            (AnyRecord::Execution(execution), Some(weather)) if !execution.is_open() => {
                weather.close(&execution.at.execution, now);
            }
            _ => {}
        }
    }

    async fn ask<T>(
        &self,
        write: bool,
        call: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let unavailable = || LedgerError::Unavailable("it throttles".to_owned());
        let answer = self.call(Service::Ledger, write, call).await;
        answer.ok_or_else(unavailable)?
    }
}

/// The ledger as a process reaches it.
impl Ledger for Process {
    async fn read<K: RecordKey>(&self, key: &K) -> Result<Option<K::Record>, LedgerError> {
        self.world().meter(|meter| meter.read(&key.key()));
        self.ask(false, self.world().ledger.read(key)).await
    }

    async fn put<R: Record>(&self, record: &R, expect: Expect) -> Result<Put<R>, LedgerError> {
        let world = self.world();
        let old = world.old.map(|old| old.written(record));
        let record = old.as_ref().unwrap_or(record);
        let write = async {
            let put = world.ledger.put(record, expect).await;
            let done = put == Ok(Put::Done);
            world.meter(|meter| meter.put(record, done, world.clock.now()));
            if done {
                self.note(record.clone().into());
            }
            put
        };
        self.ask(true, write).await
    }

    async fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> Result<CountedPut, LedgerError> {
        let world = self.world();
        let write = async {
            let ledger = &world.ledger;
            let put = put_execution(world.old, ledger, execution, expect, changes).await;
            let done = put == Ok(CountedPut::Done);
            world.meter(|meter| meter.transaction(execution, changes, done, world.clock.now()));
            if done {
                self.note(execution.clone().into());
            }
            put
        };
        self.ask(true, write).await
    }

    async fn phase_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> Result<(Option<EpochAndPhase>, Vec<Control>), LedgerError> {
        self.world().meter(|meter| meter.read_with_controls(at));
        let read = self.world().ledger.phase_and_controls(at, workflow);
        let (phase, controls) = self.ask(false, read).await?;
        let phase = match self.world().old {
            Some(old) => phase.map(|phase| old.seen(phase)),
            None => phase,
        };
        Ok((phase, controls))
    }

    async fn snapshot(&self, at: &ExecutionKey) -> Result<Option<Snapshot>, LedgerError> {
        self.world().meter(|meter| meter.query(at));
        let read = self.ask(false, self.world().ledger.snapshot(at)).await?;
        Ok(match (self.world().old, read) {
            (Some(old), Some(read)) => Some(old.read(read, &mut lock(&self.0.first))),
            (_, read) => read,
        })
    }

    async fn count(&self, counter: &Counter) -> Result<i64, LedgerError> {
        let key = Key::Counter(counter.clone());
        self.world().meter(|meter| meter.read(&key));
        self.ask(false, self.world().ledger.count(counter)).await
    }

    async fn read_link(&self, link: &Link) -> Result<Option<Link>, LedgerError> {
        self.world().meter(|meter| meter.read(&link.key()));
        self.ask(false, self.world().ledger.read_link(link)).await
    }

    async fn put_link(&self, link: &Link) -> Result<(), LedgerError> {
        self.world().meter(|meter| meter.put_small(&link.key()));
        self.ask(true, self.world().ledger.put_link(link)).await
    }

    async fn links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> Result<(Vec<Link>, bool), LedgerError> {
        let page = self.world().ledger.links_page(incident, after);
        self.ask(false, page).await
    }

    async fn count_duplicate(
        &self,
        at: &ExecutionKey,
        workflow: &str,
        duplicate: &Duplicate,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world().ledger;
        let key = Key::Duplicates(at.clone());
        self.world().meter(|meter| meter.put_small(&key));
        let count = ledger.count_duplicate(at, workflow, duplicate);
        self.ask(true, count).await
    }
}

impl OpenIndex for Process {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueEntry>, LedgerError> {
        self.ask(false, self.world().ledger.due(now, limit)).await
    }

    async fn look_again(
        &self,
        execution: &ExecutionRecord,
        next: NextLook,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world().ledger;
        self.ask(true, ledger.look_again(execution, next)).await
    }

    async fn looked_at(&self, question: &Question) -> Result<(), LedgerError> {
        self.ask(true, self.world().ledger.looked_at(question))
            .await
    }
}
