//! The time limit of one admission check, which its schema, guardrails and amounts share.

use std::{fmt, time::Duration};

use holdfast_expression::{Shortage, WorkError, WorkLimit, within};

/// Limit of an admission check, and of each half of a mapping: tenant and key, or the rest.
///
/// A function with 256 MB has 14.5 % of a processor
/// (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), so that it needs 4.2 of the
/// seconds of the clock for all of the processor time. It has 30 seconds for a task, which has at
/// most three checks, and mapping again for its log.
const LIMIT: WorkLimit = WorkLimit {
    processor: Duration::from_millis(600),
    clock: Duration::from_secs(5),
};

/// The reason why a check has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckError {
    /// The check used its processor time, or panicked. Another attempt would end in the same way.
    /// The text is for a caller.
    Unfinished(String),
    /// The machine lacked what the check needs. Another attempt may succeed.
    Shortage(Shortage),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished(why) => f.write_str(why),
            Self::Shortage(shortage) => write!(f, "the admission check did not end: {shortage}"),
        }
    }
}

/// Runs a check on a thread of its own within the time limit, and survives its panic.
pub fn bounded<T: Send + 'static>(
    check: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CheckError> {
    within(LIMIT, check).map_err(|unfinished| match unfinished {
        WorkError::TooSlow => CheckError::Unfinished(format!(
            "its check takes more than {} ms of processor time: send a smaller input",
            LIMIT.processor.as_millis()
        )),
        WorkError::Panicked => {
            let why = "the check broke off, which is a fault of the engine";
            CheckError::Unfinished(why.to_owned())
        }
        WorkError::Shortage(shortage) => CheckError::Shortage(shortage),
    })
}

#[cfg(test)]
mod tests {
    use std::{
        hint::spin_loop,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn a_check_that_gets_no_processor_is_no_verdict_on_its_input() {
        // The check waits as a thread does that the system does not run.
        let (_never, waits) = std::sync::mpsc::channel::<()>();
        let starved = bounded(move || waits.recv());
        assert_eq!(starved, Err(CheckError::Shortage(Shortage::Processor)));
    }

    #[test]
    fn a_check_that_uses_its_processor_time_is_refused_for_good() {
        static OVER: AtomicBool = AtomicBool::new(false);
        // On a busy machine, the clock may end a check first.
        let mut ends = (0..9).map(|_| {
            bounded(|| {
                while !OVER.load(Ordering::Relaxed) {
                    spin_loop()
                }
            })
        });
        let verdict = ends.find(|end| !matches!(end, Err(CheckError::Shortage(_))));
        OVER.store(true, Ordering::Relaxed);
        let why = "its check takes more than 600 ms of processor time: send a smaller input";
        assert_eq!(verdict, Some(Err(CheckError::Unfinished(why.to_owned()))));
    }
}
