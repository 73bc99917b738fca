//! Counts what a run asks of the services that charge for it, and the load of each partition of the
//! ledger.

use std::{collections::BTreeMap, num::NonZero, rc::Rc, sync::Mutex, thread, time::Duration};

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    CounterChange, ExecutionRecord, INDEXES, Item, Key, Partition, PausedScopes, Record,
    read_units_of, write_units, write_units_of,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Drill, STACK,
    envelope::measured_key,
    fault::Fault,
    scenario::Scenario,
    survey::{Stage, play},
    usage::{Load, MeasuredRun, Usage},
    world::lock,
};

/// Time of an invocation in a run that only counts the loads of partitions.
const CALL: Duration = Duration::from_millis(100);
/// Time by which Step Functions charges an Express run
/// (aws.amazon.com/step-functions/pricing).
const CHARGED_MS: u64 = 100;

/// Returns the milliseconds from the start of a run.
fn millis(start: Timestamp, at: Timestamp) -> u64 {
    let lasted = at.duration_since(start).as_millis();
    u64::try_from(lasted).unwrap_or(0)
}

impl Drill {
    /// Returns, for each step that is reached, the scenario in which it fails for good.
    pub fn failures(&self) -> Vec<Scenario> {
        let permanent = |one: &Scenario| match one.strikes.as_slice() {
            [strike] => strike.fault == Fault::Permanent && self.is_step(&strike.place),
            _ => false,
        };
        self.singles().into_iter().filter(permanent).collect()
    }

    fn is_step(&self, place: &str) -> bool {
        let mut steps = self.deployed.steps.iter();
        steps.any(|step| step.name == place)
    }

    /// Runs one scenario, in which every invocation takes `call`, and counts what it asks of each
    /// service. The error names the unknown part of the scenario's name.
    pub fn measure(&self, scenario: &Scenario, call: Duration) -> Result<MeasuredRun, String> {
        let strikes = self.survey.strikes(scenario)?;
        let stage = Stage {
            measures: Some(call),
            key: Some(measured_key(0)),
            ..self.stage(false)?
        };
        let (left, found) = play(&self.deployed, &Rc::default(), &strikes, stage);
        let world = &left.world;
        let mut usage = world.meter.as_ref().map(Meter::usage).unwrap_or_default();
        if let Some(facts) = &world.facts {
            let facts = lock(facts);
            (usage.completed_steps, usage.step_details, usage.events) = facts.volumes();
            let since_start = |at| millis(world.start, at);
            usage.completed_ms = facts.completed().into_iter().map(since_start).collect();
            usage.statistics = facts.statistics();
            usage.metrics = facts.metrics();
        }
        usage.target_calls = world.target.done().len() as u64;
        Ok(MeasuredRun {
            status: found.status,
            usage,
        })
    }

    /// Runs so many executions of one tenant without a fault, each with an idempotency key of its
    /// own, and returns the units of each partition.
    pub fn loads(&self, executions: usize) -> Result<BTreeMap<Partition, Load>, String> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            let shares: Vec<_> = (0..threads)
                .map(|first| {
                    let numbers = (first..executions).step_by(threads);
                    let thread = thread::Builder::new().stack_size(STACK);
                    thread.spawn_scoped(scope, move || self.loads_of(numbers))
                })
                .collect();
            let mut all = BTreeMap::<Partition, Load>::new();
            for share in shares {
                let share = share.map_err(|error| format!("no thread: {error}"))?;
                let share = share.join().map_err(|_| "a run panicked".to_owned())?;
                for (partition, load) in share? {
                    let sum = all.entry(partition).or_default();
                    sum.reads += load.reads;
                    sum.writes += load.writes;
                }
            }
            Ok(all)
        })
    }

    /// The loads of the executions with these numbers, one entry for each partition of each.
    fn loads_of(
        &self,
        numbers: impl Iterator<Item = usize>,
    ) -> Result<Vec<(Partition, Load)>, String> {
        let (parsed, mut loads) = (Rc::default(), Vec::new());
        for number in numbers {
            let stage = Stage {
                measures: Some(CALL),
                key: Some(measured_key(number)),
                ..self.stage(false)?
            };
            let (left, found) = play(&self.deployed, &parsed, &[], stage);
            if found.status.as_deref() != Some("EXECUTED") {
                return Err(format!("execution {number} ended {:?}", found.status));
            }
            let usage = left.world.meter.as_ref().map(Meter::usage);
            loads.extend(usage.unwrap_or_default().partitions);
        }
        Ok(loads)
    }
}

