//! Keeps virtual time, which jumps to the next due instant once no future can continue before it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_executor::LocalPool;
use holdfast_engine::Host;
use holdfast_ledger::Duplicate;
use jiff::{SignedDuration, Timestamp};

/// Most jumps of a run. An ordinary run takes hundreds, so a run with more counts as endless.
const MOST_JUMPS: usize = 50_000;

/// A waker or a closure that is due at an instant.
enum Due {
    Wake(Waker),
    Run(Box<dyn FnOnce() + Send>),
}

struct Time {
    now: Timestamp,
    due: BTreeMap<(Timestamp, u64), Due>,
    counted: u64,
    random: u64,
}

/// A clock whose clones share one time. Two runs with the same seed are identical.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<Time>>);

impl Clock {
    /// Creates a clock at `start`.
    pub(crate) fn new(start: Timestamp, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Time {
            now: start,
            due: BTreeMap::new(),
            counted: 0,
            // Xorshift never leaves 0.
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `what` at `at`, even if its caller is gone by then.
    pub(crate) fn at(&self, at: Timestamp, what: impl FnOnce() + Send + 'static) {
        let mut time = self.lock();
        let number = time.number();
        time.due.insert((at, number), Due::Run(Box::new(what)));
    }

    /// Returns a future that resolves at `at`.
    pub(crate) fn until(&self, at: Timestamp) -> Until {
        Until {
            clock: self.clone(),
            at,
            number: None,
        }
    }

    /// Returns a refused repeat of a start, made now.
    pub(crate) fn repeat(&self) -> Duplicate {
        Duplicate {
            id: self.token(),
            at: self.now(),
        }
    }

    /// Returns a random number from 0 up to 1.
    pub(crate) fn random(&self) -> f64 {
        let mut time = self.lock();
        time.random ^= time.random << 13;
        time.random ^= time.random >> 7;
        time.random ^= time.random << 17;
        (time.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Returns the next instant at which something is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.lock().due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Moves the time to `now`, before which nothing is due.
    pub(crate) fn advance(&self, now: Timestamp) {
        let mut time = self.lock();
        time.now = time.now.max(now);
    }

    /// Jumps to the next due instant. Returns false if nothing is due.
    pub(crate) fn jump(&self) -> bool {
        let due = {
            let mut time = self.lock();
            let Some(((at, _), due)) = time.due.pop_first() else {
                return false;
            };
            time.now = time.now.max(at);
            due
        };
        match due {
            Due::Wake(waker) => waker.wake(),
            Due::Run(what) => what(),
        }
        true
    }

    /// Runs everything in `pool` until nothing is due. Returns false after too many jumps.
    pub(crate) fn exhaust(&self, pool: &mut LocalPool) -> bool {
        for _ in 0..MOST_JUMPS {
            pool.run_until_stalled();
            if !self.jump() {
                return true;
            }
        }
        false
    }
}

impl Time {
    fn number(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }
}

impl Host for Clock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let at = self.now().saturating_add(duration);
        self.until(at.unwrap_or(Timestamp::MAX)).await;
    }

    fn token(&self) -> String {
        format!("token-{}", self.lock().number())
    }
}

/// A future that resolves at an instant.
pub(crate) struct Until {
    clock: Clock,
    at: Timestamp,
    number: Option<u64>,
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut time = clock.lock();
        if time.now >= self.at {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| time.number());
        let waker = Due::Wake(context.waker().clone());
        time.due.insert((self.at, number), waker);
        Poll::Pending
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.lock().due.remove(&(self.at, number));
        }
    }
}

/// A place for one value that a future waits for.
pub(crate) struct Slot<T>(RefCell<(Option<T>, Option<Waker>)>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(RefCell::new((None, None)))
    }
}

impl<T> Slot<T> {
    /// Stores a value. It replaces an earlier one that was not taken.
    pub(crate) fn put(&self, value: T) {
        let mut slot = self.0.borrow_mut();
        slot.0 = Some(value);
        if let Some(waker) = slot.1.take() {
            waker.wake();
        }
    }

    /// Waits for the value and takes it.
    pub(crate) fn take(&self) -> impl Future<Output = T> + '_ {
        std::future::poll_fn(|context| {
            let mut slot = self.0.borrow_mut();
            match slot.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    slot.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}
