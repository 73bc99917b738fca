//! Runs a piece of work within a time limit that all of its evaluations share.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::SHORTAGE,
    limit::{TimeLimit, processor_time},
    thread_clock::ThreadClock,
};

/// The stack of a worker, in bytes.
const STACK: usize = 8 << 20;
/// Shortest wait for work that has nearly used its processor time.
const MIN_WAIT: Duration = Duration::from_millis(10);

/// The limit of a piece of work.
#[derive(Debug, Clone, Copy)]
pub struct WorkLimit {
    /// Most processor time of its thread.
    pub processor: Duration,
    /// Longest time by the clock. Work that the clock ends has no verdict.
    pub clock: Duration,
}

/// The reason why a piece of work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkError {
    /// It used its processor time.
    TooSlow,
    /// It panicked.
    Panicked,
    /// The machine lacked what the work needs. Another attempt may succeed.
    Shortage(Shortage),
}

/// The resource that a machine lacked for a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The system gave it no thread, so that it did not begin.
    Thread,
    /// The clock ended it before it had its processor time.
    Processor,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thread => "the machine gave it no thread: try it again",
            Self::Processor => SHORTAGE,
        })
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Workers that wait for a job. Each keeps its evaluator.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

thread_local! {
    /// The limit of the work that this thread does, if it has one.
    static LIMIT: Cell<Option<TimeLimit>> = const { Cell::new(None) };
    /// True if the clock ended an evaluation of this work.
    static UNDECIDED: Cell<bool> = const { Cell::new(false) };
    /// Reports to the waiting caller that this thread's work panicked.
    static ON_PANIC: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// The limit of the work that this thread does, if it has one.
pub(crate) fn limit_of_work() -> Option<TimeLimit> {
    LIMIT.get()
}

/// Notes that the clock ended an evaluation of this work, so that the work has no verdict.
pub(crate) fn leave_undecided() {
    UNDECIDED.set(true);
}

/// Reports the panic of this thread's bounded work to its caller, and parks the thread for ever.
/// Returns at once if the thread has no such work.
///
/// The panic hook of a function calls it before it aborts the process, so that the panic ends only
/// the work.
pub fn end_panicked_work() {
    if let Some(on_panic) = ON_PANIC.take() {
        on_panic();
        loop {
            thread::park();
        }
    }
}

/// Runs `work` on a thread of its own for at most `limit`, and survives its panic.
///
/// An evaluation ends shortly before the limit, so that the work can still report it. Other work
/// cannot be ended from outside, so that its thread is left behind until it ends, at the lowest
/// priority.
pub fn within<T: Send + 'static>(
    limit: WorkLimit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkError> {
    let (answer, answers) = channel();
    let clock = Arc::new(OnceLock::new());
    let begun = Arc::clone(&clock);
    let panicked = answer.clone();
    let job = Box::new(move || {
        let _ = begun.set(ThreadClock::of_this_thread());
        // A send fails if the caller has gone, because the limit is over.
        ON_PANIC.set(Some(Box::new(move || {
            let _ = panicked.send(Err(WorkError::Panicked));
        })));
        let result = run(limit, work);
        ON_PANIC.set(None);
        let _ = answer.send(result);
    });
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let no_thread = WorkError::Shortage(Shortage::Thread);
    let started = || start(STACK).map_err(|_| no_thread);
    let worker = idle.map_or_else(started, Ok)?;
    worker.send(job).map_err(|_| no_thread)?;
    let clock = || clock.get().and_then(Option::as_ref);
    let used = || clock().map_or(Duration::ZERO, ThreadClock::used);
    let result = await_answer(&answers, limit, used);
    if result.is_err()
        && let Some(clock) = clock()
    {
        clock.lower();
    }
    let result = result?;
    // The thread of work that panicked may be parked for ever, so that it takes no further job.
    if !matches!(result, Err(WorkError::Panicked)) {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(worker);
    }
    result
}

/// Runs `work` on this thread.
fn run<T>(limit: WorkLimit, work: impl FnOnce() -> T) -> Result<T, WorkError> {
    let begun = processor_time();
    LIMIT.set(Some(TimeLimit::of_work(limit.processor, limit.clock)));
    UNDECIDED.set(false);
    let result = catch_unwind(AssertUnwindSafe(work)).map_err(|_| WorkError::Panicked)?;
    match UNDECIDED.get() {
        _ if processor_time() - begun >= limit.processor => Err(WorkError::TooSlow),
        true => Err(WorkError::Shortage(Shortage::Processor)),
        false => Ok(result),
    }
}

/// Waits for the answer of work whose thread has `used` so much of its processor time. The error is
/// of work that has not answered.
fn await_answer<T>(
    answers: &Receiver<T>,
    limit: WorkLimit,
    used: impl Fn() -> Duration,
) -> Result<T, WorkError> {
    let end = Instant::now() + limit.clock;
    loop {
        let clock = end.saturating_duration_since(Instant::now());
        // A thread uses no more processor time than the clock shows.
        let processor = limit.processor.saturating_sub(used()).max(MIN_WAIT);
        if let Ok(answer) = answers.recv_timeout(processor.min(clock)) {
            return Ok(answer);
        }
        if used() >= limit.processor {
            return Err(WorkError::TooSlow);
        }
        if Instant::now() >= end {
            return Err(WorkError::Shortage(Shortage::Processor));
        }
    }
}

/// Starts a worker, which ends when its sender is dropped.
fn start(stack: usize) -> io::Result<Sender<Job>> {
    let (worker, jobs) = channel::<Job>();
    let run = move || jobs.into_iter().for_each(|job| job());
    thread::Builder::new().stack_size(stack).spawn(run)?;
    Ok(worker)
}

#[cfg(test)]
mod tests {
    use std::{
        hint::spin_loop,
        sync::atomic::{AtomicBool, Ordering},
    };

    use serde_json::json;

    use super::*;
    use crate::evaluate;

    const SHORT: Duration = Duration::from_millis(200);
    /// Long enough on a busy machine.
    const LONG: Duration = Duration::from_secs(30);
    const LIMIT: WorkLimit = WorkLimit {
        processor: LONG,
        clock: LONG,
    };
    const BUSY: WorkError = WorkError::Shortage(Shortage::Processor);

    #[test]
    fn work_that_ends_in_time_has_its_result() {
        let work = || evaluate("1 + 1", &[]);
        assert_eq!(within(LIMIT, work), Ok(Ok(Some(json!(2)))));
    }

    #[test]
    fn work_that_panics_is_reported_and_the_next_one_runs() {
        let panicked = within(LIMIT, || assert_eq!(1, 2, "on purpose"));
        assert_eq!(panicked, Err(WorkError::Panicked));
        assert_eq!(within(LIMIT, || 3), Ok(3));
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_an_error_and_no_panic() {
        start(usize::MAX / 4).expect_err("no machine has this memory");
    }

    #[test]
    fn many_slow_evaluations_end_with_one_limit() {
        let limit = WorkLimit {
            processor: SHORT,
            ..LIMIT
        };
        let slow = || {
            let begun = processor_time();
            for _ in 0..500 {
                let _ = evaluate("($f := function($n) { $f($n + 1) }; $f(0))", &[]);
            }
            processor_time() - begun
        };
        // Each alone would take 250 ms, and its evaluator is made again.
        match within(limit, slow) {
            Ok(used) => assert!(used < LONG),
            Err(error) => assert_eq!(error, WorkError::TooSlow),
        }
    }

    #[test]
    fn work_that_uses_its_processor_time_is_too_slow() {
        let limit = WorkLimit {
            processor: SHORT,
            ..LIMIT
        };
        static OVER: AtomicBool = AtomicBool::new(false);
        let endless = || {
            while !OVER.load(Ordering::Relaxed) {
                spin_loop()
            }
        };
        assert_eq!(within(limit, endless), Err(WorkError::TooSlow));
        OVER.store(true, Ordering::Relaxed);
        let begun = processor_time();
        let late = || while processor_time() - begun < SHORT + MIN_WAIT {};
        let late = run(limit, late);
        assert_eq!(late, Err(WorkError::TooSlow), "it ended, but too late");
    }

    #[test]
    fn work_that_gets_no_processor_has_no_verdict() {
        let limit = WorkLimit {
            clock: SHORT,
            ..LIMIT
        };
        let (hold, held) = channel::<()>();
        assert_eq!(within(limit, move || held.recv()), Err(BUSY));
        drop(hold);
    }

    #[test]
    fn an_evaluation_that_the_clock_ends_leaves_its_work_without_a_verdict() {
        let limit = WorkLimit {
            clock: Duration::ZERO,
            ..LIMIT
        };
        assert_eq!(run(limit, || evaluate("1 + 1", &[])), Err(BUSY));
        assert!(run(LIMIT, || evaluate("1 + 1", &[])).is_ok());
    }
}
