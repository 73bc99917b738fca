//! The bound of one evaluation: the processor time of its thread, and the clock.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Longest time by the clock of an evaluation whose work has no limit of its own. Only a thread
/// that the system hardly runs needs it.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The end of an evaluation.
///
/// It counts processor time, so that an expression has the same verdict on a busy machine, on an
/// idle one, and on a function with a seventh of a processor. The clock bounds what the caller
/// waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The processor time that this thread will have used.
    processor: Duration,
    clock: Instant,
}

impl Bound {
    /// The bound of an evaluation that begins now on this thread and may take `limit` of processor
    /// time. Its work ends at `until`, if it has an end.
    pub(crate) fn next(limit: Duration, until: Option<Instant>) -> Self {
        Self {
            processor: processor_time() + limit,
            clock: until.unwrap_or_else(|| Instant::now() + MAX_WAIT),
        }
    }

    pub(crate) fn is_reached(self) -> bool {
        Instant::now() >= self.clock || processor_time() >= self.processor
    }
}

/// The processor time that this thread has used.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // The clock of a thread begins at zero and only grows.
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn time_in_which_the_thread_does_not_run_does_not_count() {
        let limit = Duration::from_millis(50);
        let bound = Bound::next(limit, None);
        thread::sleep(2 * limit);
        assert!(!bound.is_reached());
        while !bound.is_reached() {}
        assert!(processor_time() >= bound.processor);
    }

    #[test]
    fn the_end_of_the_work_ends_an_evaluation_that_has_processor_time_left() {
        let bound = Bound::next(MAX_WAIT, Some(Instant::now()));
        assert!(bound.is_reached());
    }
}
