//! Holds the world of one run: clock, ledger, objects, target, armed faults, and the story of what
//! happened.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_engine::{Host, ObjectStore, StoreError};
use holdfast_ledger::{MemoryLedger, StepRecord};
use jiff::Timestamp;

use crate::{
    clock::Clock,
    fault::Fault,
    meter::Meter,
    old_behavior::OldBehavior,
    outage::Outage,
    run::KEY,
    simulation::{Facts, Weather},
    target::Target,
};

/// Default start of a run: the time in the specification's example, a Monday.
pub(crate) const START: Timestamp = Timestamp::constant(1_759_150_800, 0);

/// Time by which a measured run starts later. Times have milliseconds on AWS, so that records are
/// as long.
pub(crate) const MEASURED_START_OFFSET: Duration = Duration::from_millis(123);

/// The world that everything in a run shares.
pub(crate) struct World {
    pub(crate) clock: Clock,
    /// Time at which the run starts.
    pub(crate) start: Timestamp,
    pub(crate) ledger: MemoryLedger,
    pub(crate) payloads: Objects,
    pub(crate) receipts: Objects,
    pub(crate) target: Target,
    /// Every version of every step record.
    pub(crate) history: Mutex<Vec<(Timestamp, StepRecord)>>,
    /// Steps that a person decided to retry.
    pub(crate) retried: Mutex<Vec<String>>,
    /// Idempotency key of the start.
    pub(crate) idempotency_key: String,
    /// Hazards of a simulated schedule. A drill has none.
    pub(crate) weather: Option<Weather>,
    /// Audit events of a simulated schedule, if they are derived.
    pub(crate) facts: Option<Mutex<Facts>>,
    /// Old behaviour that is put back, if one is.
    pub(crate) old: Option<OldBehavior>,
    /// Outage of a service that begins during the run.
    pub(crate) outage: Option<Outage>,
    /// Time of an invocation, if the run is measured. Otherwise it lasts as long as its requests.
    pub(crate) call: Option<Duration>,
    /// Counts of a run that is measured.
    pub(crate) meter: Option<Meter>,
    armed: Mutex<Vec<ArmedFault>>,
    story: Option<Mutex<Vec<String>>>,
}

/// A fault that is armed at a place.
#[derive(Debug, Clone)]
pub(crate) struct ArmedFault {
    pub(crate) place: String,
    pub(crate) fault: Fault,
    /// Item that it strikes: the first that reaches the place.
    item: Option<String>,
    struck: u32,
}

impl ArmedFault {
    pub(crate) fn new(place: &str, fault: Fault) -> Self {
        Self {
            place: place.to_owned(),
            fault,
            item: None,
            struck: 0,
        }
    }
}

/// A lock that a panic elsewhere does not break.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(
        start: Timestamp,
        armed: Vec<ArmedFault>,
        target: Target,
        seed: u64,
        records: bool,
    ) -> Self {
        Self {
            clock: Clock::new(start, seed),
            start,
            ledger: MemoryLedger::default(),
            payloads: Objects::default(),
            receipts: Objects::default(),
            target,
            history: Mutex::default(),
            retried: Mutex::default(),
            idempotency_key: KEY.to_owned(),
            weather: None,
            facts: None,
            old: None,
            outage: None,
            call: None,
            meter: None,
            armed: Mutex::new(armed),
            story: records.then(Mutex::default),
        }
    }

    /// Adds a line to the story, if one is recorded.
    pub(crate) fn record(&self, what: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            lock(story).push(format!("{:.3}  {}", self.clock.now(), what()));
        }
    }

    /// Counts something, if the run is measured.
    pub(crate) fn meter(&self, count: impl FnOnce(&Meter)) {
        if let Some(meter) = &self.meter {
            count(meter);
        }
    }

    /// Returns true if every armed fault has come up.
    pub(crate) fn all_struck(&self) -> bool {
        lock(&self.armed).iter().all(|one| one.struck > 0)
    }

    /// Returns the story so far.
    pub(crate) fn story(&self) -> Vec<String> {
        self.story
            .as_ref()
            .map(|story| lock(story).clone())
            .unwrap_or_default()
    }

    /// Returns the fault that strikes now at `place`: the earliest armed one that `fits`. A fault
    /// that does not last is spent.
    pub(crate) fn strikes(
        &self,
        place: &str,
        item: Option<&str>,
        fits: impl Fn(Fault) -> bool,
    ) -> Option<Fault> {
        let mut armed = lock(&self.armed);
        let here = |one: &&mut ArmedFault| {
            let same = one.item.is_none() || one.item.as_deref() == item;
            let ready = one.struck < one.fault.times();
            one.place == place && ready && same && fits(one.fault)
        };
        let one = armed.iter_mut().find(here)?;
        one.item = item.map(str::to_owned);
        one.struck = one.struck.saturating_add(1);
        let fault = one.fault;
        drop(armed);
        let label = item.map_or_else(|| place.to_owned(), |item| format!("{place}[{item}]"));
        self.record(|| format!("fault      {label}: {}", fault.name()));
        Some(fault)
    }
}

/// An object store in memory.
#[derive(Debug, Default)]
pub(crate) struct Objects(Mutex<BTreeMap<String, Vec<u8>>>);

impl Objects {
    /// Returns the bytes under a key.
    pub(crate) fn read(&self, key: &str) -> Option<Vec<u8>> {
        lock(&self.0).get(key).cloned()
    }
}

impl ObjectStore for Objects {
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let mut objects = lock(&self.0);
        let free = !objects.contains_key(key);
        if free {
            objects.insert(key.to_owned(), bytes);
        }
        Ok(free)
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read(key))
    }
}
