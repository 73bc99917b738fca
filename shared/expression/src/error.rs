//! The reasons why an evaluation has no result.

use std::{fmt, time::Duration};

/// The reason why an evaluation has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvaluationError {
    /// JSONata's own message. It may quote the tenant's data, so that it must not reach a log.
    Expression(String),
    /// A limit ended the evaluation. The evaluator may have lost parts of its state.
    Limit(EvaluationLimit),
    /// The clock ended the evaluation before it had its processor time. Another attempt may
    /// succeed.
    Shortage,
}

impl EvaluationError {
    /// Says of `subject` why it has no value for `data`, such as an input, and what would help. The
    /// text quotes no data.
    pub fn reason(&self, subject: &str, data: &str) -> String {
        match self {
            Self::Expression(_) => format!("{subject} cannot be evaluated for this {data}"),
            Self::Limit(limit) => format!(
                "{subject} {limit} for this {data}: it needs a smaller {data}, or a simpler expression"
            ),
            Self::Shortage => format!("{subject}: {self}"),
        }
    }
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression(message) => f.write_str(message),
            Self::Limit(limit) => write!(f, "it {limit}"),
            Self::Shortage => f.write_str(SHORTAGE),
        }
    }
}

/// The message of the clock.
pub(crate) const SHORTAGE: &str = "the machine gave it too little processor time: try it again";

/// A limit of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluationLimit {
    /// The processor time of one evaluation.
    Time(Duration),
    /// The processor time of a whole work.
    Work(Duration),
    /// The memory of one evaluation, in bytes.
    Memory(usize),
}

impl fmt::Display for EvaluationLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => {
                write!(
                    f,
                    "takes more than {} ms of processor time",
                    time.as_millis()
                )
            }
            Self::Work(time) => write!(
                f,
                "takes more than is left of {} ms of processor time for the whole check",
                time.as_millis()
            ),
            Self::Memory(bytes) => write!(f, "needs more than {} MB of memory", bytes >> 20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_limit_and_the_fix_and_no_data() {
        let of = |error: EvaluationError| error.reason("`until`", "answer");
        let time = EvaluationLimit::Time(Duration::from_millis(250));
        assert_eq!(
            of(EvaluationError::Limit(time)),
            "`until` takes more than 250 ms of processor time for this answer: \
             it needs a smaller answer, or a simpler expression"
        );
        let memory = of(EvaluationError::Limit(EvaluationLimit::Memory(96 << 20)));
        assert!(memory.starts_with("`until` needs more than 96 MB of memory for"));
        let data = EvaluationError::Expression("\"V-1\" is no number".to_owned());
        assert_eq!(of(data), "`until` cannot be evaluated for this answer");
    }
}
