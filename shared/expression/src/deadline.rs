//! Runs a piece of work within a time limit that all of its evaluations share.

use std::{
    cell::Cell,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// The stack of a worker, in bytes.
const STACK: usize = 8 << 20;

/// The reason why a piece of work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkError {
    /// It did not end within its limit.
    TooSlow,
    /// It panicked.
    Panicked,
    /// The system gave it no thread, so that it did not begin.
    NoThread,
}

type Job = Box<dyn FnOnce() + Send>;

/// Workers that wait for a job. Each keeps its evaluator.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

thread_local! {
    /// The end of the work that this thread does, if it has one.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The end of the work that this thread does, if it has one.
pub(crate) fn end_of_work() -> Option<Instant> {
    UNTIL.get()
}

/// Runs `work` on a thread of its own for at most `limit`, and survives its panic.
///
/// An evaluation ends shortly before the limit, so that the work can still report it. Other work
/// cannot be ended from outside, so that its thread is left behind until it ends.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkError> {
    let until = Instant::now() + limit - limit / 10;
    let (answer, answers) = channel();
    let job = Box::new(move || {
        UNTIL.set(Some(until));
        let result = catch_unwind(AssertUnwindSafe(work));
        // The caller has gone if the limit is over.
        let _ = answer.send(result.map_err(|_| WorkError::Panicked));
    });
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let started = || start(STACK).map_err(|_| WorkError::NoThread);
    let worker = idle.map_or_else(started, Ok)?;
    worker.send(job).map_err(|_| WorkError::NoThread)?;
    let result = match answers.recv_timeout(limit) {
        Ok(result) => result?,
        Err(_) => return Err(WorkError::TooSlow),
    };
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    idle.push(worker);
    Ok(result)
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
    use serde_json::json;

    use super::*;
    use crate::evaluate;

    const SHORT: Duration = Duration::from_millis(200);
    /// Long enough on a busy machine.
    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn work_that_ends_in_time_has_its_result() {
        let work = || evaluate("1 + 1", &[]);
        assert_eq!(within(LONG, work), Ok(Ok(Some(json!(2)))));
    }

    #[test]
    fn work_that_panics_is_reported_and_the_next_one_runs() {
        let panicked = within(LONG, || assert_eq!(1, 2, "on purpose"));
        assert_eq!(panicked, Err(WorkError::Panicked));
        assert_eq!(within(LONG, || 3), Ok(3));
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_an_error_and_no_panic() {
        start(usize::MAX / 4).expect_err("no machine has this memory");
    }

    #[test]
    fn an_evaluation_ends_before_the_limit_of_its_work() {
        let begun = Instant::now();
        let end = within(LONG, end_of_work).expect("it ends");
        assert!(end.expect("a limit") < begun + LONG);
    }

    #[test]
    fn many_slow_evaluations_end_with_one_limit() {
        let begun = Instant::now();
        let slow = || {
            for _ in 0..50 {
                let _ = evaluate("($f := function($n) { $f($n + 1) }; $f(0))", &[]);
            }
        };
        let _ = within(SHORT, slow);
        assert!(begun.elapsed() < LONG);
    }

    #[test]
    fn work_without_an_end_is_left_behind() {
        let (hold, held) = channel::<()>();
        let stuck = within(SHORT, move || held.recv());
        assert_eq!(stuck, Err(WorkError::TooSlow));
        drop(hold);
    }
}