/// Counts the requests of a run.
pub(crate) struct Meter(Mutex<MeterState>);

struct MeterState {
    /// Time at which the run starts.
    start: Timestamp,
    usage: Usage,
    /// The stored items.
    items: BTreeMap<Key, Item>,
}

impl MeterState {
    fn read(&mut self, partition: Partition, bytes: u64) {
        let load = self.usage.partitions.entry(partition).or_default();
        load.reads += read_units_of(bytes);
    }

    fn bytes(&self, key: &Key) -> u64 {
        self.items.get(key).map_or(0, Item::bytes)
    }

    fn write(&mut self, units: Vec<(Partition, u64)>, times: u64) {
        for (partition, units) in units {
            let load = self.usage.partitions.entry(partition).or_default();
            load.writes += units * times;
        }
    }

    /// Writes a record. In a transaction every unit is charged twice.
    fn put(&mut self, key: Key, item: Item, times: u64, at: Timestamp) {
        let units = write_units(self.items.get(&key), &item);
        self.write(units, times);
        let mut indexes = INDEXES.into_iter();
        let listed = indexes.find(|index| index.name == "listed");
        let entry = listed.and_then(|index| item.entry(index));
        let bytes = entry.map_or(0, |entry| entry.bytes());
        self.usage.listed_bytes = self.usage.listed_bytes.max(bytes);
        self.items.insert(key, item);
        self.usage.change_ms.push(millis(self.start, at));
    }

    /// A refused write of an item costs as much as one that changes no index.
    fn refuse(&mut self, key: &Key, item: &Item, times: u64) {
        let size = self.bytes(key).max(item.bytes());
        self.write(vec![(Partition::of(key), write_units_of(size))], times);
    }
}

impl Meter {
    /// Begins to count at this start.
    pub(crate) fn new(start: Timestamp) -> Self {
        Self(Mutex::new(MeterState {
            start,
            usage: Usage::default(),
            items: BTreeMap::new(),
        }))
    }

    /// Returns what it has counted.
    pub(crate) fn usage(&self) -> Usage {
        lock(&self.0).usage.clone()
    }

    fn count(&self, change: impl FnOnce(&mut Usage)) {
        change(&mut lock(&self.0).usage);
    }

    /// Counts the transitions of a state machine that ended.
    pub(crate) fn transitions(&self, count: u64) {
        self.count(|usage| usage.transitions += count);
    }

    /// Counts a run of an Express state machine that lasted so long.
    pub(crate) fn express_run(&self, lasted: SignedDuration) {
        let ms = u64::try_from(lasted.as_millis()).unwrap_or(0);
        self.count(|usage| {
            usage.express_runs += 1;
            usage.express_ms += ms.next_multiple_of(CHARGED_MS);
        });
    }

    /// Counts a status event.
    pub(crate) fn status_event(&self) {
        self.count(|usage| usage.status_events += 1);
    }

    /// Counts requests by which people decide.
    pub(crate) fn votes(&self, count: usize) {
        self.count(|usage| usage.votes += count as u64);
    }

    /// Counts an invocation of a function.
    pub(crate) fn call(&self) {
        self.count(|usage| usage.calls += 1);
    }

    /// Counts a signed receipt.
    pub(crate) fn receipt_signed(&self) {
        self.count(|usage| usage.receipts_signed += 1);
    }

    /// Counts a request to an object store.
    pub(crate) fn object(&self, put: bool) {
        self.count(|usage| match put {
            true => usage.objects_put += 1,
            false => usage.objects_got += 1,
        });
    }

