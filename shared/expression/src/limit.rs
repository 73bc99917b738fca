//! The limit of one evaluation, and of the work around it: the processor time of its thread, and
//! the clock.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::error::{EvaluationError, EvaluationLimit};

/// Longest time by the clock of an evaluation whose work has no limit of its own. Only a thread
/// that the system hardly runs needs it.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The end of an evaluation.
///
/// It counts processor time, so that an expression has the same verdict on a busy machine, on an
/// idle one, and on a function with a seventh of a processor. The clock limits what the caller
/// waits, and is no verdict on the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimit {
    /// The processor time that this thread will have used.
    processor: Duration,
    clock: Instant,
    /// The limit that a message names.
    named: EvaluationLimit,
}

impl TimeLimit {
    /// The limit of the evaluations of a work that begins now on this thread. They end shortly
    /// before the work does, so that the work can report it.
    pub(crate) fn of_work(processor: Duration, clock: Duration) -> Self {
        let part = |time: Duration| time - time / 10;
        Self {
            processor: processor_time() + part(processor),
            clock: Instant::now() + part(clock),
            named: EvaluationLimit::Work(processor),
        }
    }

    /// The limit of an evaluation that begins now on this thread and may take `time` of its
    /// processor, within what is left to its work.
    pub(crate) fn next(time: Duration, work: Option<Self>) -> Self {
        let own = Self {
            processor: processor_time() + time,
            clock: Instant::now() + MAX_WAIT,
            named: EvaluationLimit::Time(time),
        };
        match work {
            None => own,
            Some(work) if work.processor < own.processor => work,
            Some(Self { clock, .. }) => Self { clock, ..own },
        }
    }

    pub(crate) fn is_reached(self) -> bool {
        Instant::now() >= self.clock || processor_time() >= self.processor
    }

    /// The error of an evaluation that this limit ended.
    pub(crate) fn error(self) -> EvaluationError {
        match processor_time() >= self.processor {
            true => EvaluationError::Limit(self.named),
            false => EvaluationError::Shortage,
        }
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

    const TIME: Duration = Duration::from_millis(50);

    #[test]
    fn time_in_which_the_thread_does_not_run_does_not_count() {
        let limit = TimeLimit::next(TIME, None);
        thread::sleep(2 * TIME);
        assert!(!limit.is_reached());
        while !limit.is_reached() {}
        assert!(processor_time() >= limit.processor);
        let error = EvaluationError::Limit(EvaluationLimit::Time(TIME));
        assert_eq!(limit.error(), error);
    }

    #[test]
    fn the_clock_of_the_work_ends_an_evaluation_without_a_verdict() {
        let work = TimeLimit::of_work(MAX_WAIT, Duration::ZERO);
        let limit = TimeLimit::next(TIME, Some(work));
        assert!(limit.is_reached());
        assert_eq!(limit.error(), EvaluationError::Shortage);
    }

    #[test]
    fn an_evaluation_has_the_processor_time_that_is_left_to_its_work() {
        let work = TimeLimit::of_work(TIME, MAX_WAIT);
        let limit = TimeLimit::next(2 * TIME, Some(work));
        while !limit.is_reached() {}
        let error = EvaluationError::Limit(EvaluationLimit::Work(TIME));
        assert_eq!(limit.error(), error);
    }
}
