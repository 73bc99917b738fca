//! Fuzzing of texts that strangers write: definitions and requests with random changes, and starts
//! through every door. Others are the claims of tokens, and expressions that are made to take long.
//!
//! Each target runs for `FUZZ_SECONDS`, 60 by default, side by side (`make fuzz SECONDS=600`). A
//! failing case is shrunk and shown.

mod attacks;
mod bounds;
mod claims;
mod definition;
mod doors;
mod envelope;
mod expression;
mod hostile;
mod mutate;

use std::{
    env, panic,
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestCaseError, TestRunner},
};

/// The allocator of the functions, so that `bounds` measures the memory that they need.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time after which a case counts as hanging. A case takes seconds at worst on a busy machine.
const HANGS: Duration = Duration::from_secs(120);

/// Judges cases until the time is up.
pub(crate) fn fuzz<S: Strategy>(
    name: &'static str,
    cases: S,
    judge: fn(S::Value) -> Result<(), String>,
) where
    S::Value: Send + Clone + 'static,
{
    let seconds = env::var("FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    let until = Instant::now() + Duration::from_secs(seconds);
    let config = Config {
        cases: 64,
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Config::default()
    };
    let mut tried = 0_u64;
    while tried == 0 || Instant::now() < until {
        // A runner is used up after its cases.
        let ran = TestRunner::new(config.clone()).run(&cases, |case| {
            watched(case, judge).map_err(TestCaseError::fail)
        });
        if let Err(error) = ran {
            panic!("{name}, after {tried} cases: {error}");
        }
        tried += 64;
    }
    eprintln!("{name}: {tried} cases");
}

/// Judges one case in a thread of its own, so that a hanging case is an error like any other.
fn watched<T: Send + 'static>(case: T, judge: fn(T) -> Result<(), String>) -> Result<(), String> {
    let (sender, receiver) = channel();
    let work = move || {
        let judged = panic::catch_unwind(panic::AssertUnwindSafe(|| judge(case)));
        // A case that hung has no receiver any more.
        let _ = sender.send(judged.unwrap_or_else(|_| Err("it panicked".to_owned())));
    };
    let spawned = thread::Builder::new().stack_size(2 << 20).spawn(work);
    spawned.map_err(|error| error.to_string())?;
    match receiver.recv_timeout(HANGS) {
        Ok(judged) => judged,
        Err(RecvTimeoutError::Timeout) => Err("it hangs".to_owned()),
        Err(RecvTimeoutError::Disconnected) => Err("its thread died".to_owned()),
    }
}