    /// Counts a read of the item under a key.
    pub(crate) fn read(&self, key: &Key) {
        let mut state = lock(&self.0);
        state.usage.ledger_requests += 1;
        let bytes = state.bytes(key);
        state.read(Partition::of(key), bytes);
    }

    /// Counts the request that reads an execution record and a copy of the controls. No measured
    /// run is paused.
    pub(crate) fn read_with_controls(&self, at: &ExecutionKey) {
        let mut state = lock(&self.0);
        state.usage.ledger_requests += 1;
        let copy = Key::ControlCopy(PausedScopes::copy_of(at));
        for key in [copy, Key::Execution(at.clone())] {
            let bytes = state.bytes(&key);
            state.read(Partition::of(&key), bytes);
        }
    }

    /// Counts a query of every record of an execution.
    pub(crate) fn query(&self, at: &ExecutionKey) {
        let mut state = lock(&self.0);
        state.usage.ledger_requests += 1;
        let partition = Partition::of(&Key::Execution(at.clone()));
        let items = state.items.iter();
        let found = items.filter(|(key, _)| key.pk() == partition.hash);
        let bytes = found.map(|(_, item)| item.bytes()).sum();
        state.read(partition, bytes);
    }

    /// Counts a conditional write, whether it was done or refused.
    pub(crate) fn put<R: Record>(&self, record: &R, done: bool, at: Timestamp) {
        let mut state = lock(&self.0);
        state.usage.ledger_requests += 1;
        let (key, item) = (record.key(), Item::of(record).unwrap_or_default());
        match done {
            true => state.put(key, item, 1, at),
            false => state.refuse(&key, &item, 1),
        }
    }

    /// Counts a transaction of a record and of counters, whether it was done or refused.
    pub(crate) fn transaction(
        &self,
        execution: &ExecutionRecord,
        changes: &[CounterChange],
        done: bool,
        at: Timestamp,
    ) {
        let mut state = lock(&self.0);
        state.usage.ledger_requests += 1;
        let (key, item) = (execution.key(), Item::of(execution).unwrap_or_default());
        match done {
            true => state.put(key, item, 2, at),
            false => state.refuse(&key, &item, 2),
        }
        for change in changes {
            let partition = Partition::of(&Key::Counter(change.counter.clone()));
            state.write(vec![(partition, 1)], 2);
        }
    }

    /// Counts a write of a small item of another kind.
    pub(crate) fn put_small(&self, key: &Key) {
        let mut state = lock(&self.0);
        state.usage.ledger_requests += 1;
        state.write(vec![(Partition::of(key), 1)], 1);
    }
}

#[cfg(test)]
mod tests {
    use holdfast_ledger::{Counter, CounterKind, fixtures};

    use super::*;
    use crate::world::START;

    #[test]
    fn a_refused_write_or_transaction_costs_what_a_done_one_costs_and_no_index_write() {
        let execution = fixtures::execution(&fixtures::key("k-1"));
        let change = CounterChange {
            counter: Counter {
                tenant: "acme".to_owned(),
                kind: CounterKind::Open,
                name: "WF-HOLD".to_owned(),
                period: String::new(),
            },
            amount: 1,
            most: Some(1),
            until: None,
        };
        let usage = |count: &dyn Fn(&Meter)| {
            let meter = Meter::new(START);
            count(&meter);
            meter.usage()
        };
        let (changes, at) = ([change], START);
        let transaction = |done| usage(&|meter| meter.transaction(&execution, &changes, done, at));
        let put = |done| usage(&|meter| meter.put(&execution, done, at));
        for (done, refused, units) in [
            (transaction(true), transaction(false), 4),
            (put(true), put(false), 1),
        ] {
            assert_eq!(
                (done.table_writes(), refused.table_writes()),
                (units, units)
            );
            assert_eq!((done.changes(), refused.changes()), (1, 0));
            assert!(done.index_writes() > 0);
            assert_eq!(refused.index_writes(), 0);
        }
    }
}
