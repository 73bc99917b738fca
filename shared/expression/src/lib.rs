//! JSONata expressions: the names that they use, their bounds, their values, and whether they still
//! have one if a step was skipped.

mod absent;
mod bounds;
mod clock;
#[cfg(test)]
mod corpus;
mod deadline;
mod dialect;
mod error;
mod evaluate;
mod evaluator;
mod functions;
mod limit;
mod names;
mod pattern;
mod thread_clock;
mod uses;

pub use absent::{is_absent_if_missing, is_absent_without};
pub use bounds::bounded;
pub use deadline::{Shortage, WorkError, WorkLimit, end_panicked_work, within};
pub use dialect::{MAX_DEPTH, check_depth, check_dialect};
pub use error::{EvaluationError, EvaluationLimit};
pub use evaluate::{evaluate, evaluate_in_state};
pub use evaluator::ClockAndChance;
pub use functions::{FUNCTIONS, STEP_FUNCTIONS};
pub use names::{Read, Use, expression_in};
pub use uses::{plain_read, reads, uses};
