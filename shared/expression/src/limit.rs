//! The limit of one evaluation: the processor time of its thread, and the clock.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Longest time by the clock of an evaluation whose work has no limit of its own. Only a thread
/// that the system hardly runs needs it.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The end of an evaluation.
///
/// It counts processor time, so that an expression has the same verdict on a busy machine, on an
/// idle one, and on a function with a seventh of a processor. The clock limits what the caller
/// waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimit {
    /// The processor time that this thread will have used.
    processor: Duration,
    clock: Instant,
}

impl TimeLimit {
    /// The limit of an evaluation that begins now on this thread and may take `time` of its
    /// processor. Its work ends at `until`, if it has an end.
    pub(crate) fn next(time: Duration, until: Option<Instant>) -> Self {
        Self {
            processor: processor_time() + time,
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
        let time = Duration::from_millis(50);
        let limit = TimeLimit::next(time, None);
        thread::sleep(2 * time);
        assert!(!limit.is_reached());
        while !limit.is_reached() {}
        assert!(processor_time() >= limit.processor);
    }

    #[test]
    fn the_end_of_the_work_ends_an_evaluation_that_has_processor_time_left() {
        let limit = TimeLimit::next(MAX_WAIT, Some(Instant::now()));
        assert!(limit.is_reached());
    }
}
